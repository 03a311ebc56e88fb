/** Functions of symmetric matrices by their eigenvalues: f(A) = V f(L) V' for A = V L V'. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'

/** Eigenvalues, ascending or not, and eigenvectors as columns of a row-major `[size, size]` array. */
export function symmetricEigen(
  values: Float64Array,
  size: number,
): { values: Float64Array; vectors: Float64Array } {
  const matrix = new Matrix(size, size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) matrix.set(i, j, (values[i * size + j] + values[j * size + i]) / 2)
  }
  const found = new EigenvalueDecomposition(matrix, { assumeSymmetric: true })
  return {
    values: Float64Array.from(found.realEigenvalues),
    vectors: Float64Array.from(found.eigenvectorMatrix.to1DArray()),
  }
}

/** The same with eigenvalues from the greatest to the least. */
export function descendingEigen(
  matrix: Float64Array,
  size: number,
): { values: Float64Array; vectors: Float64Array } {
  const { values, vectors } = symmetricEigen(matrix, size)
  const order = [...values.keys()].sort((a, b) => values[b] - values[a])
  const sorted = new Float64Array(size * size)
  for (let i = 0; i < size; i++)
    order.forEach((from, to) => (sorted[i * size + to] = vectors[i * size + from]))
  return { values: Float64Array.from(order, (from) => values[from]), vectors: sorted }
}

/** f applied to a symmetric matrix `[size, size]`, row-major; what is not symmetric in it is averaged away. */
export function symmetricFunction(
  matrix: Float64Array,
  size: number,
  f: (eigenvalue: number) => number,
): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, size)
  const result = new Float64Array(size * size)
  const scaled = values.map(f)
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      let sum = 0
      for (let k = 0; k < size; k++) sum += vectors[i * size + k] * scaled[k] * vectors[j * size + k]
      result[i * size + j] = sum
      result[j * size + i] = sum
    }
  }
  return result
}
