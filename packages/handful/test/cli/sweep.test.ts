/** `handful sweep`: from a small diffusion run on generated handwriting to flags, and what it refuses. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { Random } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCsv } from '../../src/files/csv.js'
import { studySchema } from '../../src/study/all-sections.js'
import { handful } from './harness.js'

let parent: string
let run: string

/** Bars that stand or lie, 12x12, with a test split. */
beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-sweep-'))
  run = path.join(parent, 'run')
  const images = path.join(parent, 'images')
  const random = new Random(0, 'images')
  for (const place of ['train/standing', 'train/lying', 'test/standing', 'test/lying']) {
    await mkdir(path.join(images, place), { recursive: true })
    for (let i = 0; i < 20; i++) {
      const [at, standing] = [random.integer(12), place.endsWith('standing')]
      const pixels = Uint8Array.from(
        { length: 144 },
        (_, pixel) =>
          random.integer(40) + (at === (standing ? pixel % 12 : Math.floor(pixel / 12)) ? 200 : 0),
      )
      await sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } })
        .png()
        .toFile(path.join(images, place, `${i}.png`))
    }
  }
  const small = ['width=8', 'groups=2', 'blocks=1', 'batch=8'].flatMap((each) => ['--set', each])
  const pretrain = [
    'pretrain',
    images,
    '--size',
    '12',
    '--model',
    'diffusion',
    '--steps',
    '4',
    '--out',
    run,
    ...small,
  ]
  const trained = await handful(pretrain)
  expect(trained.stderr).not.toMatch(/error/i)
  expect(trained.exit).toBe(0)
}, 60_000)

afterAll(() => rm(parent, { recursive: true }))

const few = [
  '--labels-per-class',
  '3',
  '--draws',
  '2',
  '--noise-levels',
  '10,300',
  '--layers',
  'middle.1,up0.0',
]

describe('handful sweep', () => {
  test('writes numbers, a table and a figure, and prints what is chosen as flags that handful features takes', async () => {
    const out = path.join(parent, 'out')
    const args = ['sweep', run, ...few, '--head', 'ridge', '--out', out, '--compare-at', '2,5']
    const { exit, stdout } = await handful(args)
    expect(exit).toBe(0)
    expect((await readdir(out)).sort()).toEqual(['noise-levels.svg', 'stages', 'sweep.csv', 'sweep.json'])
    const saved = JSON.parse(await readFile(path.join(out, 'sweep.json'), 'utf8')) as { sweep: unknown }
    const sweep = studySchema.shape.sweep.unwrap().parse(saved.sweep)
    expect(sweep.points).toHaveLength(6)
    const table = parseCsv(await readFile(path.join(out, 'sweep.csv'), 'utf8'), 'sweep.csv')
    expect(table).toHaveLength(1 + 6 + 1)
    const marked = stdout.split('\n').filter((line) => /^[*o]+ .*(middle|up)/.test(line))
    expect(marked.length).toBeGreaterThan(0)
    expect(stdout).toMatch(/2 labels per class: .* before, .* after/)

    const again = await handful(args)
    expect(again.stderr).toContain('nothing is computed again')
    expect(again.stdout).toBe(stdout)

    const chosen = await handful(['sweep', run, ...few, '--out', out, '--choose', '--quiet'])
    expect(chosen.stdout).toMatch(/^--layers [\w.,]+ --noise-level (10|300)\n$/)
    const features = await handful([
      'features',
      run,
      ...chosen.stdout.trim().split(' '),
      '--out',
      path.join(out, 'f.npy'),
    ])
    expect(features.exit).toBe(0)
  }, 60_000)

  test('shows accuracies with a head that a plugin brings, and does them again when its file changes', async () => {
    const plugin = path.join(parent, 'first.mjs')
    // Always says the class of this number.
    const says = (label: number): string => `
      const predict = async ({ rows }) => ({ rows, columns: 2, data: Float32Array.from({ length: 2 * rows }, (_, i) => Number(i % 2 === ${label})) })
      const parameters = { kind: 'linear', classCount: 2, settings: {}, arrays: {} }
      const fit = async ({ features }) => ({ name: 'one', chosen: {}, parameters, predict, probabilities: () => predict(features) })
      export default { heads: { one: () => ({ name: 'one', fit }) } }`
    await writeFile(plugin, says(1))
    const out = path.join(parent, 'own-head')
    const args = ['sweep', run, ...few, '--head', 'one', '--out', out]
    const { exit, stdout, stderr } = await handful([...args, '--plugin', plugin])
    expect(stderr).not.toMatch(/error/)
    expect(exit).toBe(0)
    expect(stdout).toContain('3 labels per class, one classifier')
    // Half of the test images are of that class.
    expect(stdout.match(/ 50\.0\s%/g)?.length).toBeGreaterThanOrEqual(6)
    expect((await handful([...args, '--plugin', plugin])).stderr).toContain('nothing is computed again')
    await writeFile(plugin, `${says(1)}\n`)
    expect((await handful([...args, '--plugin', plugin])).stderr).not.toContain('nothing is computed again')
    const without = await handful([...args, '--quiet'])
    expect(without.exit).toBe(2)
    expect(without.stderr).toMatch(/--head: got "one"/)
  }, 60_000)

  test.each([
    [['--choose', 'labelfree'], /--choose: got "labelfree".*did you mean --choose label-free/],
    [['--head', 'lineer'], /--head: got "lineer".*did you mean --head linear/],
    [['--noise-levels', '10,2000'], /--noise-levels: got "2000", expected a number from 0 to 1000/],
    [['--layers', 'top'], /layer \(diffusion features\): got "top", expected one of/],
    [['--labels-per-class', '21'], /labels per class.*got 21, expected at most 20/],
    [['--compare-at', '1.5'], /--compare-at: got 1.5, expected whole numbers/],
  ])('refuses %j in one line', async (args, message) => {
    const { exit, stderr } = await handful(['sweep', run, '--quiet', '--noise-levels', '10', ...args])
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(exit).toBe(2)
    expect(await readdir(run)).not.toContain('sweep')
  })
})
