/** Labels of a run at the command line: given, taken back, and out and in again by each form, with names that trip tools up. */
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCsv } from '../../src/files/csv.js'
import { Journal } from '../../src/labels/journal.js'
import { png, put } from '../data/support.js'
import { makeRun } from '../labelling/made-run.js'
import { handful } from './harness.js'

const PATHS = [
  'a, b.png',
  'say "cheese".png',
  'Straße/日本 é.png',
  '50% #1?&d=x.png',
  'plain/1.png',
  'plain/2.png',
  'other/1.png',
  ' blank in front.png',
  'back\\slash.png',
  'e\u0301.png',
  '\u00e9.png',
  '\u00a0wide.png',
  ...Array.from({ length: 8 }, (_, i) => `more/${i}.png`),
]
const LABELS: Readonly<Record<string, string>> = {
  'a, b.png': 'cat, "big"',
  'say "cheese".png': 'Hund/ü',
  'Straße/日本 é.png': 'hund-ü',
  '50% #1?&d=x.png': 'cat, "big"',
  'plain/1.png': 'hund-ü',
  'other/1.png': 'hund-ü',
  'plain/2.png': 'Hund/ü',
  ' blank in front.png': 'hund-ü',
  'back\\slash.png': 'Hund/ü',
  'e\u0301.png': 'hund-ü',
  '\u00e9.png': 'Hund/ü',
  '\u00a0wide.png': 'cat, "big"',
}

let parent: string
let images: string

beforeAll(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'handful-labels-')))
  images = path.join(parent, 'images')
  const content = await png('red')
  for (const each of PATHS) put(images, each, content)
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

let runs = 0

async function newRun(): Promise<string> {
  const folder = path.join(parent, `run-${++runs}`)
  await makeRun(folder, { images: PATHS.length, groups: 3, spread: 0.3, folder: images, paths: PATHS })
  return folder
}

async function labelled(run: string): Promise<void> {
  const names = [...new Set(Object.values(LABELS))]
  for (const name of names) {
    const own = Object.keys(LABELS).filter((image) => LABELS[image] === name)
    expect((await handful(['labels', 'set', run, ...own, '--label', name])).exit).toBe(0)
  }
}

async function labelsOf(run: string): Promise<Record<string, string | undefined>> {
  const journal = await Journal.open(run)
  await journal.close()
  const named = [...journal.labels()].map(([image, { label }]) => [
    image,
    label === 'none' ? 'none of these' : journal.nameOf(label),
  ])
  return Object.fromEntries(named)
}

