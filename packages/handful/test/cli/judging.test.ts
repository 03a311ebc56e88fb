/** What `fit` says of itself where no test split is there: which images judged, and how many. */
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runReportSchema, type RunReport } from '../../src/draw/run-report.js'
import { fit } from '../../src/jobs/fit/command.js'
import { plain, put } from '../data/support.js'
import { handful } from './harness.js'

let parent: string
let images: string

beforeAll(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'handful-judging-')))
  images = path.join(parent, 'photos')
  const rows: string[] = []
  for (let i = 0; i < 30; i++) {
    const [name, across] = [i % 2 === 0 ? 'across' : 'up', i % 2 === 0]
    const bar = across
      ? `x="0" y="${i % 7}" width="16" height="4"`
      : `x="${i % 7}" y="0" width="4" height="16"`
    const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect ${bar} fill="rgb(${5 * i},0,0)"/></svg>`
    const picture = plain('white', 16).composite([{ input: Buffer.from(drawing) }])
    put(images, `${name}/${i}.png`, await picture.png().toBuffer())
    rows.push(`${name}/${i}.png,${i % 2},${1 - (i % 2)},${(i % 5) / 20}`)
  }
  put(parent, 'features.csv', ['file_name,f0,f1,f2', ...rows, ''].join('\n'))
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

async function fitted(name: string, ...options: string[]): Promise<{ stdout: string; report: RunReport }> {
  const out = path.join(parent, name)
  const { exit, stdout, stderr } = await handful(
    ['fit', images, '--out', out, '--threads', '1', ...options],
    { fit: fit.run },
  )
  expect([exit, stderr]).toEqual([0, expect.anything()])
  return {
    stdout,
    report: runReportSchema.parse(JSON.parse(await readFile(path.join(out, 'report.json'), 'utf8'))),
  }
}

const embedded = (): string[] => ['--model', 'none', '--embeddings', path.join(parent, 'features.csv')]
const CHOSEN_TOO = /The labels that judge have also chosen/

test('labelled images that no draw holds judge every draw, and each counts once', async () => {
  const { stdout, report } = await fitted('drawn', ...embedded(), '--labels-per-class', '2', '--draws', '2')
  const { evaluation, results, confusion = [], notes } = report
  expect(evaluation.kind).toBe('unseen labels')
  // 26 judge each draw; the four of one draw judge the other, unless both hold them.
  expect(evaluation.images).toBeGreaterThanOrEqual(26)
  expect(evaluation.images).toBeLessThanOrEqual(30)
  expect(confusion.flat().reduce((a, b) => a + b, 0)).toBe(52)
  expect(results.map(({ images: own, accuracies }) => [own, accuracies.length])).toEqual(
    results.map(() => [evaluation.images, 2]),
  )
  expect(stdout).toContain(`checked on ${evaluation.images} labelled images, none of which it was fitted to`)
  expect(stdout).toMatch(new RegExp(`\\* .*${evaluation.images} of ${evaluation.images} `))
  expect(notes.join()).not.toMatch(CHOSEN_TOO)
})

test('where the draws leave few out, all labels judge, and the report says that they have chosen too', async () => {
  const { report } = await fitted('most', ...embedded(), '--labels-per-class', '12', '--draws', '2')
  expect(report.evaluation).toEqual({ kind: 'leave one out', images: 30 })
  expect(report.notes.join()).toMatch(CHOSEN_TOO)
})

test('a network is judged by the labelled images that it was not trained on, without another training', async () => {
  const { stdout, report } = await fitted(
    'network',
    ...['--size', '12', '--set', 'width=2', '--set', 'batch=4', '--set', 'warmUpSteps=1'],
    '--method',
    'fixmatch',
    '--steps',
    '2',
    '--labels-per-class',
    '3',
  )
  expect(report.evaluation).toEqual({ kind: 'unseen labels', images: 24 })
  expect(report.results.map(({ images: own }) => own)).toEqual(report.results.map(() => 24))
  expect(stdout).toContain('checked on 24 labelled images, none of which it was fitted to')
  expect(report.stages.filter(({ stage }) => /without part/.test(stage))).toEqual([])
})
