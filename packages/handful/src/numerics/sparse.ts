/** Sparse symmetric matrices in typed arrays: the weights of neighbour graphs, their degrees and connected parts. */

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
