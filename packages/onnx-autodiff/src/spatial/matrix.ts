/** Small constant matrices that act along one axis of an image: `[out, in]`. */
import { GraphError } from '../graph/shape.js'

export interface SpatialMatrix {
  readonly rows: number
  readonly columns: number
  /** Row-major. */
  readonly data: Float64Array
  /** Equal for equal matrices. */
  readonly key: string
}

export function matrix(
  rows: number,
  columns: number,
  value: (row: number, column: number) => number,
): SpatialMatrix {
  const data = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j] = value(i, j) + 0
  return fromData(rows, columns, data)
}

const fromData = (rows: number, columns: number, data: Float64Array): SpatialMatrix => ({
  rows,
  columns,
  data,
  key: `${rows}x${columns}:${sparseText(data)}`,
})

/** Non-zero elements with their places. */
function sparseText(data: Float64Array): string {
  const parts: string[] = []
  data.forEach((value, i) => {
    if (value !== 0) parts.push(`${i}=${value}`)
  })
  return parts.join()
}

export const fromRows = (rows: readonly (readonly number[])[]): SpatialMatrix =>
  matrix(rows.length, rows[0].length, (i, j) => rows[i][j])

export const identity = (size: number): SpatialMatrix => matrix(size, size, (i, j) => (i === j ? 1 : 0))

export const transposed = (m: SpatialMatrix): SpatialMatrix =>
  matrix(m.columns, m.rows, (i, j) => m.data[j * m.columns + i])

/** a b: first b, then a. */
export function multiply(a: SpatialMatrix, b: SpatialMatrix): SpatialMatrix {
  if (a.columns !== b.rows) {
    throw new GraphError(`internal: product of a ${a.rows}x${a.columns} and a ${b.rows}x${b.columns} matrix`)
  }
  const data = new Float64Array(a.rows * b.columns)
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]
      if (factor === 0) continue
      for (let j = 0; j < b.columns; j++) data[i * b.columns + j] += factor * b.data[k * b.columns + j]
    }
  }
  return fromData(a.rows, b.columns, data)
}

export function isIdentity(m: SpatialMatrix): boolean {
  return m.rows === m.columns && m.data.every((value, i) => value === (i % (m.columns + 1) === 0 ? 1 : 0))
}

/** Where each row takes its one element from, if every row holds a single 1. */
export function asSelection(m: SpatialMatrix): number[] | undefined {
  const source: number[] = []
  for (let i = 0; i < m.rows; i++) {
    const row = m.data.subarray(i * m.columns, (i + 1) * m.columns)
    const at = row.findIndex((value) => value !== 0)
    if (at < 0 || row[at] !== 1 || row.some((value, j) => j !== at && value !== 0)) return undefined
    source.push(at)
  }
  return source
}

/** Block length and coefficient, if row i is that coefficient on columns i*length .. (i+1)*length-1 and zero elsewhere. */
export function asBlockSum(m: SpatialMatrix): { length: number; coefficient: number } | undefined {
  const length = m.columns / m.rows
  const coefficient = m.data[0]
  if (!Number.isInteger(length) || length < 2 || coefficient === 0) return undefined
  for (let i = 0; i < m.rows; i++) {
    for (let j = 0; j < m.columns; j++) {
      if (m.data[i * m.columns + j] !== (Math.floor(j / length) === i ? coefficient : 0)) return undefined
    }
  }
  return { length, coefficient }
}

/** A common factor of all non-zero elements, if they are all equal. */
export function commonFactor(m: SpatialMatrix): number | undefined {
  const first = m.data.find((value) => value !== 0)
  return first !== undefined && m.data.every((value) => value === 0 || value === first) ? first : undefined
}

export const scaled = (m: SpatialMatrix, factor: number): SpatialMatrix =>
  matrix(m.rows, m.columns, (i, j) => m.data[i * m.columns + j] * factor)
