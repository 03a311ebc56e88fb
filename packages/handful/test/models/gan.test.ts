/** The GAN as its users meet it: training, features, samples, and that they hold what they promise. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Arrays, evaluate, input, openLocalSession, Parameters, Random } from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { straightWay } from '../../src/models/common.js'
import { runOnce } from './vae-support.js'
import { fast, type GanConfig, ganSchema, geometry, paper } from '../../src/models/gan/config.js'
import { networkImages, userImages } from '../../src/models/gan/network-images.js'
import { discriminator, encoder, generator, mapping } from '../../src/models/gan/networks.js'
import { encodeStyles, sampleStyles } from '../../src/models/gan/generate.js'
import { gan } from '../../src/models/gan/gan.js'
import {
  averagedWeights,
  type ImageShape,
  phasesDue,
  type Trainable,
  type Weights,
} from '../../src/models/model.js'
import { train } from '../../src/training/loop.js'

const image: ImageShape = { size: 8, channels: 1 }
const small: GanConfig = {
  ...fast(image),
  channels: [8, 8],
  latent: 8,
  hidden: 16,
  mappingLayers: 2,
  batch: 8,
  emaHalfLifeImages: 40,
}
const PAPER = paper({ size: 6, channels: 1 })
if (PAPER.augmentation === null) throw new Error('the paper preset: got no distortions, expected some')
const WHOLE_AUGMENTATION = PAPER.augmentation
/** Every part that the paper's preset has, as small as can be: margins, tripled grey, all phases. */
const whole: GanConfig = {
  ...PAPER,
  channels: [6, 4],
  latent: 5,
  hidden: 7,
  mappingLayers: 2,
  batch: 4,
  pathLength: { weight: 2, every: 2 },
  r1: { gamma: 10, every: 4 },
  augmentation: { ...WHOLE_AUGMENTATION, strength: 0.5, rampImages: 100 },
}
const wholeImage: ImageShape = { size: 6, channels: 1 }

/** Bars of light: a row or a column of each image. */
function bars(count: number, size: number): Uint8Array {
  const random = new Random(5, 'bars')
  const pixels = new Uint8Array(count * size * size).fill(10)
  for (let i = 0; i < count; i++) {
    const [place, upright] = [random.integer(size), random.uniform() < 0.5]
    for (let k = 0; k < size; k++)
      pixels[i * size * size + (upright ? k * size + place : place * size + k)] = 240
  }
  return pixels
}

const inputsOf =
  ({ batch, drawInputs }: Trainable, { size }: ImageShape, seed: number) =>
  (step: number): Arrays => ({
    image: { dtype: 'uint8', shape: [batch, size, size, 1], data: bars(batch, size) },
    ...drawInputs((name) => new Random(seed, `${name}/${step}`), step),
  })

async function trainFor(
  config: GanConfig,
  shape: ImageShape,
  steps: number,
  seed = 1,
): Promise<{ state: Arrays; metrics: Record<string, number>[] }> {
  const trainable = gan.configure(config, shape).train(steps, seed)
  const phases = trainable.laterPhases ?? []
  const programs = [trainable.program, ...phases.map(({ program }) => program)]
  const session = await openLocalSession(programs, { state: trainable.initialState, threads: 1 })
  const metrics: Record<string, number>[] = []
  for (let step = 0; step < steps; step++) {
    const outputs = await session.run(inputsOf(trainable, shape, seed)(step), phasesDue(phases, step))
    metrics.push(
      Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])),
    )
  }
  const state = await session.readState()
  await session.close()
  return { state, metrics }
}

let weights: Weights
let metrics: Record<string, number>[]
let wholeState: Arrays
let wholeMetrics: Record<string, number>[]
beforeAll(async () => {
  const trained = await trainFor(small, image, 150)
  weights = averagedWeights(trained.state)
  metrics = trained.metrics
  ;({ state: wholeState, metrics: wholeMetrics } = await trainFor(whole, wholeImage, 5))
})

test('the presets are valid for every kind of image, and their sizes hold it', () => {
  for (const size of [4, 8, 16, 28, 30, 32, 64]) {
    for (const channels of [1, 3] as const) {
      for (const preset of [fast, paper]) {
        const config = preset({ size, channels })
        expect(ganSchema.parse(config)).toEqual(config)
        expect(geometry(config, { size, channels }).base).toBeLessThanOrEqual(8)
      }
    }
  }
  expect(fast({ size: 28, channels: 1 })).toMatchObject({
    size: 28,
    patch: 2,
    channels: [128, 64],
    latent: 128,
  })
  expect(paper({ size: 28, channels: 1 })).toMatchObject({
    size: 32,
    channels: [512, 512, 512, 512],
    latent: 128,
    batch: 32,
  })
  expect(paper({ size: 64, channels: 3 }).channels).toEqual([512, 512, 512, 512, 512])
})

