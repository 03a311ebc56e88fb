/** Primitives that select by value or index: gather, top-k, argmin; and one-hot rows, a composition. */
import { attributeError, GraphError, resolveAxis, shapeText, sizeOf } from './shape.js'
import { apply, apply1, checkFloat, constant, type Primitive, type Tensor, type Values } from './tensor.js'
import { add, cast, equal, less, where } from './elementwise.js'
import { matmul } from './matmul.js'
import { reshape } from './movement.js'
import { asEmitted } from './ordinary-form.js'

const int32 = (value: number): Tensor => constant([value], [], 'int32')

const gatherPrimitive: Primitive<{ axis: number }> = {
  name: 'gather',
  shape: ([x, indices], { axis }) => {
    if (indices.dtype !== 'int32')
      throw new GraphError(`gather (indices): got ${indices.dtype}, expected int32`)
    return [
      { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype },
    ]
  },
  emit: (emitter, inputs, node) => [emitter.node('Gather', inputs, { axis: node.attributes.axis })],
  ordinary: asEmitted,
  /** The scattered sum, as a product with one-hot rows: exact, deterministic, and itself differentiable. */
  gradient: ({ inputs: [x, indices], attributes: { axis } }, [dy]) => {
    if (!dy) return [null, null]
    const count = sizeOf(indices.shape)
    const outer = sizeOf(x.shape.slice(0, axis))
    const inner = sizeOf(x.shape.slice(axis + 1))
    const places = reshape(indices, [count])
    const extent = x.shape[axis]
    const fromFront = where(less(places, int32(0)), add(places, int32(extent)), places)
    const hot = oneHot(fromFront, extent)
    const rows = reshape(dy, [outer, count, inner])
    return [reshape(matmul(hot, rows, { transposeA: true }), x.shape), null]
  },
  reference: ([x, indices], { attributes: { axis } }) => {
    const outer = sizeOf(x.shape.slice(0, axis))
    const inner = sizeOf(x.shape.slice(axis + 1))
    const extent = x.shape[axis]
    const result = new Float64Array(outer * indices.data.length * inner)
    for (let o = 0; o < outer; o++) {
      indices.data.forEach((index, i) => {
        if (index < -extent || index >= extent)
          attributeError('gather', 'index', index, `one from ${-extent} to ${extent - 1}`)
        const from = (o * extent + (index < 0 ? index + extent : index)) * inner
        result.set(x.data.subarray(from, from + inner), (o * indices.data.length + i) * inner)
      })
    }
    return [result]
  },
}

/** Picks entries along an axis: [..., n, ...] and int32 indices [i, j, ...] give [..., i, j, ..., ...]. */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  apply1(gatherPrimitive, [x, indices], { axis: resolveAxis('gather', axis, x.shape.length) })

/** Rows of the identity: int32 [...] gives float32 [..., classes]; an index outside the range gives zeros. */
export function oneHot(indices: Tensor, classes: number): Tensor {
  const range = constant(
    Array.from({ length: classes }, (_, i) => i),
    [classes],
    'int32',
  )
  return cast(equal(reshape(indices, [...indices.shape, 1]), range), 'float32')
}

/** The extents before, along and after an axis, and a reader of one line along it. */
function lines(
  { shape, data }: Values,
  axis: number,
): { outer: number; extent: number; inner: number; read: (o: number, i: number) => number[] } {
  const outer = sizeOf(shape.slice(0, axis))
  const extent = shape[axis]
  const inner = sizeOf(shape.slice(axis + 1))
  const read = (o: number, i: number): number[] =>
    Array.from({ length: extent }, (_, k) => data[(o * extent + k) * inner + i])
  return { outer, extent, inner, read }
}

interface TopKAttributes {
  readonly k: number
  readonly axis: number
  readonly largest: boolean
}

const topKPrimitive: Primitive<TopKAttributes> = {
  name: 'topK',
  shape: ([x], { k, axis }) => {
    checkFloat('topK', x)
    if (!(Number.isInteger(k) && k >= 1 && k <= x.shape[axis])) {
      attributeError(
        'topK',
        `k on axis ${axis} of ${shapeText(x.shape)}`,
        k,
        `an integer from 1 to ${x.shape[axis]}`,
      )
    }
    const shape = x.shape.with(axis, k)
    return [
      { shape, dtype: 'float32' },
      { shape, dtype: 'int32' },
    ]
  },
  ordinary: asEmitted,
  emit: (emitter, [x], { attributes: { k, axis, largest } }) => {
    const flags = { axis, largest: largest ? 1 : 0, sorted: 1 }
    const [values, indices] = emitter.nodes('TopK', [x, emitter.ints([k])], 2, flags)
    return [values, emitter.node('Cast', [indices], { to: { type: 'int32' } })]
  },
  reference: ([x], { attributes: { k, axis, largest } }) => {
    const { outer, inner, read } = lines(x, axis)
    const values = new Float64Array(outer * k * inner)
    const indices = new Float64Array(outer * k * inner)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const line = read(o, i)
        const order = line
          .map((_, j) => j)
          .sort((p, q) => (largest ? line[q] - line[p] : line[p] - line[q]) || p - q)
        for (let j = 0; j < k; j++) {
          values[(o * k + j) * inner + i] = line[order[j]]
          indices[(o * k + j) * inner + i] = order[j]
        }
      }
    }
    return [values, indices]
  },
}

/** The k largest (or smallest) along an axis, sorted, with their int32 places. No gradient. */
export function topK(x: Tensor, k: number, axis = -1, largest = true): { values: Tensor; indices: Tensor } {
  const attributes = { k, axis: resolveAxis('topK', axis, x.shape.length), largest }
  const [values, indices] = apply(topKPrimitive, [x], attributes)
  return { values, indices }
}

const argminPrimitive: Primitive<{ axis: number }> = {
  name: 'argmin',
  shape: ([x], { axis }) => {
    checkFloat('argmin', x)
    return [{ shape: x.shape.toSpliced(axis, 1), dtype: 'int32' }]
  },
  ordinary: asEmitted,
  emit: (emitter, [x], { attributes: { axis } }) => {
    const indices = emitter.node('ArgMin', [x], { axis, keepdims: 0 })
    return [emitter.node('Cast', [indices], { to: { type: 'int32' } })]
  },
  reference: ([x], { attributes: { axis } }) => {
    const { outer, inner, read } = lines(x, axis)
    return [
      Float64Array.from({ length: outer * inner }, (_, at) => {
        const line = read(Math.floor(at / inner), at % inner)
        return line.indexOf(Math.min(...line))
      }),
    ]
  },
}

/** Where along an axis the least element stands (the first of equal ones), as int32. No gradient. */
export const argmin = (x: Tensor, axis = -1): Tensor =>
  apply1(argminPrimitive, [x], { axis: resolveAxis('argmin', axis, x.shape.length) })

export const primitives: Readonly<Record<string, Primitive<never>>> = {
  gather: gatherPrimitive,
  topK: topKPrimitive,
  argmin: argminPrimitive,
}
