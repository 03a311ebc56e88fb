/**
 * The nearest-neighbour graph over all images, labelled or not, that label propagation and Poisson learning share, its
 * two kernels, and the bridges that join parts of it that no label reaches.
 */
import { scaleToUnitRows, unitRows, type FeatureMatrix } from '../features/matrix.js'
import type { LinearAlgebra, Neighbours } from '../features/linear-algebra.js'
import { components, symmetrise, withEdges, type Edge, type SparseMatrix } from './sparse.js'

/** `[rows, k]` nearest other rows by cosine. */
export type NeighbourGraph = Neighbours

export interface GraphOptions {
  /** Default 15: heads take as many of them as they want. */
  readonly k?: number
  readonly onProgress?: (done: number, total: number) => void
}

/** Exact neighbours of every row among the others (fewer than k where there are fewer rows). */
export async function neighbourGraph(
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
  { k = DEFAULT_K, onProgress }: GraphOptions = {},
): Promise<NeighbourGraph> {
  const unit = isUnit(features) ? features : unitRows(features)
  return linearAlgebra.nearest(unit, unit, k, { excludeSelf: true, onProgress })
}

export const DEFAULT_K = 15

/**
 * How similar a node is to its neighbours, from cosines sorted in descending order.
 * - `cosine cubed`: `max(0, cos)^3` (Iscen et al., arXiv 1904.04717, equation 9).
 * - `self-tuned`: `exp(-4 d^2 / d_k^2)` with `d^2 = 2 - 2 cos` and `d_k` the distance to the k-th neighbour (Calder et al.,
 *   "Poisson Learning", arXiv 2006.11184, section 4).
 */
export type Kernel = 'cosine cubed' | 'self-tuned'

/** Squared distances below this are rounding of float32 cosines. */
const SMALLEST_SQUARE = 1e-6

/** Weights of one node's neighbours `similarities[start .. start + k - 1]`, written to `weights` at `target`. */
export function kernelWeights(
  kernel: Kernel,
  similarities: Float32Array,
  start: number,
  k: number,
  weights: Float64Array,
  target: number,
): void {
  const farthest = Math.max(2 - 2 * similarities[start + k - 1], SMALLEST_SQUARE)
  for (let j = 0; j < k; j++) {
    const cosine = Math.min(1, similarities[start + j])
    weights[target + j] =
      kernel === 'cosine cubed' ? Math.max(0, cosine) ** 3 : Math.exp((-4 * (2 - 2 * cosine)) / farthest)
  }
}

/** The symmetric weights `(W + W^T) / 2` of the first k neighbours of each row. Rows of zeros have no edges. */
export function graphWeights(graph: NeighbourGraph, k: number, kernel: Kernel): SparseMatrix {
  const used = Math.min(k, graph.k)
  const neighbours = new Int32Array(graph.rows * used)
  const weights = new Float64Array(graph.rows * used)
  for (let i = 0; i < graph.rows && used > 0; i++) {
    neighbours.set(graph.indices.subarray(i * graph.k, i * graph.k + used), i * used)
    // All cosines of a row of zeros are 0: it is near to nothing, not equally near to all.
    if (graph.similarities[i * graph.k] === 0) continue
    kernelWeights(kernel, graph.similarities, i * graph.k, used, weights, i * used)
  }
  return symmetrise(graph.rows, used, neighbours, weights)
}

/** Rows of a part that are compared with the labelled ones; a part is small or any of its rows will do. */
const BRIDGE_ROWS = 64
const SMALLEST_BRIDGE = 1e-3

/**
 * Joins all components into one, each by its most similar pair with a labelled row already joined (its own labelled row
 * where it has one): Poisson's equation has no solution and propagation no answer on a part without labels. Single rows
 * of zeros stay alone: nothing is known of them.
 */
export function connectComponents(
  weights: SparseMatrix,
  features: FeatureMatrix,
  labelled: Int32Array,
): SparseMatrix {
  const { count, of } = components(weights)
  if (count === 1) return weights
  const members: number[][] = Array.from({ length: count }, () => [])
  for (const row of labelled) members[of[row]].push(row)
  const withLabels = members.map((rows) => rows.length > 0)
  for (let row = 0; row < of.length; row++) {
    const rows = members[of[row]]
    if (!withLabels[of[row]] && rows.length < BRIDGE_ROWS) rows.push(row)
  }
  const first = of[labelled[0]]
  const order = members.map((_, part) => part).filter((part) => part !== first)
  order.sort((a, b) => Number(withLabels[b]) - Number(withLabels[a]))
  const unit = (row: number) => ({ row, vector: unitVector(features, row) })
  const targets = members[first].map(unit)
  const edges: Edge[] = []
  for (const part of order) {
    const rows = members[part].map(unit)
    const bridge = mostSimilarPair(rows, targets)
    if (bridge !== undefined) edges.push(bridge)
    if (withLabels[part]) targets.push(...rows)
  }
  return withEdges(weights, edges)
}

interface UnitRow {
  readonly row: number
  readonly vector: Float32Array
}

function unitVector({ columns, data }: FeatureMatrix, row: number): Float32Array {
  const vector = data.slice(row * columns, (row + 1) * columns)
  scaleToUnitRows({ rows: 1, columns, data: vector })
  return vector
}

function mostSimilarPair(from: readonly UnitRow[], to: readonly UnitRow[]): Edge | undefined {
  let best: Edge | undefined
  let largest = -Infinity
  for (const { row, vector } of from) {
    if (vector.every((value) => value === 0)) continue
    for (const target of to) {
      let cosine = 0
      for (let j = 0; j < vector.length; j++) cosine += vector[j] * target.vector[j]
      if (cosine <= largest) continue
      largest = cosine
      best = { from: row, to: target.row, weight: Math.max(SMALLEST_BRIDGE, cosine ** 3) }
    }
  }
  return best
}

function isUnit({ rows, columns, data }: FeatureMatrix): boolean {
  for (let i = 0; i < rows; i++) {
    let square = 0
    for (let j = i * columns; j < (i + 1) * columns; j++) square += data[j] * data[j]
    if (square !== 0 && Math.abs(square - 1) > 1e-4) return false
  }
  return true
}
