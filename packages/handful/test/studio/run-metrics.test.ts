/** What the page reads of a training: its curves, also where a loss is no number. */
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RunMetrics } from '../../src/studio/run-metrics.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-metrics-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('losses of any size and sign are told, and one that is no number is a gap', async () => {
  const steps = [4000, -3, NaN, 0].map((loss, i) => ({ stage: 'train', step: i + 1, loss, note: 'text' }))
  await writeFile(
    path.join(folder, 'metrics.jsonl'),
    steps.map((step) => `${JSON.stringify(step)}\n`).join(''),
  )
  const { curves } = await new RunMetrics().of('run', folder)
  expect(curves).toEqual({ loss: [[1, 4000], [2, -3], [3, null], [4, 0]] }) // prettier-ignore
})

const line = (step: number): string =>
  `${JSON.stringify({ stage: 'train', step, loss: 1 / step, score: null })}\n`

test('curves of a long training are read on, never longer than a thousand points, with the first and the newest', async () => {
  const file = path.join(folder, 'metrics.jsonl')
  const steps = Array.from({ length: 30_000 }, (_, i) => line(i + 1)).join('')
  const metrics = new RunMetrics()
  await writeFile(file, steps.slice(0, -7))
  expect((await metrics.of('run', folder)).curves.loss.at(-1)).toEqual([29_999, 1 / 29_999])
  await appendFile(file, steps.slice(-7))
  for (let step = 30_001; step < 30_010; step++) {
    await appendFile(file, line(step))
    const { loss, score } = (await metrics.of('run', folder)).curves
    expect(loss.length).toBeGreaterThan(500)
    expect(loss.length).toBeLessThanOrEqual(1000)
    expect([loss[0], loss.at(-1)]).toEqual([[1, 1], [step, 1 / step]]) // prettier-ignore
    expect(score.at(-1)).toEqual([step, null])
    const gaps = loss.slice(1, -1).map(([step], i) => step - loss[i][0])
    expect(Math.max(...gaps) / Math.min(...gaps)).toBeLessThanOrEqual(2)
  }
  // Gone on with from a checkpoint: lines after it were taken off.
  await writeFile(`${file}.new`, [1, 2, 3].map(line).join(''))
  await rename(`${file}.new`, file)
  expect((await metrics.of('run', folder)).curves.loss.map(([step]) => step)).toEqual([1, 2, 3])
})

test('pictures of a training are found again by another studio, oldest first, the end last', async () => {
  await mkdir(path.join(folder, 'samples'))
  await writeFile(path.join(folder, 'metrics.jsonl'), line(500))
  for (const name of ['samples-90.png', 'samples-400.png', 'reconstructions-200.png', 'samples.png', 'x.txt'])
    await writeFile(path.join(folder, 'samples', name), name)
  const found = async () => {
    const metrics = new RunMetrics()
    const { pictures } = await metrics.of('run', folder)
    const texts = await Promise.all(pictures.map(async ({ id }) => (await metrics.picture(id))?.toString()))
    return { pictures, texts }
  }
  const first = await found()
  expect(first.texts).toEqual(['samples-90.png', 'reconstructions-200.png', 'samples-400.png', 'samples.png'])
  expect(first.pictures.map(({ step }) => step)).toEqual([90, 200, 400, 500])
  expect(await found()).toEqual(first)
})
