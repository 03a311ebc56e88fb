/** Learning-rate schedules as graph: functions of the step (a scalar that is 1 at the first step). */
import { add, clip, div, maximum, minimum, mul, pow, sub } from '../graph/elementwise.js'
import { attributeError } from '../graph/shape.js'
import { type Operand, scalar, type Tensor } from '../graph/tensor.js'

/** A learning rate as graph: from the number of the step (a scalar, 1 at the first) to the rate (a scalar). */
export type Schedule = (step: Tensor) => Tensor

/** The same rate at every step. */
export const constantRate =
  (rate: number): Schedule =>
  () =>
    scalar(rate)

/** Rises from rate / steps to rate in so many steps, then goes on with `after` (by default at the same rate). */
export function warmUp(rate: number, steps: number, after: Schedule = constantRate(rate)): Schedule {
  if (steps <= 0) return after
  return (step) => mul(after(step), minimum(div(step, steps), 1))
}

/**
 * From rate at step 1 along half a cosine to `floor` at `steps` (Loshchilov and Hutter, arXiv 1608.03983). The cosine is
 * that of pi x for x in [0, 1], by its Taylor polynomial around 1/2: exact to 1e-7, from primitives that run anywhere.
 */
export function cosineDecay(rate: number, steps: number, floor = 0): Schedule {
  if (steps < 1) attributeError('cosineDecay', 'steps', steps, 'at least 1')
  return (step) => {
    const x = clip(div(sub(step, 1), Math.max(steps - 1, 1)), 0, 1)
    return add(floor, mul(add(cosinePi(x), 1), (rate - floor) / 2))
  }
}

/** cos(pi x) = -sin(pi (x - 1/2)). */
function cosinePi(x: Tensor): Tensor {
  const y = mul(sub(x, 0.5), Math.PI)
  const square = mul(y, y)
  // sin y = y (1 - y^2/3! + y^4/5! - ...), by Horner.
  const coefficients = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800]
  const series = coefficients.toReversed().reduce<Operand>((total, c) => add(mul(total, square), c), 0)
  return mul(mul(y, series), -1)
}

/** Falls in a straight line from rate at step 1 to `floor` at `steps`. */
export function linearDecay(rate: number, steps: number, floor = 0): Schedule {
  return (step) => {
    const x = clip(div(sub(step, 1), Math.max(steps - 1, 1)), 0, 1)
    return add(rate, mul(x, floor - rate))
  }
}

/** rate / sqrt(step / steps) once past `steps`. */
export const inverseSquareRoot =
  (rate: number, steps: number): Schedule =>
  (step) =>
    mul(pow(maximum(div(step, steps), 1), -0.5), rate)
