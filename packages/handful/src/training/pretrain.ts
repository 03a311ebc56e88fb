/** Trains a generative model on all images of a set, labelled or not. */
import { type Arrays, openSession, Random } from 'onnx-autodiff'
import { z } from 'zod'
import { checkBatchSize, imageBytes, type Images } from '../data/image-set.js'
import {
  averagedWeights,
  type ImageShape,
  phasesDue,
  type ModelDefinition,
  type Trainable,
  type Weights,
} from '../models/model.js'
import { augment, type AugmentOptions, takeImages } from './augment.js'
import { BatchOrder } from './batches.js'
import { curveSchema } from './curve.js'
import { train, type Trained } from './loop.js'
import type { Progress } from './progress.js'
import { FEWEST_STEPS, StepPlan } from './step-plan.js'
import { contentKey } from '../files/content-key.js'

/** A configuration has at least a batch size. */
export interface BaseConfig {
  readonly batch: number
}

export interface PretrainOptions<C extends BaseConfig> {
  readonly model: ModelDefinition<C>
  readonly config: C
  /** What the input is distorted by, where the model has a clean target beside it. Null trains on the images as they are. */
  readonly augmentation: AugmentOptions | null
  readonly seed: number
  /** Either of them: a number of steps, or the minutes that as many steps as fit are taken in. */
  readonly steps?: number
  readonly minutes?: number
  readonly threads: number
  readonly device: string
}

export const trainingSummarySchema = z.object({
  steps: z.number().int().positive(),
  batch: z.number().int().positive(),
  parameterCount: z.number(),
  seconds: z.number(),
  curves: z.array(curveSchema),
})

export type TrainingSummary = z.infer<typeof trainingSummarySchema>

export interface Pretrained extends TrainingSummary {
  /** Averaged weights. */
  readonly weights: Weights
}

export const pretrainStage = (model: { readonly name: string }): string => `train the ${model.name}`

/** Below a run's checkpoints. */
const PLAN = 'plan.json'

/** Steps timed before their number is chosen; the first ones warm up. */
const WARM_STEPS = 3
const TIMED_STEPS = 6

/** Where training keeps what it goes on from, and tells its losses. */
export interface TrainingFolder {
  path(...parts: readonly string[]): string
  appendMetrics(values: Readonly<Record<string, unknown>>): Promise<void>
}

/** The batch is never larger than the set. */
const fittingBatch = <C extends BaseConfig>(config: C, { count }: Images): C => ({
  ...config,
  batch: Math.min(config.batch, count),
})

/** All that trained weights depend on; checkpoints are good for the same alone. */
export function trainingSettings<C extends BaseConfig>(
  images: Images,
  { model, config, augmentation, seed, steps, minutes, device }: PretrainOptions<C>,
) {
  const { name, count, height, channels } = images
  return {
    model: model.name,
    config: fittingBatch(config, images),
    augmentation,
    seed,
    wantedSteps: steps,
    minutes,
    device,
    images: { name, count, shape: { size: height, channels } },
  }
}

