/**
 * Optimisers as graph, in order of increasing complexity. Each takes parameters with their gradients and gives the
 * updates of one step, its own state included: what is compiled as the program's state.
 */
import { add, div, minimum, mul, pow, sqrt, sub } from '../graph/elementwise.js'
import { sum } from '../graph/broadcast.js'
import { GraphError, sizeOf } from '../graph/shape.js'
import { input, inputName, type Operand, scalar, type Tensor } from '../graph/tensor.js'
import type { Update } from '../graph/computation.js'
import type { NamedArray } from '../arrays.js'
import type { Schedule } from './schedules.js'

/** What an optimiser adds to a step: `updates` go into the step's state, `initialState` into the session's. */
export interface Optimised {
  /** Of parameters and the optimiser's own state. */
  readonly updates: readonly Update[]
  /** Initial values of the optimiser's own state, by name. */
  readonly initialState: Readonly<Record<string, NamedArray>>
}

/** Parameters, and the gradient of each in the same order and shape, as `gradients(loss, parameters)` gives them. */
export interface Gradients {
  readonly parameters: readonly Tensor[]
  readonly gradients: readonly Tensor[]
}

/** State of an optimiser: tensors named after what they belong to, all zero at first. */
class State {
  readonly updates: Update[] = []
  readonly initialState: Record<string, NamedArray> = {}

  keep(name: string, shape: readonly number[], next: (now: Tensor) => Tensor): Tensor {
    const variable = input(name, shape)
    const after = next(variable)
    this.updates.push({ variable, next: after })
    this.initialState[name] = { dtype: 'float32', shape, data: new Float32Array(sizeOf(shape)) }
    return after
  }
}

function paired({ parameters, gradients }: Gradients): [Tensor, Tensor][] {
  if (parameters.length !== gradients.length) {
    throw new GraphError(
      `optimiser (gradients): got ${gradients.length}, expected ${parameters.length}, one per parameter`,
    )
  }
  return parameters.map((parameter, i) => [parameter, gradients[i]])
}

/** A number, a scalar tensor, or a schedule: then the optimiser counts its own steps, the first being 1. */
export type Rate = Operand | Schedule

/** Options of `sgd`, with PyTorch's meaning and defaults: no momentum, no decay, not Nesterov's. */
export interface SgdOptions {
  readonly rate: Rate
  readonly momentum?: number
  /** Added to the gradient, times the parameter. */
  readonly weightDecay?: number
  readonly nesterov?: boolean
  /** Where this optimiser's state is named, if a program has several. */
  readonly name?: string
}

/** The rate of this step; `count` is asked for the step only where a schedule needs it. */
const rateAt = (rate: Rate, count: () => Tensor): Operand =>
  typeof rate === 'function' ? rate(count()) : rate

/** Stochastic gradient descent: v <- momentum v + g; p <- p - rate v (PyTorch's form). */
export function sgd(
  pairs: Gradients,
  { rate, momentum = 0, weightDecay = 0, nesterov = false, name = 'sgd' }: SgdOptions,
): Optimised {
  const state = new State()
  const pace = rateAt(rate, () => state.keep(`${name}/step`, [], (now) => add(now, 1)))
  for (const [parameter, gradient] of paired(pairs)) {
    const g = weightDecay ? add(gradient, mul(parameter, weightDecay)) : gradient
    const v = momentum
      ? state.keep(`${name}/velocity/${inputName(parameter)}`, parameter.shape, (now) =>
          add(mul(now, momentum), g),
        )
      : g
    const direction = nesterov ? add(g, mul(v, momentum)) : v
    state.updates.push({ variable: parameter, next: sub(parameter, mul(direction, pace)) })
  }
  return state
}

/**
 * Options of `adam` and `adamW`, PyTorch's unless said otherwise: beta1 0.9, beta2 0.999, epsilon 1e-8, weight decay 0
 * (added to the gradient) of `adam` and 0.01 (times the rate, off the parameter) of `adamW`.
 */
