/** What models do with the squares of large images is what the equations say of their pixels. */
import {
  binaryCrossEntropyElements,
  constant,
  evaluate,
  input,
  type NamedArray,
  Parameters,
  Random,
  scalar,
  sum,
  toBatchFirst,
  upsampleNearest,
} from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import { toUnitRange } from '../../src/models/common.js'
import { diffusion } from '../../src/models/diffusion/diffusion.js'
import { flow } from '../../src/models/flow/flow.js'
import { augmentInGraph, drawAugmentation } from '../../src/models/gan/augment-in-graph.js'
import { fast as fastGan, type GanConfig, geometry } from '../../src/models/gan/config.js'
import { fromTiles, networkImages, toTiles, userImages } from '../../src/models/gan/network-images.js'
import { encoder, generator } from '../../src/models/gan/networks.js'
import type { ImageShape } from '../../src/models/model.js'
import { fromPatches, imagePatches, patching } from '../../src/models/patching.js'
import { fast as fastVae, type VaeConfigOf } from '../../src/models/vae/config.js'
import { patchedNetwork } from '../../src/models/vae/patched.js'
import { vae } from '../../src/models/vae/vae.js'
import { takeStep } from './vae-support.js'

const random = new Random(0, 'large images')
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.integer(256))
const normal = (length: number): Float32Array => random.fillNormal(new Float32Array(length))
const values = (arrays: Readonly<Record<string, NamedArray>>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, data as Float32Array]))

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, digits = 4): void {
  expect(found.length).toBe(expected.length)
  for (let i = 0; i < found.length; i++) expect(found[i]).toBeCloseTo(expected[i], digits)
}

test('presets of 32 pixels and less are what they were', () => {
  for (const size of [8, 28, 32, 40]) {
    const image: ImageShape = { size, channels: 3 }
    expect(fastVae(image)).not.toHaveProperty('block')
    expect(geometry(fastGan(image), image).tile).toBe(1)
  }
  expect(fastVae({ size: 64, channels: 3 })).toMatchObject({ patch: 4, block: 2 })
  // Squares of five pixels, and images of an odd size, have no blocks of two.
  expect(fastVae({ size: 80, channels: 3 })).not.toHaveProperty('block')
  expect(fastVae({ size: 63, channels: 3 })).not.toHaveProperty('block')
})

describe.each([
  { size: 48, patch: 6 },
  { size: 44, patch: 4 },
])("a VAE's blocks of pixels, images of $size in squares of $patch", ({ size, patch }) => {
  const image: ImageShape = { size, channels: 3 }
  const batch = 2
  const config: VaeConfigOf<'patched'> = {
    ...fastVae(image),
    patch,
    block: 2,
    width: 4,
    hidden: 8,
    latent: 3,
    batch,
  }

  it('have the likelihood of an image whose pixels have the values of their blocks', async () => {
    const [seen, target] = [bytes(batch * size * size * 3), bytes(batch * size * size * 3)]
    const trainable = vae.configure(config, image).train(10, 1)
    const array = (data: Uint8Array): NamedArray => ({ dtype: 'uint8', shape: [batch, size, size, 3], data })
    const noise: NamedArray = { dtype: 'float32', shape: [batch, 3], data: new Float32Array(batch * 3) }
    const { outputs } = await takeStep(trainable, {}, { image: array(seen), target: array(target), noise })

    const p = new Parameters('train')
    const { encode, decode, patching: cut, blocks } = patchedNetwork(p, config, image)
    const own = (name: string) => toUnitRange(input(name, [batch, size, size, 3], 'uint8'))
    const { output } = decode(encode(imagePatches(own('seen'), cut ?? patching(image, patch, 2))).mean)
    const logits = upsampleNearest(fromPatches(output, blocks?.patching ?? { patch, margin: 0 }), 2)
    expect(logits.shape).toEqual([size, size, batch, 3])
    const nats = sum(binaryCrossEntropyElements(logits, own('target')))
    const [expected] = evaluate([nats], { ...values(p.initialize(1)), seen, target })
    expect(Number(outputs.reconstruction.data[0]) / (expected[0] / batch)).toBeCloseTo(1, 5)
  })

  it('are no larger in what users are shown', async () => {
    const bound = vae.configure(config, image)
    const weights = Object.fromEntries(
      Object.entries(bound.train(10, 1).initialState)
        .filter(([name]) => name.startsWith('ema/'))
        .map(([name, array]) => [name.slice(4), array]),
    )
    const shown = await bound.reconstruct?.(weights, bytes(3 * size * size * 3), { threads: 1 })
    expect(shown).toHaveLength(3 * size * size * 3)
    expect(await bound.sample?.(weights, { count: 2, seed: 1, threads: 1 })).toHaveLength(2 * size * size * 3)
  })

  it('that squares do not divide into are refused', () => {
    expect(() => vae.configure({ ...config, block: 5 }, image).train(10, 1)).toThrow(
      `block (VAE configuration): got 5 pixels a side, expected a divisor of the patch, ${patch}, and of the image's size, ${size}`,
    )
  })
})

