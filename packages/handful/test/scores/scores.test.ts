/** Scores of sets of images: the network that makes the feature space, memorisation, a network from a file. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { BATCH_MARKER, compile, input, mean, Random, type Tensor } from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image-set.js'
import { openEncoderSpace } from '../../src/scores/encoder-space.js'
import { inceptionFeatures } from '../../src/scores/inception.js'
import { memorisation } from '../../src/scores/memorisation.js'
import {
  loadScoreNetwork,
  saveScoreNetwork,
  SCORE_FEATURES,
  type ScoreNetwork,
  trainScoreNetwork,
} from '../../src/scores/score-network.js'
import { scoreGeneration } from '../../src/scores/scores.js'
import { extractFeatures } from '../../src/features/extract.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { tinyModel } from '../encoders/tiny-encoder.js'
import { silentProgress } from '../../src/training/progress.js'

const SIZE = 8
const linearAlgebra = plainLinearAlgebra()
const signal = new AbortController().signal

/** Bars at random places, standing (class 0) or lying (class 1), over noise of a strength. */
function bars(
  count: number,
  name: string,
  { noise = 60, only }: { noise?: number; only?: number } = {},
): ImageSet {
  const random = new Random(4, name)
  const labels = Int32Array.from({ length: count }, (_, i) => only ?? i % 2)
  const pixels = new Uint8Array(count * SIZE * SIZE)
  labels.forEach((label, i) => {
    const at = random.integer(SIZE)
    for (let place = 0; place < SIZE * SIZE; place++) {
      const along = label === 0 ? place % SIZE : Math.floor(place / SIZE)
      pixels[i * SIZE * SIZE + place] = random.integer(noise) + (along === at ? 255 - noise : 0)
    }
  })
  const paths = Array.from(labels, (_, i) => `${i}`)
  return {
    name,
    count,
    height: SIZE,
    width: SIZE,
    channels: 1,
    pixels,
    paths,
    labels,
    classNames: ['standing', 'lying'],
  }
}

const training = bars(300, 'training')
const heldOut = bars(200, 'held out')
let folder: string
let network: ScoreNetwork

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-scores-'))
  network = await trainScoreNetwork(training, {
    width: 8,
    features: 8,
    steps: 60,
    seed: 1,
    threads: 1,
    signal,
    progress: silentProgress,
  })
})
afterAll(() => rm(folder, { recursive: true }))

test('the network knows the classes, says what it is, and is the same after saving and loading', async () => {
  expect(network.description.title).toBe(
    '8 penultimate features of a small convolutional classifier of training, trained for 60 steps from seed 1',
  )
  const outputs = [SCORE_FEATURES, 'probabilities']
  const found = await extractFeatures(network.network, heldOut, outputs, { seed: 0, threads: 1 })
  const right = heldOut.labels.filter((label, i) => found.probabilities.data[2 * i + label] > 0.5).length
  expect(right / heldOut.count).toBeGreaterThan(0.9)
  await saveScoreNetwork(folder, network)
  const loaded = await loadScoreNetwork(folder)
  expect(loaded.description).toEqual(network.description)
  expect(await extractFeatures(loaded.network, heldOut, outputs, { seed: 0, threads: 1 })).toEqual(found)
})

test('real images score best, noisier ones worse, one class alone loses recall', async () => {
  const score = (generated: ImageSet): ReturnType<typeof scoreGeneration> =>
    scoreGeneration({ generated, training, heldOut, network, linearAlgebra, seed: 0, threads: 1 })
  const [real, noisy, half] = [
    await score(bars(200, 'good samples')),
    await score(bars(200, 'noisy samples', { noise: 160 })),
    await score(bars(200, 'standing only', { only: 0 })),
  ]
  expect(real.images).toBe(200)
  expect(real.generated.frechet).toBeLessThan(3 * real.floor.frechet)
  expect(Math.abs(real.generated.kernel.distance)).toBeLessThan(noisy.generated.kernel.distance / 5)
  expect(noisy.generated.frechet).toBeGreaterThan(5 * real.generated.frechet)
  expect(half.generated.recall).toBeLessThan(real.generated.recall - 0.2)
  expect(half.generated.precision).toBeGreaterThan(0.5)
  expect(real.memorisation.ratio).toBeGreaterThan(0.9)
  expect(real.memorisation.suspicious).toBeLessThan(0.08)
  expect(await score(bars(200, 'good samples'))).toEqual(real)
})

test('copies of training images are noticed and the pairs named', async () => {
  const copied = bars(100, 'fresh')
  copied.pixels.subarray().set(training.pixels.subarray(70 * SIZE * SIZE, 120 * SIZE * SIZE))
  const found = await memorisation({ generated: copied, training, heldOut, linearAlgebra, shown: 50 })
  expect(found.suspicious).toBeGreaterThanOrEqual(0.5)
  expect(found.nearest.map(({ distance }) => distance)).toEqual(new Array(50).fill(0))
  expect(found.nearest.every(({ sample, training: from }) => from === sample + 70)).toBe(true)
  expect(found.ratio).toBeLessThan(0.95)
})

