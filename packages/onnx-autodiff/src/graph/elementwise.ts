/**
 * Elementwise primitives. Operators whose running time differs tenfold on the CPU are chosen with care: a mask is a
 * steep HardSigmoid, never Sign or Where (bench/operators has the table).
 */
import { sumTo } from './broadcast.js'
import { binary, broadcastReader, type None, none, unary, withoutNeutral } from './elementwise-rules.js'
import { erfValue } from './erf.js'
import { additionForm, elementwiseForm, unaryForm } from './ordinary-form.js'
import { attributeError, broadcastShapes, GraphError, sizeOf } from './shape.js'
import {
  apply1,
  checkFloat,
  type Operand,
  type Primitive,
  type Tensor,
  toTensor,
  uniformValue,
} from './tensor.js'

const negPrimitive = unary<None>('neg', { value: (x) => -x, gradient: (_, __, dy) => neg(dy), onnx: 'Neg' })
const expPrimitive = unary<None>('exp', { value: Math.exp, gradient: (_, y, dy) => mul(dy, y), onnx: 'Exp' })
const logPrimitive = unary<None>('log', { value: Math.log, gradient: (x, _, dy) => div(dy, x), onnx: 'Log' })
const sqrtPrimitive = unary<None>('sqrt', {
  value: Math.sqrt,
  gradient: (_, y, dy) => div(mul(dy, 0.5), y),
  onnx: 'Sqrt',
})
const reciprocalPrimitive = unary<None>('reciprocal', {
  value: (x) => 1 / x,
  gradient: (_, y, dy) => neg(mul(dy, mul(y, y))),
  onnx: 'Reciprocal',
})
const absPrimitive = unary<None>('abs', {
  value: Math.abs,
  gradient: (x, _, dy) => mul(dy, sub(mul(step(x), 2), add(1, mul(equalZero(x), -1)))),
  onnx: 'Abs',
})
const sigmoidPrimitive = unary<None>('sigmoid', {
  value: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (_, y, dy) => mul(dy, mul(y, sub(1, y))),
  onnx: 'Sigmoid',
})
const tanhPrimitive = unary<None>('tanh', {
  value: Math.tanh,
  gradient: (_, y, dy) => mul(dy, sub(1, mul(y, y))),
  onnx: 'Tanh',
})
const erfPrimitive = unary<None>('erf', {
  value: erfValue,
  gradient: (x, _, dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  onnx: 'Erf',
})
const reluPrimitive = unary<None>('relu', {
  value: (x) => Math.max(x, 0),
  gradient: (_, y, dy) => mul(dy, step(y)),
  onnx: 'Relu',
})
/** 1 above 0, else 0; the gradient is zero everywhere. A slope of 1e30 makes values under 1e-30 fractional. */
const stepPrimitive: Primitive<None> = {
  name: 'step',
  shape: ([x]) => {
    checkFloat('step', x)
    return [{ shape: x.shape, dtype: 'float32' }]
  },
  emit: (emitter, [x]) => [emitter.node('HardSigmoid', [x], { alpha: { float: 1e30 }, beta: { float: 0 } })],
  ordinary: unaryForm,
  gradient: () => [null],
  reference: ([x]) => [x.data.map((value) => (value > 0 ? 1 : 0))],
}

interface ClipAttributes {
  readonly low: number | null
  readonly high: number | null
}
const clipPrimitive: Primitive<ClipAttributes> = {
  name: 'clip',
  shape: ([x], { low, high }) => {
    checkFloat('clip', x)
    if (low !== null && high !== null && !(low <= high))
      attributeError('clip', 'bounds', `${low} to ${high}`, 'low <= high')
    return [{ shape: x.shape, dtype: 'float32' }]
  },
  emit: (emitter, [x], { attributes: { low, high } }) => [
    emitter.node('Clip', [
      x,
      low === null ? '' : emitter.float(low),
      high === null ? '' : emitter.float(high),
    ]),
  ],
  ordinary: unaryForm,
  gradient: ({ inputs: [x], attributes: { low, high } }, [dy]) => {
    if (!dy) return [null]
    let inside = dy
    if (low !== null) inside = mul(inside, step(sub(x, low)))
    if (high !== null) inside = mul(inside, step(sub(high, x)))
    return [inside]
  },
  reference: ([x], { attributes: { low, high } }) => [
    x.data.map((value) => Math.min(Math.max(value, low ?? -Infinity), high ?? Infinity)),
  ],
}

const addPrimitive = binary('add', {
  value: (a, b) => a + b,
  gradient: (_, __, ___, dy) => [dy, dy],
  onnx: 'Add',
  simplify: withoutNeutral(0, true),
  parts: { ordinary: additionForm, reorders: true, addsBias: true },
})
const subPrimitive = binary('sub', {
  value: (a, b) => a - b,
  gradient: (_, __, ___, dy) => [dy, neg(dy)],
  onnx: 'Sub',
  simplify: withoutNeutral(0, false),
})
const mulPrimitive = binary('mul', {
  value: (a, b) => a * b,
  gradient: (a, b, _, dy) => [mul(dy, b), mul(dy, a)],
  onnx: 'Mul',
  simplify: withoutNeutral(1, true),
  parts: { reorders: true },
})
const divPrimitive = binary('div', {
  value: (a, b) => a / b,
  gradient: (_, b, y, dy) => [div(dy, b), neg(div(mul(dy, y), b))],
  onnx: 'Div',
  simplify: (node) => {
    if (node.outputs[0].dtype !== 'float32') return undefined
    const divisor = uniformValue(node.inputs[1])
    // Only for powers of two is the product exactly the quotient.
    if (
      divisor !== undefined &&
      node.inputs[1].shape.length === 0 &&
      Number.isInteger(Math.log2(Math.abs(divisor)))
    ) {
      return mul(node.inputs[0], 1 / divisor)
    }
    return undefined
  },
})
const powPrimitive = binary('pow', {
  value: Math.pow,
  gradient: (a, b, y, dy) => {
    const exponent = uniformValue(b)
    const da = mul(dy, mul(b, exponent === 2 ? a : pow(a, sub(b, 1))))
    return [da, exponent === undefined ? mul(dy, mul(y, log(a))) : null]
  },
  onnx: 'Pow',
})
/** The gradient goes to the first operand where it is ahead of the second, else to the second. */
const extremum = (
  name: string,
  onnx: string,
  value: (a: number, b: number) => number,
  ahead: (a: Tensor, b: Tensor) => Tensor,
): Primitive<None> =>
  binary(name, {
    value,
    gradient: (a, b, _, dy) => {
      const mask = step(ahead(a, b))
      return [mul(dy, mask), mul(dy, sub(1, mask))]
    },
    onnx,
  })
const maximumPrimitive = extremum('maximum', 'Max', Math.max, (a, b) => sub(a, b))
const minimumPrimitive = extremum('minimum', 'Min', Math.min, (a, b) => sub(b, a))
const comparison = (name: string, onnx: string, value: (a: number, b: number) => boolean): Primitive<None> =>
  binary(name, { value: (a, b) => Number(value(a, b)), gradient: () => [null, null], onnx, result: 'bool' })
const greaterPrimitive = comparison('greater', 'Greater', (a, b) => a > b)
const lessPrimitive = comparison('less', 'Less', (a, b) => a < b)
const equalPrimitive = comparison('equal', 'Equal', (a, b) => a === b)

const castPrimitive: Primitive<{ to: 'float32' | 'int32' }> = {
  name: 'cast',
  shape: ([x], { to }) => [{ shape: x.shape, dtype: to }],
  emit: (emitter, [x], node) => [emitter.node('Cast', [x], { to: { type: node.attributes.to } })],
  ordinary: unaryForm,
  gradient: ({ inputs: [x], attributes }, [dy]) => [
    dy && x.dtype === 'float32' && attributes.to === 'float32' ? dy : null,
  ],
  reference: ([x], node) => [node.attributes.to === 'int32' ? x.data.map(Math.trunc) : x.data.slice()],
  simplify: ({ inputs: [x], attributes }) => (x.dtype === attributes.to ? x : undefined),
}

const wherePrimitive: Primitive<None> = {
  name: 'where',
  shape: ([condition, a, b]) => {
    if (condition.dtype !== 'bool')
      throw new GraphError(`where (condition): got ${condition.dtype}, expected bool`)
    if (a.dtype !== b.dtype)
      throw new GraphError(`where (dtype): got ${a.dtype} and ${b.dtype}, expected equal ones`)
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape))
    return [{ shape, dtype: a.dtype }]
  },
  emit: (emitter, inputs) => [emitter.node('Where', inputs)],
  ordinary: elementwiseForm('Where'),
  gradient: ({ inputs: [condition, a, b] }, [dy]) => {
    if (!dy) return [null, null, null]
    const mask = cast(condition, 'float32')
    return [null, sumTo(mul(dy, mask), a.shape), sumTo(mul(dy, sub(1, mask)), b.shape)]
  },
  reference: ([condition, a, b], { outputs: [y] }) => {
    const [readCondition, readA, readB] = [condition, a, b].map((values) => broadcastReader(values, y.shape))
    return [
      Float64Array.from({ length: sizeOf(y.shape) }, (_, i) => (readCondition(i) ? readA(i) : readB(i))),
    ]
  },
}

