/**
 * Minimises a smooth function by limited-memory BFGS with a backtracking line search (Nocedal and Wright, "Numerical
 * Optimization", algorithms 7.4 and 3.1), in float64.
 */

/** Writes the gradient at `x` and returns the value, at once or later. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number | Promise<number>

export interface LbfgsOptions {
  /** Stop once no element of the gradient is larger. Default 1e-6. */
  readonly tolerance?: number
  /**
   * Share of the value that it is exact to. Stop once the gradient promises to win less than that: no step can be told to
   * be better than another. Default 0.
   */
  readonly precision?: number
  /** Default 200. */
  readonly maxIterations?: number
}

const MEMORY = 10
const SUFFICIENT_DECREASE = 1e-4
const SHORTEST_STEP = 1e-10

interface Pair {
  readonly step: Float64Array
  readonly change: Float64Array
  readonly inverse: number
}

/** Returns the minimiser found; `start` is left as it was. */
export async function lbfgs(
  objective: Objective,
  start: Float64Array,
  { tolerance = 1e-6, precision = 0, maxIterations = 200 }: LbfgsOptions = {},
): Promise<Float64Array> {
  let x = start.slice()
  let gradient = new Float64Array(x.length)
  let value = await objective(x, gradient)
  const pairs: Pair[] = []
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (gradient.every((slope) => Math.abs(slope) <= tolerance)) break
    const direction = quasiNewtonDirection(gradient, pairs)
    const slope = dot(direction, gradient)
    if (-slope < precision * Math.abs(value)) break
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)))
    let next = x
    let nextGradient = gradient
    let nextValue = Infinity
    while (!(nextValue <= value + SUFFICIENT_DECREASE * length * slope) && length > SHORTEST_STEP) {
      next = x.map((element, i) => element + length * direction[i])
      nextGradient = new Float64Array(x.length)
      nextValue = await objective(next, nextGradient)
      length /= 2
    }
    if (!(nextValue < value)) break
    const step = next.map((element, i) => element - x[i])
    const change = nextGradient.map((element, i) => element - gradient[i])
    const curvature = dot(step, change)
    if (curvature > 1e-12 * dot(change, change)) {
      pairs.push({ step, change, inverse: 1 / curvature })
      if (pairs.length > MEMORY) pairs.shift()
    }
    x = next
    gradient = nextGradient
    value = nextValue
  }
  return x
}

/** Minus the inverse Hessian's estimate times the gradient, by the two loops over the pairs. */
function quasiNewtonDirection(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((slope) => -slope)
  const shares: number[] = []
  for (let p = pairs.length - 1; p >= 0; p--) {
    const { step, change, inverse } = pairs[p]
    shares[p] = inverse * dot(step, direction)
    addScaled(direction, -shares[p], change)
  }
  const last = pairs[pairs.length - 1]
  if (last) {
    const scale = 1 / (last.inverse * dot(last.change, last.change))
    for (let i = 0; i < direction.length; i++) direction[i] *= scale
  }
  for (const [p, { step, change, inverse }] of pairs.entries()) {
    addScaled(direction, shares[p] - inverse * dot(change, direction), step)
  }
  return direction
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

function addScaled(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * vector[i]
}
