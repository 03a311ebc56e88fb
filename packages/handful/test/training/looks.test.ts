/** Pictures of a model that trains: how often, at what cost, and what stays after a training is gone on with. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { trainingPictures } from '../../src/draw/training-pictures.js'
import { averagedWeights } from '../../src/models/model.js'
import { modelNamed } from '../../src/models/registry.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { LookSchedule } from '../../src/training/looks.js'
import { silentProgress } from '../../src/training/progress.js'

/** A training of a step a tenth of a second, with looks that take so long. @returns the steps that were looked at */
function played(steps: number, lookSeconds: number, from = 0): { at: number[]; share: number } {
  const schedule = new LookSchedule(lookSeconds)
  const at: number[] = []
  let looking = 0
  schedule.start(from, steps, from / 10)
  for (let step = from + 1; step < steps; step++) {
    if (!schedule.isDue(step, steps, step / 10 + looking)) continue
    at.push(step)
    looking += lookSeconds
    schedule.taken(step, steps, lookSeconds)
  }
  return { at, share: looking / (steps / 10 + looking) }
}

test('at most twenty looks, closer together in the beginning, for less than 3 % of the time', () => {
  const cheap = played(10_000, 0.1)
  expect(cheap.at).toHaveLength(19)
  expect(cheap.at[0]).toBeLessThan(60)
  expect(cheap.at[10] - cheap.at[9]).toBeGreaterThan(3 * (cheap.at[1] - cheap.at[0]))
  const dear = played(10_000, 10)
  expect(dear.at).toHaveLength(3)
  expect(dear.share).toBeLessThanOrEqual(0.03)
  // Time of an earlier process that may have gone into looks is not spent again.
  expect(played(10_000, 10, 5000).share).toBeLessThanOrEqual(0.015)
  expect(played(100, 1).at).toEqual([])
})

test('samples and reconstructions by turns, by their steps; those after the step of a resume are gone', async () => {
  const parent = await mkdtemp(path.join(tmpdir(), 'handful-looks-'))
  const run = await RunFolder.create({
    folder: path.join(parent, 'run'),
    parent,
    name: 'looks',
    date: new Date(0),
    config: {},
    environment: {},
  })
  try {
    const shape = { size: 8, channels: 1 } as const
    const vae = modelNamed('vae')
    const model = vae.configure(vae.preset('fast', shape), shape).withBatch(8)
    const images = { name: 'grey', count: 8, height: 8, width: 8, channels: 1 as const, pixels: new Uint8Array(8 * 64).fill(90), paths: [] } // prettier-ignore
    const { signal } = new AbortController()
    const looks = trainingPictures(run, model, images, {
      seed: 0,
      threads: 1,
      signal,
      progress: silentProgress,
    })
    const weights = averagedWeights(model.train(10, 0).initialState)
    await looks.start(0)
    for (const step of [10, 40, 90]) await looks.look(step, weights)
    const names = async (): Promise<string[]> => (await readdir(run.path('samples'))).sort()
    expect(await names()).toEqual(['reconstructions-40.png', 'samples-10.png', 'samples-90.png'])
    // Two rows of eight images of 8 pixels with gaps of 2, twice as large.
    const { width, height } = await sharp(run.path('samples', 'samples-10.png')).metadata()
    expect([width, height]).toEqual([164, 44])
    await writeFile(run.path('samples', 'samples.png'), '')
    await looks.start(40)
    expect(await names()).toEqual(['reconstructions-40.png', 'samples-10.png', 'samples.png'])
    // What neither draws nor reconstructs shows what is alike to it: four rows of eight.
    const contrastive = modelNamed('contrastive')
    const views = contrastive.configure(contrastive.preset('fast', shape), shape).withBatch(8)
    const alike = trainingPictures(run, views, images, {
      seed: 0,
      threads: 1,
      signal,
      progress: silentProgress,
    })
    await alike.look(120, averagedWeights(views.train(10, 0).initialState))
    const sheet = await sharp(run.path('samples', 'neighbours-120.png')).metadata()
    expect([sheet.width, sheet.height]).toEqual([164, 84])
    await alike.start(100)
    expect(await names()).not.toContain('neighbours-120.png')
  } finally {
    await run.close()
    await rm(parent, { recursive: true, force: true })
  }
})
