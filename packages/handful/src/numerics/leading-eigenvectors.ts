/**
 * Leading eigenvectors of a large sparse symmetric matrix by subspace iteration with Chebyshev filters (Zhou, Saad, Tiago
 * and Chelikowsky, "Self-consistent-field calculations using Chebyshev-filtered subspace iteration", 2006): a block of
 * vectors is multiplied by a polynomial of the matrix that is small on the eigenvalues that are not wanted and grows fast
 * above them, made orthonormal, and rotated to the best eigenvectors within its span. Blocks find eigenvalues that occur
 * more than once, as those of a graph in several parts do.
 */
import { Random } from 'onnx-autodiff'
import type { LinearAlgebra } from './linear-algebra.js'
import { featureMatrix, rowRange, type FeatureMatrix } from './matrix.js'
import { pause } from './pause.js'
import { rowRanges, type SparseKernels, withSparseKernels } from './sparse-kernels.js'
import type { SparseMatrix } from './sparse.js'
import { descendingEigen } from './symmetric.js'

export interface Eigenpairs {
  /** Descending. */
  readonly values: Float64Array
  /** `[size, count]`, orthonormal columns. */
  readonly vectors: FeatureMatrix
}

export interface EigenvectorOptions {
  /** Stop once no wanted pair's residual `|A v - value v|` is above this. Default 3e-3. */
  readonly tolerance?: number
  /** Filters at most. Default 20. */
  readonly maxIterations?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Up to this many rows the whole matrix is decomposed. */
const DENSE_ROWS = 256
/** Vectors beyond those wanted: the last of a block converge slowly. */
const OVERSAMPLING = 24
/** Degree of the filter: products with the matrix between two orthonormalisations. */
const DEGREE = 10
/** Rows whose inner products are summed in float32. */
const BLOCK_ROWS = 4096

/**
 * The `count` greatest eigenvalues of a matrix whose eigenvalues lie in [-1, 1], such as a normalised graph.
 * Fewer where the matrix is smaller. The same matrix gives the same vectors.
 */
export async function leadingSparseEigenvectors(
  matrix: SparseMatrix,
  count: number,
  linearAlgebra: LinearAlgebra,
  { tolerance = 3e-3, maxIterations = 20, signal, onProgress }: EigenvectorOptions = {},
): Promise<Eigenpairs> {
  const { size } = matrix
  const wanted = Math.min(count, size)
  const width = wanted + OVERSAMPLING
  if (size <= DENSE_ROWS || width > size / 2) return denseEigenvectors(matrix, wanted)
  const start = featureMatrix(size, width)
  new Random(0, 'sparse eigenvectors').fillNormal(start.data)
  const found = await withSparseKernels(
    matrix,
    { blocks: FILTER_BLOCKS, columns: width },
    async (kernels) => {
      let filtered = await chebyshev(kernels, start, [-1, 0], signal)
      for (let iteration = 1; ; iteration++) {
        const ritz = await rayleighRitz(kernels, await orthonormal(filtered, linearAlgebra), linearAlgebra)
        onProgress?.(iteration, maxIterations)
        if (iteration === maxIterations || residual(ritz, wanted) <= tolerance) return ritz
        // All that lies below the block's last eigenvalue is damped.
        filtered = await chebyshev(kernels, ritz.vectors, [-1, ritz.values[width - 1]], signal)
      }
    },
  )
  onProgress?.(maxIterations, maxIterations)
  return { values: found.values.slice(0, wanted), vectors: withSigns(found.vectors, wanted) }
}

/** Places of a filter's blocks among those of the kernels; they take turns. */
const FILTER_BLOCKS = 3

/** `T_m((2 A - (low + high)) / (high - low)) X`, scaled as it grows: at most 1 on [low, high], steep above. */
async function chebyshev(
  kernels: SparseKernels,
  x: FeatureMatrix,
  [low, high]: readonly [low: number, high: number],
  signal?: AbortSignal,
): Promise<FeatureMatrix> {
  const half = (high - low) / 2
  const centre = (high + low) / 2
  // Scaled so that the eigenvalue 1 stays 1: no overflow, whatever the degree.
  const first = half / (1 - centre)
  let scale = first
  let [previous, current, next] = [0, 1, 2]
  putIn(kernels, previous, x)
  await product(kernels, current, previous, { factor: scale / half, own: (-scale / half) * centre }, signal)
  for (let degree = 2; degree <= DEGREE; degree++) {
    const larger = 1 / (2 / first - scale)
    const factor = (2 * larger) / half
    const by = { factor, own: -factor * centre, past: previous, older: -scale * larger }
    await product(kernels, next, current, by, signal)
    ;[previous, current, next] = [current, next, previous]
    scale = larger
  }
  return takenFrom(kernels, current, x.columns)
}

async function product(
  kernels: SparseKernels,
  out: number,
  x: number,
  by: Parameters<SparseKernels['product']>[2],
  signal?: AbortSignal,
): Promise<void> {
  const rest = pause()
  for (const rows of rowRanges(kernels.size)) {
    signal?.throwIfAborted()
    kernels.product(out, x, by, rows)
    await rest()
  }
}

/** Blocks are wider than what is in them; the columns beyond are 0. */
function putIn(
  { width, blocks }: SparseKernels,
  place: number,
  { rows, columns, data }: FeatureMatrix,
): void {
  const block = blocks[place].fill(0)
  for (let i = 0; i < rows; i++) block.set(data.subarray(i * columns, (i + 1) * columns), i * width)
}

function takenFrom({ size, width, blocks }: SparseKernels, place: number, columns: number): FeatureMatrix {
  const taken = featureMatrix(size, columns)
  for (let i = 0; i < size; i++) {
    taken.data.set(blocks[place].subarray(i * width, i * width + columns), i * columns)
  }
  return taken
}

interface Ritz extends Eigenpairs {
  /** `A vectors` */
  readonly image: FeatureMatrix
}

/** The best eigenpairs within the span of orthonormal columns. */
async function rayleighRitz(
  kernels: SparseKernels,
  basis: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<Ritz> {
  putIn(kernels, 0, basis)
  await product(kernels, 1, 0, { factor: 1, own: 0 })
  const image = takenFrom(kernels, 1, basis.columns)
  const small = await innerProducts(basis, image, linearAlgebra)
  const { values, vectors } = descendingEigen(small, basis.columns)
  const rotation = featureMatrix(basis.columns, basis.columns, Float32Array.from(vectors))
  return {
    values,
    vectors: await linearAlgebra.matmul(basis, rotation),
    image: await linearAlgebra.matmul(image, rotation),
  }
}

/** The greatest `|A v - value v|` among the first pairs. */
function residual({ values, vectors, image }: Ritz, count: number): number {
  const squares = new Float64Array(count)
  for (let i = 0; i < vectors.rows; i++) {
    for (let c = 0; c < count; c++) {
      const at = i * vectors.columns + c
      squares[c] += (image.data[at] - values[c] * vectors.data[at]) ** 2
    }
  }
  return Math.sqrt(Math.max(...squares))
}

/** Singular directions below this share of the greatest are rounding noise until they have been scaled up. */
const SMALLEST_SHARE = 1e-6

/** Columns of the same span, orthonormal: by the eigenvectors of their inner products (Stathopoulos and Wu 2002), twice. */
async function orthonormal(columns: FeatureMatrix, linearAlgebra: LinearAlgebra): Promise<FeatureMatrix> {
  let basis = columns
  const width = columns.columns
  for (let pass = 0; pass < 2; pass++) {
    const gram = await innerProducts(basis, basis, linearAlgebra)
    const scale = Float64Array.from({ length: width }, (_, c) => 1 / Math.sqrt(gram[c * width + c] || 1))
    for (let a = 0; a < width; a++) for (let b = 0; b < width; b++) gram[a * width + b] *= scale[a] * scale[b]
    const { values, vectors } = descendingEigen(gram, width)
    const rotation = featureMatrix(width, width)
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        const length = Math.sqrt(Math.max(values[b], SMALLEST_SHARE * values[0]))
        rotation.data[a * width + b] = (scale[a] * vectors[a * width + b]) / length
      }
    }
    basis = await linearAlgebra.matmul(basis, rotation)
  }
  return basis
}

