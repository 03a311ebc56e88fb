/**
 * Normalisation of features, fitted on unlabelled rows: standardise, rotate to the first principal
 * components, whiten in part, scale rows to length 1. Whitening with power p divides component j by
 * `eigenvalue_j^(p/2)`: 0 keeps PCA's scales, 1 makes all variances 1. Large inputs take their leading eigenvectors by
 * subspace iteration, few rows of them by those of the rows' inner products, which are as many as there are rows.
 */
import { HandfulError } from '../errors.js'
import { type Eigenvectors, leadingEigenvectors } from '../numerics/dense-eigenvectors.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import {
  checkColumns,
  checkFinite,
  featureMatrix,
  type FeatureMatrix,
  rowRange,
  scaledToUnitRows,
  type UnitRows,
} from '../numerics/matrix.js'

/** Options of `fitNormalisation`. */
export interface NormalisationOptions {
  /** Principal components kept, at most; fewer where the features have a lower rank. Default 128. */
  readonly components?: number
  /** 0 (PCA) to 1 (fully whitened). Default 0.5. */
  readonly whitening?: number
  /**
   * What is brought to variance 1 first: `dimension`, each column (nearly constant ones less), or `block`, each group of
   * columns as a whole, so that layers of unlike scale weigh the same. Default `block`: on raw MNIST pixels `dimension`
   * costs label propagation 7 to 10 points at 1-8 labels per class, because it blows up pixels that are hardly ever set.
   */
  readonly standardise?: 'dimension' | 'block'
  /** Columns of each block, in order. Default one block. */
  readonly blocks?: readonly number[]
  /** How much each block weighs beside the others, 0 for nothing; default 1 each. */
  readonly weights?: readonly number[]
}

/** A fitted normalisation: `unit((x - centre) projection)`. Plain data: JSON and float32 arrays. */
export interface Normalisation {
  readonly kind: 'normalisation'
  /** `[inputs]` means of the input. */
  readonly centre: Float32Array
  /** `[inputs, components]`: standardising, rotating and whitening in one. */
  readonly projection: FeatureMatrix
  /** `[components]` share of the (standardised) variance that each component holds, descending. */
  readonly explained: Float32Array
}

/** Rows of a block: bounded memory, and partial sums short enough for float32. */
const BLOCK_ROWS = 4096
/** Above this many inputs the covariance itself would take gigabytes: only its products with a few vectors are made. */
const COVARIANCE_INPUTS = 8192
/** Components below this share of the largest variance are rounding noise. */
const SMALLEST_VARIANCE = 1e-6
/** A dimension's deviation is at least this share of the block's root mean square one. */
const SMALLEST_DEVIATION = 0.01

/**
 * Fits to the rows given (labels are never looked at). A few thousand rows are enough; all may be given.
 * Throws HandfulError with fewer than two rows, NaN or no variance at all.
 */
export async function fitNormalisation(
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
  {
    components = 128,
    whitening = 0.5,
    standardise = 'block',
    blocks = [features.columns],
    weights,
  }: NormalisationOptions = {},
): Promise<Normalisation> {
  const inputs = features.columns
  checkFinite(features, 'normalisation')
  const { centre, deviation } = moments(features)
  const rms = Math.sqrt(deviation.reduce((sum, value) => sum + value * value, 0) / Math.max(1, inputs))
  if (features.rows < 2 || !(rms > 0)) {
    throw new HandfulError({
      what: 'normalisation of features',
      where: `${features.rows} rows of ${inputs}`,
      got: features.rows < 2 ? 'too few rows' : 'rows that are all equal',
      expected: 'at least two rows that differ',
      hint: 'check that the images differ and that the model has trained',
    })
  }
  const scale = inputScales(deviation, standardise, blocks, weights)
  const standardised = { features, centre, scale }
  const { values, vectors } = await principalDirections(standardised, components, linearAlgebra)
  const kept = values.findIndex((value) => !(value > SMALLEST_VARIANCE * values[0]))
  const size = kept < 0 ? values.length : kept
  const total = deviation.reduce((sum, value, j) => sum + (value * scale[j]) ** 2, 0)
  const projection = featureMatrix(inputs, size)
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < size; j++) {
      projection.data[i * size + j] =
        scale[i] * vectors.data[i * vectors.columns + j] * values[j] ** (-whitening / 2)
    }
  }
  const explained = Float32Array.from(values.slice(0, size), (value) => value / total)
  return { kind: 'normalisation', centre, projection, explained }
}

