/** The diffusion model as its users meet it: presets, training, samples, reconstructions, features. */
import { openLocalSession, openSession, Parameters, Random } from 'onnx-autodiff'
import { beforeAll, describe, expect, test } from 'vitest'
import { type DiffusionConfig, diffusionPresets } from '../../src/models/diffusion/config.js'
import type { FeatureRequest } from '../../src/models/feature-request.js'
import { denoiser, FOURIER_FREQUENCIES } from '../../src/models/denoising/unet.js'
import { diffusion } from '../../src/models/diffusion/diffusion.js'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'
import { tiny, untrained } from './diffusion-tiny.js'

const grey: ImageShape = { size: 28, channels: 1 }
const colour: ImageShape = { size: 32, channels: 3 }
const small: ImageShape = { size: 8, channels: 1 }

/** Sixteen images of 8x8: crosses of a bright row and a bright column, two pixels wide. */
const COUNT = 16
const pixels = Uint8Array.from({ length: COUNT * 64 }, (_, at) => {
  const [image, row, column] = [Math.floor(at / 64), Math.floor(at / 8) % 8, at % 8]
  return row >> 1 === image >> 2 || column >> 1 === (image & 3) ? 255 : 0
})

describe('presets', () => {
  test("the paper's has the study's parameters", () => {
    const count = (config: DiffusionConfig, image: ImageShape): number => {
      const p = new Parameters()
      denoiser(p, config, image)
      return p.count + FOURIER_FREQUENCIES.length
    }
    expect(count(diffusionPresets.paper(grey), grey)).toBe(23_208_713)
    expect(count(diffusionPresets.paper(colour), colour)).toBe(23_211_275)
    const twelve: ImageShape = { size: 12, channels: 1 }
    expect(diffusion.configure(tiny.study, twelve).train(10, 1).parameterCount).toBe(
      count(tiny.study, twelve),
    )
  })

  test.each([grey, colour])('are accepted by the schema ($size pixels)', (image) => {
    for (const preset of Object.values(diffusionPresets)) {
      const config = preset(image)
      expect(diffusion.configSchema.parse(config)).toEqual(config)
      const known = diffusion
        .configure(config, image)
        .layers()
        .map(({ name }) => name)
      expect(known).toEqual(
        expect.arrayContaining([...diffusion.configure(config, image).defaultFeatures.layers]),
      )
    }
    // REFERENCE 1.1: 45 epochs of 60,000 in batches of 100; 30 of 50,000 in batches of 32.
    expect(diffusion.configure(diffusionPresets.paper(image), image).defaultSteps).toBe(
      image.channels === 1 ? (45 * 60_000) / 100 : (30 * 50_000) / 32,
    )
    const config = diffusionPresets.fast(image)
    expect(diffusion.configSchema.safeParse({ ...config, widht: 3 }).success).toBe(false)
    expect(diffusion.configSchema.safeParse({ ...config, groups: 7 }).success).toBe(false)
    expect(diffusion.configSchema.safeParse({ ...config, network: 'study' }).success).toBe(false)
  })

  test("the paper's layers are the study's 512 features, from 28 pixels too", () => {
    const config = diffusionPresets.paper(grey)
    const shapes = Object.fromEntries(
      diffusion
        .configure(config, grey)
        .layers()
        .map(({ name, shape }) => [name, shape]),
    )
    expect(
      diffusion.configure(config, grey).defaultFeatures.layers.map((name) => [name, shapes[name]]),
    ).toEqual([
      ['middle.3', [3, 3, 256]],
      ['up2.1', [7, 7, 128]],
      ['up1.1', [14, 14, 64]],
      ['up0.0', [28, 28, 64]],
    ])
  })

  test('an image with too few pixels for the levels is refused in one line', () => {
    const config = diffusionPresets.paper(grey)
    expect(() => diffusion.configure(config, { size: 6, channels: 1 }).train(10, 1)).toThrow(
      /^image size \(diffusion model\): got 6 pixels, expected at least 8 for 4 levels/,
    )
  })
})

