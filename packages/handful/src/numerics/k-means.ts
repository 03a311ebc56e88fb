/**
 * K-means of rows of length 1 by cosine (Dhillon and Modha, "Concept decompositions for large sparse text data", 2001), started
 * by k-means++ (Arthur and Vassilvitskii 2007): each further centre is a row drawn in proportion to its squared distance from
 * those that there are.
 */
import type { Random } from 'onnx-autodiff'
import type { LinearAlgebra } from './linear-algebra.js'
import { featureMatrix, scaledToUnitRows, selectRows, type UnitRows } from './matrix.js'

export interface KMeansOptions {
  /** Fewer where there are fewer rows. */
  readonly clusters: number
  /** Default 12. */
  readonly rounds?: number
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
}

export interface KMeans {
  /** `[clusters, columns]` */
  readonly centres: UnitRows
  /** `[rows]` cluster of each. */
  readonly clusters: Int32Array
  /** `[rows]` cosine with its centre. */
  readonly similarities: Float32Array
}

/** Rows that centres start from, at most: more of them start no better. */
const START_ROWS = 4000

export async function kMeans(
  rows: UnitRows,
  { clusters, rounds = 12, random, linearAlgebra, signal }: KMeansOptions,
): Promise<KMeans> {
  const { columns } = rows
  const count = Math.min(clusters, rows.rows)
  const drawn = random.child('start').permutation(rows.rows).slice(0, START_ROWS)
  let centres = firstCentres(selectRows(rows, drawn), count, random.child('centres'))
  for (let round = 0; ; round++) {
    signal?.throwIfAborted()
    const { indices, similarities } = await linearAlgebra.nearest(rows, centres, 1)
    if (round === rounds) return { centres, clusters: indices, similarities }
    const next = featureMatrix(count, columns)
    const sizes = new Int32Array(count)
    indices.forEach((cluster, row) => {
      sizes[cluster]++
      for (let j = 0; j < columns; j++) next.data[cluster * columns + j] += rows.data[row * columns + j]
    })
    // A centre that no row is nearest to stays where it is.
    for (let k = 0; k < count; k++)
      if (sizes[k] === 0) next.data.set(centres.data.subarray(k * columns, (k + 1) * columns), k * columns)
    centres = scaledToUnitRows(next)
  }
}

function firstCentres(rows: UnitRows, count: number, random: Random): UnitRows {
  const { columns, data } = rows
  const chosen = [random.integer(rows.rows)]
  const squares = new Float64Array(rows.rows).fill(Infinity)
  while (chosen.length < count) {
    const last = chosen[chosen.length - 1] * columns
    let total = 0
    for (let i = 0; i < rows.rows; i++) {
      let cosine = 0
      for (let j = 0; j < columns; j++) cosine += data[last + j] * data[i * columns + j]
      squares[i] = Math.min(squares[i], Math.max(0, 2 - 2 * cosine))
      total += squares[i]
    }
    chosen.push(drawnBy(squares, random.uniform() * total))
  }
  return selectRows(rows, chosen)
}

/** The place at which the running sum passes `goal`. */
function drawnBy(weights: Float64Array, goal: number): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]
    if (sum > goal) return i
  }
  return weights.length - 1
}
