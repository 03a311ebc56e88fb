/**
 * Repeating along axes and summing along them, each the other's gradient. How a sum runs fastest depends on where the axes
 * lie: see `emitSum`.
 */
import {
  broadcastAxes,
  broadcastShapes,
  resolveAxis,
  sameShape,
  type Shape,
  shapeError,
  sizeOf,
  stridesOf,
} from './shape.js'
import {
  apply1,
  checkFloat,
  type Emitter,
  type Primitive,
  type Tensor,
  type TensorType,
  useOf,
  type Values,
} from './tensor.js'
import { moved, reshape } from './movement.js'
import { asEmitted, reductionForm } from './ordinary-form.js'

const expandPrimitive: Primitive<{ shape: Shape }> = {
  name: 'expand',
  shape: ([x], { shape }) => {
    if (!sameShape(broadcastShapes('expand', x.shape, shape), shape)) {
      shapeError('expand', [x.shape, shape], 'a second shape that the first broadcasts to')
    }
    return [{ shape, dtype: x.dtype }]
  },
  ordinary: asEmitted,
  emit: (emitter, [x], node) => [emitter.node('Expand', [x, emitter.ints(node.attributes.shape)])],
  gradient: ({ inputs: [x] }, [dy]) => [dy ? sumTo(dy, x.shape) : null],
  reference: ([x], { attributes: { shape } }) => [
    moved(x, shape, (index) =>
      x.shape.map((extent, i) => (extent === 1 ? 0 : index[i + shape.length - x.shape.length])),
    ),
  ],
  simplify: ({ inputs: [x], attributes: { shape } }) => (sameShape(x.shape, shape) ? x : undefined),
}

/** Repeats along axes of extent 1 (and new leading ones) until the shape is reached. */
export const expand = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : apply1(expandPrimitive, [x], { shape })

/** What was expanded, if a tensor is the outcome of an expand. */
export const beforeExpand = (x: Tensor): Tensor | undefined => useOf(x, expandPrimitive)?.inputs[0]

export interface ReduceAttributes {
  /** Ascending, counted from the front. */
  readonly axes: readonly number[]
  readonly keepAxes: boolean
}

function reducedShape(shape: Shape, { axes, keepAxes }: ReduceAttributes): number[] {
  const kept = shape.map((extent, i) => (axes.includes(i) ? 1 : extent))
  return keepAxes ? kept : kept.filter((_, i) => !axes.includes(i))
}

export function reducedType(operator: string, x: TensorType, attributes: ReduceAttributes): TensorType[] {
  checkFloat(operator, x)
  return [{ shape: reducedShape(x.shape, attributes), dtype: 'float32' }]
}

/** The reduced tensor with the reduced axes back as extents of 1. */
export const withAxes = (reduced: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  reshape(reduced, reducedShape(shape, { axes, keepAxes: true }))

export function reduceReference(
  x: Values,
  axes: readonly number[],
  start: number,
  combine: (a: number, b: number) => number,
): Float64Array {
  const kept = reducedShape(x.shape, { axes, keepAxes: true })
  const result = new Float64Array(sizeOf(kept)).fill(start)
  const strides = stridesOf(x.shape)
  const keptStrides = stridesOf(kept)
  x.data.forEach((value, index) => {
    let at = 0
    x.shape.forEach((extent, axis) => {
      if (kept[axis] !== 1) at += (Math.floor(index / strides[axis]) % extent) * keptStrides[axis]
    })
    result[at] = combine(result[at], value)
  })
  return result
}

/**
 * A sum over leading axes is a product with a row of equal weights: several times faster on the CPU than ReduceSum,
 * which walks columns. Sums over other axes are reductions.
 */
export function emitSum(
  emitter: Emitter,
  x: string,
  shape: Shape,
  attributes: ReduceAttributes,
  weight: number | 'mean',
): string {
  const { axes } = attributes
  const count = axes.reduce((n, axis) => n * shape[axis], 1)
  const rest = sizeOf(shape) / count
  const leading = axes.every((axis, i) => axis === i)
  const outputShape = reducedShape(shape, attributes)
  const factor = weight === 'mean' ? 1 / count : weight
  if (leading && axes.length < shape.length && count > 1 && rest > 1) {
    const flat = emitter.node('Reshape', [x, emitter.ints([count, rest])])
    const row = emitter.floats(new Float64Array(count).fill(factor), [1, count])
    return emitter.node('Reshape', [emitter.node('MatMul', [row, flat]), emitter.ints(outputShape)])
  }
  return emitter.node(weight === 'mean' ? 'ReduceMean' : 'ReduceSum', [x, emitter.ints(axes)], {
    keepdims: attributes.keepAxes ? 1 : 0,
  })
}

const sumPrimitive: Primitive<ReduceAttributes> = {
  name: 'sum',
  shape: ([x], attributes) => reducedType('sum', x, attributes),
  emit: (emitter, [x], node) => [emitSum(emitter, x, node.inputs[0].shape, node.attributes, 1)],
  gradient: ({ inputs: [x], attributes: { axes } }, [dy]) => [
    dy ? expand(withAxes(dy, x.shape, axes), x.shape) : null,
  ],
  ordinary: reductionForm('ReduceSum'),
  reference: ([x], { attributes }) => [reduceReference(x, attributes.axes, 0, (a, b) => a + b)],
  simplify: ({ inputs: [x], attributes }) => withoutUnitAxes(x, attributes),
}

/** Reducing axes of extent 1 is a reshape. */
export function withoutUnitAxes(x: Tensor, attributes: ReduceAttributes): Tensor | undefined {
  return attributes.axes.every((axis) => x.shape[axis] === 1)
    ? reshape(x, reducedShape(x.shape, attributes))
    : undefined
}

export function reduction(primitive: Primitive<ReduceAttributes>) {
  return (x: Tensor, axes?: number | readonly number[], keepAxes = false): Tensor => {
    const list = axes === undefined ? x.shape.map((_, i) => i) : typeof axes === 'number' ? [axes] : axes
    const resolved = [...new Set(list.map((axis) => resolveAxis(primitive.name, axis, x.shape.length)))]
    if (resolved.length === 0) return x
    const attributes = { axes: resolved.sort((a, b) => a - b), keepAxes }
    if (primitive !== sumPrimitive && sizeOf(x.shape) === 0) {
      shapeError(primitive.name, [x.shape], 'at least one element')
    }
    return apply1(primitive, [x], attributes)
  }
}

/** Sum over the axes (all when left out). */
export const sum = reduction(sumPrimitive)

/** Sums away what broadcasting repeated: the gradient of a broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  return reshape(sum(x, broadcastAxes(shape, x.shape), true), shape)
}

export const primitives: Readonly<Record<string, Primitive<never>>> = {
  expand: expandPrimitive,
  sum: sumPrimitive,
}
