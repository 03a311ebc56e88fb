/** Trains a generative model on all images of a set, labelled or not, and gives its weights. */
import path from 'node:path'
import { type Arrays, type NamedArray, Random } from 'onnx-autodiff'
import { z } from 'zod'
import { checkBatchSize, imageBytes, type Images } from '../data/image-set.js'
import { averagedWeights, type BoundModel, type Trainable, type Weights } from '../models/model.js'
import { augment, type AugmentOptions, NO_AUGMENTATION, takeImages } from './augment.js'
import { BatchOrder } from './batches.js'
import { curveSchema } from './curve.js'
import { train, type Trained, type TrainingJob } from './loop.js'
import { type Looks, LookSchedule } from './looks.js'
import { modelInWords } from '../names.js'
import type { Progress } from './progress.js'
import { FEWEST_STEPS, PLAN_FILE, secondsPerStep, StepPlan, trainToPlan } from './step-plan.js'

/** What is trained, and for how long. */
export interface PretrainOptions {
  readonly model: BoundModel
  /** What the input is distorted by, where the model has a clean target beside it. Null trains on the images as they are. */
  readonly augmentation: AugmentOptions | null
  readonly seed: number
  /** Either of them: a number of steps, or the minutes that as many steps as fit are taken in. */
  readonly steps?: number
  readonly minutes?: number
  readonly threads: number
  readonly device: string
}

export interface PretrainContext {
  /** A folder for checkpoints and the plan, and what they belong to: see `pretrainIdentity`. */
  readonly checkpoints: { readonly folder: string; readonly key: string }
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Asked between runs of steps: true ends the training there, and its model is taken as it is. */
  readonly finishes?: () => boolean
  /** Draws what the model makes so far, now and then. */
  readonly looks?: Looks
  /** Told the step that it begins at, before any: 0, or where an earlier process saved it. */
  readonly onStart?: (step: number) => Promise<void> | void
  /** Means of what training reports, about every second. */
  readonly onMetrics?: TrainingJob['onMetrics']
}

export const trainingSummarySchema = z.object({
  steps: z.number().int().positive(),
  batch: z.number().int().positive(),
  parameterCount: z.number(),
  seconds: z.number(),
  curves: z.array(curveSchema),
})

export type TrainingSummary = z.infer<typeof trainingSummarySchema>

/** Trained weights, and how the training went. */
export interface Pretrained extends TrainingSummary {
  /** Averaged weights. */
  readonly weights: Weights
}

export const pretrainStage = (model: { readonly name: string }): string =>
  `train the ${modelInWords(model.name)}`

/** All that the weights depend on. */
export function pretrainIdentity(
  images: Images,
  { model, augmentation, seed, steps, minutes, device }: PretrainOptions,
): Readonly<Record<string, unknown>> {
  const { name, config, image: shape } = model.withBatch(images.count)
  return {
    model: name,
    config,
    augmentation,
    seed,
    wantedSteps: steps,
    minutes,
    device,
    images: { name: images.name, count: images.count, shape },
  }
}

/**
 * Trains a model on images without labels. It goes on from the newest checkpoint in the folder that is of the same images
 * and settings.
 *
 * @throws HandfulError for too few images and a training that fails; the signal's reason when it is stopped, after a
 *   checkpoint
 */
