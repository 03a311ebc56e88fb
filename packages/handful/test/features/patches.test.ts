import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { extractFeatures } from '../../src/features/extract.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, rowRange, unitRows } from '../../src/numerics/matrix.js'
import {
  defaultPatches,
  fitPatches,
  type PatchDictionary,
  PATCHES,
  patchNetwork,
} from '../../src/features/baselines/patches.js'
import { sphericalKMeans } from '../../src/numerics/spherical-k-means.js'
import { symmetricFunction } from '../../src/numerics/symmetric.js'

/** Smooth random images: white noise has nothing to whiten. */
function clouds(count: number, size: number, channels: 1 | 3): Images {
  const random = new Random(5, 'clouds')
  const pixels = new Uint8Array(count * size * size * channels)
  for (let i = 0; i < count; i++) {
    const waves = Array.from({ length: 4 }, () => [
      random.between(0, 1.2),
      random.between(0, 1.2),
      random.between(0, 6),
      random.between(5, 35),
    ])
    for (let at = 0; at < size * size * channels; at++) {
      const [y, x, c] = [Math.floor(at / channels / size), Math.floor(at / channels) % size, at % channels]
      const value = waves.reduce(
        (sum, [fy, fx, phase, height]) => sum + height * Math.sin(fy * y + fx * x + phase + c),
        128,
      )
      pixels[i * size * size * channels + at] = value + random.between(-4, 4)
    }
  }
  const paths = Array.from({ length: count }, (_, i) => `${i}`)
  return { name: 'clouds', count, height: size, width: size, channels, pixels, paths }
}

const small = { ...defaultPatches, size: 3, atoms: 5, samples: 600, rounds: 4 }
const linearAlgebra = plainLinearAlgebra()

/** The features of one image by the definition, from the network's own filters taken as rows W d and offsets. */
function byDefinition({ options, weights }: PatchDictionary, images: Images, index: number): number[] {
  const { size, contrast, threshold, cells, atoms } = options
  const { width, channels, pixels } = images
  const places = width - size + 1
  const length = size * size * channels
  const filter = weights.filter.data as Float32Array
  const response = (place: number, atom: number): number => {
    const [top, left] = [Math.floor(place / places), place % places]
    const patch = Array.from({ length }, (_, i) => {
      const [y, x, c] = [Math.floor(i / channels / size), Math.floor(i / channels) % size, i % channels]
      return pixels.subarray()[((index * width + top + y) * width + left + x) * channels + c]
    })
    const mean = patch.reduce((a, b) => a + b) / length
    const variance = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length
    const offset = filter[(atom + 1) * (length + 1) - 1] + threshold
    return patch.reduce(
      (sum, value, i) =>
        sum + (filter[atom * (length + 1) + i] * (value - mean)) / Math.sqrt(variance + contrast),
      offset,
    )
  }
  const bounds = Array.from({ length: cells }, (_, i) => [
    Math.floor((i * places) / cells),
    Math.ceil(((i + 1) * places) / cells),
  ])
  return [1, -1].flatMap((sign) =>
    Array.from({ length: atoms }, (_, atom) =>
      bounds.flatMap(([top, bottom]) =>
        bounds.map(([left, right]) => {
          let sum = 0
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++)
              sum += Math.max(0, sign * response(y * places + x, atom) - threshold)
          }
          return sum / ((bottom - top) * (right - left))
        }),
      ),
    ).flat(),
  )
}

for (const channels of [1, 3] as const) {
  test(`the network gives thresholded responses of normalised patches, averaged over cells: ${channels} channels`, async () => {
    const images = clouds(6, 8, channels)
    const dictionary = await fitPatches(images, small, { seed: 1, linearAlgebra })
    const network = { ...patchNetwork(dictionary, { size: 8, channels }), batch: 4 }
    const { [PATCHES]: found } = await extractFeatures(network, images, [PATCHES], { seed: 0, threads: 1 })
    expect([found.rows, found.columns]).toEqual([6, 2 * 5 * 4])
    for (const index of [0, 5]) {
      const row = rowRange(found, index, index + 1).data
      const expected = byDefinition(dictionary, images, index)
      expect(Math.max(...expected)).toBeGreaterThan(0.05)
      expect(Math.max(...expected.map((value, i) => Math.abs(value - row[i])))).toBeLessThan(1e-4)
    }
  })
}

test('with pixels averaged over squares first, an image and its enlargement have the same features', async () => {
  const images = clouds(6, 8, 3)
  const enlarged: Images = {
    ...images,
    ...{ width: 17, height: 17 },
    // The last row and column are part of no square.
    pixels: Uint8Array.from({ length: 6 * 17 * 17 * 3 }, (_, at) => {
      const [i, y, x, c] = [
        Math.floor(at / (17 * 17 * 3)),
        Math.floor(at / (17 * 3)) % 17,
        Math.floor(at / 3) % 17,
        at % 3,
      ]
      return images.pixels.subarray()[
        ((i * 8 + Math.floor(Math.min(y, 15) / 2)) * 8 + Math.floor(Math.min(x, 15) / 2)) * 3 + c
      ]
    }),
  }
  const features = async (some: Images, shrink: number) => {
    const dictionary = await fitPatches(some, { ...small, shrink }, { seed: 1, linearAlgebra })
    const network = patchNetwork(dictionary, { size: some.width, channels: 3 })
    return (await extractFeatures(network, some, [PATCHES], { seed: 0, threads: 1 }))[PATCHES].data
  }
  const [plain, shrunk] = [await features(images, 1), await features(enlarged, 2)]
  expect(shrunk).toHaveLength(plain.length)
  expect(Math.max(...plain)).toBeGreaterThan(0.05)
  expect(Math.max(...plain.map((value, i) => Math.abs(value - shrunk[i])))).toBeLessThan(1e-4)
})

