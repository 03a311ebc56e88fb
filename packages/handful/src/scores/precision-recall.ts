/**
 * Improved precision and recall (Kynkaanniemi et al., arXiv 1904.06991): a set of features stands for the balls around its
 * rows that reach to their k-th nearest other row. Precision is the share of generated rows inside the balls of the real
 * ones (are samples plausible?), recall the share of real rows inside those of the generated ones (is everything covered?).
 */
import { HandfulError } from '../errors.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { checkColumns, type FeatureMatrix } from '../numerics/matrix.js'
import { nearestEuclidean } from './euclidean.js'

export interface PrecisionRecall {
  /** 0..1. */
  readonly precision: number
  /** 0..1. */
  readonly recall: number
}

/**
 * @param k neighbours that a ball reaches to; the paper's 3
 * @throws HandfulError with `k` rows or fewer on a side, or features that are no numbers
 */
export async function precisionAndRecall(
  generated: FeatureMatrix,
  real: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
  k = 3,
): Promise<PrecisionRecall> {
  checkColumns(generated, real.columns, 'precision and recall')
  if (Math.min(generated.rows, real.rows) <= k) {
    throw new HandfulError({
      what: 'precision and recall',
      where: 'features',
      got: `${generated.rows} generated and ${real.rows} real rows`,
      expected: `more than ${k} of each`,
      hint: 'draw more samples',
    })
  }
  return {
    precision: await shareInside(generated, real, k, linearAlgebra),
    recall: await shareInside(real, generated, k, linearAlgebra),
  }
}

/** The share of rows that lie in the ball of at least one of the centres. */
async function shareInside(
  rows: FeatureMatrix,
  centres: FeatureMatrix,
  k: number,
  linearAlgebra: LinearAlgebra,
): Promise<number> {
  const around = await nearestEuclidean(centres, centres, k, linearAlgebra, { excludeSelf: true })
  const radii = Float64Array.from({ length: centres.rows }, (_, i) => around.distances[(i + 1) * k - 1])
  // The centre whose ball a row lies deepest in: the least of its squared distances less the squared radii.
  const handicap = radii.map((radius) => radius * radius)
  const { indices, distances } = await nearestEuclidean(rows, centres, 1, linearAlgebra, { handicap })
  return distances.filter((distance, i) => distance <= radii[indices[i]]).length / rows.rows
}
