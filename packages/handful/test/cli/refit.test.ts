/** From images without a label to predictions of all: prepare, labels, refit; and what a refit that fails leaves. */
import { cp, mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { parseCsv } from '../../src/files/csv.js'
import { plain, put } from '../data/support.js'
import { runFacts } from '../../src/exports/run-facts.js'
import { loadClassifier } from '../../src/runs/classifier.js'
import { cut, type cuttable } from '../runs/cut-writes.js'
import { runReportSchema } from '../../src/draw/run-report.js'
import { Workbench } from '../../src/labelling/workbench.js'
import { Journal } from '../../src/labels/journal.js'
import { handful } from './harness.js'

vi.mock('node:fs/promises', async (original) => {
  const { cuttable: wrap } = await vi.importActual<{ cuttable: typeof cuttable }>('../runs/cut-writes.js')
  return wrap(await original())
})

const MACHINE = ['--threads', '1']

let parent: string
let images: string
let run: string

/** Images of stripes along one axis or the other, in one folder that is no class. */
async function striped(across: boolean, i: number): Promise<Buffer> {
  const bars = [0, 1, 2, 3].map((bar) => {
    const at = 4 * bar + (i % 3)
    return across
      ? `<rect x="0" y="${at}" width="16" height="2"/>`
      : `<rect x="${at}" y="0" width="2" height="16"/>`
  })
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" fill="rgb(${10 * (i % 7)},0,0)">${bars.join('')}</svg>`
  return plain('white', 16)
    .composite([{ input: Buffer.from(drawing) }])
    .png()
    .toBuffer()
}

beforeAll(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'handful-refit-')))
  images = path.join(parent, 'photos')
  run = path.join(parent, 'run')
  for (let i = 0; i < 24; i++) put(images, `in/${i}.png`, await striped(i % 2 === 0, i))
  // What an encoder would say of them, so that nothing is trained.
  const rows = Array.from({ length: 24 }, (_, i) => `in/${i}.png,${i % 2},${1 - (i % 2)},${(i % 5) / 20}`)
  put(parent, 'features.csv', ['file_name,f0,f1,f2', ...rows, ''].join('\n'))
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

const nameOf = (file: string): string => (Number(path.parse(file).name) % 2 === 0 ? 'across' : 'up')

async function predictions(): Promise<{ file: string; label: string; predicted: string }[]> {
  const file = path.join(run, 'predictions.csv')
  const [, ...rows] = parseCsv(await readFile(file, 'utf8'), file)
  return rows.map(({ fields: [name, label, predicted] }) => ({ file: name, label, predicted }))
}

test('images without a label are prepared, labelled, predicted and labelled on', async () => {
  const options = ['--model', 'none', '--embeddings', path.join(parent, 'features.csv'), ...MACHINE]
  const prepared = await handful(['prepare', images, '--out', run, ...options, '--progress', 'json'])
  expect(prepared.exit).toBe(0)
  expect(prepared.stdout).toMatch(/^24 images, none of them labelled/)
  const told = prepared.stderr.split('\n').filter((line) => line.startsWith('{'))
  const keys = new Set(told.flatMap((line) => Object.keys(JSON.parse(line) as object)))
  expect([...keys].every((key) => ['plan', 'report', 'message', 'aside'].includes(key))).toBe(true)
  expect(told.some((line) => line.startsWith('{"plan":[{"stage":"read the images"'))).toBe(true)
  expect(told).toContainEqual(expect.stringMatching(/"stage":"find neighbours","done":24,"total":24/))

  const early = await handful(['refit', run, ...MACHINE])
  expect([early.exit, early.stderr]).toEqual([
    1,
    expect.stringMatching(/got none, expected labels of two classes/),
  ])

  for (const file of ['in/0.png', 'in/1.png', 'in/2.png', 'in/3.png', 'in/4.png', 'in/5.png'])
    await handful(['labels', 'set', run, file, '--label', nameOf(file)])
  const refitted = await handful(['refit', run, ...MACHINE])
  expect(refitted.exit).toBe(0)
  const found = await predictions()
  expect(found.map(({ predicted }) => predicted)).toEqual(found.map(({ file }) => nameOf(file)))
  expect(found.filter(({ label }) => label !== '').length).toBe(6)
  expect(await readFile(path.join(run, 'report.html'), 'utf8')).toMatch(/across/)

  await handful(['labels', 'set', run, 'in/9.png', '--label', 'new class'])
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  expect((await predictions()).find(({ file }) => file === 'in/9.png')).toMatchObject({
    label: 'new class',
    predicted: 'new class',
  })
  await handful(['labels', 'undo', run])
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  expect(await predictions()).toEqual(found)
})

