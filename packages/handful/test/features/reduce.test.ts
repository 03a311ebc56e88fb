import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix } from '../../src/numerics/matrix.js'
import { applyNormalisation, fitNormalisation } from '../../src/features/normalise.js'
import {
  composedNormalisation,
  type ReducedFeatures,
  reduceFeatures,
  type ReducibleFeatures,
} from '../../src/features/reduce.js'

const linearAlgebra = plainLinearAlgebra()

function noise(count: number, seed: number): Images {
  const random = new Random(seed, 'noise')
  const pixels = Uint8Array.from({ length: count * 4 }, () => random.integer(256))
  const paths = Array.from({ length: count }, (_, i) => `${i}`)
  return { name: 'noise', count, height: 2, width: 2, channels: 1, pixels, paths }
}

/** Two groups of unlike scale: sums of pixels in two blocks, and squares that are a thousand times larger. */
const mixed: ReducibleFeatures = {
  groups: [{ blocks: [4, 2] }, { blocks: [3], standardise: 'dimension' }],
  extract: async ({ count, pixels }) => {
    const result = featureMatrix(count, 9)
    for (let i = 0; i < count; i++) {
      const [a, b, c, d] = pixels.subarray(i * 4, i * 4 + 4)
      result.data.set([a, b, c, d, a + b, c - d, a * a, b * c, d * d], i * 9)
    }
    return Promise.resolve(result)
  },
}

const closeTo = (found: FeatureMatrix, expected: FeatureMatrix, digits: number): void => {
  expect([found.rows, found.columns]).toEqual([expected.rows, expected.columns])
  found.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i], digits))
}

async function normalised({ train, others, reductions }: ReducedFeatures) {
  const blocks = reductions.map(({ projection }) => projection.columns)
  const last = await fitNormalisation(train, linearAlgebra, { components: 5, blocks })
  return {
    composed: await composedNormalisation(reductions, last, linearAlgebra),
    train: await applyNormalisation(last, train, linearAlgebra),
    other: await applyNormalisation(last, others[0], linearAlgebra),
  }
}

test.each([
  ['all rows', undefined],
  ['fewer rows than there are', 9 * 1500],
])(
  'one normalisation stands for the reduction and what follows it, fitted to %s',
  async (_, fittedNumbers) => {
    const [train, other] = [noise(2300, 1), noise(700, 2)]
    const counted: number[] = []
    const reduced = await reduceFeatures(mixed, train, [other], {
      ...{ components: 8, seed: 0, linearAlgebra, fittedNumbers },
      onProgress: (done, total) => counted.push(done / total),
    })
    expect(counted.at(-1)).toBe(1)
    const { composed, train: ofTrain, other: ofOther } = await normalised(reduced)
    for (const [images, features] of [
      [train, ofTrain],
      [other, ofOther],
    ] as const) {
      const whole = { ...images, pixels: images.pixels.subarray() }
      closeTo(await applyNormalisation(composed, await mixed.extract(whole, 0), linearAlgebra), features, 4)
    }
  },
)

test.each([
  ['anywhere, no image is seen twice', true, 3000],
  ['in its place alone, those that the reduction is fitted to are seen twice', undefined, 4500],
])('where an image has the same features %s', async (_, sameAnywhere, seen) => {
  const [train, other] = [noise(2300, 1), noise(700, 2)]
  let extracted = 0
  const counting: ReducibleFeatures = {
    ...mixed,
    sameAnywhere,
    extract: (images, place) => {
      extracted += images.count
      return mixed.extract(images, place)
    },
  }
  const options = { components: 8, seed: 0, linearAlgebra, fittedNumbers: 9 * 1500 }
  const told: number[] = []
  const onProgress = (done: number, total: number): unknown => told.push(done, total)
  const found = await reduceFeatures(counting, train, [other], { ...options, onProgress })
  expect(extracted).toBe(seen)
  expect(told.slice(-2)).toEqual([seen, seen])
  const plain = await reduceFeatures(mixed, train, [other], options)
  closeTo(found.train, plain.train, 3)
  closeTo(found.others[0], plain.others[0], 3)
})

test('groups of unlike scale weigh the same beside each other', async () => {
  const [train, other] = [noise(1200, 1), noise(10, 2)]
  const options = { components: 8, seed: 0, linearAlgebra }
  const { train: plain } = await normalised(await reduceFeatures(mixed, train, [other], options))
  const larger: ReducibleFeatures = {
    groups: mixed.groups,
    extract: async (images, place) => {
      const found = await mixed.extract(images, place)
      for (let i = 0; i < found.data.length; i++) if (i % 9 >= 6) found.data[i] *= 1000
      return found
    },
  }
  const { train: scaled } = await normalised(await reduceFeatures(larger, train, [other], options))
  closeTo(scaled, plain, 3)
})
