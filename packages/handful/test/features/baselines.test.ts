/** Principal components and networks with random weights, as feature networks. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { pixelMeans, pixels as pixelBaseline } from '../../src/features/baselines/pixels.js'
import { extractFeatures, rawPixels } from '../../src/features/extract.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { COMPONENTS, fitPca, pcaNetwork } from '../../src/features/baselines/pca.js'
import { untrainedFeatures, untrainedSupervisedFeatures } from '../../src/features/baselines/random.js'
import { resnet18 } from '../../src/models/resnet18/resnet18.js'
import { vae } from '../../src/models/vae/vae.js'

const SIZE = 8
const shape = { size: SIZE, channels: 1 } as const

/** Images that vary in two ways alone: a bright left half and, half as strongly, a bright top. */
function twoWays(count: number): Images {
  const random = new Random(1, 'two ways')
  const pixels = new Uint8Array(count * SIZE * SIZE)
  for (let i = 0; i < count; i++) {
    const [left, top] = [random.between(-60, 60), random.between(-30, 30)]
    for (let at = 0; at < SIZE * SIZE; at++) {
      const [y, x] = [Math.floor(at / SIZE), at % SIZE]
      pixels[i * SIZE * SIZE + at] = 128 + (x < 4 ? left : -left) + (y < 4 ? top : -top) + 0.5
    }
  }
  const paths = Array.from({ length: count }, (_, i) => `${i}`)
  return { name: 'two ways', count, height: SIZE, width: SIZE, channels: 1, pixels, paths }
}

test('principal components are the ways in which the images vary, uncorrelated and the greatest first', async () => {
  const images = twoWays(300)
  const weights = await fitPca(images, {
    components: 2,
    samples: 200,
    seed: 0,
    linearAlgebra: plainLinearAlgebra(),
  })
  const network = pcaNetwork(weights, shape)
  const { [COMPONENTS]: found } = await extractFeatures(network, images, [COMPONENTS], {
    seed: 0,
    threads: 1,
  })
  expect([found.rows, found.columns]).toEqual([300, 2])
  let [first, second, product] = [0, 0, 0]
  for (let i = 0; i < 300; i++) {
    const [a, b] = found.data.subarray(2 * i, 2 * i + 2)
    first += a * a
    second += b * b
    product += a * b
  }
  // Amplitudes 2 to 1 make variances 4 to 1.
  expect(first / second).toBeGreaterThan(3)
  expect(first / second).toBeLessThan(5)
  expect(Math.abs(product) / Math.sqrt(first * second)).toBeLessThan(0.2)
})

test('untrained encoders give features of the same size as trained ones, by the seed alone', async () => {
  const images = twoWays(5)
  const config = { ...vae.preset('fast', shape), width: 4, hidden: 6, latent: 2, batch: 4 }
  const features = async (seed: number): Promise<Float32Array> => {
    const network = untrainedFeatures(vae.configure(config, shape), seed, {
      layers: ['hidden'],
      pooling: 'none',
    })
    const { hidden } = await extractFeatures(network, images, ['hidden'], { seed: 0, threads: 1 })
    expect([hidden.rows, hidden.columns]).toEqual([5, 6])
    return hidden.data
  }
  expect(await features(1)).toEqual(await features(1))
  expect(await features(2)).not.toEqual(await features(1))
})

test('an untrained ResNet-18 keeps the size of what passes through it', async () => {
  const images = twoWays(40)
  const network = untrainedSupervisedFeatures(resnet18({ stem: 'small', width: 8 }), shape, 0, {
    layers: ['stem', 'layer4'],
    pooling: '2x2',
  })
  const found = await extractFeatures(network, images, ['stem', 'layer4'], { seed: 0, threads: 1 })
  const size = (data: Float32Array): number =>
    Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)
  expect(found.layer4.columns).toBe(64)
  const growth = size(found.layer4.data) / size(found.stem.data)
  expect(growth).toBeGreaterThan(0.1)
  expect(growth).toBeLessThan(100)
})

test('raw pixels of large images are means over squares, the same from memory and as a network', async () => {
  const size = 130
  const pixels = new Uint8Array(2 * size * size * 3)
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7919) % 251
  const images: Images = {
    name: 'large',
    count: 2,
    height: size,
    width: size,
    channels: 3,
    pixels,
    paths: ['a', 'b'],
  }
  const means = pixelMeans(images)
  // 130 pixels are 65 squares of 2 a side.
  expect([means.rows, means.columns]).toEqual([2, 65 * 65 * 3])
  const at = (image: number, y: number, x: number, c: number): number =>
    pixels[((image * size + y) * size + x) * 3 + c]
  const [y, x, c] = [10, 63, 2]
  const square = (at(1, 20, 126, c) + at(1, 20, 127, c) + at(1, 21, 126, c) + at(1, 21, 127, c)) / 4 / 255
  expect(means.data[means.columns + (y * 65 + x) * 3 + c]).toBeCloseTo(square, 5)
  const { network, outputs } = await pixelBaseline
    .configure()
    .fit(images, { seed: 0, linearAlgebra: plainLinearAlgebra() })
  const found = await extractFeatures(network, images, outputs, { seed: 0, threads: 1 })
  expect(found[outputs[0]].columns).toBe(means.columns)
  found[outputs[0]].data.forEach((value, i) => expect(value).toBeCloseTo(means.data[i], 5))
})

test('raw pixels of images below 128 pixels are the pixels themselves', () => {
  const images = twoWays(3)
  expect(pixelMeans(images).data).toEqual(rawPixels(images).data)
})
