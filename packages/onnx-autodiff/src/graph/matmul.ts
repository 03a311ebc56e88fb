/** Matrix products: batched, broadcast over the batch, with either operand transposed. */
import { broadcastShapes, GraphError, shapeError, sizeOf, stridesOf } from './shape.js'
import { apply1, type Primitive, type Tensor, type TensorType, type Values } from './tensor.js'
import { sumTo } from './broadcast.js'
import { reshape } from './movement.js'
import { asEmitted } from './ordinary-form.js'

interface MatmulAttributes {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

interface Extents {
  readonly batch: readonly number[]
  readonly rows: number
  readonly inner: number
  readonly columns: number
}

function extents(a: TensorType, b: TensorType, { transposeA, transposeB }: MatmulAttributes): Extents {
  if (a.shape.length < 2 || b.shape.length < 2) {
    shapeError(
      'matmul',
      [a.shape, b.shape],
      'at least two axes on both sides',
      'reshape a vector to [1, n] or [n, 1]',
    )
  }
  const [aRows, aColumns] = a.shape.slice(-2)
  const [bRows, bColumns] = b.shape.slice(-2)
  const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns]
  const [innerB, columns] = transposeB ? [bColumns, bRows] : [bRows, bColumns]
  if (inner !== innerB) {
    const flags = `${transposeA ? ', the first transposed' : ''}${transposeB ? ', the second transposed' : ''}`
    shapeError(
      'matmul',
      [a.shape, b.shape],
      `inner extents that agree${flags}`,
      `here ${inner} and ${innerB}`,
    )
  }
  return {
    batch: broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2)),
    rows,
    inner,
    columns,
  }
}

/** Where each batch entry of an operand starts, for every entry of the broadcast batch. */
function batchOffsets(shape: readonly number[], batch: readonly number[]): number[] {
  const own = shape.slice(0, -2)
  const strides = stridesOf(shape).slice(0, -2)
  const batchStrides = stridesOf(batch)
  const offset = batch.length - own.length
  return Array.from({ length: sizeOf(batch) }, (_, index) =>
    own.reduce((at, extent, i) => {
      const coordinate = Math.floor(index / batchStrides[i + offset]) % batch[i + offset]
      return extent === 1 ? at : at + coordinate * strides[i]
    }, 0),
  )
}

function matmulReference(a: Values, b: Values, attributes: MatmulAttributes): Float64Array {
  const types: [TensorType, TensorType] = [
    { ...a, dtype: 'float32' },
    { ...b, dtype: 'float32' },
  ]
  const { batch, rows, inner, columns } = extents(...types, attributes)
  const { transposeA, transposeB } = attributes
  const offsetsA = batchOffsets(a.shape, batch)
  const offsetsB = batchOffsets(b.shape, batch)
  const result = new Float64Array(sizeOf(batch) * rows * columns)
  offsetsA.forEach((offsetA, index) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0
        for (let k = 0; k < inner; k++) {
          const x = a.data[offsetA + (transposeA ? k * rows + i : i * inner + k)]
          const y = b.data[offsetsB[index] + (transposeB ? j * inner + k : k * columns + j)]
          total += x * y
        }
        result[(index * rows + i) * columns + j] = total
      }
    }
  })
  return result
}

const matmulPrimitive: Primitive<MatmulAttributes> = {
  name: 'matmul',
  shape: ([a, b], attributes) => {
    if (a.dtype !== 'float32' || b.dtype !== 'float32') {
      throw new GraphError(`matmul (dtype): got ${a.dtype} and ${b.dtype}, expected float32 on both sides`)
    }
    const { batch, rows, columns } = extents(a, b, attributes)
    return [{ shape: [...batch, rows, columns], dtype: 'float32' }]
  },
  ordinary: asEmitted,
  emit: (emitter, [a, b], { attributes: { transposeA, transposeB }, inputs }) => {
    if (!transposeA && !transposeB) return [emitter.node('MatMul', [a, b])]
    if (emitter.contributed) {
      const flags = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }
      return [emitter.node('FusedMatMul', [a, b], flags, 'com.microsoft')]
    }
    const swapped = (name: string, rank: number): string => {
      const perm = Array.from({ length: rank }, (_, i) => i)
      perm.push(...perm.splice(-2).reverse())
      return emitter.node('Transpose', [name], { perm })
    }
    const left = transposeA ? swapped(a, inputs[0].shape.length) : a
    const right = transposeB ? swapped(b, inputs[1].shape.length) : b
    return [emitter.node('MatMul', [left, right])]
  },
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, [dy]) => {
    if (!dy) return [null, null]
    const da = transposeA
      ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
      : matmul(dy, b, { transposeB: !transposeB })
    const db = transposeB
      ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dy, { transposeA: !transposeA })
    return [sumTo(da, a.shape), sumTo(db, b.shape)]
  },
  reference: ([a, b], { attributes }) => [matmulReference(a, b, attributes)],
}

/**
 * [..., m, k] x [..., k, n] -> [..., m, n]; leading axes broadcast. `transposeA` reads the first operand as
 * [..., k, m], `transposeB` the second as [..., n, k].
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttributes> = {}): Tensor {
  const { transposeA = false, transposeB = false } = options
  // One tall product runs faster than a batch of short ones, and its gradient needs no sum over the batch.
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    const flat = apply1(matmulPrimitive, [reshape(a, [-1, a.shape[a.shape.length - 1]]), b], {
      transposeA,
      transposeB,
    })
    return reshape(flat, [...a.shape.slice(0, -1), flat.shape[1]])
  }
  return apply1(matmulPrimitive, [a, b], { transposeA, transposeB })
}

export const primitives: Readonly<Record<string, Primitive<never>>> = { matmul: matmulPrimitive }