export async function pretrain(
  images: Images,
  options: PretrainOptions,
  { checkpoints, signal, progress, finishes, looks, onStart, onMetrics }: PretrainContext,
): Promise<Pretrained> {
  const { seed, steps: wantedSteps, minutes = 1, threads, device } = options
  checkBatchSize(images, 2)
  const model = options.model.withBatch(images.count)
  const stage = pretrainStage(model)
  const plan =
    wantedSteps === undefined
      ? await StepPlan.open(path.join(checkpoints.folder, PLAN_FILE), minutes, () => {
          const trainable = model.train(FEWEST_STEPS, seed)
          return secondsPerStep({
            ...trainable,
            inputsOf: batchMaker(images, trainable, options),
            threads,
            device,
          })
        })
      : undefined
  const schedule = looks && new LookSchedule(looks.expectedSeconds)
  let parameterCount = 0
  let remarkOf: Trainable['remark']
  let finished = false
  const trainTo = (steps: number, continues = false): Promise<Trained> => {
    const trainable = model.train(steps, seed)
    parameterCount = trainable.parameterCount
    remarkOf = trainable.remark
    return train({
      stage,
      steps,
      continues,
      loss: trainable.loss,
      program: trainable.program,
      laterPhases: trainable.laterPhases,
      problem: trainable.problem,
      initialState: trainable.initialState,
      inputsOf: batchMaker(images, trainable, options),
      // A plan may change its steps on the way, and the checkpoint stays good.
      checkpoints: { folder: path.join(checkpoints.folder, model.name), key: checkpoints.key },
      threads,
      device,
      signal,
      progress,
      onStart: async (step, spent) => {
        plan?.start(step, spent)
        schedule?.start(step, steps, spent)
        await looks?.start(step)
        await onStart?.(step)
      },
      async between(step, spent, state) {
        if (looks === undefined || schedule?.isDue(step, steps, spent) !== true) return
        const began = performance.now()
        await looks.look(step, averagedWeights(await state()))
        schedule.taken(step, steps, (performance.now() - began) / 1000)
      },
      endsEarly: (step, spent) => {
        finished = finishes?.() === true
        return finished || plan?.changes(step, spent) === true
      },
      onMetrics,
    })
  }
  const trained =
    plan === undefined
      ? await trainTo(wantedSteps as number)
      : await trainToPlan(plan, trainTo, {
          ended: () => finished,
          tell: (text) => progress.message(`${stage}: ${text}`),
        })
  const { state, steps, seconds, curves } = trained
  const last = Object.fromEntries(curves.map(({ name, value }) => [name, value[value.length - 1]]))
  const remark = remarkOf?.(last)
  if (remark !== undefined) progress.message(`${stage}: ${remark}`)
  return {
    weights: averagedWeights(state),
    steps,
    batch: model.config.batch,
    parameterCount,
    seconds,
    curves: [...curves],
  }
}

/** Inputs of a training step, from the step's number alone. */
function batchMaker(
  images: Images,
  { batch, hasTarget, hasSecondView = false, viewSize, drawInputs }: Trainable,
  { augmentation, seed }: Pick<PretrainOptions, 'augmentation' | 'seed'>,
): (step: number) => Arrays {
  const { height: size, channels, pixels } = images
  const order = new BatchOrder(images.count, batch, seed)
  const side = viewSize ?? size
  const shape = [batch, size, size, channels]
  const viewShape = [batch, side, side, channels]
  return (step) => {
    const clean = takeImages(pixels, imageBytes(images), order.indicesOf(step))
    const view = (stream: string): Uint8Array => {
      if (augmentation === null && side === size) return clean
      const random = new Random(seed, `${stream}/${step}`)
      return augment(
        { pixels: clean, count: batch, size, channels },
        augmentation ?? NO_AUGMENTATION,
        random,
        side,
      )
    }
    const seen = view('augmentation')
    const second = hasSecondView ? view('augmentation of the second view') : undefined
    const inputs: Record<string, NamedArray> = { image: { dtype: 'uint8', shape: viewShape, data: seen } }
    // Each input has memory of its own: a session takes it away.
    const add = (name: string, data: Uint8Array, shape: readonly number[]): void => {
      inputs[name] = { dtype: 'uint8', shape, data: data === clean && data === seen ? data.slice() : data }
    }
    if (hasTarget) add('target', clean, shape)
    if (second) add('second', second, viewShape)
    return { ...inputs, ...drawInputs((name) => new Random(seed, `${name}/${step}`), step) }
  }
}
