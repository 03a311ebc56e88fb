/**
 * A dense matrix of features, one row an image: what extraction gives and what normalisation and heads take.
 * Row-major float32, as ONNX Runtime reads it without a copy.
 */
import type { NamedArray } from 'onnx-autodiff'
import { HandfulError } from '../errors.js'

/** Numbers in rows, such as the features of images: a row for each. */
export interface FeatureMatrix {
  readonly rows: number
  readonly columns: number
  /** `rows * columns` numbers, row after row. */
  readonly data: Float32Array
}

declare const lengthOne: unique symbol

/** Rows of Euclidean length 1, or of zeros, so that inner products are cosines. Only what scales rows makes it. */
export type UnitRows = FeatureMatrix & { readonly [lengthOne]: true }

/** Wraps `data` (or zeros) as a matrix. Throws HandfulError where its length is not `rows * columns`. */
export function featureMatrix(rows: number, columns: number, data?: Float32Array): FeatureMatrix {
  const values = data ?? new Float32Array(rows * columns)
  if (values.length !== rows * columns) {
    throw new HandfulError({
      what: 'feature matrix',
      where: `${rows} rows of ${columns} columns`,
      got: `${values.length} numbers`,
      expected: `${rows * columns}`,
      hint: 'pass one row per image',
    })
  }
  return { rows, columns, data: values }
}

/** A matrix of an array of rows, as tests and small examples write it. */
export function fromRows(rows: readonly (readonly number[])[]): FeatureMatrix {
  return featureMatrix(rows.length, rows[0]?.length ?? 0, Float32Array.from(rows.flat()))
}

/** Rows `start` to `end - 1`, without a copy. */
export function rowRange(matrix: UnitRows, start: number, end: number): UnitRows
export function rowRange(matrix: FeatureMatrix, start: number, end: number): FeatureMatrix
export function rowRange(matrix: FeatureMatrix, start: number, end: number): FeatureMatrix {
  const { columns, data } = matrix
  return { rows: end - start, columns, data: data.subarray(start * columns, end * columns) }
}

/** A copy of the rows named, in that order. */
export function selectRows(matrix: UnitRows, rows: ArrayLike<number>): UnitRows
export function selectRows(matrix: FeatureMatrix, rows: ArrayLike<number>): FeatureMatrix
export function selectRows(matrix: FeatureMatrix, rows: ArrayLike<number>): FeatureMatrix {
  const { columns, data } = matrix
  const selected = featureMatrix(rows.length, columns)
  for (let i = 0; i < rows.length; i++) {
    selected.data.set(data.subarray(rows[i] * columns, (rows[i] + 1) * columns), i * columns)
  }
  return selected
}

/** The matrices one below the other. Throws HandfulError where their columns differ. */
export function concatenateRows(...matrices: FeatureMatrix[]): FeatureMatrix {
  const columns = matrices[0]?.columns ?? 0
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0)
  const joined = featureMatrix(rows, columns)
  let start = 0
  for (const matrix of matrices) {
    checkColumns(matrix, columns, 'concatenated features')
    joined.data.set(matrix.data, start)
    start += matrix.data.length
  }
  return joined
}

/** A copy with rows of Euclidean length 1; rows of zeros stay zeros. */
export function unitRows({ rows, columns, data }: FeatureMatrix): UnitRows {
  return scaledToUnitRows(featureMatrix(rows, columns, data.slice()))
}

/** The matrix itself, its rows scaled in place. */
export function scaledToUnitRows(matrix: FeatureMatrix): UnitRows {
  const { rows, columns, data } = matrix
  for (let i = 0; i < rows; i++) {
    let sum = 0
    for (let j = i * columns; j < (i + 1) * columns; j++) sum += data[j] * data[j]
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0
    for (let j = i * columns; j < (i + 1) * columns; j++) data[j] *= scale
  }
  return matrix as UnitRows
}

/** Rows that were scaled before they were stored, taken as they are. */
export const storedUnitRows = (matrix: FeatureMatrix): UnitRows => matrix as UnitRows

/** A matrix as ONNX Runtime and safetensors files take it, without a copy. */
export const matrixArray = ({ rows, columns, data }: FeatureMatrix): NamedArray => ({
  dtype: 'float32',
  shape: [rows, columns],
  data,
})

/** The matrix in an array of numbers, without a copy. */
export const matrixOf = ({ shape: [rows, columns], data }: NamedArray): FeatureMatrix =>
  featureMatrix(rows, columns, data as Float32Array)

/** The column of the largest number in each row (the first of equals). */
export function argmaxRows({ rows, columns, data }: FeatureMatrix): Int32Array {
  const best = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    for (let j = 1; j < columns; j++) if (data[i * columns + j] > data[i * columns + best[i]]) best[i] = j
  }
  return best
}

/** The most probable class of each row and its probability, at most 1: sums of float32 shares exceed that by rounding. */
export function mostProbable(probabilities: FeatureMatrix): {
  readonly predicted: Int32Array
  readonly probability: Float32Array
} {
  const predicted = argmaxRows(probabilities)
  const { columns, data } = probabilities
  return {
    predicted,
    probability: Float32Array.from(predicted, (c, i) => Math.min(1, data[i * columns + c])),
  }
}

/** Throws HandfulError where the matrix has another number of columns than it should. */
export function checkColumns(matrix: FeatureMatrix, expected: number, where: string): void {
  if (matrix.columns === expected) return
  throw new HandfulError({
    what: 'feature columns',
    where,
    got: `${matrix.columns}`,
    expected: `${expected}`,
    hint: 'extract the features with the same model, layers and pooling',
  })
}

/** Throws HandfulError naming the first row that holds NaN or an infinity. */
export function checkFinite({ columns, data }: FeatureMatrix, where: string): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue
    throw new HandfulError({
      what: 'feature',
      where: `${where}, row ${Math.floor(i / columns)}, column ${i % columns}`,
      got: `${data[i]}`,
      expected: 'a finite number',
      hint: 'the model may have diverged: extract from an earlier checkpoint',
    })
  }
}

/** Inner product of row `i` of `a` and row `j` of `b`, both of so many columns. */
export function rowProduct(a: Float32Array, i: number, b: Float32Array, j: number, columns: number): number {
  let sum = 0
  for (let at = 0; at < columns; at++) sum += a[i * columns + at] * b[j * columns + at]
  return sum
}

/** The mean of each column, in float64. */
export function columnMeans({ rows, columns, data }: FeatureMatrix): Float64Array {
  const means = new Float64Array(columns)
  for (let at = 0; at < data.length; at++) means[at % columns] += data[at] / rows
  return means
}
