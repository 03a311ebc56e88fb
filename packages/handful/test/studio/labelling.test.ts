/** Labels of the page: in the journal row by row, seen by all pages, lost by nobody, whatever the images are called. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Journal } from '../../src/labels/journal.js'
import { Bench, Client, plainNames, send, until } from './studio-under-test.js'

const HOSTILE = [
  '<img src=x onerror=alert(1)>.png',
  'a "quoted" \'name\', with a comma.png',
  'line\nbreak.png',
  '%2e%2e%2fetc.png',
  '日本語 é.png',
  '__proto__.png',
  '--out=x.png',
]

let bench: Bench
beforeEach(async () => {
  bench = await Bench.make([...HOSTILE, ...plainNames(53)])
})
afterEach(() => bench.end())

const journalText = async (): Promise<string> =>
  readFile(path.join(bench.runs, 'shapes-studio', 'labels.jsonl'), 'utf8')

const labelRows = async (): Promise<{ image: string; label: unknown; seen: string; sha256: string }[]> =>
  (await journalText())
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { do: string; image: string; label: unknown; seen: string; sha256: string },
    )
    .filter((row) => row.do === 'label')

test('50 labels as fast as they come: 50 rows, none wrong, in their order', async () => {
  const { client } = await bench.open()
  const { paths } = await client.view('catalogue')
  await client.ask('addClass', { name: 'one' })
  await client.ask('addClass', { name: 'two' })
  const asked = Array.from({ length: 50 }, (_, image) => ({ image, label: image % 2 }))
  const answers = await Promise.all(
    asked.map((decision) => client.ask('label', { decisions: [decision], seen: 'suggestion' })),
  )
  expect(new Set(answers.map(({ labelsRevision }) => labelsRevision)).size).toBe(50)
  const rows = await labelRows()
  const byRow = rows.map(({ image, label, seen }) => ({ image, label, seen }))
  const expected = asked.map(({ image, label }) => ({ image: paths[image], label, seen: 'suggestion' }))
  expect(byRow.toSorted((a, b) => (a.image < b.image ? -1 : 1))).toEqual(expected)
  expect(rows.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true)
  expect((await client.view('labels')).labels).toEqual([
    ...asked.map(({ label }) => label),
    ...Array<number>(10).fill(-1),
  ])
})

test('a step of many images is undone as one, and the journal says so', async () => {
  const { client } = await bench.open()
  await client.ask('addClass', { name: 'one' })
  const before = (await client.view('labels')).labels
  const decisions = Array.from({ length: 40 }, (_, image) => ({ image, label: 0 }))
  await client.ask('label', { decisions, seen: 'picked' })
  const { images } = await client.ask('undo', {})
  expect([...images].sort((a, b) => a - b)).toEqual(decisions.map(({ image }) => image))
  expect((await client.view('labels')).labels).toEqual(before)
  await client.ask('redo', {})
  expect((await client.view('state')).labelled).toBe(40)
  expect(await labelRows()).toHaveLength(40)
})

test('two pages, and the command line beside them, see each label in under two seconds', async () => {
  const { studio, client: first } = await bench.open()
  const second = await Client.open(studio)
  const heard: { at: number; revision: number; changed: readonly (readonly number[])[] }[] = []
  const states: number[] = []
  const end = second.events((name, value) => {
    if (name === 'labels') heard.push({ at: Date.now(), ...(value as { revision: number; changed: [] }) })
    else if (name === 'state') states.push((value as { labelled: number }).labelled)
  })
  try {
    // The whole state comes first, whenever a page connects.
    await until(() => (states.length > 0 ? true : undefined))
    await first.ask('addClass', { name: 'one' })
    const asked = Date.now()
    const { labelsRevision } = await first.ask('label', {
      decisions: [{ image: 3, label: 0 }],
      seen: 'blind',
    })
    const told = await until(() => heard.find(({ changed }) => changed.length === 1))
    expect(told).toMatchObject({ revision: labelsRevision, changed: [[3, 0]] })
    expect(told.at - asked).toBeLessThan(2000)

    const { paths } = await first.view('catalogue')
    const beside = await Journal.open(path.join(bench.runs, 'shapes-studio'))
    const written = Date.now()
    await beside.label([{ image: paths[5], label: 'none' }], { seen: 'picked', who: 'command line' })
    await beside.close()
    const other = await until(() => heard.find(({ changed }) => changed.some(([image]) => image === 5)))
    expect(other.changed).toEqual([[5, -2]])
    expect(other.at - written).toBeLessThan(2000)
    // The last one wins, whoever it is.
    await second.ask('label', { decisions: [{ image: 3, label: null }], seen: 'picked' })
    expect((await first.view('labels')).labels[3]).toBe(-1)
    await until(() => (states.at(-1) === 1 ? true : undefined))
  } finally {
    end()
  }
})

test('a studio that ends in the middle of labelling has lost nothing when it is there again', async () => {
  const { studio, client } = await bench.open()
  await client.ask('addClass', { name: 'one' })
  const acknowledged: number[] = []
  const labelling = Promise.allSettled(
    Array.from({ length: 30 }, async (_, image) => {
      await client.ask('label', { decisions: [{ image, label: 0 }], seen: 'suggestion' })
      acknowledged.push(image)
    }),
  )
  await until(() => (acknowledged.length >= 5 ? true : undefined))
  await studio.close()
  await labelling
  // What a process that was killed left half-written is passed over.
  const file = path.join(bench.runs, 'shapes-studio', 'labels.jsonl')
  await writeFile(file, `${await journalText()}{"step":999,"do":"lab`)
  const { client: again } = await bench.open()
  const { labels } = await again.view('labels')
  for (const image of acknowledged) expect([image, labels[image]]).toEqual([image, 0])
  await again.ask('label', { decisions: [{ image: 59, label: 0 }], seen: 'picked' })
  expect((await again.view('labels')).labels[59]).toBe(0)
  // A page that was open is told to come in anew: its token was of the other start.
  await expect(client.view('state')).rejects.toThrow()
})

test('names of any kind are text: in the catalogue, the journal, the tables', async () => {
  await writeFile(path.join(bench.images, 'page.png'), '<html><script>alert(1)</script>')
  await writeFile(path.join(bench.images, 'notes.html'), '<script>alert(1)</script>')
  const { studio, client } = await bench.open()
  const { paths } = await client.view('catalogue')
  for (const name of HOSTILE) expect(paths).toContain(name)
  const name = '</script><b onclick=alert(1)>"=1+1"'
  await client.ask('addClass', { name })
  const decisions = HOSTILE.map((each) => ({ image: paths.indexOf(each), label: 0 }))
  await client.ask('label', { decisions, seen: 'picked' })
  expect((await labelRows()).map(({ image }) => image).sort()).toEqual([...HOSTILE].sort())
  for (const each of HOSTILE) {
    const address = `/api/thumbnail/${paths.indexOf(each)}`
    expect((await send(studio.port, address, { headers: client.own })).status).toBe(200)
  }
  // What is no image is shown as none, whatever it is called.
  const wrong = paths.indexOf('page.png')
  for (const kind of ['thumbnail', 'original'])
    expect((await send(studio.port, `/api/${kind}/${wrong}`, { headers: client.own })).status).toBe(404)
  const { skipped } = await until(async () => {
    const state = await client.view('state')
    return state.skipped.some((each) => each.path === 'page.png') ? state : undefined
  })
  expect(skipped.find((each) => each.path === 'page.png')?.reason).toMatch(/an HTML page instead of an image/)
  const { id, file } = await client.ask('export', { what: 'labels' })
  const saved = await send(studio.port, `/api/download/${id}`, { headers: client.own })
  expect(file).toBe('labels.csv')
  expect(saved.headers['content-disposition']).toBe("attachment; filename*=UTF-8''labels.csv")
  expect(saved.body.toString()).toContain('"line\nbreak.png"')
  expect(saved.body.toString().split('file_name')).toHaveLength(2)
})

test('before anything is trained images come at random, without those that are labelled', async () => {
  const { client } = await bench.open()
  await client.ask('addClass', { name: 'one' })
  const first = await client.ask('suggest', { count: 10 })
  expect(new Set(first.map(({ image }) => image)).size).toBe(10)
  expect(first[0].why).toMatch(/nothing is trained yet/)
  await client.ask('label', { decisions: [{ image: first[0].image, label: 0 }], seen: 'suggestion' })
  const next = await client.ask('suggest', { count: 10, except: [first[1].image] })
  expect(next.map(({ image }) => image).slice(0, 8)).toEqual(first.slice(2).map(({ image }) => image))
  expect(await client.ask('suggest', { count: 500, kind: 'audit' })).toHaveLength(59)
  await expect(client.view('results')).rejects.toThrow(/400: results: got no trained run/)
  await expect(client.view('map')).rejects.toThrow(/400: map: got no trained run/)
  await expect(client.ask('export', { what: 'predictions' })).rejects.toThrow(
    /400: predictions: got none yet/,
  )
})