const stopGradientPrimitive: Primitive<None> = {
  name: 'stopGradient',
  shape: ([x]) => [x],
  emit: (emitter, [x]) => [emitter.node('Identity', [x])],
  ordinary: unaryForm,
  gradient: () => [null],
  reference: ([x]) => [x.data],
  simplify: ({ inputs: [x] }) => x,
}

const op1 =
  (primitive: Primitive<None>) =>
  (x: Operand): Tensor =>
    apply1(primitive, [toTensor(x)], none)
const op2 =
  (primitive: Primitive<None>) =>
  (a: Operand, b: Operand): Tensor =>
    apply1(primitive, [toTensor(a), toTensor(b)], none)

/** -x. */
export const neg = op1(negPrimitive)
/** e to the power x. */
export const exp = op1(expPrimitive)
/** The natural logarithm; not finite from 0 down. */
export const log = op1(logPrimitive)
/** The square root; NaN below 0, and its gradient is infinite at 0. */
export const sqrt = op1(sqrtPrimitive)
/** 1 / x. */
export const reciprocal = op1(reciprocalPrimitive)
/** Absolute value; the gradient at 0 is 0. */
export const abs = op1(absPrimitive)
/** 1 / (1 + e^-x). */
export const sigmoid = op1(sigmoidPrimitive)
/** The hyperbolic tangent. */
export const tanh = op1(tanhPrimitive)
/** The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = op1(erfPrimitive)
/** max(x, 0); the gradient at 0 is 0. */
export const relu = op1(reluPrimitive)
/** 1 where x > 0, else 0; without a gradient. */
export const step = op1(stepPrimitive)
/** Passes values on and holds gradients back. */
export const stopGradient = op1(stopGradientPrimitive)
/** Limits to [low, high]; null leaves a side open. The gradient is zero outside and on the bounds. */
export const clip = (x: Tensor, low: number | null, high: number | null): Tensor =>
  apply1(clipPrimitive, [x], { low, high })

