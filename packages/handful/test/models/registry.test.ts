/** What a new model costs: one entry. A made-up one trains, gives features and samples, and nothing else knows of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { add, input, linear, mean, mul, Parameters, Random, relu, sub } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { extractFeatures } from '../../src/features/extract.js'
import { featureRequest } from '../../src/models/choose-features.js'
import {
  chosenRows,
  describeLayers,
  imageDimensions,
  imageInput,
  toBytes,
  toUnitRange,
} from '../../src/models/common.js'
import { defineModel } from '../../src/models/define-model.js'
import { modelNamed, models, modelsWith } from '../../src/models/registry.js'
import { trainingStep } from '../../src/models/optimise.js'
import { MODELS } from '../../src/names.js'
import { resolveAugmentation } from '../../src/training/model-options.js'
import { pretrain } from '../../src/training/pretrain.js'
import { silentProgress } from '../../src/training/progress.js'

const schema = z.strictObject({ batch: z.int().min(1), numbers: z.int().min(1) })

/** Says an image's brightness from a few hidden numbers. */
const brightness = defineModel<z.infer<typeof schema>>({
  name: 'brightness',
  shortTitle: 'brightness',
  title: ({ numbers }) => `brightness from ${numbers} numbers`,
  configSchema: schema,
  presets: { fast: () => ({ batch: 8, numbers: 4 }) },
  defaultSteps: () => 30,
  cost: { stepSeconds: 0.01, imagesPerSecond: 10_000, samplesPerSecond: 100 },
  train: (config, image, steps, seed) => {
    const p = new Parameters('train')
    const pixels = input('image', imageDimensions(config.batch, image), 'uint8')
    const target = mean(toUnitRange(pixels), [0, 1, 3])
    const hidden = relu(
      linear(p.scope('hidden'), { inputs: 1, outputs: config.numbers })(mean(toUnitRange(pixels), [0, 1])),
    )
    const said = linear(p.scope('said'), { inputs: config.numbers, outputs: 1 })(hidden)
    const error = sub(mean(said, 1), target)
    const optimiser = {
      learningRate: 0.05,
      schedule: 'constant',
      weightDecay: 0,
      warmUpSteps: 0,
      emaHalfLife: 0,
    } as const
    return {
      ...trainingStep(
        { parameters: p, inputs: [pixels], loss: mean(mul(error, error)), metrics: {} },
        optimiser,
        steps,
        seed,
      ),
      batch: config.batch,
      hasTarget: false,
      drawInputs: () => ({}),
    }
  },
  layers: (config, image) => describeLayers(hiddenOf(config.numbers, imageInput(image))),
  defaultFeatures: () => ({ layers: ['hidden'], pooling: 'none' }),
  features: (config, image, weights, request) => {
    const pixels = imageInput(image)
    const outputs = chosenRows('brightness', hiddenOf(config.numbers, pixels), request)
    return { program: { inputs: [pixels], outputs, parameters: weights } }
  },
  sample: (_, { size, channels }, weights, { count, seed }) => {
    const values = new Random(seed, 'samples').fillUniform(new Float32Array(count), 0, 1)
    const shift = Object.values(weights).length === 0 ? 1 : 0
    return Promise.resolve(
      toBytes(
        Float32Array.from(
          { length: count * size * size * channels },
          (_, i) => shift + values[Math.floor(i / (size * size * channels))],
        ),
      ),
    )
  },
})

function hiddenOf(numbers: number, pixels: ReturnType<typeof imageInput>) {
  const p = new Parameters('evaluate')
  const x = mean(toUnitRange(pixels), [0, 1])
  return { hidden: add(relu(linear(p.scope('hidden'), { inputs: 1, outputs: numbers })(x)), 0) }
}

const image = { size: 6, channels: 1 } as const
const COUNT = 24
const images = {
  name: 'shades',
  count: COUNT,
  height: 6,
  width: 6,
  channels: 1 as const,
  pixels: Uint8Array.from({ length: COUNT * 36 }, (_, i) => 10 * Math.floor(i / 36)),
  paths: Array.from({ length: COUNT }, (_, i) => `${i}`),
}

let folder: string
beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'handful-registry-'))))
afterAll(() => rm(folder, { recursive: true }))

test('a made-up model trains, gives features and samples', async () => {
  const model = brightness.configure(brightness.preset('fast', image), image)
  expect(model.title).toBe('brightness from 4 numbers')
  expect(resolveAugmentation(undefined, model)).toEqual({ name: 'none', options: null })
  const trained = await pretrain(
    images,
    { model, augmentation: null, seed: 1, steps: model.defaultSteps, threads: 1, device: 'cpu' },
    {
      checkpoints: { folder, key: 'made up' },
      signal: new AbortController().signal,
      progress: silentProgress,
    },
  )
  const { value } = trained.curves[0]
  expect([trained.steps, trained.batch]).toEqual([30, 8])
  expect(value.at(-1)).toBeLessThan(0.5)
  const request = featureRequest(model, {})
  const { hidden } = await extractFeatures(model.features(trained.weights, request), images, request.layers, {
    seed: 0,
    threads: 1,
  })
  expect([hidden.rows, hidden.columns]).toEqual([COUNT, 4])
  expect(await model.sample?.(trained.weights, { count: 3, seed: 2 })).toHaveLength(3 * 36)
  expect(() => featureRequest(model, { noiseLevel: 10 })).toThrow('expected none for model brightness')
})

describe('the registry', () => {
  test('holds each model under its own name', () => {
    for (const name of MODELS) expect(models[name].name).toBe(name)
    expect(() => modelNamed('toString')).toThrow(/^model: got "toString", expected one of contrastive, vae/)
  })

  test('says of each model what the rest decides by', () => {
    expect(modelsWith('hasDecoder')).toEqual(['vae', 'vqvae'])
    expect(modelsWith('hasNoiseLevels')).toContain('diffusion')
    for (const name of MODELS) {
      const model = models[name]
      expect(model.presets).toContain(model.bestPreset)
      for (const channels of [1, 3] as const) {
        const shape = { size: 32, channels }
        const bound = model.configure(model.preset(model.bestPreset, shape), shape)
        expect(bound.noiseAt === undefined).toBe(!model.hasNoiseLevels)
        expect(bound.defaultFeatures.noiseLevel === undefined).toBe(!model.hasNoiseLevels)
        expect(bound.parts() === undefined).toBe(!model.hasDecoder)
      }
    }
  })
})