describe('trained on sixteen images', () => {
  let weights: Weights
  let losses: { first: number; last: Record<string, number> }

  beforeAll(async () => {
    const steps = 400
    const twice = Uint8Array.from([...pixels, ...pixels])
    const { program, initialState, drawInputs } = diffusion.configure(tiny.quick, small).train(steps, 1)
    const session = await openLocalSession(program, { threads: 2, state: initialState })
    const seen: Record<string, number>[] = []
    for (let step = 0; step < steps; step++) {
      const drawn = drawInputs((name) => new Random(1, `${name}/${step}`), step)
      const found = await session.run({
        image: { dtype: 'uint8', shape: [2 * COUNT, 8, 8, 1], data: twice.slice() },
        ...drawn,
      })
      seen.push(Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, Number(data[0])])))
    }
    weights = averagedWeights(await session.readState())
    await session.close()
    const last = seen.slice(-20)
    losses = {
      first: seen[0].loss,
      last: Object.fromEntries(
        Object.keys(last[0]).map((name) => [name, last.reduce((sum, each) => sum + each[name], 0) / 20]),
      ),
    }
  }, 60_000)

  test('it learns them by heart', () => {
    expect(losses.last.loss).toBeLessThan(0.15 * losses.first)
    expect(Object.keys(losses.last)).toEqual(['loss', 'lowNoise', 'middleNoise', 'highNoise'])
  })

  test('its samples are among them, in either way of sampling', async () => {
    for (const eta of [0, 1]) {
      const samples = await diffusion.configure(tiny.quick, small).sample?.(weights, {
        count: 24,
        seed: 3,
        steps: 25,
        eta,
        threads: 2,
      })
      const found = distances(samples as Uint8Array)
      // Any two of the sixteen are at least 0.375 apart: nearer than half of that, it is clear which one was meant.
      expect(found.filter((distance) => distance < 0.375 / 2).length).toBeGreaterThanOrEqual(23)
    }
  })

  test('it reconstructs them', async () => {
    const found = await diffusion.configure(tiny.quick, small).reconstruct?.(weights, pixels, { threads: 2 })
    expect(found).toHaveLength(pixels.length)
    const error =
      (found as Uint8Array).reduce((sum, value, i) => sum + Math.abs(value - pixels[i]), 0) /
      pixels.length /
      255
    expect(error).toBeLessThan(0.05)
  })

  test('a sample depends on the seed and its place alone', async () => {
    const config = { ...tiny.quick, samplingSteps: 3, eta: 1 }
    const sample = (count: number, seed: number): Promise<Uint8Array> | undefined =>
      diffusion.configure(config, small).sample?.(weights, { count, seed, threads: 1 })
    const [twice, again, fewer, other] = [
      await sample(55, 1),
      await sample(55, 1),
      await sample(2, 1),
      await sample(2, 2),
    ]
    expect(twice).toEqual(again)
    expect(twice?.slice(0, 128)).toEqual(fewer)
    expect(other).not.toEqual(fewer)
  })

  test('progress counts all steps of all groups', async () => {
    const calls: (readonly [number, number])[] = []
    const onProgress = (done: number, total: number): number => calls.push([done, total])
    await diffusion.configure(tiny.quick, small).sample?.(weights, {
      count: 51,
      seed: 1,
      steps: 2,
      threads: 1,
      onProgress,
    })
    expect(calls).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ])
  })

  /** Mean absolute difference to the nearest of the sixteen, in 0..1. */
  function distances(samples: Uint8Array): number[] {
    return Array.from({ length: samples.length / 64 }, (_, i) => {
      const to = (k: number): number =>
        samples
          .slice(i * 64, (i + 1) * 64)
          .reduce((sum, value, at) => sum + Math.abs(value - pixels[k * 64 + at]), 0) /
        64 /
        255
      return Math.min(...Array.from({ length: COUNT }, (_, k) => to(k)))
    })
  }
})

async function extract(
  config: DiffusionConfig,
  image: ImageShape,
  request: FeatureRequest,
  places: readonly number[],
  data: Uint8Array,
): Promise<Record<string, Float32Array>> {
  const weights = untrained(config, image)
  const { program, drawInputs } = diffusion.configure(config, image).features(weights, request)
  const session = await openSession(program, { threads: 1 })
  const { size, channels } = image
  const numbers = size * size * channels
  const chosen = Uint8Array.from(
    places.flatMap((place) => [...data.subarray(place * numbers, (place + 1) * numbers)]),
  )
  try {
    const found = await session.run({
      image: { dtype: 'uint8', shape: [places.length, size, size, channels], data: chosen },
      ...drawInputs?.((name) => new Random(7, `features/${name}`), places),
    })
    return Object.fromEntries(request.layers.map((name) => [name, found[name].data as Float32Array]))
  } finally {
    await session.close()
  }
}

