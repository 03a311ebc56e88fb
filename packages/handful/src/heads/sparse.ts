/**
 * Linear systems of sparse symmetric matrices with many right-hand sides, solved by conjugate gradients (Hestenes and
 * Stiefel 1952), a few columns together, each with its own step lengths.
 */
import { pause } from '../features/pause.js'
import type { SparseMatrix } from '../features/sparse.js'

export interface SolveOptions {
  /** Stop once each column's residual is below this share of its right-hand side. Default 1e-3. */
  readonly tolerance?: number
  /** Default 500. */
  readonly maxIterations?: number
}

/** Columns solved together: four sums stay in registers, and the vectors of 60,000 nodes in the processor's cache. */
const LANES = 4

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
  options: SolveOptions = {},
): Promise<{ solution: Float64Array; iterations: number }> {
  const solution = new Float64Array(s.size * width)
  const right = new Float64Array(s.size * LANES)
  let iterations = 0
  for (let start = 0; start < width; start += LANES) {
    const lanes = Math.min(LANES, width - start)
    for (let i = 0; i < s.size; i++) {
      for (let c = 0; c < lanes; c++) right[i * LANES + c] = b[i * width + start + c]
      for (let c = lanes; c < LANES; c++) right[i * LANES + c] = 0
    }
    const block = await solveLanes(s, alpha, right, options)
    iterations = Math.max(iterations, block.iterations)
    for (let i = 0; i < s.size; i++) {
      for (let c = 0; c < lanes; c++) solution[i * width + start + c] = block.solution[i * LANES + c]
    }
  }
  return { solution, iterations }
}

async function solveLanes(
  s: SparseMatrix,
  alpha: number,
  b: Float64Array,
  { tolerance = 1e-3, maxIterations = 500 }: SolveOptions,
): Promise<{ solution: Float64Array; iterations: number }> {
  const solution = new Float64Array(b.length)
  const residual = b.slice()
  const direction = b.slice()
  const image = new Float64Array(b.length)
  const step = new Float64Array(LANES)
  const ratio = new Float64Array(LANES)
  const curvature = new Float64Array(LANES)
  let squares = new Float64Array(LANES)
  for (let at = 0; at < b.length; at++) squares[at % LANES] += b[at] * b[at]
  let next = new Float64Array(LANES)
  const goals = squares.map((square) => square * tolerance * tolerance)
  const rest = pause()
  let iterations = 0
  for (; iterations < maxIterations; iterations++) {
    if (squares.every((square, c) => square <= goals[c])) break
    applyDiffusion(s, alpha, direction, image, curvature)
    for (let c = 0; c < LANES; c++) {
      step[c] = squares[c] > goals[c] && curvature[c] > 0 ? squares[c] / curvature[c] : 0
    }
    advance(solution, residual, direction, image, step, next)
    for (let c = 0; c < LANES; c++) ratio[c] = squares[c] > 0 ? next[c] / squares[c] : 0
    turn(direction, residual, ratio)
    const previous = squares
    squares = next
    next = previous
    await rest()
  }
  return { solution, iterations }
}

/** `out = X - alpha S X`, and the columns' inner products of the two. */
function applyDiffusion(
  { size, offsets, columns, values }: SparseMatrix,
  alpha: number,
  x: Float64Array,
  out: Float64Array,
  products: Float64Array,
): void {
  let p0 = 0
  let p1 = 0
  let p2 = 0
  let p3 = 0
  for (let i = 0, row = 0; i < size; i++, row += LANES) {
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    const end = offsets[i + 1]
    for (let at = offsets[i]; at < end; at++) {
      const weight = values[at]
      const other = columns[at] * LANES
      s0 += weight * x[other]
      s1 += weight * x[other + 1]
      s2 += weight * x[other + 2]
      s3 += weight * x[other + 3]
    }
    s0 = x[row] - alpha * s0
    s1 = x[row + 1] - alpha * s1
    s2 = x[row + 2] - alpha * s2
    s3 = x[row + 3] - alpha * s3
    p0 += s0 * x[row]
    p1 += s1 * x[row + 1]
    p2 += s2 * x[row + 2]
    p3 += s3 * x[row + 3]
    out[row] = s0
    out[row + 1] = s1
    out[row + 2] = s2
    out[row + 3] = s3
  }
  products.set([p0, p1, p2, p3])
}

/** One step along the direction: solution and residual move, `squares` gets the residual's. */
function advance(
  solution: Float64Array,
  residual: Float64Array,
  direction: Float64Array,
  image: Float64Array,
  step: Float64Array,
  squares: Float64Array,
): void {
  squares.fill(0)
  for (let at = 0; at < solution.length; at += LANES) {
    for (let c = 0; c < LANES; c++) {
      solution[at + c] += step[c] * direction[at + c]
      const left = residual[at + c] - step[c] * image[at + c]
      residual[at + c] = left
      squares[c] += left * left
    }
  }
}

/** The next conjugate direction. */
function turn(direction: Float64Array, residual: Float64Array, ratio: Float64Array): void {
  for (let at = 0; at < direction.length; at += LANES) {
    for (let c = 0; c < LANES; c++) direction[at + c] = residual[at + c] + ratio[c] * direction[at + c]
  }
}