describe.each([
  { size: 44, margin: 0 },
  { size: 42, margin: 2 },
])('noise on squares, images of $size', ({ size, margin }) => {
  const image: ImageShape = { size, channels: 3 }
  const small = { width: 8, groups: 2, patch: 4, batch: 3, multipliers: [1, 1] }
  it.each([
    ['diffusion', diffusion.configure({ ...(diffusion.preset('fast', image) as object), ...small }, image)],
    ['flow', flow.configure({ ...(flow.preset('fast', image) as object), ...small }, image)],
  ])('%s: the first loss is the mean square of the target, of the pixels alone', async (name, model) => {
    const trainable = model.train(10, 1)
    const drawn = trainable.drawInputs((stream) => new Random(1, stream), 0)
    const pixels = bytes(3 * size * size * 3)
    const { outputs } = await takeStep(
      trainable,
      {},
      { image: { dtype: 'uint8', shape: [3, size, size, 3], data: pixels }, ...drawn },
    )
    const side = (size + margin) / 4
    expect(drawn.noise.shape).toEqual([side, side, 3, 48])
    const [noise] = evaluate([
      toBatchFirst(
        fromPatches(constant(drawn.noise.data as Float32Array, drawn.noise.shape), { patch: 4, margin }),
      ),
    ])
    const errors = [0, 1, 2].map((i) => {
      const [alpha, sigma] = [drawn.alpha.data[i], drawn.sigma.data[i]].map(Number)
      const numbers = size * size * 3
      let total = 0
      for (let at = i * numbers; at < (i + 1) * numbers; at++) {
        const clean = (pixels[at] * 2) / 255 - 1
        // The network begins at a prediction of 0.
        const target = name === 'flow' ? noise[at] - clean : alpha * noise[at] - sigma * clean
        total += target * target
      }
      return total / numbers
    })
    // One image in each third of the batch.
    const found = [outputs.lowNoise, outputs.middleNoise, outputs.highNoise].map(({ data }) =>
      Number(data[0]),
    )
    expectClose(found, errors)
  })
})

describe("a GAN's tiles", () => {
  const image: ImageShape = { size: 64, channels: 3 }
  const tiled: GanConfig = {
    ...fastGan(image),
    channels: [6, 5],
    latent: 4,
    hidden: 8,
    patch: 8,
    size: 64,
    batch: 2,
  }
  const augmentation = { ...(tiled.augmentation as NonNullable<GanConfig['augmentation']>), shiftUnit: 4 }
  const withTiles: GanConfig = { ...tiled, augmentation }
  const plain: GanConfig = { ...withTiles, augmentation: { ...augmentation, shiftUnit: 1 } }
  const pixels = bytes(2 * 64 * 64 * 3)
  const x = input('x', [2, 64, 64, 3], 'uint8')

  it('are pixels in another order', () => {
    expect([withTiles, plain].map((config) => geometry(config, image).tile)).toEqual([4, 1])
    const [tiles, whole, back] = evaluate(
      [
        fromTiles(networkImages(x, withTiles, image), 4),
        networkImages(x, plain, image),
        userImages(networkImages(x, withTiles, image), withTiles, image),
      ],
      { x: pixels },
    )
    expectClose(tiles, whole, 6)
    expectClose(
      back,
      Float32Array.from(pixels, (value) => value / 255),
      6,
    )
  })

  it('change neither what the encoder finds nor what the generator makes, by the same weights', () => {
    const made = [withTiles, plain].map((config) => {
      const p = new Parameters('train')
      const w = input('w', [2, 4])
      const images = generator(
        p.scope('generator'),
        config,
        image,
      )(new Array(geometry(config, image).styles).fill(w) as (typeof w)[])
      const found = encoder(p.scope('encoder'), config, image)(networkImages(x, config, image)).w
      const feeds = {
        ...values(p.initialize(2)),
        x: pixels,
        w: new Random(3, 'w').fillNormal(new Float32Array(8)),
      }
      return evaluate([userImages(images, config, image), found], feeds)
    })
    expectClose(made[0][0], made[1][0])
    expectClose(made[0][1], made[1][1])
  })

  it.each([
    ['colours and shifts', {}],
    ['holes', { cutout: 0.4 }],
  ])('are augmented as pixels are: %s', (_, more) => {
    const how = { ...augmentation, ...more }
    const rows = drawAugmentation(new Random(4, 'rows'), 2, 64, how)
    const images = input('images', [64, 64, 2, 3])
    const drawn = constant(rows, [2, rows.length / 2])
    const [tiles, whole] = evaluate(
      [
        fromTiles(augmentInGraph(toTiles(images, 4), drawn, scalar(1), how, 4), 4),
        augmentInGraph(images, drawn, scalar(1), how),
      ],
      { images: normal(64 * 64 * 2 * 3) },
    )
    expectClose(tiles, whole)
  })
})
