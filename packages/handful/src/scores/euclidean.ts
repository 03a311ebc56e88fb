/**
 * Nearest rows by Euclidean distance through the search by inner product that the heads have: with a number more in each
 * row, (x, 1)'(y, -|y|^2 / 2) = (|x|^2 - |x - y|^2) / 2, so the greatest inner product is the least distance. Both sides
 * are centred first, which keeps float32's digits, and the distances found are taken again in float64.
 */
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import {
  checkColumns,
  checkFinite,
  columnMeans,
  featureMatrix,
  type FeatureMatrix,
} from '../numerics/matrix.js'

export interface EuclideanOptions {
  /** Queries are the references themselves: row i is never its own neighbour. */
  readonly excludeSelf?: boolean
  /** `[references]` taken off each reference's squared distances before they are compared. */
  readonly handicap?: Float64Array
  readonly onProgress?: (done: number, total: number) => void
}

export interface EuclideanNeighbours {
  readonly rows: number
  readonly k: number
  /** `[rows, k]` rows of the references. */
  readonly indices: Int32Array
  /** `[rows, k]` distances, ascending save for a handicap. */
  readonly distances: Float64Array
}

/** The `k` nearest references of each query; fewer where there are fewer references. */
export async function nearestEuclidean(
  queries: FeatureMatrix,
  references: FeatureMatrix,
  k: number,
  linearAlgebra: LinearAlgebra,
  { excludeSelf, handicap, onProgress }: EuclideanOptions = {},
): Promise<EuclideanNeighbours> {
  checkColumns(queries, references.columns, 'nearest rows')
  for (const side of [queries, references]) checkFinite(side, 'nearest rows')
  const centre = columnMeans(references)
  const last = (squares: number, row: number): number => ((handicap?.[row] ?? 0) - squares) / 2
  const found = await linearAlgebra.nearest(
    extended(queries, centre, () => 1),
    extended(references, centre, last),
    k,
    { excludeSelf, onProgress },
  )
  const distances = Float64Array.from(found.indices, (reference, i) =>
    Math.sqrt(squaredDistance(queries, Math.floor(i / found.k), references, reference)),
  )
  return { rows: found.rows, k: found.k, indices: found.indices, distances }
}

/** Rows less the centre, with a number more that may depend on their squared length. */
function extended(
  { rows, columns, data }: FeatureMatrix,
  centre: Float64Array,
  last: (squares: number, row: number) => number,
): FeatureMatrix {
  const result = featureMatrix(rows, columns + 1)
  for (let i = 0; i < rows; i++) {
    let squares = 0
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j] - centre[j]
      result.data[i * (columns + 1) + j] = value
      squares += value * value
    }
    result.data[(i + 1) * (columns + 1) - 1] = last(squares, i)
  }
  return result
}

function squaredDistance(a: FeatureMatrix, row: number, b: FeatureMatrix, other: number): number {
  let sum = 0
  for (let j = 0; j < a.columns; j++)
    sum += (a.data[row * a.columns + j] - b.data[other * b.columns + j]) ** 2
  return sum
}
