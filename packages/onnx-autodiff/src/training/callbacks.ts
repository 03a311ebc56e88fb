/** Callbacks of `train`: early stopping, and the search for a learning rate that is one of them in all but name. */
import { z } from 'zod'
import type { Arrays } from '../arrays.js'
import { div, exp, mul, sub } from '../graph/elementwise.js'
import { type Gradients, type Optimised, sgd } from '../optim/optimisers.js'
import type { Schedule } from '../optim/schedules.js'
import type { Data } from './batches.js'
import type { Callback, CallbackState, Epoch, Running } from './epoch.js'
import { exactNumber, exactNumberSchema } from './resume.js'
import { train, type TrainedModel, type TrainOptions } from './train.js'

/** What `earlyStopping` looks at, and how long it waits. */
export interface EarlyStoppingOptions {
  /** Epochs without a better value before it stops. */
  readonly patience: number
  /** Of the validation's, or the training's where there is none; `loss` unless said otherwise. */
  readonly metric?: string
  /** `lower` is better unless said otherwise. */
  readonly better?: 'lower' | 'higher'
  /** How much better counts as better. */
  readonly leastChange?: number
  /** Leaves the state of the best epoch at the end; true unless said otherwise. */
  readonly restoreBest?: boolean
}

const bestSchema = z.strictObject({ value: exactNumberSchema, epoch: z.int().min(1) }).nullable()

/** Stops when a metric has not become better for so many epochs. */
export function earlyStopping(options: EarlyStoppingOptions): Callback {
  const { patience, metric = 'loss', better = 'lower', leastChange = 0, restoreBest = true } = options
  if (!Number.isSafeInteger(patience) || patience < 1)
    throw new RangeError(`patience (earlyStopping): got ${patience}, expected a whole number of at least 1`)
  let best: { value: number; epoch: number; state?: Arrays } | undefined
  return {
    async onEpoch({ epoch, training, validation }: Epoch, running: Running) {
      const found = validation ?? training
      const got = found[metric]
      if (got === undefined)
        throw new RangeError(
          `metric (earlyStopping): got "${metric}", expected one of ${Object.keys(found).join(', ')}`,
        )
      const value = better === 'lower' ? -got : got
      if (best === undefined || value > best.value + leastChange)
        best = { value, epoch, ...(restoreBest ? { state: await running.readState() } : {}) }
      else if (epoch - best.epoch >= patience) running.stop()
    },
    async onEnd(running: Running) {
      if (best?.state) await running.writeState(best.state)
    },
    save: () =>
      best === undefined
        ? { json: null }
        : { json: { value: exactNumber(best.value), epoch: best.epoch }, arrays: best.state },
    load({ json, arrays }: CallbackState) {
      const kept = bestSchema.parse(json)
      best = kept === null ? undefined : { ...kept, ...(restoreBest ? { state: arrays } : {}) }
    },
  }
}

/** Which rates `findLearningRate` tries, and on what. */
export interface RateSearchOptions extends Pick<
  TrainOptions,
  'batchSize' | 'seed' | 'initial' | 'frozen' | 'device' | 'threads'
> {
  /** The first and the last rate tried; 1e-6 and 1 unless said otherwise. */
  readonly from?: number
  readonly to?: number
  /** Steps in all, at rates that grow by a factor; 100 unless said otherwise. */
  readonly steps?: number
  /** SGD with the rate it is given, unless said otherwise. */
  readonly optimiser?: (pairs: Gradients, rate: Schedule) => Optimised
}

/** Rates that were tried, the losses at them, and the rate to take. */
export interface RateSearch {
  /** A tenth of the rate at which the loss was lowest: large, and well before it grows. */
  readonly suggested: number
  readonly rates: readonly number[]
  /** The loss before the step at each rate, smoothed by 0.9 (bias corrected). */
  readonly losses: readonly number[]
}

/**
 * Trains for some steps at a rate that grows from each to the next, until the loss is four times its least (Smith, arXiv
 * 1506.01186). The model that is trained is thrown away.
 */
export async function findLearningRate(
  model: TrainedModel,
  data: Data,
  options: RateSearchOptions = {},
): Promise<RateSearch> {
  const {
    from = 1e-6,
    to = 1,
    steps = 100,
    optimiser = (pairs, rate) => sgd(pairs, { rate }),
    ...rest
  } = options
  if (!(from > 0 && to > from && steps >= 2))
    throw new RangeError(
      `rates (findLearningRate): got ${from} to ${to} in ${steps} steps, expected them to grow, in at least 2`,
    )
  const growth = Math.log(to / from)
  const schedule: Schedule = (step) => mul(exp(mul(div(sub(step, 1), steps - 1), growth)), from)
  const [rates, losses]: [number[], number[]] = [[], []]
  let average = 0
  const watch: Callback = {
    onStep(step, { loss }, running) {
      if (!Number.isFinite(loss)) return running.stop()
      average = 0.9 * average + 0.1 * loss
      const smooth = average / (1 - 0.9 ** step)
      rates.push(from * Math.exp((growth * (step - 1)) / (steps - 1)))
      losses.push(smooth)
      if (step >= steps || smooth > 4 * Math.min(...losses)) running.stop()
    },
  }
  await train(model, data, {
    ...rest,
    epochs: steps,
    optimiser: (pairs) => optimiser(pairs, schedule),
    callbacks: [watch],
  })
  if (losses.length < 2)
    throw new Error(`loss (findLearningRate): got no number within two steps, expected one; lower \`from\``)
  const best = losses.indexOf(Math.min(...losses))
  return { suggested: rates[best] / 10, rates, losses }
}
