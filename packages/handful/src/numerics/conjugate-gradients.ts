/**
 * Linear systems of sparse symmetric matrices with many right-hand sides, solved by conjugate gradients (Hestenes and
 * Stiefel 1952), a few columns together, each with its own step lengths. In float32, with sums in float64.
 */
import { pause } from './pause.js'
import { LANES, rowRanges, type SparseKernels, withSparseKernels } from './sparse-kernels.js'
import type { SparseMatrix } from './sparse.js'

export interface SolveOptions {
  /**
   * Stop once each column's residual is below this share of its right-hand side; one for all or one for each. Default 1e-3;
   * 1e-5 is what float32 allows.
   */
  readonly tolerance?: number | ArrayLike<number>
  /** Default 500. */
  readonly maxIterations?: number
}

/** Places of the vectors among the kernels' blocks. */
const [SOLUTION, RESIDUAL, DIRECTION, IMAGE] = [0, 1, 2, 3]

/**
 * Solves `(I - alpha S) X = B` for `width` columns; `S` is symmetric with eigenvalues in [-1, 1] and alpha in [0, 1].
 * With alpha = 1 the system is singular and `B` must be orthogonal to the null vectors. `B` and the result are
 * `[size, width]`, row after row; `iterations` is the most that any column took.
 */
export async function solveDiffusion(
  s: SparseMatrix,
  alpha: number,
  b: Float64Array,
  width: number,
  { tolerance = 1e-3, maxIterations = 500 }: SolveOptions = {},
): Promise<{ solution: Float64Array; iterations: number }> {
  const solution = new Float64Array(s.size * width)
  let iterations = 0
  await withSparseKernels(s, { blocks: 4, columns: LANES }, async (kernels) => {
    const [found, residual, direction] = kernels.blocks
    for (let start = 0; start < width; start += LANES) {
      const lanes = Math.min(LANES, width - start)
      found.fill(0)
      residual.fill(0)
      for (let i = 0; i < s.size; i++) {
        for (let c = 0; c < lanes; c++) residual[i * LANES + c] = b[i * width + start + c]
      }
      direction.set(residual)
      const tolerances = Float64Array.from({ length: LANES }, (_, c) =>
        typeof tolerance === 'number' ? tolerance : (tolerance[start + c] ?? 1),
      )
      iterations = Math.max(iterations, await conjugateGradients(kernels, alpha, tolerances, maxIterations))
      for (let i = 0; i < s.size; i++) {
        for (let c = 0; c < lanes; c++) solution[i * width + start + c] = found[i * LANES + c]
      }
    }
  })
  return { solution, iterations }
}

/** Starts with a solution of zeros and the right-hand sides as residual and direction; returns the iterations. */
async function conjugateGradients(
  kernels: SparseKernels,
  alpha: number,
  tolerances: Float64Array,
  maxIterations: number,
): Promise<number> {
  const all = [...rowRanges(kernels.size)]
  let squares = new Float64Array(LANES)
  for (const rows of all) kernels.dot(RESIDUAL, RESIDUAL, squares, rows)
  const goals = squares.map((square, c) => square * tolerances[c] ** 2)
  const diffusion = { factor: -alpha, own: 1 }
  const rest = pause()
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (squares.every((square, c) => square <= goals[c])) return iteration
    const curvature = new Float64Array(LANES)
    for (const rows of all) {
      kernels.product(IMAGE, DIRECTION, diffusion, rows)
      kernels.dot(DIRECTION, IMAGE, curvature, rows)
    }
    const step = squares.map((square, c) =>
      square > goals[c] && curvature[c] > 0 ? square / curvature[c] : 0,
    )
    const back = step.map((length) => -length)
    const next = new Float64Array(LANES)
    for (const rows of all) {
      kernels.combine(SOLUTION, SOLUTION, step, DIRECTION, rows)
      kernels.combine(RESIDUAL, RESIDUAL, back, IMAGE, rows)
      kernels.dot(RESIDUAL, RESIDUAL, next, rows)
    }
    // A column that is done stands still: its direction would grow with each turn.
    const ratio = squares.map((square, c) => (square > goals[c] ? next[c] / square : 0))
    for (const rows of all) kernels.combine(DIRECTION, RESIDUAL, ratio, DIRECTION, rows)
    squares = next
    await rest()
  }
  return maxIterations
}
