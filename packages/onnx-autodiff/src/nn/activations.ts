/** Activation functions. Those with a rule of their own save passes over memory against the composition's gradient. */
import {
  add,
  abs,
  clip,
  erf,
  exp,
  log,
  maximum,
  mul,
  neg,
  relu,
  sigmoid,
  stopGradient,
  sub,
  tanh,
} from '../graph/elementwise.js'
import { sum } from '../graph/broadcast.js'
import { max } from '../graph/reduce.js'
import { type Composite, compose, type Tensor } from '../graph/tensor.js'

type None = Record<string, never>

const siluComposite: Composite<None> = {
  name: 'silu',
  expand: ([x]) => mul(x, sigmoid(x)),
  /** With y = x s, s = sigmoid(x): y' = s + y (1 - s). */
  gradient: ({ inputs: [x] }, dy) => {
    const s = sigmoid(x)
    return [mul(dy, add(s, mul(mul(x, s), sub(1, s))))]
  },
}

/** x sigmoid(x) (Elfwing et al., arXiv 1702.03118). */
export const silu = (x: Tensor): Tensor => compose(siluComposite, [x], {})

const leakyReluComposite: Composite<{ slope: number }> = {
  name: 'leakyRelu',
  expand: ([x], { slope }) => maximum(mul(x, slope), x),
  /** The slope at each element, constant to further gradients, in two passes. */
  gradient: ({ inputs: [x], attributes: { slope } }, dy) => [
    mul(dy, stopGradient(clip(mul(x, 1e30), slope, 1))),
  ],
}

/** x above 0, slope x below; 0 <= slope < 1. The gradient at 0 is the slope. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => compose(leakyReluComposite, [x], { slope })

/** x Phi(x), exactly by the error function or by its tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415). */
export function gelu(x: Tensor, approximate = false): Tensor {
  const inner = approximate
    ? tanh(mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI)))
    : erf(mul(x, Math.SQRT1_2))
  return mul(mul(x, 0.5), add(1, inner))
}

const softplusComposite: Composite<None> = {
  name: 'softplus',
  expand: ([x]) => add(relu(x), log(add(1, exp(neg(abs(x)))))),
  gradient: ({ inputs: [x] }, dy) => [mul(dy, sigmoid(x))],
}

/** log(1 + exp(x)), without overflow. */
export const softplus = (x: Tensor): Tensor => compose(softplusComposite, [x], {})

const logSoftmaxComposite: Composite<{ axis: number }> = {
  name: 'logSoftmax',
  expand: ([x], { axis }) => {
    const shifted = sub(x, max(x, axis, true))
    return sub(shifted, log(sum(exp(shifted), axis, true)))
  },
  gradient: ({ outputs: [y], attributes: { axis } }, dy) => [sub(dy, mul(exp(y), sum(dy, axis, true)))],
}

/** Logarithms of the softmax along an axis. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => compose(logSoftmaxComposite, [x], { axis })

/** Softmax along an axis. */
export const softmax = (x: Tensor, axis = -1): Tensor => exp(logSoftmax(x, axis))

const straightThroughComposite: Composite<None> = {
  name: 'straightThrough',
  expand: ([, value]) => value,
  gradient: (_, dy) => [dy, null],
}

/** The value of the second with the gradient of the first (Bengio et al., arXiv 1308.3432): for quantisation. */
export const straightThrough = (x: Tensor, value: Tensor): Tensor =>
  compose(straightThroughComposite, [x, value], {})
