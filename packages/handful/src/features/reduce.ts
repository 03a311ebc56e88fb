/**
 * Features of many images in bounded memory: extracted a block of images at a time, of which only the leading principal
 * components are kept, neither whitened nor scaled. Groups of unlike features (a network's layers, patches) are reduced
 * apart and stand beside each other. Everything is fitted to training images alone.
 */
import { Random } from 'onnx-autodiff'
import { type Images, imageBytes, imagesAt } from '../data/image-set.js'
import { besideEachOther } from './extract.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import {
  concatenateRows,
  featureMatrix,
  type FeatureMatrix,
  rowRange,
  selectRows,
} from '../numerics/matrix.js'
import { fitNormalisation, type Normalisation, projectFeatures } from './normalise.js'

/**
 * Components that heads work on, at most: images in colour have more to tell, and where there are enough of them to know small
 * directions by, more still (docs/results.md): with a thousand images 512 lose half a point. Of very many memory is what counts.
 */
export function headComponents({ channels, count }: Pick<Images, 'channels' | 'count'>): number {
  if (channels === 1) return 128
  return count >= 10_000 && count <= 100_000 ? 512 : 256
}

/** Components kept of each group until they stand beside each other: more than heads see, and 256 where that is no less. */
export const reducedComponents = (components: number): number =>
  Math.max(components, Math.min(256, 2 * components))

/** Features that are reduced together. */
export interface FeatureGroup {
  /** Columns of each block of them, in order. */
  readonly blocks: readonly number[]
  /** What is brought to variance 1 first; `block` unless said otherwise. */
  readonly standardise?: 'dimension' | 'block'
}

/** Images that come in a block. */
export type PixelBlock = Pick<Images, 'count' | 'height' | 'width' | 'channels'> & {
  readonly pixels: Uint8Array
}

export interface ReducibleFeatures {
  /** In the order of their columns. */
  readonly groups: readonly FeatureGroup[]
  /** `[images, columns]`; `firstPlace` is the place of the first of them in their split. */
  extract(images: PixelBlock, firstPlace: number): Promise<FeatureMatrix>
  /** Whether an image has the same features wherever it stands, so that it has to be seen once only. */
  readonly sameAnywhere?: boolean
}

export interface ReductionOptions {
  /** Components kept of each group, at most. */
  readonly components: number
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  /** Raw numbers that the reduction is fitted to, at most; more images than hold them are drawn. Default 2^27: 512 MiB. */
  readonly fittedNumbers?: number
  /**
   * Counts images; where there are more than the reduction is fitted to, and features depend on the place, those that it is
   * fitted to count twice.
   */
  readonly onProgress?: (done: number, total: number) => void
}

export interface ReducedFeatures {
  /** `[images, components of all groups]` */
  readonly train: FeatureMatrix
  readonly others: readonly FeatureMatrix[]
  /** One for each group, centred on the mean of all training images: rows are `(x - centre) projection`. */
  readonly reductions: readonly Normalisation[]
  readonly extractSeconds: number
}

const BLOCK_IMAGES = 1000