describe('out and in again', () => {
  test.each(['csv', 'parquet', 'label-studio', 'folders'])(
    '%s gives every image its label back',
    async (form) => {
      const run = await newRun()
      await labelled(run)
      const out = path.join(run, form === 'label-studio' ? 'out.json' : `out.${form}`)
      const exported = await handful(['labels', 'export', run, '--to', form, '--out', out])
      expect(exported.stderr).toBe(
        form === 'folders' ? '"Hund/ü" lies in Hund-ü-2/, as no folder can be called so\n' : '',
      )
      expect(exported.stdout).toBe(`12 labels written to ${out}\n`)

      const other = await newRun()
      const imported = await handful(['labels', 'import', other, out, '--json'])
      expect(imported.exit).toBe(0)
      expect(JSON.parse(imported.stdout)).toEqual({ labelled: 12, already: 0, classes: 3, unknown: [] })
      const expected =
        // A folder's name holds no slash, and two names that differ by capitals alone would be one folder.
        form === 'folders'
          ? Object.fromEntries(
              Object.entries(LABELS).map(([image, name]) => [image, name === 'Hund/ü' ? 'Hund-ü-2' : name]),
            )
          : LABELS
      expect(await labelsOf(other)).toEqual(expected)
    },
  )

  test.each(['csv', 'parquet', 'label-studio', 'folders'])(
    '%s keeps what is none of the classes apart from what has no label',
    async (form) => {
      const [run, other] = [await newRun(), await newRun()]
      await handful(['labels', 'set', run, 'plain/1.png', '--label', 'cat'])
      await handful(['labels', 'set', run, 'other/1.png', 'plain/2.png', '--none'])
      const out = path.join(run, form === 'label-studio' ? 'out.json' : `out.${form}`)
      const exported = await handful(['labels', 'export', run, '--to', form, '--out', out])
      expect(exported.stdout).toBe(`3 labels written to ${out}\n`)
      expect(exported.stderr).toBe('2 of them are "none of these" and no class\n')
      const imported = await handful(['labels', 'import', other, out, '--json'])
      expect(JSON.parse(imported.stdout)).toEqual({ labelled: 3, already: 0, classes: 1, unknown: [] })
      const none = 'none of these'
      expect(await labelsOf(other)).toEqual({
        'plain/1.png': 'cat',
        'other/1.png': none,
        'plain/2.png': none,
      })
      const journal = await Journal.open(other)
      expect(journal.classes.map(({ name }) => name)).toEqual(['cat'])
      await journal.close()
    },
  )

  test('folders of classes that no folder can be called as give the classes back to their run', async () => {
    const run = await newRun()
    await handful(['labels', 'set', run, 'plain/1.png', '--label', '../up/a'])
    const out = path.join(run, 'sorted')
    const exported = await handful(['labels', 'export', run, '--to', 'folders', '--out', out])
    expect(exported.stderr).toBe('"../up/a" lies in ---up-a/, as no folder can be called so\n')
    expect(await readdir(out)).toEqual(['---up-a'])
    expect((await handful(['labels', 'import', run, out])).exit).toBe(0)
    expect(await labelsOf(run)).toEqual({ 'plain/1.png': '../up/a' })
  })

  test('CSV is read by others as it was written', async () => {
    const run = await newRun()
    await labelled(run)
    const out = path.join(run, 'labels.csv')
    await handful(['labels', 'export', run, '--out', out])
    const [header, ...rows] = parseCsv(await readFile(out, 'utf8'), out)
    expect(header.fields.slice(0, 2)).toEqual(['file_name', 'label'])
    expect(Object.fromEntries(rows.map(({ fields }) => [fields[0], fields[1]]))).toEqual(LABELS)
  })

  test('Label Studio gets a task for each image, with a scored prediction', async () => {
    const run = await newRun()
    await labelled(run)
    const out = path.join(run, 'tasks.json')
    await handful(['labels', 'export', run, '--to', 'label-studio', '--out', out])
    const tasks: { data: { image: string }; predictions: { score: number }[] }[] = JSON.parse(
      await readFile(out, 'utf8'),
    )
    expect(tasks.length).toBe(PATHS.length)
    expect(tasks.map(({ data }) => data.image)).toContain('/data/local-files/?d=50%25%20%231%3F%26d%3Dx.png')
    expect(tasks.every(({ predictions: [{ score }] }) => score > 0 && score <= 1)).toBe(true)
  })

  test('folders link to the images, and a place that holds other things is left as it is', async () => {
    const run = await newRun()
    await labelled(run)
    const out = path.join(run, 'sorted')
    await handful(['labels', 'export', run, '--to', 'folders', '--out', out])
    const linked: string[] = []
    for (const folder of await readdir(out)) {
      for (const name of await readdir(path.join(out, folder)))
        linked.push(path.relative(images, await realpath(path.join(out, folder, name))))
    }
    expect(linked.sort()).toEqual(Object.keys(LABELS).sort())
    const again = await handful(['labels', 'export', run, '--to', 'folders', '--out', out])
    expect(again.exit).toBe(1)
    expect(again.stderr).toMatch(/holds other things.*nothing was changed/)
  })
})

