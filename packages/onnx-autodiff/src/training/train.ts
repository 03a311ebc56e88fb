/**
 * A training loop: epochs of shuffled batches, validation, callbacks. Batches are compiled for one size and for that of the
 * last, smaller one; validation and training are programs over one state. Steps run in a thread of their own, and the next
 * batch is made meanwhile.
 */
import type { Arrays } from '../arrays.js'
import { type Step, type Update } from '../graph/computation.js'
import { GraphError, shapeError } from '../graph/shape.js'
import { type DType, input, inputName, type Tensor } from '../graph/tensor.js'
import { gradients } from '../gradient.js'
import { Parameters } from '../nn/parameters.js'
import { adamW, type Gradients, type Optimised } from '../optim/optimisers.js'
import { openSession } from '../runtime/node.js'
import type { Session } from '../runtime/types.js'
import { type Data, type Examples, examplesOf, orderOfEpoch } from './batches.js'
import type { Callback, Epoch, Metrics, Running } from './epoch.js'
import { loadTraining, saveTraining } from './resume.js'

/**
 * What a model makes of a batch: the loss, a scalar that is a mean over the batch, and other scalars to report. Built
 * once for each size of a batch, and with `p.mode` `evaluate` for validation; the names of parameters must be the same.
 */
export type TrainedModel = (
  p: Parameters,
  batch: Readonly<Record<string, Tensor>>,
) => Readonly<Record<string, Tensor>> & { readonly loss: Tensor }

/** How `train` trains. */
export interface TrainOptions {
  readonly epochs: number
  /** Examples in a step; 32 unless said otherwise, and the last step of an epoch takes what is left. */
  readonly batchSize?: number
  /** AdamW at 0.001 unless said otherwise. */
  readonly optimiser?: (pairs: Gradients) => Optimised
  readonly validation?: Data
  readonly callbacks?: readonly Callback[]
  /** Of initial values and of the order of batches. */
  readonly seed?: number
  /** False takes the examples as they come. */
  readonly shuffle?: boolean
  /** Values in place of initial ones, by name, such as `loadWeights` gives. */
  readonly initial?: Arrays
  /** Which parameters are left as they are; none unless said otherwise. */
  readonly frozen?: (name: string) => boolean
  readonly device?: string
  readonly threads?: number
  /** Aborting it ends the training with its reason. */
  readonly signal?: AbortSignal
  /**
   * A folder that the whole state is saved to after each epoch. The same call goes on from what is there, and comes to the
   * same numbers as one that was never stopped (bit for bit, on the same device and number of threads); with more epochs
   * than before it trains on, but not where a callback has ended the training by `stop`.
   */
  readonly checkpoints?: string
}

/** What a training came to. */
export interface TrainResult {
  /** Values of the model's parameters and buffers. */
  readonly parameters: Arrays
  readonly history: readonly Epoch[]
}

/** A part of the training: the step or the evaluation of one size of batch. */
interface Part {
  readonly program: Step
  readonly size: number
  readonly suffix: string
}

const DTYPES: readonly string[] = ['float32', 'int32', 'uint8', 'bool'] satisfies DType[]

/** Inputs of a batch; a suffix tells programs of one session apart. */
function batchInputs({ specs }: Examples, size: number, suffix: string): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { dtype, shape }]) => {
      if (!DTYPES.includes(dtype))
        throw new GraphError(`train (data "${name}"): got ${dtype}, expected one of ${DTYPES.join(', ')}`)
      return [name, input(name + suffix, [size, ...shape], dtype as DType)]
    }),
  )
}

const withSuffix = <T>(record: Readonly<Record<string, T>>, suffix: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name + suffix, value]))

function checkScalars(outputs: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(outputs))
    if (tensor.shape.length > 0)
      shapeError(`train, output "${name}"`, [tensor.shape], 'a scalar', 'reduce it with mean')
}