test('responses of every atom have mean 0 and variance 1 over the patches: they are whitened', async () => {
  const images = clouds(120, 8, 1)
  // As many cells as places: without a threshold, one sign less the other is the response at each place.
  const options = {
    ...small,
    whitening: 1e-4,
    threshold: 0,
    cells: 6,
    samples: 4000,
    dictionary: 'random' as const,
  }
  const dictionary = await fitPatches(images, options, { seed: 1, linearAlgebra })
  const network = patchNetwork(dictionary, { size: 8, channels: 1 })
  const { [PATCHES]: found } = await extractFeatures(network, images, [PATCHES], { seed: 0, threads: 1 })
  for (let atom = 0; atom < options.atoms; atom++) {
    let [sum, squares] = [0, 0]
    for (let at = 0; at < 120 * 36; at++) {
      const column = Math.floor(at / 120) + atom * 36
      const row = (at % 120) * found.columns
      const response = found.data[row + column] - found.data[row + options.atoms * 36 + column]
      sum += response
      squares += response * response
    }
    expect(Math.abs(sum / (120 * 36))).toBeLessThan(0.1)
    expect(squares / (120 * 36)).toBeGreaterThan(0.85)
    expect(squares / (120 * 36)).toBeLessThan(1.15)
  }
})

test('a patch of even brightness has no response, however bright: contrast is all that counts', async () => {
  const images = clouds(6, 8, 1)
  const dictionary = await fitPatches(images, { ...small, threshold: 0 }, { seed: 1, linearAlgebra })
  const network = patchNetwork(dictionary, { size: 8, channels: 1 })
  const shifted = { ...images, pixels: images.pixels.slice().map((value) => value * 0.5) }
  const brighter = { ...shifted, pixels: shifted.pixels.map((value) => value + 100) }
  const features = async (some: Images): Promise<Float32Array> =>
    (await extractFeatures(network, some, [PATCHES], { seed: 0, threads: 1 }))[PATCHES].data
  const [a, b] = [await features(shifted), await features(brighter)]
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-4)
})

test('random dictionaries are patches of the images, the same for the same seed', async () => {
  const images = clouds(6, 8, 1)
  const options = { ...small, dictionary: 'random' as const }
  const fit = (seed: number): Promise<PatchDictionary> => fitPatches(images, options, { seed, linearAlgebra })
  expect((await fit(1)).weights).toEqual((await fit(1)).weights)
  expect((await fit(2)).weights).not.toEqual((await fit(1)).weights)
})

test('spherical k-means finds the directions that data lies along, whatever its sign', async () => {
  const random = new Random(2, 'directions')
  const truth = unitRows(featureMatrix(3, 8, random.fillNormal(new Float32Array(24))))
  const rows = featureMatrix(
    900,
    8,
    random.fillNormal(new Float32Array(7200)).map((value) => 0.05 * value),
  )
  for (let i = 0; i < rows.rows; i++) {
    const gain = random.between(0.5, 2) * (random.uniform() < 0.5 ? -1 : 1)
    for (let j = 0; j < 8; j++) rows.data[i * 8 + j] += gain * truth.data[(i % 3) * 8 + j]
  }
  const found = await sphericalKMeans(rows, {
    atoms: 3,
    rounds: 10,
    random: new Random(7, 'start'),
    linearAlgebra,
  })
  const { data } = await linearAlgebra.matmul(truth, found, { transposeB: true })
  for (let i = 0; i < 3; i++) {
    expect(Math.max(...data.subarray(3 * i, 3 * i + 3).map(Math.abs))).toBeGreaterThan(0.99)
  }
})

test('a function of a symmetric matrix acts on its eigenvalues', () => {
  // [[2, 1], [1, 2]] has the eigenvalues 1 and 3 along (1, -1) and (1, 1).
  const root = symmetricFunction(Float64Array.of(2, 1, 1, 2), 2, Math.sqrt)
  const [same, other] = [(1 + Math.sqrt(3)) / 2, (Math.sqrt(3) - 1) / 2]
  ;[same, other, other, same].forEach((value, i) => expect(root[i]).toBeCloseTo(value, 12))
})

test('images that have no patches are refused in one line', async () => {
  const images = clouds(2, 8, 1)
  const options = { seed: 0, linearAlgebra }
  await expect(fitPatches(images, { ...small, size: 9 }, options)).rejects.toThrow(
    'patches (clouds): got 2 images of 8x8, expected images of at least 9x9, the size of a patch; choose smaller patches or a larger image size',
  )
  const blank = { ...images, pixels: images.pixels.slice().fill(255) }
  await expect(fitPatches(blank, small, options)).rejects.toThrow('got patches that are all alike')
  const dictionary = await fitPatches(images, small, options)
  expect(() => patchNetwork(dictionary, { size: 8, channels: 3 })).toThrow(
    'got 8x8 with 3 channels, expected at least 3x3 with 1',
  )
})
