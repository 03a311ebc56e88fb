/** Many images are classified a block at a time: with what they would be given all at once. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseFitOptions, RunFolder, runFit, runPredict, silentProgress } from '../../src/index.js'
import { writeGreyFolders } from '../cli/image-folders.js'

let parent: string
let images: string
let run: RunFolder
const context = { signal: new AbortController().signal, progress: silentProgress }

// Features of a diffusion model hang on noise that is drawn by an image's place among all.
beforeAll(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'handful-blocks-'))
  images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 20],
    ['light', 190],
  ])
  const options = parseFitOptions({
    ...{ folder: images, size: 12, threads: 1, steps: 2, patches: 0, model: 'diffusion', preset: 'fast' },
    set: { width: 8, groups: 2, multipliers: [1, 2], blocks: 1, batch: 4, featureLevel: 600 },
  })
  const config = JSON.parse(JSON.stringify(options)) as Record<string, unknown>
  const folder = path.join(parent, 'run')
  run = await RunFolder.create({ folder, parent, name: 'run', date: new Date(), config, environment: {} })
  await runFit(options, { ...context, run })
  await run.close()
}, 120_000)
afterAll(() => rm(parent, { recursive: true, force: true }))

test('the same predictions by blocks of any size, in the same order, with what was skipped', async () => {
  await writeFile(path.join(images, 'dark', '00-broken.png'), 'no image')
  const request = { run: run.folder, images: [images], threads: 1 }
  const whole = await runPredict(request, context)
  expect(whole.predictions.length).toBeGreaterThan(8)
  expect(new Set(whole.predictions.map(({ probability }) => probability)).size).toBeGreaterThan(4)
  for (const blockImages of [1, 3, whole.predictions.length]) {
    const told: [stage: string, done: number, total: number][] = []
    const progress = {
      ...silentProgress,
      report: ({ stage, done, total }: { stage: string; done: number; total: number }) =>
        void told.push([stage, done, total]),
    }
    const { predictions, skipped } = await runPredict({ ...request, blockImages }, { ...context, progress })
    expect(predictions.map(({ path }) => path)).toEqual(whole.predictions.map(({ path }) => path))
    for (const [i, { predicted, probability, unlike }] of predictions.entries()) {
      expect(predicted).toBe(whole.predictions[i].predicted)
      expect(probability).toBeCloseTo(whole.predictions[i].probability, 5)
      expect(unlike ?? 0).toBeCloseTo(whole.predictions[i].unlike ?? 0, 5)
    }
    expect(skipped).toEqual(whole.skipped)
    const files = whole.predictions.length + 1
    expect(told.at(-1)).toEqual(['classify the images', files, files])
  }
})

test('where no image is left that is told, by blocks as well', async () => {
  const folder = path.join(parent, 'none')
  await writeGreyFolders(folder, [])
  for (const name of ['a.png', 'b.png', 'c.png']) await writeFile(path.join(parent, name), 'no image')
  const files = ['a.png', 'b.png', 'c.png'].map((name) => path.join(parent, name))
  await expect(runPredict({ run: run.folder, images: files, blockImages: 2 }, context)).rejects.toThrow(
    /images \(.*a\.png.*\): got none that can be used/,
  )
})
