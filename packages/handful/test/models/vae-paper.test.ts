/** The study's two VAEs: their presets, sizes, layers, and that batch norm takes nothing from the batch in use. */
import { Parameters, sizeOf } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import type { ImageShape } from '../../src/models/model.js'
import { averagedWeights } from '../../src/models/model.js'
import { paper, type VaeConfig, type VaeConfigOf, vaeSchema } from '../../src/models/vae/config.js'
import { denseNetwork, residualNetwork } from '../../src/models/vae/paper.js'
import { vae } from '../../src/models/vae/vae.js'
import { difference, extract, grey8, randomPixels, squares, trainOnSquares } from './vae-support.js'

const mnist: ImageShape = { size: 28, channels: 1 }
const cifar: ImageShape = { size: 32, channels: 3 }

describe('presets', () => {
  test.each([mnist, cifar, { size: 64, channels: 3 } as const, { size: 9, channels: 3 } as const])(
    'are accepted by the schema, and their features are among the layers ($size pixels)',
    (image) => {
      for (const config of [vae.preset('paper', image), vae.preset('fast', image)]) {
        expect(vaeSchema.parse(config)).toEqual(config)
        expect(
          vae
            .configure(config, image)
            .layers()
            .map(({ name }) => name),
        ).toEqual(expect.arrayContaining([...vae.configure(config, image).defaultFeatures.layers]))
      }
      const own = vae.configure(vae.preset('paper', image), image)
      // REFERENCE 1.2: 10 epochs of 60,000 in batches of 64; 1.3: 100 of 50,000 in batches of 128. Neither distorts images.
      expect(own.defaultSteps).toBe(image.channels === 1 ? 9380 : 39_100)
      expect(own.augmentation).toBe('none')
    },
  )

  test('unknown keys, and those of another network, are refused', () => {
    expect(vaeSchema.safeParse({ ...paper(mnist), widht: 3 }).success).toBe(false)
    expect(vaeSchema.safeParse({ ...paper(cifar), hidden: 3 }).success).toBe(false)
  })

  // REFERENCE 1.2 and 1.3: 6.53 M + 6.53 M and 4.99 M + 18.74 M parameters.
  test("have the study's numbers of parameters", () => {
    const p = new Parameters()
    denseNetwork(p, paper(mnist) as VaeConfigOf<'dense'>, mnist)
    const millions = (network: string): string =>
      (p.trained(network).reduce((n, { shape }) => n + sizeOf(shape), 0) / 1e6).toFixed(2)
    expect([millions('encoder.'), millions('decoder.')]).toEqual(['6.53', '6.53'])

    const q = new Parameters()
    residualNetwork(q, paper(cifar) as VaeConfigOf<'residual'>, cifar)
    const count = (network: string): string =>
      (q.trained(network).reduce((n, { shape }) => n + sizeOf(shape), 0) / 1e6).toFixed(2)
    expect([count('encoder.'), count('decoder.')]).toEqual(['4.99', '18.74'])
  })

  // REFERENCE 2: 466 and 2,496 features.
  test.each([
    { image: mnist, numbers: 236 + 230 },
    { image: cifar, numbers: 1504 + 992 },
  ])("have the study's stacked features: $numbers", ({ image, numbers }) => {
    const config = paper(image)
    const { layers, pooling } = vae.configure(config, image).defaultFeatures
    expect(pooling).toBe('mean')
    const channels = Object.fromEntries(
      vae
        .configure(config, image)
        .layers()
        .map(({ name, shape }) => [name, shape.at(-1) ?? 0]),
    )
    expect(layers.reduce((sum, name) => sum + channels[name], 0)).toBe(numbers)
  })
})

const dense: VaeConfig = {
  ...(paper(mnist) as VaeConfigOf<'dense'>),
  width: 8,
  hidden: 48,
  batch: 16,
  beta: 0.02,
  learningRate: 3e-3,
}
const residual: VaeConfig = {
  ...(paper(cifar) as VaeConfigOf<'residual'>),
  encoderChannels: [6, 8],
  decoderChannels: [8, 6],
  latent: 8,
  batch: 16,
  beta: 0.02,
  learningRate: 1e-2,
}
const tiny = [
  { name: 'dense', config: dense, steps: 300 },
  { name: 'residual', config: residual, steps: 120 },
]

describe.each(tiny)('the $name network', ({ config, steps }) => {
  test('learns sixteen images by heart', async () => {
    const { metrics, weights } = await trainOnSquares(vae.configure(config, grey8).train(steps, 1), steps)
    expect(metrics[steps - 1].loss).toBeLessThan(metrics[0].loss)
    const shown = (await vae
      .configure(config, grey8)
      .reconstruct?.(weights, squares, { threads: 1 })) as Uint8Array
    expect(difference(shown, squares)).toBeLessThan(0.05)
    const samples = await vae.configure(config, grey8).sample?.(weights, { count: 3, seed: 1, threads: 1 })
    expect(samples).toHaveLength(3 * 64)
  })

  test('gives every layer in the shape it is listed with, whatever the batch', async () => {
    const image: ImageShape = { size: 7, channels: 3 }
    const weights = averagedWeights(vae.configure(config, image).train(10, 1).initialState)
    const layers = vae.configure(config, image).layers()
    const names = layers.map(({ name }) => name)
    const network = vae.configure(config, image).features(weights, { layers: names, pooling: 'none' })
    const pixels = randomPixels(3, image)
    const together = await extract(network, image, pixels)
    const alone = await extract(network, image, pixels.slice(0, pixels.length / 3))
    for (const { name, shape } of layers) {
      expect([name, together[name].length, alone[name].length]).toEqual([
        name,
        3 * sizeOf(shape),
        sizeOf(shape),
      ])
      alone[name].forEach((value, i) => expect(together[name][i]).toBeCloseTo(value, 4))
    }
  })
})

test('images that do not fit the levels are refused in one line', () => {
  expect(() => vae.configure(paper(cifar), { size: 33, channels: 3 }).train(10, 1)).toThrow(
    'image size (VAE configuration): got 33 pixels, expected at most 32, which 4 levels of the decoder come to, and at least 8 of those; add to decoderChannels or take from encoderChannels',
  )
})
