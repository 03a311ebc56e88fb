/** Arrays of numbers as the interpreter has them. int64 values are doubles here: shapes and places are whole below 2^53. */

export type Data = Float32Array | Float64Array | Int32Array | Uint8Array
export type DType = 'float32' | 'int64' | 'int32' | 'uint8' | 'bool'

export interface Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Row-major; Float64Array for int64. */
  readonly data: Data
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1)

/** Elements between one entry along an axis and the next. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}

export function emptyData(dtype: DType, size: number): Data {
  switch (dtype) {
    case 'float32':
      return new Float32Array(size)
    case 'int64':
      return new Float64Array(size)
    case 'int32':
      return new Int32Array(size)
    case 'uint8':
    case 'bool':
      return new Uint8Array(size)
  }
}

export const floats = (shape: readonly number[], data: Float32Array): Tensor => ({
  dtype: 'float32',
  shape,
  data,
})

/** What this interpreter does not do; the message says it in a few words. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported'
}

/** A model whose parts do not fit each other, or inputs that do not fit it. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
}

/** From the front, of an axis that may be counted from the end. */
export function axisOf(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis
  if (Number.isInteger(resolved) && resolved >= 0 && resolved < Math.max(1, rank)) return resolved
  throw new ModelError(`axis ${axis} of ${rank} axes`)
}

/** The shape that two broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1]
    if (m === n || n === 1) return m
    if (m === 1) return n
    throw new ModelError(`shapes [${a.join()}] and [${b.join()}] that do not broadcast`)
  })
}

/** Strides of a tensor along the axes of a shape that it broadcasts to: 0 where it is repeated. */
export function broadcastStrides(own: readonly number[], shape: readonly number[]): number[] {
  const strides = stridesOf(own)
  const lead = shape.length - own.length
  return shape.map((_, axis) => (axis < lead || own[axis - lead] === 1 ? 0 : strides[axis - lead]))
}

/** Copies elements that lie anywhere, by strides and a start, into a new tensor of a shape. */
export function gathered(
  { dtype, data }: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Tensor {
  const result = emptyData(dtype, sizeOf(shape))
  walk(shape, [strides], [start], (at, [from], length, [step]) => {
    for (let i = 0; i < length; i++) result[at + i] = data[from + i * step]
  })
  return { dtype, shape, data: result }
}

/**
 * Goes through a shape line by line along its last axis: `visit` gets where the line starts in the result and in each
 * operand, its length, and each operand's step along it.
 */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  starts: readonly number[],
  visit: (at: number, from: readonly number[], length: number, steps: readonly number[]) => void,
): void {
  const total = sizeOf(shape)
  if (total === 0) return
  const rank = shape.length
  const length = rank === 0 ? 1 : shape[rank - 1]
  const steps = strides.map((each) => (rank === 0 ? 0 : each[rank - 1]))
  const index = new Array<number>(rank).fill(0)
  const from = [...starts]
  for (let at = 0; at < total; at += length) {
    visit(at, from, length, steps)
    for (let axis = rank - 2; axis >= 0; axis--) {
      for (let k = 0; k < from.length; k++) from[k] += strides[k][axis]
      if (++index[axis] < shape[axis]) break
      for (let k = 0; k < from.length; k++) from[k] -= strides[k][axis] * shape[axis]
      index[axis] = 0
    }
  }
}