/** `[rows, components]` with rows of length 1. Throws HandfulError where columns do not fit or a feature is NaN. */
export async function applyNormalisation(
  normalisation: Normalisation,
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<UnitRows> {
  checkColumns(features, normalisation.centre.length, 'normalisation')
  checkFinite(features, 'normalisation')
  return scaledToUnitRows(await projectFeatures(normalisation, features, linearAlgebra))
}

/** `(x - centre) projection`: the same with rows as long as they come, unchecked. */
export async function projectFeatures(
  { centre, projection }: Normalisation,
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> {
  const result = featureMatrix(features.rows, projection.columns)
  for (let start = 0; start < features.rows; start += BLOCK_ROWS) {
    const block = centred(features, start, centre)
    const product = await linearAlgebra.matmul(block, projection)
    result.data.set(product.data, start * projection.columns)
  }
  return result
}

/** What brings each column to mean 0 and variance 1, nearly constant ones to less. */
export type Standardisation = Pick<Standardised, 'centre' | 'scale'>

export function fitStandardisation(features: FeatureMatrix): Standardisation {
  const { centre, deviation } = moments(features)
  return { centre, scale: inputScales(deviation, 'dimension', [features.columns]) }
}

export function applyStandardisation(
  { centre, scale }: Standardisation,
  features: FeatureMatrix,
): FeatureMatrix {
  const result = featureMatrix(features.rows, features.columns)
  for (let start = 0; start < features.rows; start += BLOCK_ROWS)
    result.data.set(centred(features, start, centre, scale).data, start * features.columns)
  return result
}

/** What each column is multiplied by. */
function inputScales(
  deviation: Float64Array,
  standardise: 'dimension' | 'block',
  blocks: readonly number[],
  weights?: readonly number[],
): Float32Array {
  const scale = new Float32Array(deviation.length)
  const columns = blocks.reduce((sum, block) => sum + block, 0)
  if (columns !== deviation.length) {
    throw new HandfulError({
      what: 'blocks of feature columns',
      where: 'normalisation',
      got: `${blocks.join(' + ')} = ${columns} columns`,
      expected: `${deviation.length}`,
      hint: 'give the size of each concatenated layer',
    })
  }
  let start = 0
  for (const [i, block] of blocks.entries()) {
    const weight = weights?.[i] ?? 1
    const own = deviation.subarray(start, start + block)
    const total = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0))
    const smallest = (SMALLEST_DEVIATION * total) / Math.sqrt(block)
    for (let j = 0; j < block && total > 0; j++) {
      scale[start + j] = weight / (standardise === 'block' ? total : Math.max(own[j], smallest))
    }
    start += block
  }
  return scale
}

function moments({ rows, columns, data }: FeatureMatrix) {
  const mean = new Float64Array(columns)
  const square = new Float64Array(columns)
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < columns; j++) mean[j] += data[at++]
  for (let j = 0; j < columns; j++) mean[j] /= rows
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) square[j] += (data[at++] - mean[j]) ** 2
  }
  return { centre: Float32Array.from(mean), deviation: square.map((sum) => Math.sqrt(sum / rows)) }
}

