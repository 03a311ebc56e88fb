/** The VQ-VAE as its users meet it: its codebook, training, layers, codes, samples, reconstructions. */
import { input, oneHot, Parameters, Random, sizeOf } from 'onnx-autodiff'
import { beforeAll, describe, expect, test } from 'vitest'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'
import { averagedCodebook } from '../../src/models/vqvae/codebook.js'
import { fast, paper, type VqVaeConfig, vqVaeSchema } from '../../src/models/vqvae/config.js'
import { decodeCodes, encodeCodes, vqVae } from '../../src/models/vqvae/vqvae.js'
import { network } from '../../src/models/vqvae/network.js'
import {
  COUNT,
  difference,
  extract,
  grey8,
  randomPixels,
  squares,
  takeStep,
  trainOnSquares,
} from './vae-support.js'

const run = { threads: 1 }
const small: VqVaeConfig = {
  ...fast(grey8),
  encoderWidth: 32,
  decoderWidth: 32,
  residuals: 1,
  codes: 32,
  codeSize: 8,
  batch: COUNT,
  learningRate: 5e-3,
  warmUpSteps: 10,
}
const byGradient: VqVaeConfig = { ...small, codebook: { update: 'gradient' } }

describe('presets', () => {
  const mnist: ImageShape = { size: 28, channels: 1 }
  const cifar: ImageShape = { size: 32, channels: 3 }

  test.each([mnist, cifar])(
    'are accepted by the schema, and their features are among the layers ($size pixels)',
    (image) => {
      for (const config of [fast(image), paper(image)]) {
        expect(vqVaeSchema.parse(config)).toEqual(config)
        expect(
          vqVae
            .configure(config, image)
            .layers()
            .map(({ name }) => name),
        ).toEqual(expect.arrayContaining([...vqVae.configure(config, image).defaultFeatures.layers]))
        expect(vqVaeSchema.safeParse({ ...config, cods: 3 }).success).toBe(false)
      }
      const own = vqVae.configure(paper(image), image)
      // REFERENCE 1.4: 40 epochs of 50,000 in batches of 64, of images as they are.
      expect(own.defaultSteps).toBe((40 * 50_000) / 64)
      expect(own.augmentation).toBe('none')
    },
  )

  // REFERENCE 1.4 and 2: 0.54 M + 0.03 M + 0.13 M parameters; 768 and 352 features.
  test("the paper's has the study's parameters and features", () => {
    const p = new Parameters()
    network(p, paper(cifar), cifar)
    const count = (scope: string): number => p.trained(scope).reduce((n, { shape }) => n + sizeOf(shape), 0)
    expect(['encoder.', 'codebook.', 'decoder.'].map(count)).toEqual([535_936, 32_768, 132_707])
    const { layers, pooling } = vqVae.configure(paper(cifar), cifar).defaultFeatures
    const shapes = Object.fromEntries(
      vqVae
        .configure(paper(cifar), cifar)
        .layers()
        .map(({ name, shape }) => [name, shape]),
    )
    const numbers = (from: number, to?: number): number =>
      layers.slice(from, to).reduce((sum, name) => sum + (shapes[name].at(-1) ?? 0), 0)
    expect([numbers(0, 7), numbers(7), pooling]).toEqual([768, 352, 'mean'])
    expect(shapes.quantised).toEqual([8, 8, 64])
  })

  test('statistics for another kind of image are refused in one line', () => {
    expect(() => vqVae.configure(fast(mnist), cifar).train(10, 1)).toThrow(
      'mean (VQ-VAE configuration): got 1 numbers, expected 3, one for each channel of the image',
    )
  })
})

