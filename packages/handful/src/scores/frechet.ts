/**
 * The Frechet distance between two sets of features, each taken for a Gaussian (Dowson and Landau 1982; Heusel et al.,
 * arXiv 1706.08500):
 *
 *   d^2 = |m1 - m2|^2 + trace(C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2))
 *
 * The value is the squared distance, as FID is. It is biased upwards, the more the fewer the rows: compare equal numbers.
 */
import { HandfulError } from '../errors.js'
import { checkColumns, checkFinite, columnMeans, type FeatureMatrix } from '../numerics/matrix.js'
import { symmetricEigen, symmetricFunction } from '../numerics/symmetric.js'

/** Mean `[size]` and covariance `[size, size]`, row-major. */
export interface Gaussian {
  readonly mean: Float64Array
  readonly covariance: Float64Array
}

/** Mean and unbiased covariance of the rows. @throws HandfulError with fewer than two rows or features that are no numbers */
export function fitGaussian(features: FeatureMatrix): Gaussian {
  const { rows, columns, data } = features
  checkFinite(features, 'Frechet distance')
  if (rows < 2) {
    throw new HandfulError({
      what: 'Frechet distance',
      where: 'features',
      got: `${rows} rows`,
      expected: 'at least 2, better thousands',
      hint: 'draw more samples',
    })
  }
  const mean = columnMeans(features)
  const covariance = new Float64Array(columns * columns)
  const centred = new Float64Array(columns)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) centred[j] = data[i * columns + j] - mean[j]
    for (let j = 0; j < columns; j++) {
      for (let k = j; k < columns; k++) covariance[j * columns + k] += centred[j] * centred[k]
    }
  }
  for (let j = 0; j < columns; j++) {
    for (let k = j; k < columns; k++) {
      covariance[j * columns + k] /= rows - 1
      covariance[k * columns + j] = covariance[j * columns + k]
    }
  }
  return { mean, covariance }
}

/** The squared distance between two Gaussians of the same size. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const size = a.mean.length
  if (b.mean.length !== size) {
    throw new RangeError(
      `internal: frechetDistance: got sizes ${size} and ${b.mean.length}, expected equal ones`,
    )
  }
  const root = symmetricFunction(a.covariance, size, (value) => Math.sqrt(Math.max(value, 0)))
  const { values } = symmetricEigen(product(product(root, b.covariance, size), root, size), size)
  let distance = 0
  for (let j = 0; j < size; j++) {
    distance += (a.mean[j] - b.mean[j]) ** 2 + a.covariance[j * (size + 1)] + b.covariance[j * (size + 1)]
    distance -= 2 * Math.sqrt(Math.max(values[j], 0))
  }
  return Math.max(distance, 0)
}

/** The same between the Gaussians of two sets of rows. */
export function frechetDistanceOfFeatures(a: FeatureMatrix, b: FeatureMatrix): number {
  checkColumns(b, a.columns, 'Frechet distance')
  return frechetDistance(fitGaussian(a), fitGaussian(b))
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k]
      for (let j = 0; j < size; j++) result[i * size + j] += factor * b[k * size + j]
    }
  }
  return result
}
