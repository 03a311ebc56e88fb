/**
 * The kernel distance between two sets of features (Binkowski et al., "Demystifying MMD GANs", arXiv 1801.01401): the
 * unbiased estimate of the squared maximum mean discrepancy under k(x, y) = (x'y / d + 1)^3, d numbers a row,
 *
 *   sum_{i != j} k(x_i, x_j) / (m (m - 1)) + sum_{i != j} k(y_i, y_j) / (n (n - 1)) - 2 sum_{i, j} k(x_i, y_j) / (m n)
 *
 * Unbiased, so it may come out below zero, and numbers of rows may differ: that is what it has over the Frechet distance.
 */
import type { Random } from 'onnx-autodiff'
import { HandfulError } from '../errors.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { checkColumns, checkFinite, type FeatureMatrix, selectRows } from '../numerics/matrix.js'

export interface KernelDistanceOptions {
  /** Random subsets that the estimate is averaged over. Default 20. */
  readonly subsets?: number
  /** Rows of each side in a subset, at most. Default 1,000. */
  readonly subsetRows?: number
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
}

export interface KernelDistance {
  readonly distance: number
  /** Deviation over the subsets divided by the root of their number; 0 for a single one. */
  readonly standardError: number
}

/** @throws HandfulError with fewer than two rows on a side, or features that are no numbers */
export async function kernelDistance(
  a: FeatureMatrix,
  b: FeatureMatrix,
  { subsets = 20, subsetRows = 1000, random, linearAlgebra }: KernelDistanceOptions,
): Promise<KernelDistance> {
  checkColumns(b, a.columns, 'kernel distance')
  for (const side of [a, b]) checkFinite(side, 'kernel distance')
  if (Math.min(a.rows, b.rows) < 2) {
    throw new HandfulError({
      what: 'kernel distance',
      where: 'features',
      got: `${a.rows} and ${b.rows} rows`,
      expected: 'at least 2 of each',
      hint: 'draw more samples',
    })
  }
  const size = Math.min(subsetRows, a.rows, b.rows)
  const whole = size === a.rows && size === b.rows
  const estimates: number[] = []
  for (let subset = 0; subset < (whole ? 1 : subsets); subset++) {
    const draw = (side: FeatureMatrix, name: string): FeatureMatrix =>
      whole ? side : selectRows(side, random.child(`${name}/${subset}`).permutation(side.rows).slice(0, size))
    estimates.push(await squaredDiscrepancy(draw(a, 'first'), draw(b, 'second'), linearAlgebra))
  }
  const distance = estimates.reduce((sum, value) => sum + value, 0) / estimates.length
  const square = estimates.reduce((sum, value) => sum + (value - distance) ** 2, 0)
  const standardError = Math.sqrt(square / Math.max(estimates.length - 1, 1) / estimates.length)
  return { distance, standardError }
}

async function squaredDiscrepancy(
  a: FeatureMatrix,
  b: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<number> {
  const total = async (x: FeatureMatrix, y: FeatureMatrix, withDiagonal: boolean): Promise<number> => {
    const { rows, columns, data } = await linearAlgebra.matmul(x, y, { transposeB: true })
    let sum = 0
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (withDiagonal || i !== j) sum += (data[i * columns + j] / x.columns + 1) ** 3
      }
    }
    return sum
  }
  const within = async (x: FeatureMatrix): Promise<number> =>
    (await total(x, x, false)) / (x.rows * (x.rows - 1))
  return (await within(a)) + (await within(b)) - (2 * (await total(a, b, true))) / (a.rows * b.rows)
}
