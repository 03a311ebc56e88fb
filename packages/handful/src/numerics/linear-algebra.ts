/**
 * The two heavy operations of features and heads, behind one interface: matrix products and nearest neighbours. This
 * implementation is plain TypeScript, for small data and as the reference of `heads/nearest-onnx.ts`, which runs the same
 * through ONNX Runtime.
 */
import { HandfulError } from '../errors.js'
import { featureMatrix, type FeatureMatrix } from './matrix.js'
import { pause } from './pause.js'

export interface MatmulOptions {
  readonly transposeA?: boolean
  readonly transposeB?: boolean
}

export interface NearestOptions {
  /** Queries are the references themselves: row i is never its own neighbour. Default false. */
  readonly excludeSelf?: boolean
  /** Called after each block with the queries done so far. */
  readonly onProgress?: (done: number, total: number) => void
}

/** The `k` nearest references of each query, nearest first; `k` is less than asked where there are fewer references. */
export interface Neighbours {
  readonly rows: number
  readonly k: number
  /** `[rows, k]` rows of the references. */
  readonly indices: Int32Array
  /** `[rows, k]` inner products, descending: cosines where rows have length 1. */
  readonly similarities: Float32Array
}

/** Products and nearest neighbours of matrices, as heads and feature spaces need them, on whatever does the work. */
export interface LinearAlgebra {
  /** `A B`, either one transposed first. Throws HandfulError where the inner sizes differ. */
  matmul(a: FeatureMatrix, b: FeatureMatrix, options?: MatmulOptions): Promise<FeatureMatrix>
  /** Exact nearest references by inner product; equals come in the order of their rows, save where noted. */
  nearest(
    queries: FeatureMatrix,
    references: FeatureMatrix,
    k: number,
    options?: NearestOptions,
  ): Promise<Neighbours>
}

/** The number of neighbours that can be had, checked. */
export function neighbourCount(
  queries: FeatureMatrix,
  references: FeatureMatrix,
  k: number,
  excludeSelf: boolean,
): number {
  if (queries.columns !== references.columns || k < 1 || (excludeSelf && queries.rows !== references.rows)) {
    throw new HandfulError({
      what: 'nearest neighbours',
      where: `k = ${k}`,
      got: `${queries.rows}x${queries.columns} against ${references.rows}x${references.columns}`,
      expected: 'equal columns (equal rows without self) and k of at least 1',
      hint: 'features of one model belong together',
    })
  }
  return Math.min(k, references.rows - (excludeSelf ? 1 : 0))
}

/** Rows, inner size and columns of a product, checked. */
export function productShape(a: FeatureMatrix, b: FeatureMatrix, options: MatmulOptions = {}) {
  const [rows, innerA] = options.transposeA ? [a.columns, a.rows] : [a.rows, a.columns]
  const [innerB, columns] = options.transposeB ? [b.columns, b.rows] : [b.rows, b.columns]
  if (innerA !== innerB) {
    throw new HandfulError({
      what: 'matmul',
      where: `${a.rows}x${a.columns}${options.transposeA ? ' transposed' : ''}`,
      got: `${b.rows}x${b.columns}${options.transposeB ? ' transposed' : ''}`,
      expected: `inner sizes that agree, not ${innerA} and ${innerB}`,
      hint: 'check which operand is transposed',
    })
  }
  return { rows, inner: innerA, columns }
}

export function transpose({ rows, columns, data }: FeatureMatrix): FeatureMatrix {
  const result = featureMatrix(columns, rows)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result.data[j * rows + i] = data[i * columns + j]
  }
  return result
}

/** Four queries at a time share each reference row that is read. */
const QUERY_BLOCK = 4

/** In plain TypeScript, sums in double precision: slow, and the reference that others are tested against. */
export function plainLinearAlgebra(): LinearAlgebra {
  return {
    async matmul(a, b, options = {}) {
      const { rows, inner, columns } = productShape(a, b, options)
      const left = options.transposeA ? transpose(a).data : a.data
      const right = options.transposeB ? transpose(b).data : b.data
      const product = featureMatrix(rows, columns)
      const sums = new Float64Array(columns)
      const rest = pause()
      for (let i = 0; i < rows; i++) {
        sums.fill(0)
        for (let l = 0; l < inner; l++) {
          const factor = left[i * inner + l]
          if (factor === 0) continue
          for (let j = 0, at = l * columns; j < columns; j++, at++) sums[j] += factor * right[at]
        }
        product.data.set(sums, i * columns)
        await rest()
      }
      return product
    },

    async nearest(queries, references, k, { excludeSelf = false, onProgress } = {}) {
      const count = neighbourCount(queries, references, k, excludeSelf)
      const rows = queries.rows
      const indices = new Int32Array(rows * count)
      const similarities = new Float32Array(rows * count).fill(-Infinity)
      const rest = pause()
      for (let start = 0; start < rows && count > 0; start += QUERY_BLOCK) {
        const end = Math.min(rows, start + QUERY_BLOCK)
        scanReferences(queries, references, start, end, excludeSelf, count, indices, similarities)
        onProgress?.(end, rows)
        await rest()
      }
      return { rows, k: count, indices, similarities }
    },
  }
}

/** Inner products of queries `start` to `end - 1` with all references, each kept by insertion where it is among the best. */
function scanReferences(
  queries: FeatureMatrix,
  references: FeatureMatrix,
  start: number,
  end: number,
  excludeSelf: boolean,
  k: number,
  indices: Int32Array,
  similarities: Float32Array,
): void {
  const columns = queries.columns
  const q = queries.data
  const r = references.data
  const last = end - 1
  const [q0, q1, q2, q3] = [0, 1, 2, 3].map((offset) => Math.min(start + offset, last) * columns)
  const sums = new Float64Array(QUERY_BLOCK)
  for (let reference = 0; reference < references.rows; reference++) {
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let j = 0, at = reference * columns; j < columns; j++, at++) {
      const value = r[at]
      s0 += q[q0 + j] * value
      s1 += q[q1 + j] * value
      s2 += q[q2 + j] * value
      s3 += q[q3 + j] * value
    }
    sums[0] = s0
    sums[1] = s1
    sums[2] = s2
    sums[3] = s3
    for (let query = start; query < end; query++) {
      const similarity = Math.fround(sums[query - start])
      let slot = (query + 1) * k - 1
      if (similarity <= similarities[slot] || (excludeSelf && query === reference)) continue
      for (; slot > query * k && similarities[slot - 1] < similarity; slot--) {
        similarities[slot] = similarities[slot - 1]
        indices[slot] = indices[slot - 1]
      }
      similarities[slot] = similarity
      indices[slot] = reference
    }
  }
}
