/**
 * Linear algebra that finds the neighbours of one set of rows among another once: heads ask for those of the test images
 * among all training images with every draw of the labels, and get the same each time.
 */
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import { type FeatureMatrix, unitRows } from '../numerics/matrix.js'
import { DEFAULT_K } from './neighbour-graph.js'

export interface Remembered {
  readonly queries: FeatureMatrix
  readonly references: FeatureMatrix
  /** Where they have been found already, all rows scaled to length 1. */
  readonly neighbours?: Neighbours
}

/** Searches among other rows, or for more neighbours than are remembered, are done as ever. */
export function rememberingNearest(linearAlgebra: LinearAlgebra, remembered: Remembered): LinearAlgebra {
  // Scaled when a head first searches: many never do.
  let scaled: { queries: FeatureMatrix; references: FeatureMatrix } | undefined
  let found = remembered.neighbours && Promise.resolve(remembered.neighbours)
  return {
    ...linearAlgebra,
    nearest: async (a, b, k, options) => {
      scaled ??= { queries: unitRows(remembered.queries), references: unitRows(remembered.references) }
      const { queries, references } = scaled
      if (options?.excludeSelf === true || !equal(a, queries) || !equal(b, references))
        return linearAlgebra.nearest(a, b, k, options)
      const known = await (found ??= linearAlgebra.nearest(queries, references, DEFAULT_K, options))
      if (k > known.k && known.k < references.rows) return linearAlgebra.nearest(a, b, k, options)
      return firstNeighbours(known, Math.min(k, known.k))
    },
  }
}

/** A loop, not `every`: millions of numbers, for each fit. */
function equal(a: FeatureMatrix, b: FeatureMatrix): boolean {
  if (a.rows !== b.rows || a.columns !== b.columns) return false
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false
  return true
}

function firstNeighbours({ rows, k: stride, indices, similarities }: Neighbours, k: number): Neighbours {
  if (k === stride) return { rows, k, indices, similarities }
  const nearest = { rows, k, indices: new Int32Array(rows * k), similarities: new Float32Array(rows * k) }
  for (let row = 0; row < rows; row++) {
    nearest.indices.set(indices.subarray(row * stride, row * stride + k), row * k)
    nearest.similarities.set(similarities.subarray(row * stride, row * stride + k), row * k)
  }
  return nearest
}