test('a network from a file gives features of images resampled and scaled as said', async () => {
  const file = path.join(folder, 'colours.onnx')
  const x = input('pixels', [16, 16, BATCH_MARKER, 3])
  const outputs: Record<string, Tensor> = { means: mean(x, [0, 1]) }
  await writeFile(file, compile({ inputs: [x], outputs, parameters: {} }).model)
  const grey = { ...training, count: 5, pixels: training.pixels.slice(0, 5 * SIZE * SIZE) }
  const options = { file, size: 16, range: 'zero-to-one', mean: [0, 0.5, 0], deviation: [1, 2, 0.5] } as const
  const found = await inceptionFeatures(
    grey,
    { ...options, mean: [...options.mean], deviation: [...options.deviation] },
    { threads: 1 },
  )
  expect([found.rows, found.columns]).toEqual([5, 3])
  const corner = training.pixels.subarray(0, SIZE * SIZE)
  // Doubling by pixel centres weighs every pixel alike save those at the edges, which repeat.
  const average = corner.reduce((sum, value) => sum + value, 0) / corner.length / 255
  expect(found.data[0]).toBeCloseTo(average, 1)
  expect(found.data[1]).toBeCloseTo((found.data[0] - 0.5) / 2, 5)
  expect(found.data[2]).toBeCloseTo(found.data[0] / 0.5, 5)
  const fid = await scoreGeneration({
    generated: heldOut,
    training,
    heldOut,
    network,
    linearAlgebra,
    seed: 0,
    most: 50,
    threads: 1,
    inception: { file, size: 16 },
  })
  expect(fid.fid?.generated).toBeGreaterThan(0)
})

test('an encoder made elsewhere gives a second space, of its own numbers for the same pixels', async () => {
  const file = path.join(folder, 'encoder.onnx')
  await writeFile(file, tinyModel({ size: 16 }))
  const options = { encoder: file, encoderRange: '0,1' } as const
  const encoder = await openEncoderSpace(options, { threads: 1 })
  expect(encoder.title).toBe('6 numbers of encoder, from images of 16x16')
  // Means of the three colours, which are equal, and of their squares.
  const rows = await encoder.rows(training, { threads: 1 })
  expect([rows.rows, rows.columns]).toEqual([300, 6])
  const corner = training.pixels.subarray(0, SIZE * SIZE)
  const average = corner.reduce((sum, value) => sum + value, 0) / corner.length / 255
  for (let i = 0; i < 3; i++) expect(rows.data[i]).toBeCloseTo(average, 1)
  expect(rows.data[1]).toBeCloseTo(rows.data[0], 6)
  for (let i = 3; i < 6; i++) expect(rows.data[i]).toBeGreaterThan(rows.data[0] ** 2)

  const score = (generated: ImageSet, more = {}): ReturnType<typeof scoreGeneration> =>
    scoreGeneration({ generated, training, heldOut, network, linearAlgebra, seed: 0, threads: 1, ...more })
  const alone = await score(bars(200, 'good samples'))
  const parts: string[] = []
  const onPart = (done: number, total: number): void => void parts.push(`${done}/${total}`)
  const { encoder: found, ...rest } = await score(bars(200, 'good samples'), { encoder, onPart })
  expect(rest).toEqual(alone)
  expect(parts).toEqual([1, 2, 3, 4, 5, 6, 7].map((done) => `${done}/7`))
  expect(found?.space).toBe(encoder.title)
  expect(found?.generated.frechet).toBeLessThan(0.01)
  expect(Object.keys(found?.floor ?? {})).toEqual(['frechet', 'kernel', 'precision', 'recall'])
  // What the classifier's space says of brightness, this one says too: it sees nothing else.
  const bright = await score(bars(200, 'noisy samples', { noise: 160 }), { encoder })
  expect(bright.encoder?.generated.frechet).toBeGreaterThan(10 * (found?.generated.frechet ?? Infinity))
  expect(bright.encoder?.generated.precision).toBeLessThan(0.2)
  expect(bright.encoder?.floor).toEqual(found?.floor)
})

test('files and sets that do not fit are refused in one line, and nothing is scored', async () => {
  const message = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'no error',
      (error: Error) => error.message,
    )
  const file = path.join(folder, 'colours.onnx')
  expect(await message(inceptionFeatures(training, { file: path.join(folder, 'none.onnx') }))).toContain(
    'got nothing there',
  )
  const broken = path.join(folder, 'broken.onnx')
  await writeFile(broken, (await readFile(file)).subarray(0, 60))
  expect(await message(inceptionFeatures(training, { file: broken }))).toContain(
    `network for FID (${broken}): got`,
  )
  expect(await message(inceptionFeatures(training, { file, size: 32 }))).toContain(
    'got an input of float32 [-1, 3, 16, 16] where [-1, 3, 32, 32] was said',
  )
  expect(await message(inceptionFeatures(training, { file, size: 16, output: 'pool' }))).toContain(
    'the outputs means and none chosen',
  )
  expect(await message(inceptionFeatures(training, { file, size: 4 }))).toContain(
    'network for FID (size): got',
  )
  const options = { training, heldOut, network, linearAlgebra, seed: 0 }
  expect(await message(scoreGeneration({ ...options, generated: bars(3, 'few') }))).toContain(
    'got 3 generated, 300 training',
  )
  const wide = { ...heldOut, width: 4, count: 2 * heldOut.count }
  expect(await message(scoreGeneration({ ...options, generated: wide }))).toContain(
    'got images of 4x8x1, expected 8x8x1',
  )
  await writeFile(path.join(folder, 'score-network.json'), '{}')
  expect(await message(loadScoreNetwork(folder))).toContain(
    `network that scores images (${folder}): got damaged files`,
  )
  expect(await message(loadScoreNetwork(path.join(folder, 'none')))).toContain('got nothing there')
})