/** `A' B`, blocks of rows summed in float64. */
async function innerProducts(
  a: FeatureMatrix,
  b: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<Float64Array> {
  const sums = new Float64Array(a.columns * b.columns)
  for (let start = 0; start < a.rows; start += BLOCK_ROWS) {
    const end = Math.min(a.rows, start + BLOCK_ROWS)
    const part = await linearAlgebra.matmul(rowRange(a, start, end), rowRange(b, start, end), {
      transposeA: true,
    })
    for (let i = 0; i < sums.length; i++) sums[i] += part.data[i]
  }
  return sums
}

function denseEigenvectors({ size, offsets, columns, values }: SparseMatrix, count: number): Eigenpairs {
  const dense = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let at = offsets[i]; at < offsets[i + 1]; at++) dense[i * size + columns[at]] += values[at]
  }
  const found = descendingEigen(dense, size)
  const vectors = featureMatrix(size, size, Float32Array.from(found.vectors))
  return { values: found.values.slice(0, count), vectors: withSigns(vectors, count) }
}

/** The first columns; an eigenvector's sign is arbitrary: its largest element is made positive. */
function withSigns({ rows, columns, data }: FeatureMatrix, count: number): FeatureMatrix {
  const largest = new Float64Array(count)
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < count; c++) {
      const value = data[i * columns + c]
      if (Math.abs(value) > Math.abs(largest[c])) largest[c] = value
    }
  }
  const result = featureMatrix(rows, count)
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < count; c++) result.data[i * count + c] = Math.sign(largest[c]) * data[i * columns + c]
  }
  return result
}