export interface AdamOptions {
  readonly rate: Rate
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  readonly weightDecay?: number
  /** Steps of this optimiser so far, if the program counts them already: 1 at the first step. */
  readonly step?: Tensor
  readonly name?: string
}

/** Adam (Kingma and Ba, arXiv 1412.6980); weight decay is added to the gradient. */
export const adam = (pairs: Gradients, options: AdamOptions): Optimised => adamSteps(pairs, options, false)

/** AdamW (Loshchilov and Hutter, arXiv 1711.05101); weight decay shrinks the parameter by rate * decay. */
export const adamW = (pairs: Gradients, { weightDecay = 0.01, ...options }: AdamOptions): Optimised =>
  adamSteps(pairs, { weightDecay, ...options }, true)

function adamSteps(pairs: Gradients, options: AdamOptions, decoupled: boolean): Optimised {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, name = 'adam' } = options
  const state = new State()
  const step = options.step ?? state.keep(`${name}/step`, [], (now) => add(now, 1))
  const rate = rateAt(options.rate, () => step)
  const correction1 = sub(1, pow(scalar(beta1), step))
  const correction2 = sub(1, pow(scalar(beta2), step))
  // Passes over the parameters are what an optimiser costs. The moments are kept divided by 1 - beta, which saves one
  // pass each: with M = m / (1 - beta1) and V = v / (1 - beta2), rate (m / c1) / (sqrt(v / c2) + epsilon) becomes
  // pace M / (sqrt(V) + floor), with the scalars gathered.
  const root = sqrt(div(correction2, 1 - beta2))
  const pace = div(mul(mul(root, rate), 1 - beta1), correction1)
  const floor = mul(root, epsilon)
  for (const [parameter, gradient] of paired(pairs)) {
    const own = inputName(parameter)
    const g = weightDecay && !decoupled ? add(gradient, mul(parameter, weightDecay)) : gradient
    const m = beta1 ? state.keep(`${name}/m/${own}`, parameter.shape, (now) => add(mul(now, beta1), g)) : g
    const v = state.keep(`${name}/v/${own}`, parameter.shape, (now) => add(mul(now, beta2), mul(g, g)))
    const change = mul(div(m, add(sqrt(v), floor)), pace)
    const kept = weightDecay && decoupled ? mul(parameter, sub(1, mul(rate, weightDecay))) : parameter
    state.updates.push({ variable: parameter, next: sub(kept, change) })
  }
  return state
}

/** Scales all gradients so that their common Euclidean norm is at most `limit`; gives the norm before too. */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  limit: number,
): { clipped: Tensor[]; norm: Tensor } {
  const norm = sqrt(gradients.map((g) => sum(mul(g, g))).reduce((a, b) => add(a, b)))
  const factor = minimum(div(limit, add(norm, 1e-6)), 1)
  return { clipped: gradients.map((g) => mul(g, factor)), norm }
}

/** Options of an exponential moving average of parameters. */
export interface EmaOptions {
  /** Share of the old average that is kept each step. */
  readonly decay: Operand
  readonly name?: string
  /** The averages' own input tensors, where the step reads averages too. */
  readonly averages?: readonly Tensor[]
}

/**
 * Exponential moving average of parameters after this step's updates. The averages start at `initial` (the parameters'
 * own initial values), under the names `ema/<parameter>`.
 */
export function ema(
  updates: readonly Update[],
  initial: Readonly<Record<string, NamedArray>>,
  { decay, name = 'ema', averages = [] }: EmaOptions,
): Optimised {
  const known = new Map(averages.map((tensor) => [inputName(tensor), tensor]))
  const averaged = updates.filter(({ variable }) => inputName(variable) in initial)
  const initialState: Record<string, NamedArray> = {}
  const own = averaged.map(({ variable, next }): Update => {
    const key = `${name}/${inputName(variable)}`
    const average = known.get(key) ?? input(key, variable.shape)
    initialState[key] = {
      ...initial[inputName(variable)],
      data: (initial[inputName(variable)].data as Float32Array).slice(),
    }
    return { variable: average, next: add(next, mul(sub(average, next), decay)) }
  })
  return { updates: own, initialState }
}