/** a + b, broadcast as in NumPy. */
export const add = op2(addPrimitive)
/** a - b, broadcast as in NumPy. */
export const sub = op2(subPrimitive)
/** a b, element by element, broadcast as in NumPy. */
export const mul = op2(mulPrimitive)
/** a / b, broadcast as in NumPy. */
export const div = op2(divPrimitive)
/** a to the power b; a gradient flows to b unless it is constant. */
export const pow = op2(powPrimitive)
/** The greater of the two; where they are equal the gradient goes to the second. */
export const maximum = op2(maximumPrimitive)
/** The lesser of the two; where they are equal the gradient goes to the second. */
export const minimum = op2(minimumPrimitive)
/** Whether a > b, a bool tensor, broadcast as in NumPy; without a gradient. */
export const greater = op2(greaterPrimitive)
/** Whether a < b, a bool tensor, broadcast as in NumPy; without a gradient. */
export const less = op2(lessPrimitive)
/** Whether a = b, a bool tensor, broadcast as in NumPy; without a gradient. */
export const equal = op2(equalPrimitive)
/** The same values in another type; to int32 they are cut towards 0. A gradient passes between floats alone. */
export const cast = (x: Tensor, to: 'float32' | 'int32'): Tensor => apply1(castPrimitive, [x], { to })
/** `a` where the condition holds, else `b`. */
export const where = (condition: Tensor, a: Operand, b: Operand): Tensor =>
  apply1(wherePrimitive, [condition, toTensor(a), toTensor(b)], none)

const equalZero = (x: Tensor): Tensor => cast(equal(x, 0), 'float32')

export const primitives: Readonly<Record<string, Primitive<never>>> = Object.fromEntries(
  [
    negPrimitive,
    expPrimitive,
    logPrimitive,
    sqrtPrimitive,
    reciprocalPrimitive,
    absPrimitive,
    sigmoidPrimitive,
    tanhPrimitive,
    erfPrimitive,
    reluPrimitive,
    stepPrimitive,
    clipPrimitive,
    addPrimitive,
    subPrimitive,
    mulPrimitive,
    divPrimitive,
    powPrimitive,
    maximumPrimitive,
    minimumPrimitive,
    greaterPrimitive,
    lessPrimitive,
    equalPrimitive,
    castPrimitive,
    wherePrimitive,
    stopGradientPrimitive,
  ].map((primitive) => [primitive.name, primitive as Primitive<never>]),
)
