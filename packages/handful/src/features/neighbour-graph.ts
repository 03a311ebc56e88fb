/**
 * The nearest-neighbour graph over all images, labelled or not, that label propagation, Poisson learning and smoothed
 * features share, and its two kernels.
 */
import { approximateNeighbours, EXACT_ROWS } from './approximate-neighbours.js'
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import type { UnitRows } from '../numerics/matrix.js'
import { symmetrise, type SparseMatrix } from '../numerics/sparse.js'

/** `[rows, k]` nearest other rows by cosine. */
export interface NeighbourGraph extends Neighbours {
  /** Of very many rows, whose neighbours are not searched exactly: the share of the ten nearest that were found. */
  readonly recall?: number
}

export interface GraphOptions {
  /** Default 15: heads take as many of them as they want. */
  readonly k?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
  /** Rows up to which the search is exact. Default EXACT_ROWS. */
  readonly exactRows?: number
}

/**
 * Neighbours of every row among the others (fewer than k where there are fewer rows): exact, but for very many rows and
 * where a library for these runs.
 */
export async function neighbourGraph(
  features: UnitRows,
  linearAlgebra: LinearAlgebra,
  { k = NEIGHBOURS, signal, onProgress, exactRows = EXACT_ROWS }: GraphOptions = {},
): Promise<NeighbourGraph> {
  const found =
    features.rows > exactRows
      ? await approximateNeighbours(features, k, linearAlgebra, { signal, onProgress })
      : undefined
  if (found !== undefined) return found
  return linearAlgebra.nearest(features, features, k, { excludeSelf: true, onProgress })
}

/** Neighbours that are found: as many as any head asks for. */
export const NEIGHBOURS = 15

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

/** Made once for each graph, however many fits share it. */
const weightsMade = new WeakMap<NeighbourGraph, Map<string, SparseMatrix>>()

/** The symmetric weights `(W + W^T) / 2` of the first k neighbours of each row. Rows of zeros have no edges. */
export function graphWeights(graph: NeighbourGraph, k: number, kernel: Kernel): SparseMatrix {
  const made = weightsMade.get(graph) ?? new Map<string, SparseMatrix>()
  weightsMade.set(graph, made)
  const key = `${k} ${kernel}`
  const weights = made.get(key) ?? makeWeights(graph, k, kernel)
  made.set(key, weights)
  return weights
}

function makeWeights(graph: NeighbourGraph, k: number, kernel: Kernel): SparseMatrix {
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