/** Trains, or goes on with training where it was stopped. */
export async function pretrain<C extends BaseConfig>(
  images: Images,
  options: PretrainOptions<C>,
  { run, signal, progress }: { run: TrainingFolder; signal: AbortSignal; progress: Progress },
): Promise<Pretrained> {
  const { model, seed, threads, device, steps: wantedSteps, minutes } = options
  checkBatchSize(images, 2)
  const config = fittingBatch(options.config, images)
  const shape: ImageShape = { size: images.height, channels: images.channels }
  const key = contentKey(trainingSettings(images, options))
  const stage = pretrainStage(model)
  const plan =
    wantedSteps === undefined
      ? await StepPlan.open(run.path('checkpoints', PLAN), minutes ?? 1, () =>
          secondsPerStep(images, config, options),
        )
      : undefined
  const curves: z.infer<typeof curveSchema>[] = []
  const onMetrics = async (step: number, metrics: Readonly<Record<string, number>>): Promise<void> => {
    for (const [name, value] of Object.entries(metrics)) {
      let curve = curves.find((each) => each.name === name)
      if (!curve) curves.push((curve = { name, step: [], value: [] }))
      curve.step.push(step)
      curve.value.push(value)
    }
    await run.appendMetrics({ stage, step, ...metrics })
  }
  let parameterCount = 0
  const trainTo = (steps: number, continues = false): Promise<Trained> => {
    const trainable = model.train(config, shape, steps, seed)
    parameterCount = trainable.parameterCount
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
      checkpoints: {
        folder: run.path('checkpoints', model.name),
        key: contentKey({ key, steps: wantedSteps }),
      },
      threads,
      device,
      signal,
      progress,
      onStart: (step, spent) => plan?.start(step, spent),
      endsEarly: (step, spent) => plan?.changes(step, spent) === true,
      onMetrics,
    })
  }
  let trained = await trainTo(plan?.steps ?? (wantedSteps as number))
  while (plan !== undefined && trained.steps < plan.steps) {
    await plan.save()
    progress.message(`${stage}: by the pace so far ${plan.steps} steps fit the time`)
    trained = await trainTo(plan.steps, true)
  }
  const { state, steps, seconds } = trained
  return { weights: averagedWeights(state), steps, batch: config.batch, parameterCount, seconds, curves }
}

/** Inputs of a training step, from the step's number alone. */
function batchMaker<C extends BaseConfig>(
  images: Images,
  { batch, hasTarget, hasSecondView = false, drawInputs }: Trainable,
  { augmentation, seed }: PretrainOptions<C>,
): (step: number) => Arrays {
  const { height: size, channels, pixels } = images
  const order = new BatchOrder(images.count, batch, seed)
  const shape = [batch, size, size, channels]
  return (step) => {
    const clean = takeImages(pixels, imageBytes(images), order.indicesOf(step))
    const view = (stream: string): Uint8Array => {
      if (augmentation === null) return clean
      const random = new Random(seed, `${stream}/${step}`)
      return augment({ pixels: clean, count: batch, size, channels }, augmentation, random)
    }
    const seen = view('augmentation')
    const second = hasSecondView ? view('augmentation of the second view') : undefined
    return {
      image: { dtype: 'uint8', shape, data: seen },
      ...(hasTarget
        ? { target: { dtype: 'uint8', shape, data: seen === clean ? clean.slice() : clean } }
        : {}),
      ...(second
        ? { second: { dtype: 'uint8', shape, data: second === clean ? clean.slice() : second } }
        : {}),
      ...drawInputs((name) => new Random(seed, `${name}/${step}`), step),
    }
  }
}

/** Seconds that a step takes, by timing a few. */
async function secondsPerStep<C extends BaseConfig>(
  images: Images,
  config: C,
  options: PretrainOptions<C>,
): Promise<number> {
  const { model, seed, threads, device } = options
  const trainable = model.train(
    config,
    { size: images.height, channels: images.channels },
    FEWEST_STEPS,
    seed,
  )
  const inputsOf = batchMaker(images, trainable, options)
  const { program, laterPhases = [] } = trainable
  const programs = [program, ...laterPhases.map((phase) => phase.program)]
  const session = await openSession(programs, { threads, device, state: trainable.initialState })
  try {
    // Steps with other phases are of another kind, and take another time.
    const times = new Map<string, number[]>()
    const timed = Math.max(TIMED_STEPS, ...laterPhases.map(({ every }) => every))
    for (let step = 0; step < WARM_STEPS + timed; step++) {
      const due = phasesDue(laterPhases, step)
      const started = performance.now()
      const inputs = inputsOf(step)
      await session.run(inputs, due)
      const kind = due.join()
      if (step >= WARM_STEPS)
        times.set(kind, [...(times.get(kind) ?? []), (performance.now() - started) / 1000])
    }
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
    return [...times.values()].reduce((sum, values) => sum + median(values) * values.length, 0) / timed
  } finally {
    await session.close()
  }
}
