/**
 * The graph that UMAP lays out (McInnes, Healy and Melville, arXiv 1802.03426, sections 3.1 and 4.1): each point's distances
 * to its neighbours, measured on a scale of its own, become memberships between 0 and 1, and an edge's weight is the
 * probability that at least one of its two directions exists.
 */
import type { Neighbours } from '../numerics/linear-algebra.js'
import { pause } from '../numerics/pause.js'
import { symmetrise, type SparseMatrix } from '../numerics/sparse.js'

/** Cosine distances below this are rounding of float32 cosines: the images are equal. */
const SMALLEST_DISTANCE = 1e-6
const SEARCH_STEPS = 64
const SEARCH_TOLERANCE = 1e-5
/** A scale is at least this share of the mean distance. */
const SMALLEST_SCALE = 1e-3
/** Rows between two looks at the clock. */
const ROW_BLOCK = 256

/**
 * Weights `w + w' - w w'` with `w(i, j) = exp(-max(0, d - rho) / sigma)`: d is the cosine distance `1 - cos`, rho that of the
 * nearest neighbour that differs, and sigma such that a row's memberships add up to `log2(k + 1)`. Rows of zeros have no
 * edges of their own.
 */
export async function fuzzyGraph(neighbours: Neighbours): Promise<SparseMatrix> {
  const { rows, k, indices, similarities } = neighbours
  const distances = Float64Array.from(similarities, (cosine) =>
    1 - cosine < SMALLEST_DISTANCE ? 0 : 1 - cosine,
  )
  const memberships = new Float64Array(rows * k)
  const overall = mean(distances, 0, distances.length)
  const rest = pause()
  for (let i = 0; i < rows; i++) {
    if (i % ROW_BLOCK === 0) await rest()
    // All cosines of a row of zeros are 0: it is near to nothing, not equally near to all.
    if (similarities[i * k] === 0) continue
    const nearest = nearestDistance(distances, i * k, (i + 1) * k)
    const average = nearest > 0 ? mean(distances, i * k, (i + 1) * k) : overall
    const scale = Math.max(scaleOf(distances, i * k, k, nearest), SMALLEST_SCALE * average)
    for (let at = i * k; at < (i + 1) * k; at++) {
      const beyond = distances[at] - nearest
      memberships[at] = beyond <= 0 ? 1 : Math.exp(-beyond / scale)
    }
  }
  return fuzzyUnion(rows, k, indices, memberships)
}

/** The distance of the nearest neighbour that differs; 0 where all are equal. */
function nearestDistance(distances: Float64Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (distances[at] > 0) return distances[at]
  return 0
}

/** Sigma by bisection. */
function scaleOf(distances: Float64Array, start: number, k: number, nearest: number): number {
  const target = Math.log2(k + 1)
  let low = 0
  let high = Infinity
  let scale = 1
  for (let step = 0; step < SEARCH_STEPS; step++) {
    let sum = 0
    for (let at = start; at < start + k; at++) {
      const beyond = distances[at] - nearest
      sum += beyond > 0 ? Math.exp(-beyond / scale) : 1
    }
    if (Math.abs(sum - target) < SEARCH_TOLERANCE) break
    if (sum > target) high = scale
    else low = scale
    scale = high === Infinity ? scale * 2 : (low + high) / 2
  }
  return scale
}

/** From memberships of directed edges: `w + w' - w w'`, which is `2 m - p` of their mean m and product p. */
function fuzzyUnion(rows: number, k: number, indices: Int32Array, memberships: Float64Array): SparseMatrix {
  const means = symmetrise(rows, k, indices, memberships)
  const { offsets, columns } = means
  const values = new Float64Array(means.values.length)
  // Memberships of one row at a time by column, to look up the one in the opposite direction.
  const own = new Float64Array(rows)
  for (let i = 0; i < rows; i++) {
    for (let at = i * k; at < (i + 1) * k; at++) own[indices[at]] = memberships[at]
    for (let at = offsets[i]; at < offsets[i + 1]; at++) {
      const forward = own[columns[at]]
      const backward = 2 * means.values[at] - forward
      values[at] = forward + backward - forward * backward
    }
    for (let at = i * k; at < (i + 1) * k; at++) own[indices[at]] = 0
  }
  return { size: rows, offsets, columns, values }
}

function mean(values: Float64Array, start: number, end: number): number {
  let sum = 0
  for (let at = start; at < end; at++) sum += values[at]
  return sum / Math.max(1, end - start)
}
