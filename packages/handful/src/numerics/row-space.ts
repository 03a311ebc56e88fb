/**
 * Features in the space that the labelled rows span. What a squared penalty on the weights leaves of them lies in that space
 * (the representer theorem), so a fit to 20 rows of 256 numbers is one to 20 rows of 20: the same answer, a tenth of the work.
 */
import { featureMatrix, type FeatureMatrix } from './matrix.js'

export interface RowSpace {
  /** `[rows, dimensions]` with the inner products of the features. */
  readonly features: FeatureMatrix
  /** `[columns, outputs]` weights of the features, from `[dimensions, outputs]` of the coordinates. */
  weightOf(weight: FeatureMatrix): FeatureMatrix
}

/** Orthogonalising costs rows^2 columns: more rows are left as they are. */
const MOST_ROWS = 512
/** What is left of a row below this share of its square is rounding: it depends on those before it. */
const DEPENDENT = 1e-10

/** Coordinates by modified Gram-Schmidt, twice over; the features themselves where there is little to win. */
export function rowSpace(features: FeatureMatrix): RowSpace {
  const { rows, columns } = features
  if (rows > MOST_ROWS || 2 * rows > columns) return { features, weightOf: (weight) => weight }
  const basis: Float64Array[] = []
  for (let i = 0; i < rows; i++) {
    const vector = Float64Array.from(features.data.subarray(i * columns, (i + 1) * columns))
    const whole = dot(vector, vector)
    const left = orthogonalise(vector, basis)
    if (left > DEPENDENT * whole) basis.push(vector.map((value) => value / Math.sqrt(left)))
  }
  const coordinates = featureMatrix(rows, basis.length)
  for (let i = 0; i < rows; i++) {
    const row = features.data.subarray(i * columns, (i + 1) * columns)
    basis.forEach((vector, k) => (coordinates.data[i * basis.length + k] = dot(row, vector)))
  }
  return { features: coordinates, weightOf: (weight) => overColumns(basis, columns, weight) }
}

/**
 * Takes from a vector what lies along orthonormal others, by modified Gram-Schmidt, twice over; returns the square that
 * is left. Vectors of zeros among the others take nothing.
 */
export function orthogonalise(vector: Float64Array, others: readonly Float64Array[]): number {
  for (let pass = 0; pass < 2; pass++) {
    for (const other of others) {
      const inner = dot(vector, other)
      for (let j = 0; j < vector.length; j++) vector[j] -= inner * other[j]
    }
  }
  return dot(vector, vector)
}

function overColumns(
  basis: readonly Float64Array[],
  columns: number,
  { columns: outputs, data }: FeatureMatrix,
): FeatureMatrix {
  const result = featureMatrix(columns, outputs)
  for (let j = 0; j < columns; j++) {
    for (let c = 0; c < outputs; c++) {
      let sum = 0
      for (let k = 0; k < basis.length; k++) sum += basis[k][j] * data[k * outputs + c]
      result.data[j * outputs + c] = sum
    }
  }
  return result
}

function dot(a: ArrayLike<number>, b: Float64Array): number {
  let sum = 0
  for (let j = 0; j < b.length; j++) sum += a[j] * b[j]
  return sum
}