describe('features', () => {
  const forms = [
    { name: 'study', config: tiny.study, image: { size: 12, channels: 1 } as ImageShape },
    { name: 'residual', config: tiny.ddpm, image: { size: 7, channels: 3 } as ImageShape },
  ]

  test.each(forms)(
    'of the $name network: every layer, with the shape it is listed with',
    async ({ config, image }) => {
      const data = new Random(1, 'pixels').fillUniform(
        new Float32Array(3 * image.size ** 2 * image.channels),
        0,
        255,
      )
      const listed = diffusion.configure(config, image).layers()
      const layers = listed.map(({ name }) => name)
      const found = await extract(
        config,
        image,
        { layers, pooling: 'none', noiseLevel: 100 },
        [0, 1, 2],
        Uint8Array.from(data),
      )
      for (const { name, shape } of listed) {
        expect([name, found[name].length]).toEqual([name, 3 * shape.reduce((a, b) => a * b, 1)])
        expect(found[name].every(Number.isFinite)).toBe(true)
      }
    },
  )

  test.each(forms)('of the $name network do not depend on the batch', async ({ config, image }) => {
    const data = Uint8Array.from(
      new Random(1, 'pixels').fillUniform(new Float32Array(4 * image.size ** 2 * image.channels), 0, 255),
    )
    const request: FeatureRequest = {
      layers: ['middle.0', 'up0.0'],
      pooling: '2x2',
      noiseLevel: 200,
      draws: 2,
      mirror: true,
    }
    const together = await extract(config, image, request, [0, 1, 2, 3], data)
    const alone = await extract(config, image, request, [2], data)
    for (const name of request.layers) {
      const width = alone[name].length
      together[name]
        .slice(2 * width, 3 * width)
        .forEach((value, i) => expect(value).toBeCloseTo(alone[name][i], 5))
    }
  })

  test('change with the level, and draws are averaged', async () => {
    const [{ config, image }] = forms
    const data = Uint8Array.from(new Random(1, 'pixels').fillUniform(new Float32Array(144), 0, 255))
    const at = async (more: Partial<FeatureRequest>): Promise<number[]> => {
      const found = await extract(
        config,
        image,
        { layers: ['down1.0'], pooling: 'mean', noiseLevel: 300, ...more },
        [0],
        data,
      )
      return [...found['down1.0']]
    }
    const [one, two, cleaner] = [await at({}), await at({ draws: 2 }), await at({ noiseLevel: 10 })]
    expect(two).not.toEqual(one)
    expect(cleaner).not.toEqual(one)
    expect(await at({})).toEqual(one)
  })

  test('the mirrored image has the mirrored features where both are asked for', async () => {
    const [, { config, image }] = forms
    const rows = new Random(1, 'pixels').fillUniform(new Float32Array(7 * 7 * 3), 0, 255)
    const flipped = rows.map(
      (_, at) => rows[Math.floor(at / 21) * 21 + (6 - (Math.floor(at / 3) % 7)) * 3 + (at % 3)],
    )
    const data = Uint8Array.from([...rows, ...flipped])
    // Without noise worth speaking of; a margin at the right side keeps small images from being mirrored exactly.
    const request: FeatureRequest = { layers: ['down0.0'], pooling: 'mean', noiseLevel: 0, mirror: true }
    const found = (await extract({ ...config, patch: 1, schedule: 'study' }, image, request, [0, 1], data))[
      'down0.0'
    ]
    const width = found.length / 2
    for (let i = 0; i < width; i++) expect(Math.abs(found[i] - found[width + i])).toBeLessThan(0.02)
  })

  test('wrong requests are refused in one line', () => {
    const config = tiny.quick
    const weights = untrained(config, small)
    const ask = (request: Partial<FeatureRequest>) => () =>
      diffusion
        .configure(config, small)
        .features(weights, { layers: ['middle.0'], pooling: 'mean', ...request })
    expect(ask({ layers: ['middle.9'] })).toThrow(
      'layer (diffusion features): got "middle.9", expected one of down0.0, middle.0, middle.1, up0.0',
    )
    expect(ask({ noiseLevel: 1001 })).toThrow(
      'noise level (diffusion features): got 1001, expected a number from 0 (clean) to 1000 (noise)',
    )
    expect(ask({ draws: 0 })).toThrow(
      'draws (diffusion features): got 0, expected a whole number of at least 1',
    )
  })
})