test('a codebook of running means follows the encoder, and dead codes start again from the batch', async () => {
  const [codes, size, count, decay, restartBelow] = [4, 2, 6, 0.75, 0.25]
  const random = new Random(3, 'codebook test')
  const draw = (n: number): Float32Array => random.fillNormal(new Float32Array(n))
  const array = (data: Float32Array, shape: number[]) => ({ dtype: 'float32' as const, shape, data })
  const vectors = draw(codes * size)
  const use = Float32Array.of(1, 2, 0.3, 0.1)
  const total = draw(codes * size)
  const rows = draw(count * size)
  const places = Int32Array.of(0, 1, 1, 2, 0, 1)
  const restarts = Int32Array.of(5, 4, 3, 2)

  const [book, z, at] = [
    input('vectors', [codes, size]),
    input('z', [count, size]),
    input('places', [count], 'int32'),
  ]
  const step = averagedCodebook(book, z, oneHot(at, codes), { decay, restartBelow })
  const program = {
    inputs: [z, at, step.restarts],
    state: [{ variable: book, next: step.nextVectors }, ...step.updates],
    outputs: {},
  }
  const given = {
    vectors: array(vectors.slice(), [codes, size]),
    'codebook/use': array(use.slice(), [codes, 1]),
    'codebook/total': array(total.slice(), [codes, size]),
  }
  const { state } = await takeStep({ program, initialState: step.initialState }, given, {
    z: array(rows.slice(), [count, size]),
    places: { dtype: 'int32', shape: [count], data: places.slice() },
    restarts: { dtype: 'int32', shape: [codes], data: restarts.slice() },
  })

  const even = count / codes
  const died: number[] = []
  for (let code = 0; code < codes; code++) {
    const own = [...places.keys()].filter((row) => places[row] === code)
    let n = decay * use[code] + (1 - decay) * own.length
    const dead = n < restartBelow * even
    if (dead) died.push(code)
    for (let k = 0; k < size; k++) {
      const sum = own.reduce((total, row) => total + rows[row * size + k], 0)
      const m = decay * total[code * size + k] + (1 - decay) * sum
      const expected = dead ? rows[restarts[code] * size + k] : m / n
      expect(state.vectors.data[code * size + k]).toBeCloseTo(expected, 5)
    }
    if (dead) n = even
    expect(state['codebook/use'].data[code]).toBeCloseTo(n, 5)
  }
  // The last code has no row in the batch, and too little use before.
  expect(died).toEqual([3])
})

describe.each([
  { name: 'running means', config: small },
  { name: 'gradient', config: byGradient },
])('trained on sixteen images, codebook by $name', ({ config }) => {
  let metrics: Record<string, number>[]
  let weights: Weights
  const steps = 240

  beforeAll(async () => {
    ;({ metrics, weights } = await trainOnSquares(vqVae.configure(config, grey8).train(steps, 1), steps))
  })

  test('it learns them by heart', async () => {
    expect(Object.keys(metrics[0])).toEqual([
      'loss',
      'reconstruction',
      'codebook',
      'commitment',
      'perplexity',
      'usage',
    ])
    expect(metrics[steps - 1].reconstruction).toBeLessThan(0.1 * metrics[0].reconstruction)
    const shown = (await vqVae.configure(config, grey8).reconstruct?.(weights, squares, run)) as Uint8Array
    expect(difference(shown, squares)).toBeLessThan(0.05)
  })

  test('many codes come into use', () => {
    const { perplexity, usage } = metrics[steps - 1]
    expect(perplexity).toBeGreaterThan(4)
    expect(usage).toBeGreaterThan(4 / config.codes)
    expect(usage).toBeLessThanOrEqual(1)
  })

  test('an image is its codes', async () => {
    const codes = await encodeCodes(config, grey8, weights, squares, run)
    expect(codes).toHaveLength(COUNT * 4)
    const shown = (await vqVae.configure(config, grey8).reconstruct?.(weights, squares, run)) as Uint8Array
    expect(difference(await decodeCodes(config, grey8, weights, codes, run), shown)).toBeLessThan(1e-3)
  })

  test('the way from one image to another begins and ends with what it makes of them, and moves on between', async () => {
    const pair = squares.slice(0, 2 * 64)
    const options = { ...run, pair, steps: 5 }
    const way = (await vqVae.configure(config, grey8).interpolate?.(weights, options)) ?? new Uint8Array(0)
    const ends = (await vqVae.configure(config, grey8).reconstruct?.(weights, pair, run)) ?? new Uint8Array(0)
    const at = (place: number): Uint8Array => way.subarray(place * 64, (place + 1) * 64)
    expect(way).toHaveLength(5 * 64)
    expect(at(0)).toEqual(ends.subarray(0, 64))
    expect(at(4)).toEqual(ends.subarray(64))
    const left = [0, 1, 2, 3, 4].map((place) => difference(at(place), ends.subarray(64)))
    left.slice(1).forEach((far, i) => expect(far).toBeLessThanOrEqual(left[i] + 1e-9))
  })

  test('samples hold codes that their places had in training, and depend on the seed and place alone', async () => {
    const sample = async (count: number, seed: number): Promise<Uint8Array> =>
      (await vqVae.configure(config, grey8).sample?.(weights, { count, seed, ...run })) as Uint8Array
    const [many, again, few, other] = [
      await sample(5, 1),
      await sample(5, 1),
      await sample(2, 1),
      await sample(2, 2),
    ]
    expect(many).toHaveLength(5 * 64)
    expect(many).toEqual(again)
    expect(many.slice(0, 128)).toEqual(few)
    expect(other).not.toEqual(few)
    const { marginals } = weights
    expect(marginals.shape).toEqual([4, config.codes])
    const total = (marginals.data as Float32Array).reduce((sum, share) => sum + share, 0)
    expect(total).toBeCloseTo(4, 3)
  })
})

