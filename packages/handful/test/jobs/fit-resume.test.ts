/** A run that is gone on with does what is left, and nothing where nothing is. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fitOptionsSchema } from '../../src/jobs/fit/fit-options.js'
import { runFit } from '../../src/jobs/fit/run.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import type { PlannedStage } from '../../src/training/progress.js'
import { writeGreyFolders } from '../cli/image-folders.js'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-resume-'))
})
afterEach(() => rm(parent, { recursive: true }))

const AFTER_TRAINING = [
  'find patches',
  'compute features',
  'fit classifiers',
  'save the classifier',
  'draw pictures',
  'write the report',
]

test('fit repeats no stage that is done', { timeout: 300_000 }, async () => {
  const images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 20],
    ['light', 190],
  ])
  const options = fitOptionsSchema.parse({
    folder: images,
    size: 12,
    threads: 1,
    steps: 2,
    patches: 4,
    preset: 'fast',
    set: { width: 4, hidden: 8, latent: 3, batch: 4 },
  })
  const folder = path.join(parent, 'run')
  /** What it had to do, by the plan that it told last, and what it said. */
  const fit = async (run: RunFolder, stopAt?: string) => {
    const controller = new AbortController()
    let planned: readonly PlannedStage[] = []
    const messages: string[] = []
    const progress = {
      plan: (stages: readonly PlannedStage[]) => void (planned = stages),
      report: ({ stage, done, total }: { stage: string; done: number; total: number }) => {
        if (stage === stopAt && done >= total) controller.abort(new Error('stopped'))
      },
      message: (text: string) => void messages.push(text),
      aside: (text: string) => void messages.push(text),
    }
    try {
      const report = await runFit(options, { run, progress, signal: controller.signal })
      return { report, planned: planned.map(({ stage }) => stage).slice(1), messages }
    } catch (error) {
      expect(String(error)).toContain('stopped')
      return { planned: [], messages }
    } finally {
      await run.close()
    }
  }
  const config = { ...options, set: { ...options.set } }
  const run = await RunFolder.create({
    folder,
    parent,
    name: 'run',
    date: new Date(),
    config,
    environment: { command: ['handful', 'fit'] },
  })
  await fit(run, 'compute features')
  const rest = await fit(await RunFolder.resume(folder, {}))
  expect(rest.planned).toEqual(AFTER_TRAINING.slice(2))
  const predictions = await readFile(path.join(folder, 'predictions.csv'), 'utf8')
  const again = await fit(await RunFolder.resume(folder, {}))
  expect(again.planned).toEqual([])
  expect(again.messages).toContain('All of this run is done: nothing is computed again.')
  expect(again.report).toEqual(rest.report)
  // Predictions that were taken away are written again, and nothing else is done.
  await rm(path.join(folder, 'predictions.csv'))
  expect((await fit(await RunFolder.resume(folder, {}))).planned).toEqual(['save the classifier'])
  expect(await readFile(path.join(folder, 'predictions.csv'), 'utf8')).toBe(predictions)
})
