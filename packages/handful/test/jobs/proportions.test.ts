/** `--proportions`: what it is told, and that predictions, the classifier and its export agree with it. */
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCsv } from '../../src/files/csv.js'
import { fit } from '../../src/jobs/fit/command.js'
import { parseFitOptions } from '../../src/jobs/fit/fit-options.js'
import { proportionsOf } from '../../src/jobs/fit/proportions.js'
import { predict } from '../../src/jobs/predict/command.js'
import { Journal } from '../../src/labels/journal.js'
import { handful } from '../cli/harness.js'
import { plain, put } from '../data/support.js'

describe('what is said', () => {
  const three = ['cat', 'dog', 'a=1,b']

  test('is a number for each class in any order, or equal', () => {
    expect(proportionsOf(undefined, three)).toBeUndefined()
    expect(proportionsOf('equal', three)).toEqual([1, 1, 1])
    expect(proportionsOf('dog=.5,a=1,b=2e1,cat=30', three)).toEqual([30, 0.5, 20])
  })

  test.each([
    [
      'cat=3,dog=1',
      '--proportions: got no number for "a=1,b", expected one for each of the classes: cat, dog, a=1,b',
    ],
    [
      'cat=3,dg=1,a=1,b=1',
      '--proportions: got "dg", expected one of the classes: cat, dog or a=1,b; did you mean dog?',
    ],
    ['cat=0,dog=1,a=1,b=1', '--proportions: got "cat"=0, expected a number above 0'],
    ['cat=1,cat=2', '--proportions: got "cat" twice, expected each class once'],
    ['cat', 'got "cat", expected equal, or a number for each class'],
    ['cat=1,dog=-1', 'got "dog=-1", expected equal'],
  ])('is refused where it is no such thing: %s', (text, message) => {
    expect(() => proportionsOf(text, three)).toThrow(message)
  })

  test('is nothing to a network', () => {
    const given = { folder: 'photos', proportions: 'equal' }
    for (const method of ['fixmatch', 'self-training'] as const)
      expect(() => parseFitOptions({ ...given, method }, {})).toThrow(
        '--proportions (options): expected none',
      )
  })
})

const MACHINE = ['--threads', '1']
let parent: string

beforeAll(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'handful-proportions-')))
  const random = new Random(3, 'overlapping')
  const rows: string[] = []
  for (let i = 0; i < 120; i++) {
    // Five in six are cats, and the two overlap.
    const isDog = i % 6 === 0
    const file = i < 12 ? `${isDog ? 'dog' : 'cat'}/${i}.png` : `unlabeled/${i}.png`
    put(
      parent,
      `photos/${file}`,
      await plain(`rgb(${i},${2 * i},0)`, 16)
        .png()
        .toBuffer(),
    )
    rows.push(
      [
        file,
        Number(isDog) + 0.6 * random.normal(),
        1 - Number(isDog) + 0.6 * random.normal(),
        random.normal(),
      ].join(),
    )
  }
  put(parent, 'features.csv', ['file_name,f0,f1,f2', ...rows, ''].join('\n'))
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

async function predicted(run: string): Promise<Map<string, string>> {
  const file = path.join(run, 'predictions.csv')
  const [, ...rows] = parseCsv(await readFile(file, 'utf8'), file)
  return new Map(rows.map(({ fields: [name, , found] }) => [name, found]))
}
const dogs = async (run: string): Promise<number> =>
  [...(await predicted(run)).values()].filter((name) => name === 'dog').length

test('predictions agree with it, those of new images and of an export as well, and a refit goes by it', async () => {
  const made = async (name: string, ...more: string[]): Promise<string> => {
    const out = path.join(parent, name)
    const options = ['--model', 'none', '--patches', '8', '--head', 'auto', ...MACHINE, ...more]
    const { exit, stderr } = await handful(['fit', path.join(parent, 'photos'), '--out', out, ...options], {
      fit: fit.run,
    })
    expect([exit, stderr]).toEqual([0, expect.anything()])
    return out
  }
  const embedded = ['--embeddings', path.join(parent, 'features.csv')]
  const alike = await made('alike', ...embedded, '--patches', '0')
  const known = await made('known', ...embedded, '--patches', '0', '--proportions', 'cat=100,dog=20')
  // 20 of 120 are; what is sure of neither goes to the class that is more.
  expect(await dogs(alike)).toBeGreaterThan(await dogs(known))
  expect(Math.abs((await dogs(known)) - 20)).toBeLessThanOrEqual(8)
  expect(await readFile(path.join(known, 'report.html'), 'utf8')).toMatch(
    /as --proportions says: cat 83.3.%, dog 16.7.%/,
  )

  const before = await dogs(known)
  expect((await handful(['refit', known, ...MACHINE, '--proportions', 'cat=1,dog=1'])).exit).toBe(0)
  expect(await dogs(known)).toBeGreaterThan(before)

  // Of features that can be computed of any image: what the run keeps says the same.
  const patched = await made('patched', '--proportions', 'cat=9,dog=1')
  const table = path.join(parent, 'new.csv')
  const asked = ['predict', patched, path.join(parent, 'photos'), '--out', table, ...MACHINE]
  expect((await handful(asked, { predict: predict.run })).exit).toBe(0)
  const [header, ...lines] = parseCsv(await readFile(table, 'utf8'), table).map(({ fields }) => fields)
  const of = await predicted(patched)
  const places = [header.indexOf('file_name'), header.indexOf('predicted')]
  expect(lines.length).toBe(120)
  let same = 0
  for (const fields of lines)
    same += Number(
      of.get(path.relative(path.join(parent, 'photos'), fields[places[0]])) === fields[places[1]],
    )
  expect(same).toBe(120)
  const exported = path.join(parent, 'exported')
  await handful(['export', patched, '--out', exported, ...MACHINE])
  const verified = await handful(['verify', exported, ...MACHINE])
  expect([verified.exit, verified.stderr]).toEqual([0, expect.anything()])

  const journal = await Journal.open(known)
  await journal.labelNamed([{ image: 'unlabeled/60.png', name: 'fox' }], { seen: 'picked', who: 'person' })
  await journal.close()
  const changed = await handful(['refit', known, ...MACHINE])
  expect([changed.exit, changed.stderr]).toEqual([2, expect.stringMatching(/no number for "fox"/)])
})
