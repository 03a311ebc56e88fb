/** Operators element by element, and comparisons. */
import { type Operator, type Operators, given } from '../operator.js'
import {
  broadcastShape,
  broadcastStrides,
  type Data,
  type DType,
  emptyData,
  sizeOf,
  type Tensor,
  Unsupported,
  walk,
} from '../tensor.js'

type Binary = (a: number, b: number) => number

/** Truncated as whole numbers are. */
const whole =
  (f: Binary): Binary =>
  (a, b) =>
    Math.trunc(f(a, b))

export function combined(a: Tensor, b: Tensor, dtype: DType, f: Binary): Tensor {
  const shape = broadcastShape(a.shape, b.shape)
  const result = emptyData(dtype, sizeOf(shape))
  const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)]
  walk(shape, strides, [0, 0], (at, [p, q], length, [stepA, stepB]) => {
    for (let i = 0; i < length; i++) result[at + i] = f(a.data[p + i * stepA], b.data[q + i * stepB])
  })
  return { dtype, shape, data: result }
}

const arithmetic =
  (f: Binary): Operator =>
  (inputs) => {
    const [a, b] = [given(inputs, 0), given(inputs, 1)]
    return [combined(a, b, a.dtype, a.dtype === 'float32' ? f : whole(f))]
  }

/** Any number of operands. */
const folded =
  (f: Binary): Operator =>
  (inputs) => [inputs.map((_, place) => given(inputs, place)).reduce((a, b) => combined(a, b, a.dtype, f))]

const comparison =
  (f: (a: number, b: number) => boolean): Operator =>
  (inputs) => [combined(given(inputs, 0), given(inputs, 1), 'bool', (a, b) => Number(f(a, b)))]

export function mapped({ dtype, shape, data }: Tensor, f: (x: number) => number): Tensor {
  const result = emptyData(dtype, data.length)
  for (let i = 0; i < data.length; i++) result[i] = f(data[i])
  return { dtype, shape, data: result }
}

const unary =
  (f: (x: number) => number): Operator =>
  (inputs) => [mapped(given(inputs, 0), f)]

/** Abramowitz and Stegun 7.1.5 near 0, else the continued fraction of the complement (7.1.14): to float32's digits. */
export function erf(x: number): number {
  const size = Math.abs(x)
  if (size > 6) return Math.sign(x)
  if (size < 2.5) {
    let [term, sum] = [x, x]
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction)
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction))
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

const where: Operator = (inputs) => {
  const [condition, a, b] = [0, 1, 2].map((place) => given(inputs, place))
  const shape = broadcastShape(broadcastShape(condition.shape, a.shape), b.shape)
  const result = emptyData(a.dtype, sizeOf(shape))
  const strides = [condition, a, b].map((each) => broadcastStrides(each.shape, shape))
  walk(shape, strides, [0, 0, 0], (at, [p, q, r], length, [stepP, stepQ, stepR]) => {
    for (let i = 0; i < length; i++)
      result[at + i] = condition.data[p + i * stepP] !== 0 ? a.data[q + i * stepQ] : b.data[r + i * stepR]
  })
  return [{ dtype: a.dtype, shape, data: result }]
}

/** ONNX's numbers of element types. */
const TYPES: Readonly<Record<number, DType>> = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64', 9: 'bool' }

const cast: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const code = attributes.int('to', 0)
  const dtype = Object.hasOwn(TYPES, code) ? TYPES[code] : undefined
  if (dtype === undefined) throw new Unsupported(`Cast to element type ${code}`)
  const data: Data = emptyData(dtype, x.data.length)
  for (let i = 0; i < data.length; i++)
    data[i] =
      dtype === 'bool' ? Number(x.data[i] !== 0) : dtype === 'float32' ? x.data[i] : Math.trunc(x.data[i])
  return [{ dtype, shape: x.shape, data }]
}

const clip: Operator = (inputs, attributes) => {
  const low = inputs[1]?.data[0] ?? attributes.float('min', -Infinity)
  const high = inputs[2]?.data[0] ?? attributes.float('max', Infinity)
  return [mapped(given(inputs, 0), (x) => Math.min(high, Math.max(low, x)))]
}

const hardSigmoid: Operator = (inputs, attributes) => {
  const [alpha, beta] = [attributes.float('alpha', 0.2), attributes.float('beta', 0.5)]
  return [mapped(given(inputs, 0), (x) => Math.max(0, Math.min(1, alpha * x + beta)))]
}

const leakyRelu: Operator = (inputs, attributes) => {
  const slope = attributes.float('alpha', 0.01)
  return [mapped(given(inputs, 0), (x) => (x < 0 ? slope * x : x))]
}

const gelu: Operator = (inputs, attributes) => {
  const exact = (x: number): number => 0.5 * x * (1 + erf(x * Math.SQRT1_2))
  const near = (x: number): number =>
    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
  return [mapped(given(inputs, 0), attributes.string('approximate', 'none') === 'tanh' ? near : exact)]
}

export const elementwise: Operators = {
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Pow: arithmetic((a, b) => a ** b),
  Min: folded(Math.min),
  Max: folded(Math.max),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Equal: comparison((a, b) => a === b),
  And: comparison((a, b) => a !== 0 && b !== 0),
  Or: comparison((a, b) => a !== 0 || b !== 0),
  Not: (inputs) => [mapped(given(inputs, 0), (x) => Number(x === 0))],
  Where: where,
  Cast: cast,
  Clip: clip,
  HardSigmoid: hardSigmoid,
  HardSwish: unary((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  LeakyRelu: leakyRelu,
  Gelu: gelu,
  Relu: unary((x) => Math.max(0, x)),
  Sigmoid: unary(sigmoid),
  Tanh: unary(Math.tanh),
  Softplus: unary((x) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)))),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Erf: unary(erf),
  Identity: (inputs) => [given(inputs, 0)],
  Dropout: (inputs) => [given(inputs, 0)],
}