describe('import', () => {
  test('is one step: undo takes all of it back', async () => {
    const run = await newRun()
    put(run, 'mine.csv', 'file_name,label\nplain/1.png,x\nplain/2.png,y\nnowhere.png,y\n')
    await handful(['labels', 'set', run, 'plain/1.png', '--label', 'z'])
    const imported = await handful(['labels', 'import', run, path.join(run, 'mine.csv')])
    expect(imported.stdout).toBe('2 labels of 2 classes\n')
    expect(imported.stderr).toMatch(/1 names are of no image of the run, such as nowhere.png/)
    expect(await labelsOf(run)).toEqual({ 'plain/1.png': 'x', 'plain/2.png': 'y' })
    expect((await handful(['labels', 'undo', run])).stdout).toBe('2 images have another label\n')
    expect(await labelsOf(run)).toEqual({ 'plain/1.png': 'z' })
    await handful(['labels', 'redo', run])
    expect(await labelsOf(run)).toEqual({ 'plain/1.png': 'x', 'plain/2.png': 'y' })
  })

  test('what is said again stays as it was, blind or not; what is new has the hash of its file', async () => {
    const run = await newRun()
    await handful(['labels', 'set', run, 'plain/1.png', '--label', 'x', '--blind'])
    await handful(['labels', 'set', run, 'plain/2.png', '--none'])
    const out = path.join(run, 'out.csv')
    await handful(['labels', 'export', run, '--to', 'csv', '--out', out])
    const lines = await readFile(path.join(run, 'labels.jsonl'), 'utf8')
    const again = await handful(['labels', 'import', run, out])
    expect(again.stderr).toMatch(
      /2 of them were there before, and stay as they were\nNothing was to be changed/,
    )
    expect(await readFile(path.join(run, 'labels.jsonl'), 'utf8')).toBe(lines)

    put(run, 'mine.csv', 'file_name,label\nplain/1.png,x\nother/1.png,y\n')
    const mixed = await handful(['labels', 'import', run, path.join(run, 'mine.csv'), '--json'])
    expect(JSON.parse(mixed.stdout)).toEqual({ labelled: 2, already: 1, classes: 2, unknown: [] })
    const journal = await Journal.open(run)
    await journal.close()
    expect(journal.labels().get('plain/1.png')?.seen).toBe('blind')
    expect(journal.labels().get('other/1.png')?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    [
      'two labels of one image',
      'file_name,label\nplain/1.png,x\nplain/1.png,y\n',
      /with the labels|twice|again/,
    ],
    ['labels of other images', 'file_name,label\nnowhere.png,x\n', /nowhere\.png/],
    ['no label', 'file_name,label\nplain/1.png,\n', /none/],
  ])('%s changes nothing', async (_, table, words) => {
    const run = await newRun()
    await handful(['labels', 'set', run, 'other/1.png', '--label', 'z'])
    put(run, 'mine.csv', table)
    const { exit, stderr } = await handful(['labels', 'import', run, path.join(run, 'mine.csv')])
    expect(exit).not.toBe(0)
    expect(stderr).toMatch(words)
    expect(stderr).not.toMatch(/not foreseen/)
    expect(await labelsOf(run)).toEqual({ 'other/1.png': 'z' })
  })
})

test('labels are set by the paths of the run and of the disk, refused with a guess, and cleared', async () => {
  const run = await newRun()
  const set = await handful([
    'labels',
    'set',
    run,
    'plain/1.png',
    path.join(images, 'plain/2.png'),
    '--label',
    'x',
  ])
  expect([set.stdout, set.stderr]).toEqual(['2 images labelled\n', 'New class: x\n'])
  await handful(['labels', 'set', run, 'other/1.png', '--none'])
  expect(await labelsOf(run)).toEqual({
    'plain/1.png': 'x',
    'plain/2.png': 'x',
    'other/1.png': 'none of these',
  })
  await handful(['labels', 'set', run, 'plain/1.png', '--clear'])
  expect(Object.keys(await labelsOf(run)).sort()).toEqual(['other/1.png', 'plain/2.png'])
  const typo = await handful(['labels', 'set', run, 'plain/2.png', 'plaim/1.png', '--label', 'y'])
  expect(typo.stderr).toMatch(/did you mean plain\/1\.png/)
  expect((await labelsOf(run))['plain/2.png']).toBe('x')
  const log = await handful(['labels', 'log', run, '--json'])
  expect(JSON.parse(log.stdout)).toMatchObject([
    { step: 1, who: 'command line', what: 'new: "x"; 2 images: "x" (picked)' },
    { step: 2, what: 'other/1.png: none of these (picked)' },
    { step: 3, what: 'plain/1.png: no label (picked)' },
  ])
})

test('classes are added, renamed, merged and deleted by name, and each change is taken back', async () => {
  const run = await newRun()
  await labelled(run)
  const named = async (): Promise<string[]> => {
    const journal = await Journal.open(run)
    await journal.close()
    return journal.classes.map(({ id, name, count }) => `${id} ${name} ${count}`)
  }
  const before = [await named(), await labelsOf(run)]
  const change = (...words: string[]) => handful(['labels', 'class', run, ...words])
  const undo = async () => (await handful(['labels', 'undo', run])).stdout
  expect((await change('Hund/ü', '--rename', 'Hund')).stdout).toMatch(/^Hund {2}4$/m)
  expect(await undo()).toBe('the classes are others again\n')
  expect((await change('Hund/ü', '--merge-into', 'hund-ü')).stdout).toBe('cat, "big"  3\nhund-ü  9\n')
  expect(await undo()).toBe('4 images have another label\n')
  expect((await change('hund-ü', '--delete')).stdout).toBe('cat, "big"  3\nHund/ü  4\n')
  expect(await undo()).toBe('5 images have another label\n')
  expect((await change('new', '--add')).stdout).toMatch(/^new {2}0$/m)
  expect(await undo()).toBe('the classes are others again\n')
  expect([await named(), await labelsOf(run)]).toEqual(before)
  for (const [words, said] of [
    [['hund-u', '--delete'], /did you mean "hund-ü"/],
    [['hund-ü', '--rename', 'None of these'], /so images are called that are of no class/],
    [['hund-ü'], /one of --add, --rename, --merge-into and --delete/],
    [['hund-ü', '--rename', 'cat, "big"'], /which another class has/],
  ] as const) {
    const { exit, stderr } = await change(...words)
    expect([exit > 0, stderr]).toEqual([true, expect.stringMatching(said)])
  }
  expect([await named(), await labelsOf(run)]).toEqual(before)
})

test('labels of the audit are given blind at the command line too', async () => {
  const run = await newRun()
  const { stdout } = await handful([
    'suggest',
    run,
    '--kind',
    'audit',
    '--count',
    '2',
    '--json',
    '--threads',
    '1',
  ])
  const images = (JSON.parse(stdout) as { image: string; label?: string }[]).map(({ image }) => image)
  expect(stdout).not.toMatch(/probability|"label"/)
  await handful(['labels', 'set', run, ...images, '--label', 'cat', '--blind'])
  const journal = await Journal.open(run)
  expect(images.map((image) => journal.labels().get(image)?.seen)).toEqual(['blind', 'blind'])
  await journal.close()
})

test('suggest names images with why, and shows them on a sheet without what is labelled', async () => {
  const run = await newRun()
  await labelled(run)
  const sheet = path.join(run, 'next.html')
  const { exit, stdout } = await handful([
    'suggest',
    run,
    '--count',
    '5',
    '--sheet',
    sheet,
    '--json',
    '--threads',
    '1',
  ])
  expect(exit).toBe(0)
  const suggestions: { image: string; why: string }[] = JSON.parse(stdout)
  expect(suggestions.length).toBe(5)
  const page = await readFile(sheet, 'utf8')
  for (const { image, why } of suggestions) {
    expect(PATHS).toContain(image)
    expect(LABELS[image]).toBeUndefined()
    expect(why).not.toBe('')
    expect(page).toContain(`<b>${image}</b><br />${why}<br />`)
  }
})