test('the networks of the paper preset have as many parameters as the reference counts', () => {
  const shape: ImageShape = { size: 32, channels: 3 }
  const config = paper(shape)
  const count = (make: (p: Parameters) => unknown): number => {
    const p = new Parameters('train')
    make(p)
    return p.count
  }
  // REFERENCE.md 1.5: 132 k, 17.26 M, 21.57 M, 50 k.
  expect(count((p) => mapping(p, config)) / 1e3).toBeCloseTo(132, 0)
  expect(count((p) => generator(p, config, shape)) / 1e6).toBeCloseTo(17.26, 2)
  expect(count((p) => encoder(p, config, shape)) / 1e6).toBeCloseTo(21.57, 2)
  expect(count((p) => discriminator(p, config)) / 1e3).toBeCloseTo(50, 0)
})

test('sizes that do not fit are refused in one line, and unknown settings by name', () => {
  expect(() => geometry({ ...small, size: 12, channels: [4, 4, 4] }, { size: 16, channels: 1 })).toThrow(
    "size (GAN configuration): got 12, expected a multiple of 4 that is at least the image's 16; with patch 1 and 3 resolutions, 16 fits",
  )
  expect(ganSchema.safeParse({ ...small, chanels: 3 }).error?.message).toContain('chanels')
})

test('training on bars of light: the encoder learns to find styles, and generated images do not collapse', () => {
  const mean = (name: string, from: number, to: number): number =>
    metrics.slice(from, to).reduce((sum, each) => sum + each[name], 0) / (to - from)
  expect(mean('reconstruction', 140, 150)).toBeLessThan(0.7 * mean('reconstruction', 0, 10))
  expect(mean('diversity', 140, 150)).toBeGreaterThan(0.1)
  expect(mean('discriminator', 140, 150)).toBeLessThan(2 * Math.LN2 + 0.3)
  expect(metrics.every((each) => Object.values(each).every(Number.isFinite))).toBe(true)
})

test('the same seed gives the same training to the last bit, another seed another', async () => {
  const [first, again, other] = [
    await trainFor(small, image, 3),
    await trainFor(small, image, 3),
    await trainFor(small, image, 3, 2),
  ]
  expect(again).toEqual(first)
  expect(other.metrics[2]).not.toEqual(first.metrics[2])
})

test('lazy regularisation runs in its steps only, and everything that adapts has moved', () => {
  expect(
    wholeMetrics.map((each) => ['r1' in each, 'path' in each, 'generator' in each, 'reconstruction' in each]),
  ).toEqual([
    [true, true, true, true],
    [false, false, true, true],
    [false, true, true, true],
    [false, false, true, true],
    [true, true, true, true],
  ])
  expect(wholeState['path/mean'].data[0]).toBeGreaterThan(0)
  // Up or down by 4 images of 100 in each of five steps: by an odd number of them in all.
  const moved = Math.abs(Number(wholeState['augmentation/strength'].data[0]) - 0.5) / 0.04
  expect([1, 3, 5]).toContain(Math.round(moved * 1e4) / 1e4)
  expect(wholeState['encoder.deviation'].data[0]).toBeGreaterThan(0)
  expect(wholeState['adam/discriminator/step'].data[0]).toBe(7)
  expect(wholeState['adam/encoder/step'].data[0]).toBe(12)
  expect(wholeState['adam/generator/step'].data[0]).toBe(13)
})

test('as in the reference the generator alone is averaged; the fast preset averages all that features are taken from', () => {
  expect(wholeState['ema/encoder.code.weight'].data).toEqual(wholeState['encoder.code.weight'].data)
  expect(wholeState['ema/generator.first.weight'].data).not.toEqual(wholeState['generator.first.weight'].data)
  expect(Object.keys(weights).some((name) => name.startsWith('discriminator'))).toBe(false)
})

test('features never depend on the other images of a batch, with the statistic of the paper either', async () => {
  for (const [config, shape, own] of [
    [small, image, weights],
    [whole, wholeImage, averagedWeights(wholeState)],
  ] as const) {
    const request = {
      layers: gan
        .configure(config, shape)
        .layers()
        .map(({ name }) => name),
      pooling: 'none' as const,
    }
    const { program } = gan.configure(config, shape).features(own, request)
    const pixels = bars(6, shape.size)
    const numbers = shape.size * shape.size
    const input = (from: number, to: number): Arrays => ({
      image: {
        dtype: 'uint8',
        shape: [to - from, shape.size, shape.size, 1],
        data: pixels.slice(from * numbers, to * numbers),
      },
    })
    const together = await runOnce(program, input(0, 6))
    for (const i of [0, 5]) {
      const alone = await runOnce(program, input(i, i + 1))
      for (const layer of gan.configure(config, shape).layers()) {
        const length = layer.shape.reduce((a, b) => a * b, 1)
        expect(alone[layer.name].shape).toEqual([1, length])
        const row = Array.from(together[layer.name].data as Float32Array).slice(i * length, (i + 1) * length)
        row.forEach((value, k) => expect(Number(alone[layer.name].data[k])).toBeCloseTo(value, 4))
      }
    }
  }
})