/** Features of the images that the reduction is fitted to, and of others. */
export async function reduceFeatures(
  source: ReducibleFeatures,
  train: Images,
  others: readonly Images[],
  { components, seed, linearAlgebra, signal, fittedNumbers = 2 ** 27, onProgress }: ReductionOptions,
): Promise<ReducedFeatures> {
  const widths = widthsOf(source.groups)
  const columns = widths.reduce((sum, width) => sum + width, 0)
  const fitted = Math.min(train.count, Math.max(2, Math.floor(fittedNumbers / columns)))
  const drawn = fitted < train.count ? drawnImages(train, fitted, seed) : undefined
  const onceOnly = drawn !== undefined && source.sameAnywhere === true
  const twice = drawn === undefined || onceOnly ? 0 : fitted
  const total = others.reduce((sum, { count }) => sum + count, train.count + twice)
  let [done, extractSeconds] = [0, 0]
  /** @param places of the images that are meant; all of them unless given */
  const eachBlock = async (
    images: Images,
    use: (block: FeatureMatrix, start: number) => Promise<void> | void,
    places?: Uint32Array,
  ): Promise<void> => {
    const bytes = imageBytes(images)
    const count = places?.length ?? images.count
    for (let start = 0; start < count; start += BLOCK_IMAGES) {
      signal?.throwIfAborted()
      const end = Math.min(start + BLOCK_IMAGES, count)
      const [some, first] = places ? [imagesAt(images, places.subarray(start, end)), 0] : [images, start]
      const pixels = some.pixels.subarray(first * bytes, (first + end - start) * bytes)
      const began = performance.now()
      const block = await source.extract({ ...images, count: end - start, pixels }, start)
      extractSeconds += (performance.now() - began) / 1000
      onProgress?.((done += end - start), total)
      await use(block, start)
    }
  }

  const raw = featureMatrix(fitted, columns)
  const putRaw = (block: FeatureMatrix, start: number): void => raw.data.set(block.data, start * columns)
  await eachBlock(train, putRaw, drawn)
  const { fits, width, project } = await fitGroups(raw, source.groups, { components, linearAlgebra })
  const sums = new Float64Array(columns)
  const ofTrain = featureMatrix(train.count, width)
  /** Rows of a block at the places of their images among all. */
  const putTrain = async (block: FeatureMatrix, placeOf: (row: number) => number): Promise<void> => {
    for (let at = 0; at < block.data.length; at += columns)
      for (let j = 0; j < columns; j++) sums[j] += block.data[at + j]
    const { rows, data } = await project(block)
    for (let row = 0; row < rows; row++)
      ofTrain.data.set(data.subarray(row * width, (row + 1) * width), placeOf(row) * width)
  }
  if (drawn === undefined || onceOnly) {
    for (let start = 0; start < fitted; start += BLOCK_IMAGES) {
      const block = rowRange(raw, start, Math.min(fitted, start + BLOCK_IMAGES))
      await putTrain(block, (row) => drawn?.[start + row] ?? start + row)
    }
  }
  if (onceOnly) {
    const rest = othersThan(drawn, train.count)
    await eachBlock(train, (block, start) => putTrain(block, (row) => rest[start + row]), rest)
  } else if (drawn !== undefined)
    await eachBlock(train, (block, start) => putTrain(block, (row) => start + row))
  const ofOthers: FeatureMatrix[] = []
  for (const images of others) {
    const reduced = featureMatrix(images.count, width)
    await eachBlock(images, async (block, start) =>
      reduced.data.set((await project(block)).data, start * width),
    )
    ofOthers.push(reduced)
  }

  // The sample's mean is nearly that of all images; the difference is taken away, so that one centre serves all that follows.
  const centre = featureMatrix(
    1,
    columns,
    Float32Array.from(sums, (sum) => sum / train.count),
  )
  const shift = await project(centre)
  for (const reduced of [ofTrain, ...ofOthers]) subtractFromRows(reduced, shift)
  return {
    train: ofTrain,
    others: ofOthers,
    reductions: fits.map((fit, i) => ({ ...fit, centre: columnsOf(centre, widths, i).data })),
    extractSeconds,
  }
}

/** Features that are in memory as they are, reduced in the same way; the fit is to all training rows, or a part of many. */
export async function reduceRows(
  train: FeatureMatrix,
  others: readonly FeatureMatrix[],
  { components, linearAlgebra, fittedNumbers = 2 ** 27 }: Omit<ReductionOptions, 'seed'>,
): Promise<ReducedFeatures> {
  const fitted = Math.min(train.rows, Math.max(2, Math.floor(fittedNumbers / train.columns)))
  // Every so many rows: classes may lie one after the other.
  const some =
    fitted === train.rows
      ? train
      : selectRows(
          train,
          Array.from({ length: fitted }, (_, i) => Math.floor((i * train.rows) / fitted)),
        )
  const found = await fitNormalisation(some, linearAlgebra, { components, whitening: 0 })
  // One centre serves all that follows: that of all rows.
  const fit = { ...found, centre: meanRow(train) }
  const project = (rows: FeatureMatrix): Promise<FeatureMatrix> => projectFeatures(fit, rows, linearAlgebra)
  const ofOthers: FeatureMatrix[] = []
  for (const rows of others) ofOthers.push(await project(rows))
  return { train: await project(train), others: ofOthers, reductions: [fit], extractSeconds: 0 }
}

