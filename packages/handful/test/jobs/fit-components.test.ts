/** Heads see as many numbers of raw pixels as of learned features: a baseline with fewer would be beaten for that alone. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { matrixOf } from '../../src/numerics/matrix.js'
import { parseFitOptions } from '../../src/jobs/fit/fit-options.js'
import { runFit } from '../../src/jobs/fit/run.js'
import { readArrays } from '../../src/files/array-file.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { spacesSchema } from '../../src/runs/space-file.js'
import { silentProgress } from '../../src/training/progress.js'
import { put, temporaryFolder } from '../data/support.js'

const [IMAGES, SIDE] = [280, 16]

/** Noise in colour or in grey, of which no direction says more than another: nothing else bounds the numbers. */
async function noise(channels: 1 | 3): Promise<string> {
  const folder = temporaryFolder()
  const random = new Random(0, 'noise')
  for (let i = 0; i < IMAGES; i++) {
    const pixels = Uint8Array.from({ length: SIDE * SIDE * channels }, () => random.integer(256))
    const raw = { width: SIDE, height: SIDE, channels }
    put(folder, `${i % 2 === 0 ? 'a' : 'b'}/${i}.png`, await sharp(pixels, { raw }).png().toBuffer())
  }
  return folder
}

test.each([
  ['colour', 3, 256],
  ['grey', 1, 128],
] as const)('of images in %s', async (_, channels, numbers) => {
  const folder = await noise(channels)
  const input = {
    folder,
    size: SIDE,
    model: 'none',
    patches: 96,
    labelsPerClass: 2,
    draws: 1,
    head: 'linear',
    threads: 1,
  } as const
  const options = parseFitOptions({ ...input, mirror: 'no' }, {})
  const run = await RunFolder.create({
    parent: temporaryFolder(),
    name: 'components',
    date: new Date(0),
    config: options,
    environment: {},
  })
  await runFit(options, { run, signal: new AbortController().signal, progress: silentProgress })
  const { learned, pixels } = spacesSchema.parse((await run.store.latest('features'))?.result)
  const columnsOf = async (file: string): Promise<number> =>
    matrixOf((await readArrays(run.path(file))).arrays.train).columns
  expect([await columnsOf(learned[0].file), await columnsOf(pixels.file)]).toEqual([numbers, numbers])
  await run.close()
  await rm(path.dirname(run.folder), { recursive: true })
})