test('samples: the first ones are the same whatever the count; at truncation 0 every style is the mean', async () => {
  const options = { threads: 1 }
  const many = await gan.configure(small, image).sample?.(weights, { count: 5, seed: 3, ...options })
  expect(many?.length).toBe(5 * 64)
  expect(await gan.configure(small, image).sample?.(weights, { count: 2, seed: 3, ...options })).toEqual(
    many?.slice(0, 2 * 64),
  )
  const styles = await sampleStyles(small, weights, { count: 2, seed: 3, truncation: 0 }, options)
  styles.subarray(0, 8).forEach((value, k) => expect(styles[8 + k]).toBeCloseTo(value, 6))
  expect(
    await gan
      .configure(whole, wholeImage)
      .sample?.(averagedWeights(wholeState), { count: 3, seed: 1, ...options }),
  ).toHaveLength(3 * 36)
})

test('an interpolation goes from the one reconstruction to the other', async () => {
  const pair = bars(4, 8).slice(2 * 64)
  const rebuilt = await gan.configure(small, image).reconstruct?.(weights, pair, { threads: 1 })
  const steps = (await gan
    .configure(small, image)
    .interpolate?.(weights, { pair, steps: 5, threads: 1 })) as Uint8Array
  expect(steps.slice(0, 64)).toEqual(rebuilt?.slice(0, 64))
  expect(steps.slice(4 * 64)).toEqual(rebuilt?.slice(64))
  expect([...straightWay(Float32Array.of(0, 4, 2, 0), 3)]).toEqual([0, 4, 1, 2, 2, 0])
  const styles = await encodeStyles(small, image, weights, pair, { threads: 1 })
  expect(styles).toHaveLength(16)
})

test('a collapsed generator is said in plain words', () => {
  const { problem } = gan.configure(small, image).train(1, 1)
  expect(problem?.({ discriminator: 1, diversity: 0.4 }, 100)).toBeUndefined()
  expect(problem?.({ discriminator: 1, diversity: 0.001 }, 100)).toMatchObject({
    got: 'a generator that makes one image only',
    hint: expect.stringContaining('another seed') as string,
  })
})

test('margins are black, grey is tripled, and the way back gives the user their own image', () => {
  const pixels = bars(2, 6)
  const x = input('x', [2, 6, 6, 1], 'uint8')
  const inside = networkImages(x, whole, wholeImage)
  expect(inside.shape).toEqual([8, 8, 2, 3])
  const [seen, back] = evaluate([inside, userImages(inside, whole, wholeImage)], { x: pixels })
  expect([...seen.subarray(0, 6)]).toEqual([-1, -1, -1, -1, -1, -1])
  const firstPixel = (8 + 1) * 2 * 3
  expect([...seen.subarray(firstPixel, firstPixel + 3)]).toEqual(new Array(3).fill((pixels[0] * 2) / 255 - 1))
  back.forEach((value, i) => expect(value).toBeCloseTo(pixels[i] / 255, 9))
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-gan-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('stopped in the middle and resumed, training ends where an uninterrupted one does', async () => {
  const steps = 6
  const reports: string[] = []
  const job = (signal: AbortSignal, name: string, stop?: AbortController) => {
    const trainable = gan.configure(whole, wholeImage).train(steps, 1)
    return train({
      stage: 'train the gan',
      steps,
      signal,
      threads: 1,
      loss: trainable.loss,
      program: trainable.program,
      laterPhases: trainable.laterPhases,
      initialState: trainable.initialState,
      inputsOf: (step) => {
        if (step === 3) stop?.abort(new Error('stopped'))
        return inputsOf(trainable, wholeImage, 1)(step)
      },
      checkpoints: { folder: path.join(folder, name), key: 'k' },
      progress: { report: () => undefined, message: (text: string) => reports.push(text) } as never,
    })
  }
  const straight = await job(new AbortController().signal, 'straight')
  const stop = new AbortController()
  await expect(job(stop.signal, 'broken', stop)).rejects.toThrow('stopped')
  expect((await job(new AbortController().signal, 'broken')).state).toEqual(straight.state)
  expect(reports).toEqual([expect.stringContaining('going on at step 3 of 6')])
})