test('a refit that fails leaves predictions, report and labels as they were', async () => {
  const files = ['predictions.csv', 'report.html', 'report.json', 'labels.jsonl']
  const contents = () => Promise.all(files.map((file) => readFile(path.join(run, file), 'utf8')))
  await handful(['labels', 'set', run, 'in/10.png', '--label', 'across'])
  const before = await contents()
  await rename(images, `${images}-gone`)
  const failed = await handful(['refit', run, ...MACHINE])
  expect([failed.exit, failed.stderr]).toEqual([1, expect.stringMatching(/got nothing at .*photos/)])
  expect(await contents()).toEqual(before)
  await rename(`${images}-gone`, images)
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  expect((await predictions()).filter(({ label }) => label !== '').length).toBe(7)
})

test('a refit that is killed at any change of its model leaves the classifier of before or the new one', async () => {
  const copy = path.join(parent, 'copy')
  const refit = async (after: number): Promise<number> => {
    Object.assign(cut, {
      after,
      done: 0,
      counts: (file: string) => file.startsWith(path.join(copy, 'model')),
    })
    await handful(['refit', copy, ...MACHINE])
    cut.after = Infinity
    await rm(path.join(copy, '.lock'), { force: true })
    return cut.done
  }
  await handful(['labels', 'set', run, 'in/12.png', 'in/13.png', '--label', 'third'])
  await cp(run, copy, { recursive: true })
  const changes = await refit(Infinity)
  const found: number[] = []
  // Every change of the classifier's own is cut at in runs/classifier.test.ts: here a few, amid all that a refit does.
  for (const after of [0, changes >> 1, changes - 1]) {
    await rm(copy, { recursive: true })
    await cp(run, copy, { recursive: true })
    await refit(after)
    const { classNames, head } = await loadClassifier(copy)
    expect(head.classCount).toBe(classNames.length)
    found.push(classNames.length)
  }
  expect(found).toEqual([...found].sort())
  expect(new Set(found)).toEqual(new Set([2, 3]))
  await refit(Infinity)
  expect((await loadClassifier(copy)).classNames).toEqual(['across', 'up', 'third'])
  await handful(['labels', 'undo', run])
})

test('images of none of the classes have no prediction, and say so wherever they stand', async () => {
  await handful(['labels', 'set', run, 'in/14.png', 'in/15.png', '--none'])
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  const rows = (await predictions()).filter(({ label }) => label === 'none of these')
  expect(rows).toEqual(
    ['in/14.png', 'in/15.png'].map((file) => ({ file, label: 'none of these', predicted: '' })),
  )
  const report = await readFile(path.join(run, 'report.html'), 'utf8')
  expect(report).toContain('2 images are known to be of none of these classes')
  expect(await runFacts(run, await loadClassifier(run))).toMatchObject({ noneOfThese: 2, images: 24 })
  await handful(['labels', 'undo', run])
})

test('labels that were accepted together teach, and the report judges by the others alone', async () => {
  const report = async () =>
    z
      .object({
        dataset: z.object({ labelled: z.array(z.number()) }),
        evaluation: z.object({ images: z.number() }),
        reliability: z.array(z.object({ count: z.number() })),
      })
      .parse(JSON.parse(await readFile(path.join(run, 'report.json'), 'utf8')))
  const judged = async () => {
    const { evaluation, reliability } = await report()
    return [evaluation.images, reliability.reduce((sum, { count }) => sum + count, 0)]
  }
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  const before = await judged()
  const journal = await Journal.open(run)
  const accepted = ['in/16.png', 'in/17.png', 'in/18.png', 'in/19.png', 'in/20.png']
  await journal.labelNamed(
    accepted.map((image) => ({ image, name: nameOf(image) })),
    { seen: 'accepted', who: 'person' },
  )
  await journal.close()
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  expect(await judged()).toEqual(before)
  expect((await report()).dataset.labelled.reduce((sum, count) => sum + count, 0)).toBe(
    before[0] + accepted.length,
  )
  // Looked at by a person after all, an image judges like any other.
  await handful(['labels', 'set', run, 'in/16.png', '--label', 'across'])
  expect((await handful(['refit', run, ...MACHINE])).exit).toBe(0)
  expect(await judged()).toEqual(before.map((count) => count + 1))
})

