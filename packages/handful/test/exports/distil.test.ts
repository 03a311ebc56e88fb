/** A classifier that holds its training images, taken away as a small one: on strokes, from the command line to verify. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeModel, decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fit } from '../../src/jobs/fit/command.js'
import { handful } from '../cli/harness.js'
import { heads, makeRun } from './make-run.js'

let folder: string
const file = (name: string): string => path.join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-distil-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const images = 900

test(
  'strokes: the small file agrees with the whole one, says how well, and verify holds it to that',
  { timeout: 300_000 },
  async () => {
    const run = file('run')
    const made = ['--dataset', 'strokes', '--count', String(images), '--model', 'none', '--patches', '32', '--draws', '1', '--head', 'propagation', '--labels-per-class', '8'] // prettier-ignore
    expect((await handful(['fit', ...made, '--threads', '1', '--out', run], { fit: fit.run })).exit).toBe(0)
    const whole = await handful(['export', run, '--threads', '1', '--out', file('whole.onnx')])
    const small = await handful(['export', run, '--threads', '1', '--out', file('small.onnx'), '--distil'])
    expect([whole.exit, small.exit]).toEqual([0, 0])
    expect(small.stderr).toMatch(
      /distilled: \d\d\.\d % of 90 training images that it was not fitted to get the class/,
    )

    // Nothing in the file is as long as there are images.
    const longest = async (name: string): Promise<number> =>
      Math.max(
        ...decodeModel(await readFile(file(name))).graph.initializers.map(({ shape }) =>
          Math.max(0, ...shape),
        ),
      )
    expect(await longest('whole.onnx')).toBe(images)
    expect(await longest('small.onnx')).toBeLessThan(images)
    expect((await stat(file('small.onnx'))).size).toBeLessThan((await stat(file('whole.onnx'))).size)

    const about = JSON.parse(await readFile(file('small.json'), 'utf8'))
    const { agreement, images: counted, from, difference, test: tested } = about.distilled
    expect([from, counted]).toEqual(['neighbours', 90])
    expect(agreement.value).toBeGreaterThan(0.85)
    expect(agreement.low).toBeLessThan(agreement.value)
    expect(difference).toBeLessThan(0.2)
    expect(JSON.parse(await readFile(file('whole.json'), 'utf8')).distilled).toBeUndefined()
    const card = await readFile(file('small.card.md'), 'utf8')
    expect(card).toContain(
      `of 90 training images that it was not fitted to, ${(100 * agreement.value).toFixed(1)} %`,
    )

    // The share is what the two files themselves say of the same images.
    const { arrays } = decodeSafetensors(await readFile(file('small.test.safetensors')))
    const other = decodeSafetensors(await readFile(file('whole.test.safetensors'))).arrays
    const rows = (data: unknown): number[] => {
      const values = data as Float32Array
      return Array.from({ length: values.length / 10 }, (_, i) => {
        const row = values.subarray(10 * i, 10 * i + 10)
        return row.indexOf(Math.max(...row))
      })
    }
    expect(arrays['whole-head'].data).toEqual(other.probabilities.data)
    const [mine, theirs] = [rows(arrays.probabilities.data), rows(other.probabilities.data)]
    expect(tested.same).toBe(mine.filter((best, i) => best === theirs[i]).length)

    const verified = await handful(['verify', file('small.onnx'), '--threads', '1'])
    expect([verified.exit, verified.stdout]).toEqual([
      0,
      expect.stringMatching(/the class of the whole classifier for \d+ of/),
    ])
    // Probabilities of the whole head that are not those it was measured against, with a hash that suits them.
    const turned = (arrays['whole-head'].data as Float32Array).map(
      (_, at, all) => all[at % 10 === 0 ? at + 9 : at - 1],
    )
    const changed = encodeSafetensors({ ...arrays, 'whole-head': { ...arrays['whole-head'], data: turned } })
    await writeFile(file('small.test.safetensors'), changed)
    about.files.test = {
      ...about.files.test,
      bytes: changed.length,
      sha256: createHash('sha256').update(changed).digest('hex'),
    }
    await writeFile(file('small.json'), JSON.stringify(about))
    const refused = await handful(['verify', file('small.onnx'), '--threads', '1'])
    expect([refused.exit, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/got the class of the whole head for \d+ test images/),
    ])
  },
)

test('a classifier that is small already is not distilled', async () => {
  const { folder: run } = await makeRun(folder, { patches: 4, head: heads.linear })
  const { exit, stderr } = await handful(['export', run, '--out', file('linear.onnx'), '--distil'])
  expect([exit, stderr]).toEqual([
    2,
    expect.stringMatching(/--distil: got a classifier that is small already/),
  ])
})