interface Built extends Part {
  readonly p: Parameters
  readonly initialState: Arrays
}

function trainingPart(
  model: TrainedModel,
  examples: Examples,
  size: number,
  suffix: string,
  { optimiser = (pairs) => adamW(pairs, { rate: 0.001 }), frozen = () => false }: TrainOptions,
): Built {
  const p = new Parameters()
  const batch = batchInputs(examples, size, suffix)
  const outputs = model(p, batch)
  checkScalars(outputs)
  const [kept, parameters] = [true, false].map((wanted) =>
    p.trained().filter((tensor) => frozen(inputName(tensor)) === wanted),
  )
  const optimised = optimiser({ parameters, gradients: gradients(outputs.loss, parameters) })
  const same = kept.map((variable): Update => ({ variable, next: variable }))
  const state = [...optimised.updates, ...same, ...p.bufferUpdates()]
  const program = { inputs: Object.values(batch), state, outputs: withSuffix(outputs, suffix) }
  return { program, size, suffix, p, initialState: optimised.initialState }
}

function evaluationPart(model: TrainedModel, examples: Examples, size: number, suffix: string): Part {
  const p = new Parameters('evaluate')
  const batch = batchInputs(examples, size, suffix)
  const outputs = model(p, batch)
  checkScalars(outputs)
  const state = p.all().map((variable): Update => ({ variable, next: variable }))
  return {
    program: { inputs: Object.values(batch), state, outputs: withSuffix(outputs, suffix) },
    size,
    suffix,
  }
}

/** The sizes of the batches of so many examples: the whole one, and what is left. */
const sizesOf = (count: number, batchSize: number): number[] =>
  [...new Set([Math.min(batchSize, count), count % batchSize])].filter((size) => size > 0)

/** Means over examples, from batches of several sizes. */
class Means {
  readonly #sums: Record<string, number> = {}
  #examples = 0

  add(outputs: Arrays, { size, suffix }: Part): Metrics {
    this.#examples += size
    const metrics = Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [
        name.slice(0, name.length - suffix.length),
        Number(data[0]),
      ]),
    )
    for (const [name, value] of Object.entries(metrics))
      this.#sums[name] = (this.#sums[name] ?? 0) + value * size
    return metrics
  }

  get values(): Metrics {
    return Object.fromEntries(
      Object.entries(this.#sums).map(([name, total]) => [name, total / this.#examples]),
    )
  }
}

