/**
 * Sparse symmetric matrices in typed arrays, and linear systems with many right-hand sides solved by conjugate gradients
 * (Hestenes and Stiefel 1952), a few columns together, each with its own step lengths.
 */
import { pause } from '../features/pause.js'

/** Compressed rows: row i holds `columns` and `values` from `offsets[i]` to `offsets[i + 1] - 1`. */
export interface SparseMatrix {
  readonly size: number
  readonly offsets: Int32Array
  readonly columns: Int32Array
  readonly values: Float64Array
}

export interface Edge {
  readonly from: number
  readonly to: number
  readonly weight: number
}

/** `(W + W^T) / 2` of a directed graph given as `k` weighted neighbours of each node; weights of 0 leave no edge. */
export function symmetrise(
  size: number,
  k: number,
  neighbours: Int32Array,
  weights: Float64Array,
): SparseMatrix {
  const starts = new Int32Array(size + 1)
  for (let i = 0; i < size; i++) {
    for (let at = i * k; at < (i + 1) * k; at++) {
      if (weights[at] === 0) continue
      starts[i + 1]++
      starts[neighbours[at] + 1]++
    }
  }
  for (let i = 0; i < size; i++) starts[i + 1] += starts[i]
  const targets = new Int32Array(starts[size])
  const halves = new Float64Array(starts[size])
  const next = starts.slice(0, size)
  for (let i = 0; i < size; i++) {
    for (let at = i * k; at < (i + 1) * k; at++) {
      if (weights[at] === 0) continue
      const j = neighbours[at]
      targets[next[i]] = j
      halves[next[i]++] = weights[at] / 2
      targets[next[j]] = i
      halves[next[j]++] = weights[at] / 2
    }
  }
  return mergeDuplicates(size, starts, targets, halves)
}

function mergeDuplicates(
  size: number,
  starts: Int32Array,
  targets: Int32Array,
  halves: Float64Array,
): SparseMatrix {
  const offsets = new Int32Array(size + 1)
  const slotOf = new Int32Array(size).fill(-1)
  let used = 0
  for (let i = 0; i < size; i++) {
    const first = used
    for (let at = starts[i]; at < starts[i + 1]; at++) {
      const j = targets[at]
      if (slotOf[j] >= first) {
        halves[slotOf[j]] += halves[at]
        continue
      }
      slotOf[j] = used
      targets[used] = j
      halves[used++] = halves[at]
    }
    offsets[i + 1] = used
  }
  return { size, offsets, columns: targets.slice(0, used), values: halves.slice(0, used) }
}

/** The matrix with further symmetric edges, none of which it may hold already. */
export function withEdges(matrix: SparseMatrix, edges: readonly Edge[]): SparseMatrix {
  if (edges.length === 0) return matrix
  const { size, offsets } = matrix
  const added = new Int32Array(size + 1)
  for (const { from, to } of edges) {
    added[from + 1]++
    added[to + 1]++
  }
  for (let i = 0; i < size; i++) added[i + 1] += added[i]
  const grown = offsets.map((offset, i) => offset + added[i])
  const columns = new Int32Array(grown[size])
  const values = new Float64Array(grown[size])
  const next = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    columns.set(matrix.columns.subarray(offsets[i], offsets[i + 1]), grown[i])
    values.set(matrix.values.subarray(offsets[i], offsets[i + 1]), grown[i])
    next[i] = grown[i] + offsets[i + 1] - offsets[i]
  }
  const put = (row: number, column: number, weight: number) => {
    columns[next[row]] = column
    values[next[row]++] = weight
  }
  for (const { from, to, weight } of edges) {
    put(from, to, weight)
    put(to, from, weight)
  }
  return { size, offsets: grown, columns, values }
}

/** Sums of the rows: the degrees of a graph's nodes. */
export function degrees({ size, offsets, values }: SparseMatrix): Float64Array {
  const sums = new Float64Array(size)
  for (let i = 0; i < size; i++) for (let at = offsets[i]; at < offsets[i + 1]; at++) sums[i] += values[at]
  return sums
}

/** `S = D^-1/2 W D^-1/2`; rows of isolated nodes stay 0. */
export function symmetricNormalised(weights: SparseMatrix): SparseMatrix {
  const { size, offsets, columns } = weights
  const scale = degrees(weights).map((degree) => (degree > 0 ? 1 / Math.sqrt(degree) : 0))
  const values = weights.values.slice()
  for (let i = 0; i < size; i++) {
    for (let at = offsets[i]; at < offsets[i + 1]; at++) values[at] *= scale[i] * scale[columns[at]]
  }
  return { size, offsets, columns, values }
}

/** Connected components: the number of each node's, components numbered in order of their first node. */
export function components({ size, offsets, columns }: SparseMatrix): { count: number; of: Int32Array } {
  const of = new Int32Array(size).fill(-1)
  const stack = new Int32Array(size)
  let count = 0
  for (let root = 0; root < size; root++) {
    if (of[root] >= 0) continue
    let height = 1
    stack[0] = root
    of[root] = count
    while (height > 0) {
      const node = stack[--height]
      for (let at = offsets[node]; at < offsets[node + 1]; at++) {
        if (of[columns[at]] >= 0) continue
        of[columns[at]] = count
        stack[height++] = columns[at]
      }
    }
    count++
  }
  return { count, of }
}

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
