/**
 * Leading eigenvectors of a symmetric matrix: of a small one all are found, of a large one the leading ones by subspace
 * iteration (Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 2011, algorithm 4.4).
 */
import { Random } from 'onnx-autodiff'
import { type LinearAlgebra, transpose } from './linear-algebra.js'
import { featureMatrix, type FeatureMatrix, rowProduct, rowRange } from './matrix.js'
import { orthogonalise } from './row-space.js'
import { descendingEigen } from './symmetric.js'

/** Above this many inputs a full eigenvalue decomposition takes seconds and subspace iteration is used. */
const FULL_DECOMPOSITION_INPUTS = 512
const SUBSPACE_OVERSAMPLING = 32
const SUBSPACE_ITERATIONS = 8

export interface Eigenvectors {
  /** Descending. */
  readonly values: number[]
  /** `[size, count]`, one eigenvector a column. */
  readonly vectors: FeatureMatrix
}

/** @param symmetric a matrix, or what multiplies by one that is not there as such */
export async function leadingEigenvectors(
  symmetric: FeatureMatrix | ((some: FeatureMatrix) => Promise<FeatureMatrix>),
  { size, count }: { readonly size: number; readonly count: number },
  linearAlgebra: LinearAlgebra,
): Promise<Eigenvectors> {
  const wanted = Math.min(count, size)
  const width = Math.min(size, wanted + SUBSPACE_OVERSAMPLING)
  const small = size <= FULL_DECOMPOSITION_INPUTS || width > size / 2
  if (typeof symmetric !== 'function' && small) return decompose(symmetric, wanted)
  const multiply =
    typeof symmetric === 'function'
      ? symmetric
      : (some: FeatureMatrix) => linearAlgebra.matmul(symmetric, some)
  const start = featureMatrix(size, width)
  // The start is the same for every call: the subspace that it converges to does not depend on it.
  new Random(0, 'subspace iteration').fillNormal(start.data)
  let basis = await orthonormalise(start, linearAlgebra)
  for (let iteration = 0; iteration < SUBSPACE_ITERATIONS; iteration++) {
    basis = await orthonormalise(await multiply(basis), linearAlgebra)
  }
  const image = await multiply(basis)
  const inner = decompose(await linearAlgebra.matmul(basis, image, { transposeA: true }), wanted)
  return { values: inner.values, vectors: await linearAlgebra.matmul(basis, inner.vectors) }
}

function decompose(symmetric: FeatureMatrix, count: number): Eigenvectors {
  const size = symmetric.rows
  const { values, vectors: all } = descendingEigen(Float64Array.from(symmetric.data), size)
  const vectors = featureMatrix(size, count)
  for (let j = 0; j < count; j++) {
    // An eigenvector's sign is arbitrary: its largest element is made positive.
    let largest = 0
    for (let i = 0; i < size; i++) {
      const value = all[i * size + j]
      if (Math.abs(value) > Math.abs(largest)) largest = value
    }
    const sign = largest < 0 ? -1 : 1
    for (let i = 0; i < size; i++) vectors.data[i * count + j] = sign * all[i * size + j]
  }
  return { values: [...values.subarray(0, count)], vectors }
}

/**
 * What is left of a column below this share of its square is float32's rounding: the column depends on those before it.
 */
const DEPENDENT = 1e-14
/** Columns that are made orthogonal among themselves one by one, and to all before them by products. */
const PANEL = 32

/** Orthonormal columns, by block Gram-Schmidt, twice over. Columns that depend on earlier ones become zero. */
async function orthonormalise(columns: FeatureMatrix, linearAlgebra: LinearAlgebra): Promise<FeatureMatrix> {
  // Of the transpose, so that vectors are contiguous.
  const vectors = transpose(columns)
  for (let start = 0; start < vectors.rows; start += PANEL) {
    const panel = rowRange(vectors, start, Math.min(vectors.rows, start + PANEL))
    const squares = Float64Array.from({ length: panel.rows }, (_, i) =>
      rowProduct(panel.data, i, panel.data, i, panel.columns),
    )
    const before = rowRange(vectors, 0, start)
    for (let pass = 0; pass < 2 && start > 0; pass++) {
      const inner = await linearAlgebra.matmul(panel, before, { transposeB: true })
      const along = await linearAlgebra.matmul(inner, before)
      for (let i = 0; i < panel.data.length; i++) panel.data[i] -= along.data[i]
    }
    orthonormaliseRows(panel, squares)
  }
  return transpose(vectors)
}

function orthonormaliseRows({ rows, columns, data }: FeatureMatrix, squares: Float64Array): void {
  const done: Float64Array[] = []
  for (let i = 0; i < rows; i++) {
    const vector = Float64Array.from(data.subarray(i * columns, (i + 1) * columns))
    const left = orthogonalise(vector, done)
    const scale = left > DEPENDENT * squares[i] ? 1 / Math.sqrt(left) : 0
    for (let j = 0; j < columns; j++) data[i * columns + j] = vector[j] *= scale
    done.push(vector)
  }
}
