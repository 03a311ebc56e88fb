/**
 * Whitened patches: features without deep learning, the floor under every generative model on colour images.
 *
 *   patch p of an image:        q = (p - mean(p)) / sqrt(var(p) + c)                  contrast, c in squared grey levels
 *   whitening (ZCA):            z = W (q - m),  W = V (L + e)^(-1/2) V'               from q's covariance V L V'
 *   response to atom d_k:       r_k = d_k' z                                          d_k of length 1
 *   two-sided threshold:        f_k = max(0, r_k - a),  f_(K+k) = max(0, -r_k - a)
 *   features of the image:      means of f over a grid of cells
 *
 * Atoms are whitened patches of the training images themselves, drawn at random or found by spherical k-means (Coates, Lee
 * and Ng, AISTATS 2011; Coates and Ng, ICML 2011 and "Learning feature representations with k-means", 2012; without
 * contrast normalisation Thiry et al., arXiv 2101.07528).
 *
 * In the network all of this is one convolution, written as a product so that its large result comes in the layout in
 * which thresholds and means are cheap: a matrix with rows W d_k, made blind to a patch's mean, and -(d_k' W m + a) at
 * their ends, times the columns (p, s) / s of all places, with s = sqrt(var(p) + c), a map that box filters give.
 */
import {
  add,
  averagePool,
  BATCH_MARKER,
  cast,
  concat,
  constant,
  conv2d,
  fromBatchFirst,
  input,
  matmul,
  mean,
  minimum,
  mul,
  Random,
  reciprocal,
  relu,
  reshape,
  sqrt,
  sub,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
import { z } from 'zod'
import { imageAt, type Images } from '../../data/image-set.js'
import { HandfulError } from '../../errors.js'
import { imageInput } from '../../models/common.js'
import type { FeatureNetwork, ImageShape, Weights } from '../../models/model.js'
import type { LinearAlgebra } from '../../numerics/linear-algebra.js'
import { columnMeans, featureMatrix, type FeatureMatrix, scaledToUnitRows } from '../../numerics/matrix.js'
import { symmetricFunction } from '../../numerics/symmetric.js'
import { sphericalKMeans } from '../../numerics/spherical-k-means.js'
import { defineBaseline, type FitBaselineOptions, type FittedKind, type StudyNumbers } from './baseline.js'

export const patchOptionsSchema = z.strictObject({
  /** Pixels are averaged over squares of so many a side first: 6 pixels of a large image show little of it. */
  shrink: z.int().min(1).default(1),
  /** Side of a patch in pixels. */
  size: z.int().min(2),
  /** Atoms of the dictionary; features are twice as many times the cells. */
  atoms: z.int().min(1),
  dictionary: z.enum(['k-means', 'random']),
  /** Patches drawn for whitening and k-means. */
  samples: z.int().min(2),
  /** Rounds of k-means. */
  rounds: z.int().min(1),
  /** Added to a patch's variance, in squared grey levels of 0..255. */
  contrast: z.number().positive(),
  /** Added to the variances that whitening divides by. */
  whitening: z.number().positive(),
  /** The threshold a, in units of a whitened patch's response. */
  threshold: z.number().min(0),
  /** The image is pooled over a grid of so many cells a side. */
  cells: z.int().min(1),
})

export type PatchOptions = z.infer<typeof patchOptionsSchema>

/** Settings of patches unless said otherwise, as chosen on held-out draws. */
export const defaultPatches: PatchOptions = {
  shrink: 1,
  size: 6,
  atoms: 1024,
  dictionary: 'k-means',
  samples: 200_000,
  rounds: 12,
  contrast: 10,
  whitening: 0.1,
  threshold: 0.5,
  cells: 2,
}

/** Larger images are brought to about so many pixels a side, or 6 of them would show hardly more than a colour. */
const PATCHED_SIDE = 32

/** The side of the squares that pixels of larger images are averaged over. */
export const patchShrink = (side: number): number => Math.max(1, Math.floor(side / PATCHED_SIDE))

/** A dictionary fitted to images: plain data, from which the network is made. */
export interface PatchDictionary {
  readonly options: PatchOptions
  readonly channels: 1 | 3
  /** `filter` [atoms, size * size * channels + 1], the offset at the end of each row. */
  readonly weights: Weights
}

/** Name of the network's output. */
export const PATCHES = 'patches'

/** Images of one run: what their responses take stays within some hundred megabytes. */
const RESPONSES_LIMIT = 2 ** 26

/**
 * Fits whitening and dictionary to patches drawn from the images, without labels.
 *
 * @throws HandfulError if the images are smaller than a patch or all patches are alike
 */
export async function fitPatches(
  images: Images,
  options: PatchOptions,
  { seed, linearAlgebra, signal, onProgress }: FitBaselineOptions,
): Promise<PatchDictionary> {
  const { shrink, size, atoms, dictionary, samples, rounds, contrast, whitening, threshold } = options
  if (images.count === 0 || images.height < size * shrink || images.width < size * shrink) {
    throw new HandfulError({
      what: 'patches',
      where: images.name,
      got: `${images.count} images of ${images.width}x${images.height}`,
      expected: `images of at least ${size * shrink}x${size * shrink}, the size of a patch`,
      hint: 'choose smaller patches or a larger image size',
    })
  }
  const patches = drawPatches(images, { shrink, size, samples, contrast }, new Random(seed, 'patches'))
  const { centre, whiten } = await fitWhitening(patches, whitening, linearAlgebra)
  const whitened = await linearAlgebra.matmul(subtracted(patches, centre), whiten)
  const random = new Random(seed, 'patch dictionary')
  const found =
    dictionary === 'random'
      ? drawAtoms(whitened, atoms, random)
      : await sphericalKMeans(whitened, { atoms, rounds, random, linearAlgebra, signal, onProgress })
  const filters = await linearAlgebra.matmul(found, whiten)
  return {
    options,
    channels: images.channels,
    weights: { filter: foldedFilter(filters, centre, threshold) },
  }
}

/** Patches at random places, contrast-normalised, a row each in the order row, column, channel. */
function drawPatches(
  images: Images,
  { shrink, size, samples, contrast }: Pick<PatchOptions, 'shrink' | 'size' | 'samples' | 'contrast'>,
  random: Random,
): FeatureMatrix {
  const { channels } = images
  const [width, height] = [Math.floor(images.width / shrink), Math.floor(images.height / shrink)]
  const length = size * size * channels
  const patches = featureMatrix(samples, length)
  for (let row = 0; row < samples; row++) {
    const pixels = imageAt(images, random.integer(images.count))
    const top = shrink * random.integer(height - size + 1)
    const left = shrink * random.integer(width - size + 1)
    const patch = patches.data.subarray(row * length, (row + 1) * length)
    for (let y = 0; y < size * shrink; y++) {
      for (let x = 0; x < size * shrink; x++) {
        const from = ((top + y) * images.width + left + x) * channels
        const to = (Math.floor(y / shrink) * size + Math.floor(x / shrink)) * channels
        for (let c = 0; c < channels; c++) patch[to + c] += pixels[from + c] / (shrink * shrink)
      }
    }
    const average = patch.reduce((sum, value) => sum + value, 0) / length
    const variance = patch.reduce((sum, value) => sum + (value - average) ** 2, 0) / length
    const scale = 1 / Math.sqrt(variance + contrast)
    for (let i = 0; i < length; i++) patch[i] = (patch[i] - average) * scale
  }
  return patches
}

async function fitWhitening(
  patches: FeatureMatrix,
  strength: number,
  linearAlgebra: LinearAlgebra,
): Promise<{ centre: Float32Array; whiten: FeatureMatrix }> {
  const { rows, columns } = patches
  const centre = Float32Array.from(columnMeans(patches))
  const shifted = subtracted(patches, centre)
  const covariance = await linearAlgebra.matmul(shifted, shifted, { transposeA: true })
  const values = Float64Array.from(covariance.data, (sum) => sum / rows)
  if (values.every((value) => value === 0)) {
    throw new HandfulError({
      what: 'patches',
      where: 'whitening',
      got: 'patches that are all alike',
      expected: 'images with some structure',
      hint: 'check that the images are not blank',
    })
  }
  const power = symmetricFunction(values, columns, (value) => 1 / Math.sqrt(Math.max(value, 0) + strength))
  return { centre, whiten: featureMatrix(columns, columns, Float32Array.from(power)) }
}

function subtracted({ rows, columns, data }: FeatureMatrix, centre: Float32Array): FeatureMatrix {
  return featureMatrix(
    rows,
    columns,
    data.map((value, i) => value - centre[i % columns]),
  )
}

/** Whitened patches at random, scaled to length 1. */
function drawAtoms(whitened: FeatureMatrix, atoms: number, random: Random): FeatureMatrix {
  const found = featureMatrix(atoms, whitened.columns)
  const { columns, data } = whitened
  for (let k = 0; k < atoms; k++) {
    const row = random.integer(whitened.rows)
    found.data.set(data.subarray(row * columns, (row + 1) * columns), k * columns)
  }
  scaledToUnitRows(found)
  return found
}

/** Rows W d_k, blind to a patch's mean, and the offset at the end of each. */
function foldedFilter(filters: FeatureMatrix, centre: Float32Array, threshold: number): Weights[string] {
  const { rows: atoms, columns: length } = filters
  const data = new Float32Array((length + 1) * atoms)
  for (let k = 0; k < atoms; k++) {
    const row = filters.data.subarray(k * length, (k + 1) * length)
    const average = row.reduce((sum, value) => sum + value, 0) / length
    const offset = row.reduce((sum, value, i) => sum + value * centre[i], 0)
    data.set(
      row.map((value) => value - average),
      k * (length + 1),
    )
    data[(k + 1) * (length + 1) - 1] = -offset - threshold
  }
  return { dtype: 'float32', shape: [atoms, length + 1], data }
}

/** Pixels to `patches` [n, cells * cells * 2 atoms], in the order sign, atom, row, column. */
export function patchNetwork(dictionary: PatchDictionary, image: ImageShape): FeatureNetwork {
  const { options, weights, channels } = dictionary
  const { shrink, size, contrast, cells, atoms, threshold } = options
  if (image.channels !== channels || image.size < size * shrink) {
    throw new HandfulError({
      what: 'images',
      where: 'patch features',
      got: `${image.size}x${image.size} with ${image.channels} channels`,
      expected: `at least ${size * shrink}x${size * shrink} with ${channels}`,
      hint: 'fit the dictionary to images of the same kind',
    })
  }
  const pixels = imageInput(image)
  const filter = input('filter', weights.filter.shape)
  // Less the middle grey, so that the variance loses nothing to rounding.
  const whole = sub(fromBatchFirst(cast(pixels, 'float32')), 128)
  const x = shrink === 1 ? whole : averagePool(whole, shrink)
  const overPatches = (values: Tensor): Tensor => averagePool(mean(values, 3, true), size, { stride: 1 })
  const average = overPatches(x)
  const variance = relu(sub(overPatches(mul(x, x)), mul(average, average)))
  const deviation = sqrt(add(variance, contrast))
  const patches = mul(concat([unfold(x, size), deviation], 3), reciprocal(deviation))
  const places = Math.floor(image.size / shrink) - size + 1
  const columns = reshape(transpose(patches, [2, 3, 0, 1]), [
    BATCH_MARKER,
    size ** 2 * channels + 1,
    places ** 2,
  ])
  // v = r - a; the other side is max(0, -r - a) = -min(v, -2a) - 2a, whose mean needs no second product.
  const above = matmul(filter, columns)
  const over = cellMeans(places, Math.min(cells, places))
  const positive = matmul(relu(above), over)
  const negative = sub(-2 * threshold, matmul(minimum(above, -2 * threshold), over))
  const found = concat([positive, negative], 1)
  const features = reshape(found, [BATCH_MARKER, found.shape[1] * found.shape[2]])
  return {
    program: { inputs: [pixels], outputs: { [PATCHES]: features }, parameters: weights },
    batch: Math.max(1, Math.floor(RESPONSES_LIMIT / (places ** 2 * atoms * 4))),
  }
}

/** [h, w, n, c] -> [h - size + 1, w - size + 1, n, size * size * c]: each patch, in the order row, column, channel. */
function unfold(x: Tensor, size: number): Tensor {
  const channels = x.shape[3]
  const length = size * size * channels
  const identity = new Float64Array(length * length)
  for (let i = 0; i < length; i++) identity[i * (length + 1)] = 1
  return conv2d(x, constant(identity, [size, size, channels, length]))
}

/** [places * places, cells * cells]: means over a grid of cells that cover all places and overlap where they must. */
function cellMeans(places: number, cells: number): Tensor {
  const bounds = Array.from({ length: cells }, (_, i): [number, number] => [
    Math.floor((i * places) / cells),
    Math.ceil(((i + 1) * places) / cells),
  ])
  const share = (place: number, [from, to]: [number, number]): number =>
    place >= from && place < to ? 1 / (to - from) : 0
  const values = Array.from({ length: places ** 2 * cells ** 2 }, (_, i) => {
    const [place, cell] = [Math.floor(i / cells ** 2), i % cells ** 2]
    const [row, column] = [Math.floor(place / places), place % places]
    return share(row, bounds[Math.floor(cell / cells)]) * share(column, bounds[cell % cells])
  })
  return constant(values, [places ** 2, cells ** 2])
}

const kept: FittedKind = {
  shapes: (options, { channels }) => {
    const { atoms, size } = patchOptionsSchema.parse(options)
    return { filter: [atoms, size ** 2 * channels + 1] }
  },
  network: (fitted, image) => {
    const options = patchOptionsSchema.parse(fitted.options)
    const { atoms, size, dictionary } = options
    const { weights } = fitted
    const network = patchNetwork({ options, channels: fitted.image.channels, weights }, image)
    const found = dictionary === 'k-means' ? 'by k-means' : 'at random'
    return {
      network,
      outputs: [PATCHES],
      detail: `${atoms} whitened ${size}x${size} patches ${found}`,
      fitted,
    }
  },
}

const most = (limit: number, fewest = 1) => z.number().int().min(fewest).max(limit)

export const patches = defineBaseline({
  name: 'patches',
  title: 'whitened patches',
  imagesPerSecond: 300,
  schema: patchOptionsSchema,
  values: defaultPatches,
  fitted: kept,
  fit: async (images, values, fitting) => {
    const image: ImageShape = { size: images.height, channels: images.channels }
    const { options, weights } = await fitPatches(images, values, fitting)
    return kept.network({ kind: 'patches', image, options, weights }, image)
  },
  studyFields: {
    patchAtoms: most(65_536).default(defaultPatches.atoms),
    patchSamples: most(5_000_000, 2).default(defaultPatches.samples),
    patchRounds: most(1000).default(defaultPatches.rounds),
  },
  studyValues: (numbers, { height }) => ({ ...studyOptions(numbers), shrink: patchShrink(height) }),
  // By how much images are shrunk follows from them.
  studySettings: (numbers) => ({ options: studyOptions(numbers) }),
  standardise: 'dimension',
})

function studyOptions({ patchAtoms, patchSamples, patchRounds }: StudyNumbers): Omit<PatchOptions, 'shrink'> {
  const { shrink: _shrink, ...defaults } = defaultPatches
  return { ...defaults, atoms: patchAtoms, samples: patchSamples, rounds: patchRounds }
}