/** Rows from `start` on, at most a block of them, less the centre and times the scale. */
function centred(
  features: FeatureMatrix,
  start: number,
  centre: Float32Array,
  scale?: Float32Array,
): FeatureMatrix {
  const end = Math.min(features.rows, start + BLOCK_ROWS)
  const source = rowRange(features, start, end)
  const block = featureMatrix(source.rows, source.columns)
  for (let i = 0, at = 0; i < source.rows; i++) {
    for (let j = 0; j < source.columns; j++, at++) {
      block.data[at] = (source.data[at] - centre[j]) * (scale === undefined ? 1 : scale[j])
    }
  }
  return block
}

interface Standardised {
  readonly features: FeatureMatrix
  readonly centre: Float32Array
  readonly scale: Float32Array
}

/** `[inputs, inputs]` */
const covarianceOf = (of: Standardised, linearAlgebra: LinearAlgebra): Promise<FeatureMatrix> =>
  meanOverBlocks(of, of.features.columns, (block) => linearAlgebra.matmul(block, block, { transposeA: true }))

/** The covariance times `some`, `[inputs, vectors]`, without making the covariance. */
const covarianceTimes = (
  of: Standardised,
  some: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> =>
  meanOverBlocks(of, some.columns, async (block) =>
    linearAlgebra.matmul(block, await linearAlgebra.matmul(block, some), { transposeA: true }),
  )

/** Sum over blocks of rows of what each gives, `[inputs, columns]`, over the number of rows. */
async function meanOverBlocks(
  { features, centre, scale }: Standardised,
  columns: number,
  productOf: (block: FeatureMatrix) => Promise<FeatureMatrix>,
): Promise<FeatureMatrix> {
  const sums = new Float64Array(features.columns * columns)
  for (let start = 0; start < features.rows; start += BLOCK_ROWS) {
    const product = await productOf(centred(features, start, centre, scale))
    for (let i = 0; i < sums.length; i++) sums[i] += product.data[i]
  }
  const result = featureMatrix(features.columns, columns)
  // No `Float32Array.from` with a function: it goes by way of an array, and this may be more than one can hold.
  for (let i = 0; i < sums.length; i++) result.data[i] = sums[i] / features.rows
  return result
}

/** Eigenvectors of the covariance, by the cheapest way that there is to them. */
async function principalDirections(
  of: Standardised,
  count: number,
  linearAlgebra: LinearAlgebra,
): Promise<Eigenvectors> {
  const { rows, columns: size } = of.features
  // Of few rows their inner products are the smaller matrix, and have no directions of no variance to iterate on.
  if (rows <= BLOCK_ROWS && 2 * rows <= size) return directionsOfRows(of, count, linearAlgebra)
  if (size <= COVARIANCE_INPUTS) {
    return leadingEigenvectors(await covarianceOf(of, linearAlgebra), { size, count }, linearAlgebra)
  }
  const multiply = (some: FeatureMatrix): Promise<FeatureMatrix> => covarianceTimes(of, some, linearAlgebra)
  return leadingEigenvectors(multiply, { size, count }, linearAlgebra)
}

/**
 * For fewer rows than columns: with X X' / n = U L U' the covariance X' X / n has the same eigenvalues but for zeros, and
 * the eigenvectors X' U (n L)^(-1/2).
 */
async function directionsOfRows(
  { features, centre, scale }: Standardised,
  count: number,
  linearAlgebra: LinearAlgebra,
): Promise<Eigenvectors> {
  const { rows } = features
  const centredRows = centred(features, 0, centre, scale)
  const inner = await linearAlgebra.matmul(centredRows, centredRows, { transposeB: true })
  for (let i = 0; i < inner.data.length; i++) inner.data[i] /= rows
  const { values, vectors } = await leadingEigenvectors(inner, { size: rows, count }, linearAlgebra)
  for (let i = 0; i < vectors.data.length; i++) {
    const variance = values[i % vectors.columns]
    vectors.data[i] *= variance > 0 ? 1 / Math.sqrt(rows * variance) : 0
  }
  return { values, vectors: await linearAlgebra.matmul(centredRows, vectors, { transposeA: true }) }
}
