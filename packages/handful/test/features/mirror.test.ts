/** Mirrored images: when they count as alike, and features that are means over both. */
import { Random } from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { generateStrokes } from '../../src/data/strokes.js'
import { pixelFeatures } from '../../src/features/baselines/pixels.js'
import { PATCHES } from '../../src/features/baselines/patches.js'
import { fitDictionary, mirroredEncoder, patchEncoder } from '../../src/features/encoder.js'
import { extractFeatures } from '../../src/features/extract.js'
import { looksMirrored } from '../../src/features/mirror.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'

const linearAlgebra = plainLinearAlgebra()
const SIDE = 16

/** Slanted strokes in colour: all the same way, or either way at random. */
function slanted(count: number, eitherWay: boolean, side = SIDE): Images {
  const random = new Random(4, 'slanted')
  const pixels = new Uint8Array(count * side * side * 3)
  for (let i = 0, at = 0; i < count; i++) {
    const [across, way] = [
      random.between(0.3 * side, 0.7 * side),
      eitherWay && random.uniform() < 0.5 ? -1 : 1,
    ]
    const tilt = random.between(0.4, 1)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < 3; c++) {
          const far = Math.abs(x - across - way * tilt * (y - side / 2))
          pixels[at++] = Math.max(0, 220 - 70 * far) * (1 - 0.2 * c) + random.between(0, 15)
        }
  }
  const paths = Array.from({ length: count }, (_, i) => `${i}.png`)
  return { name: 'slanted', count, height: side, width: side, channels: 3, pixels, paths }
}

function mirrored({ pixels, ...images }: Images): Images {
  const turned = new Uint8Array(pixels.length)
  const side = images.width
  for (let line = 0; line < images.count * side; line++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++)
        turned[(line * side + side - 1 - x) * 3 + c] = pixels.subarray()[(line * side + x) * 3 + c]
  return { ...images, pixels: turned }
}

describe('mirrored images look like the others', () => {
  it('where what is seen has no side, and not where it has one', async () => {
    expect(await looksMirrored(slanted(200, true), { seed: 0, linearAlgebra })).toBe(true)
    expect(await looksMirrored(slanted(200, false), { seed: 0, linearAlgebra })).toBe(false)
  })

  it('not for writing', async () => {
    const { train } = generateStrokes({ count: 300, testCount: 0, seed: 2 })
    const paths = Array.from({ length: 300 }, (_, i) => `${i}`)
    const strokes: Images = { ...train, name: 'strokes', height: 28, width: 28, channels: 1, paths }
    expect(await looksMirrored(strokes, { seed: 0, linearAlgebra })).toBe(false)
  })

  it('is not said of a handful', async () => {
    expect(await looksMirrored(slanted(20, true), { seed: 0, linearAlgebra })).toBe(false)
  })
})

test('features are the means of both, and the mirrored image has the same', async () => {
  const images = slanted(30, false)
  const dictionary = await fitDictionary(images, 8, { seed: 0, linearAlgebra })
  const plain = patchEncoder(dictionary, { size: SIDE, channels: 3 })
  const both = mirroredEncoder(plain)
  const of = async ({ network }: typeof plain, seen: Images) =>
    (await extractFeatures(network, seen, [PATCHES], { seed: 0, threads: 1 }))[PATCHES].data
  const [own, turned] = [await of(plain, images), await of(plain, mirrored(images))]
  const means = await of(both, images)
  own.forEach((value, i) => expect(means[i]).toBeCloseTo((value + turned[i]) / 2, 4))
  const again = await of(both, mirrored(images))
  again.forEach((value, i) => expect(value).toBeCloseTo(means[i], 4))
  expect(own.some((value, i) => Math.abs(value - turned[i]) > 0.01)).toBe(true)
})

test('raw pixels too', async () => {
  const images = slanted(60, false, 6)
  const rows = async (train: Images) => {
    const set = { ...train, labels: new Int32Array(60).fill(-1), classNames: ['a'] }
    return (await pixelFeatures({ train: set }, linearAlgebra, { mirror: true })).train.data
  }
  const [own, turned] = [await rows(images), await rows(mirrored(images))]
  own.forEach((value, i) => expect(turned[i]).toBeCloseTo(value, 3))
})