describe.each([
  { image: { size: 28, channels: 1 }, stem: 'patches' },
  { image: { size: 7, channels: 3 }, stem: 'patches' },
  { image: { size: 10, channels: 3 }, stem: 'strided' },
] as const)('layers of images with $image.size pixels, $stem', ({ image, stem }) => {
  const { mean, deviation } = fast(image)
  const config: VqVaeConfig = { ...small, stem, mean, deviation, batch: 2 }
  const weights = averagedWeights(vqVae.configure(config, image).train(10, 1).initialState)
  const layers = vqVae.configure(config, image).layers()
  const names = layers.map(({ name }) => name)
  const pixels = randomPixels(3, image)

  test('have the shapes they are listed with', async () => {
    const found = await extract(
      vqVae.configure(config, image).features(weights, { layers: names, pooling: 'none' }),
      image,
      pixels,
    )
    for (const { name, shape } of layers)
      expect([name, found[name].length]).toEqual([name, 3 * sizeOf(shape)])
  })

  test('do not depend on the other images', async () => {
    const network = vqVae.configure(config, image).features(weights, { layers: names, pooling: 'mean' })
    const together = await extract(network, image, pixels)
    const alone = await extract(network, image, pixels.slice(2 * (pixels.length / 3)))
    for (const name of names) {
      const width = alone[name].length
      alone[name].forEach((value, i) => expect(together[name][2 * width + i]).toBeCloseTo(value, 4))
    }
  })
})

test('a collapsed codebook is noticed once it had time to be laid out', () => {
  const { problem } = vqVae.configure(small, grey8).train(2000, 1)
  expect(problem?.({ perplexity: 1.04 }, 50)).toBeUndefined()
  expect(problem?.({ perplexity: 9 }, 900)).toBeUndefined()
  expect(problem?.({ perplexity: 1.04 }, 900)).toMatchObject({
    got: 'a collapsed codebook: all images use about 1.0 of its 32 codes',
    expected: 'at least 1.5',
  })
})

test('a restart is drawn from all rows of the batch, by the step alone', () => {
  const { drawInputs } = vqVae.configure(small, grey8).train(10, 1)
  const at = (step: number): ArrayLike<unknown> =>
    drawInputs((name) => new Random(1, `${name}/${step}`), step).restarts.data
  expect(at(3)).toEqual(at(3))
  expect(at(3)).not.toEqual(at(4))
  const places = Array.from(at(3), Number)
  expect(Math.min(...places)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...places)).toBeLessThan(COUNT * 4)
  expect(
    vqVae
      .configure(byGradient, grey8)
      .train(10, 1)
      .drawInputs((name) => new Random(1, name), 0),
  ).toEqual({})
})
