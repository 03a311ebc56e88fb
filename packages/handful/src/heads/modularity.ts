/** How well classes follow the neighbour graph, labels or not. */
import { graphWeights } from '../features/neighbour-graph.js'
import { mostProbable } from '../numerics/matrix.js'
import type { SparseMatrix } from '../numerics/sparse.js'
import type { FittedHead, HeadProblem } from './head.js'

/**
 * Share of the edges' weight that lies inside classes, less what would lie there if edges joined images at random (Newman and
 * Girvan, "Finding and evaluating community structure in networks", Physical Review E 69, 2004, equation 5): 0 where
 * classes say nothing of the edges, towards 1 where no edge leaves its class.
 *
 * @param classes `[nodes]` the class of each
 */
export function modularity({ offsets, columns, values }: SparseMatrix, classes: ArrayLike<number>): number {
  const degrees = new Map<number, number>()
  let [inside, total] = [0, 0]
  for (let node = 0; node < offsets.length - 1; node++) {
    let degree = 0
    for (let edge = offsets[node]; edge < offsets[node + 1]; edge++) {
      degree += values[edge]
      if (classes[columns[edge]] === classes[node]) inside += values[edge]
    }
    degrees.set(classes[node], (degrees.get(classes[node]) ?? 0) + degree)
    total += degree
  }
  if (total === 0) return 0
  const byChance = [...degrees.values()].reduce((sum, degree) => sum + (degree / total) ** 2, 0)
  return inside / total - byChance
}

const NEIGHBOURS = 10

/** Modularity of the classes that a head gives all rows of its fit, on their neighbour graph. */
export async function graphModularity(
  fitted: Pick<FittedHead, 'probabilities'>,
  problem: Pick<HeadProblem, 'graph'>,
): Promise<number> {
  const weights = graphWeights(await problem.graph(), NEIGHBOURS, 'cosine cubed')
  return modularity(weights, mostProbable(await fitted.probabilities()).predicted)
}
