/** What the page reads of a training: its curves, also where a loss is no number. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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