function checked(options: TrainOptions): { epochs: number; batchSize: number; seed: number } {
  const { epochs, batchSize = 32, seed = 0 } = options
  for (const [name, value] of Object.entries({ epochs, batchSize }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} (train): got ${value}, expected a whole number of at least 1`)
  return { epochs, batchSize, seed }
}

/** One pass over examples in this order: what each batch puts out, in the part that has its size. */
async function* pass(
  session: Session,
  parts: readonly Part[],
  places: readonly number[],
  examples: Examples,
  order: Uint32Array,
): AsyncGenerator<{ outputs: Arrays; part: Part }, void> {
  const batchSize = parts[places[0]].size
  const steps = Math.ceil(order.length / batchSize)
  const rows = (step: number): Uint32Array => order.subarray(step * batchSize, (step + 1) * batchSize)
  const placeOf = (step: number): number =>
    places.find((place) => parts[place].size === rows(step).length) ?? places[0]
  const draw = async (step: number): Promise<Arrays> =>
    withSuffix(await examples.draw(rows(step)), parts[placeOf(step)].suffix)
  const single = parts.length === 1
  let step = 0
  const due = single ? undefined : (at: number): number[] => [placeOf(at)]
  for await (const run of session.advance({ from: 0, to: steps, draw, due }))
    for (const outputs of run) yield { outputs, part: parts[placeOf(step++)] }
}

/**
 * Trains a model on examples. Everything random comes from named streams of the seed: the same call gives the same result.
 *
 *   const model = (p, { x, labels }) => ({ loss: crossEntropy(linear(p, { inputs: 2, outputs: 3 })(x), labels) })
 *   const { parameters } = await train(model, { x, labels }, { epochs: 10, validation })
 *
 * @throws RangeError, GraphError where options, data or model do not fit, or checkpoints are those of another training; Error
 *   where the loss stops being a number
 */
export async function train(model: TrainedModel, data: Data, options: TrainOptions): Promise<TrainResult> {
  const { epochs, batchSize, seed } = checked(options)
  const {
    validation,
    callbacks = [],
    shuffle = true,
    initial = {},
    signal,
    device,
    threads,
    checkpoints,
  } = options
  const examples = examplesOf(data, 'data (train)')
  const held = validation && examplesOf(validation, 'validation (train)')
  const training = sizesOf(examples.count, batchSize).map((size, i) =>
    trainingPart(model, examples, size, i === 0 ? '' : '/rest', options),
  )
  const evaluation = held
    ? sizesOf(held.count, batchSize).map((size, i) =>
        evaluationPart(model, held, size, i === 0 ? '/held out' : '/held out, rest'),
      )
    : []
  const parts: Part[] = [...training, ...evaluation]
  const places = [training.map((_, i) => i), evaluation.map((_, i) => i + training.length)]
  const own = training[0].p.initialize(seed)
  for (const name in initial)
    if (!Object.hasOwn(own, name))
      throw new RangeError(
        `initial (train): got "${name}", expected names of the model's: ${Object.keys(own).join(', ')}`,
      )

  const begun = { ...own, ...initial, ...training[0].initialState }
  const settings = { seed, batchSize, shuffle, examples: examples.count }
  const found = checkpoints && (await loadTraining(checkpoints, settings, begun, callbacks))
  const programs = parts.map(({ program }) => program)
  const session = await openSession(programs, {
    device,
    threads,
    // A callback that asks for the state after a step gets that of this step.
    runMilliseconds: callbacks.some(({ onStep }) => onStep) ? 0 : undefined,
    state: found ? found.state : begun,
  })
  const history: Epoch[] = found ? [...found.history] : []
  const done = found ? found.epoch : 0
  let [step, stopped] = found ? [found.step, found.stopped] : [0, false]
  const running: Running = {
    stop: () => void (stopped = true),
    readState: () => session.readState(),
    writeState: (state) => session.writeState(state),
  }
  try {
    for (let epoch = done + 1; epoch <= epochs && !stopped; epoch++) {
      const means = new Means()
      const order = orderOfEpoch(examples.count, epoch - 1, seed, shuffle)
      for await (const { outputs, part } of pass(session, parts, places[0], examples, order)) {
        const metrics = means.add(outputs, part)
        step++
        for (const each of callbacks) await each.onStep?.(step, metrics, running)
        signal?.throwIfAborted()
        if (stopped) break
        if (!Number.isFinite(metrics.loss))
          throw new Error(
            `loss (train, step ${step}): got ${metrics.loss}, expected a number; lower the rate, or ask firstNonFinite`,
          )
      }
      const heldOut = new Means()
      if (held) {
        const all = orderOfEpoch(held.count, 0, seed, false)
        for await (const { outputs, part } of pass(session, parts, places[1], held, all))
          heldOut.add(outputs, part)
      }
      const report = { epoch, step, training: means.values, ...(held ? { validation: heldOut.values } : {}) }
      history.push(report)
      for (const each of callbacks) await each.onEpoch?.(report, running)
      if (checkpoints) {
        const state = await session.readState()
        await saveTraining(checkpoints, settings, { epoch, step, stopped, history, state }, callbacks)
      }
    }
    for (const each of callbacks) await each.onEnd?.(running)
    const state = await session.readState()
    const parameters = Object.fromEntries(Object.keys(own).map((name) => [name, state[name]]))
    return { parameters, history }
  } finally {
    await session.close()
  }
}