test('labels that were drawn at random and labelled blind carry the accuracy, once there are twenty', async () => {
  const own = path.join(parent, 'audited')
  const options = ['--model', 'none', '--embeddings', path.join(parent, 'features.csv'), ...MACHINE]
  expect((await handful(['prepare', images, '--out', own, ...options])).exit).toBe(0)
  const set = (files: readonly string[], label: string, ...more: string[]) =>
    handful([
      'labels',
      'set',
      own,
      ...files,
      ...(label === 'none' ? ['--none'] : ['--label', label]),
      ...more,
    ])
  const numbered = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => `in/${from + i}.png`)
  const byClass = async (files: readonly string[], ...more: string[]): Promise<void> => {
    for (const name of ['across', 'up'])
      await set(
        files.filter((file) => nameOf(file) === name),
        name,
        ...more,
      )
  }
  const refitted = async () => {
    const { exit, stdout } = await handful(['refit', own, ...MACHINE])
    expect(exit).toBe(0)
    const report = await readFile(path.join(own, 'report.json'), 'utf8')
    const { evaluation, results } = runReportSchema.parse(JSON.parse(report))
    return { stdout, evaluation, chosen: results.find(({ chosen }) => chosen) }
  }
  await byClass(numbered(0, 19), '--blind')
  // Picked, and wrong: what was picked says that hardly half are right.
  await set(['in/20.png', 'in/22.png'], 'up')
  const before = await refitted()
  expect(before.evaluation).toEqual({ kind: 'leave one out', images: 21 })
  expect(before.chosen?.accuracies[0]).toBeLessThan(0.95)

  await set(['in/23.png'], 'none', '--blind')
  const { stdout, evaluation, chosen } = await refitted()
  expect(evaluation).toEqual({ kind: 'blind labels', images: 20 })
  // All of the nineteen are right, and the image of none of the classes cannot be.
  expect(chosen).toMatchObject({ accuracies: [19 / 20], images: 20 })
  expect(stdout).toContain('20 images, drawn at random and labelled blind, each predicted without its label')
  expect(stdout).toMatch(/\* .*19 of 20/)
  // The page of the studio says the same number of labels.
  const workbench = await Workbench.open(own, { threads: 1 })
  const fitted = await workbench.refit()
  expect(fitted).toMatchObject({ estimate: { from: 'audit', labels: 20, accuracy: 19 / 20 } })
  await workbench.close()

  // The table of these labels says it to a fit from the beginning, and its run to a refit.
  const table = path.join(parent, 'exported.csv')
  expect((await handful(['labels', 'export', own, '--to', 'csv', '--out', table])).exit).toBe(0)
  const beside = path.join(parent, 'beside')
  await cp(images, beside, { recursive: true })
  await cp(table, path.join(beside, 'labels.csv'))
  const { fit } = await import('../../src/jobs/fit/command.js')
  const whole = path.join(parent, 'whole')
  const fittedAgain = await handful(['fit', beside, '--out', whole, ...options], { fit: fit.run })
  expect(fittedAgain.stdout).toMatch(/20 images, drawn at random and labelled blind/)
  expect(fittedAgain.stdout).toMatch(/\* .*19 of 20/)
  const again = await handful(['refit', whole, ...MACHINE])
  expect(again.stdout).toMatch(/\* .*19 of 20/)

  // And so it does where it is imported.
  const other = path.join(parent, 'other')
  await handful(['prepare', images, '--out', other, ...options])
  expect((await handful(['labels', 'import', other, table])).exit).toBe(0)
  const journal = await Journal.open(other)
  expect([...journal.labels().values()].filter(({ seen }) => seen === 'blind').length).toBe(20)
  await journal.close()
})

test('fit on images without labels says how to go on without', async () => {
  const { fit } = await import('../../src/jobs/fit/command.js')
  const options = ['--model', 'none', '--patches', '16', ...MACHINE]
  put(parent, 'loose/0.png', await readFile(path.join(images, 'in/0.png')))
  put(parent, 'loose/1.png', await readFile(path.join(images, 'in/1.png')))
  const place = ['fit', path.join(parent, 'loose'), '--out', path.join(parent, 'fit')]
  const { exit, stderr } = await handful([...place, ...options], { fit: fit.run })
  expect(exit).toBe(1)
  expect(stderr).toMatch(/handful prepare/)
})