function meanRow({ rows, columns, data }: FeatureMatrix): Float32Array {
  const sums = new Float64Array(columns)
  for (let at = 0; at < data.length; at += columns) for (let j = 0; j < columns; j++) sums[j] += data[at + j]
  return Float32Array.from(sums, (sum) => sum / rows)
}

interface Reduction {
  readonly fits: readonly Normalisation[]
  /** Components of all groups. */
  readonly width: number
  /** Raw features through the reduction of each group, beside each other. */
  project(features: FeatureMatrix): Promise<FeatureMatrix>
}

async function fitGroups(
  raw: FeatureMatrix,
  groups: readonly FeatureGroup[],
  { components, linearAlgebra }: Pick<ReductionOptions, 'components' | 'linearAlgebra'>,
): Promise<Reduction> {
  const widths = widthsOf(groups)
  const fits: Normalisation[] = []
  for (const [i, { blocks, standardise }] of groups.entries()) {
    const options = { components, whitening: 0, blocks, standardise }
    fits.push(await fitNormalisation(columnsOf(raw, widths, i), linearAlgebra, options))
  }
  return {
    fits,
    width: fits.reduce((sum, { projection }) => sum + projection.columns, 0),
    async project(features) {
      const parts: FeatureMatrix[] = []
      for (const [i, fit] of fits.entries())
        parts.push(await projectFeatures(fit, columnsOf(features, widths, i), linearAlgebra))
      return besideEachOther(parts)
    },
  }
}

const widthsOf = (groups: readonly FeatureGroup[]): number[] =>
  groups.map(({ blocks }) => blocks.reduce((sum, columns) => sum + columns, 0))

function subtractFromRows({ columns, data }: FeatureMatrix, row: FeatureMatrix): void {
  for (let i = 0; i < data.length; i++) data[i] -= row.data[i % columns]
}

/** Places of so many images drawn at random. */
const drawnImages = ({ count }: Images, wanted: number, seed: number): Uint32Array =>
  new Random(seed, 'images that features are reduced by').permutation(count).slice(0, wanted)

/** The places that are not among some, ascending. */
function othersThan(some: Uint32Array, count: number): Uint32Array {
  const among = new Uint8Array(count)
  for (const place of some) among[place] = 1
  return Uint32Array.from({ length: count }, (_, place) => place).filter((place) => among[place] === 0)
}

/** The columns of one group. */
function columnsOf(matrix: FeatureMatrix, widths: readonly number[], index: number): FeatureMatrix {
  if (widths.length === 1) return matrix
  const first = widths.slice(0, index).reduce((sum, width) => sum + width, 0)
  const own = featureMatrix(matrix.rows, widths[index])
  for (let i = 0; i < matrix.rows; i++) {
    const from = i * matrix.columns + first
    own.data.set(matrix.data.subarray(from, from + widths[index]), i * widths[index])
  }
  return own
}

/**
 * One normalisation of raw features in place of their reductions and the normalisation of what these give, whose own
 * centre is nothing: reduced features are centred already.
 */
export async function composedNormalisation(
  reductions: readonly Normalisation[],
  { projection, explained }: Normalisation,
  linearAlgebra: LinearAlgebra,
): Promise<Normalisation> {
  const parts: FeatureMatrix[] = []
  let first = 0
  for (const reduction of reductions) {
    const own = rowRange(projection, first, first + reduction.projection.columns)
    parts.push(await linearAlgebra.matmul(reduction.projection, own))
    first += reduction.projection.columns
  }
  const centre = concatenateRows(
    ...reductions.map((each) => featureMatrix(each.centre.length, 1, each.centre)),
  )
  return { kind: 'normalisation', centre: centre.data, projection: concatenateRows(...parts), explained }
}
