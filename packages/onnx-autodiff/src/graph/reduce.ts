/** Means and maxima along axes; sums are in broadcast.ts. */
import { sizeOf } from './shape.js'
import type { Primitive } from './tensor.js'
import {
  emitSum,
  expand,
  type ReduceAttributes,
  reducedType,
  reduceReference,
  reduction,
  sum,
  withAxes,
  withoutUnitAxes,
} from './broadcast.js'
import { cast, div, equal, mul } from './elementwise.js'
import { reductionForm } from './ordinary-form.js'

const meanPrimitive: Primitive<ReduceAttributes> = {
  name: 'mean',
  shape: ([x], attributes) => reducedType('mean', x, attributes),
  emit: (emitter, [x], node) => [emitSum(emitter, x, node.inputs[0].shape, node.attributes, 'mean')],
  gradient: ({ inputs: [x], outputs: [y], attributes: { axes } }, [dy]) => {
    if (!dy) return [null]
    const share = mul(dy, sizeOf(y.shape) / sizeOf(x.shape))
    return [expand(withAxes(share, x.shape, axes), x.shape)]
  },
  ordinary: reductionForm('ReduceMean'),
  reference: ([x], { attributes, outputs: [y] }) => {
    const count = sizeOf(x.shape) / sizeOf(y.shape)
    return [reduceReference(x, attributes.axes, 0, (a, b) => a + b).map((total) => total / count)]
  },
  simplify: ({ inputs: [x], attributes }) => withoutUnitAxes(x, attributes),
}

const maxPrimitive: Primitive<ReduceAttributes> = {
  name: 'max',
  shape: ([x], attributes) => reducedType('max', x, attributes),
  emit: (emitter, [x], { attributes: { axes, keepAxes } }) => [
    emitter.node('ReduceMax', [x, emitter.ints(axes)], { keepdims: keepAxes ? 1 : 0 }),
  ],
  gradient: ({ inputs: [x], outputs: [y], attributes: { axes } }, [dy]) => {
    if (!dy) return [null]
    const mask = cast(equal(x, withAxes(y, x.shape, axes)), 'float32')
    return [mul(mask, div(withAxes(dy, x.shape, axes), sum(mask, axes, true)))]
  },
  ordinary: reductionForm('ReduceMax'),
  reference: ([x], { attributes }) => [reduceReference(x, attributes.axes, -Infinity, Math.max)],
  simplify: ({ inputs: [x], attributes }) => withoutUnitAxes(x, attributes),
}

/** Mean over the axes (all when left out). */
export const mean = reduction(meanPrimitive)
/** Maximum over the axes (all when left out); the gradient is shared equally between equal maxima. */
export const max = reduction(maxPrimitive)

export const primitives: Readonly<Record<string, Primitive<never>>> = {
  mean: meanPrimitive,
  max: maxPrimitive,
}
