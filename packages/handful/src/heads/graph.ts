/** The neighbour graph as heads need it: with bridges that join the parts of it that no label reaches. */
import { scaledToUnitRows, type FeatureMatrix } from '../numerics/matrix.js'
import { components, withEdges, type Edge, type SparseMatrix } from '../numerics/sparse.js'

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
  scaledToUnitRows({ rows: 1, columns, data: vector })
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
