/** Trains the autoencoder on all images of a set, labelled or not, and keeps its networks in the run folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Arrays, decodeSafetensors, encodeSafetensors, type NamedArray, openSession, Random } from 'onnx-autodiff'
import { z } from 'zod'
import { checkBatchSize, imageBytes, type Images } from '../data/image-set.js'
import { type ImageShape, trainVae, type VaeConfig } from '../models/vae.js'
import { augment, type AugmentOptions, takeImages } from './augment.js'
import { BatchOrder } from './batches.js'
import { train } from './loop.js'
import type { Progress } from './progress.js'
import { type RunFolder, stageKey } from './run-folder.js'

export type Weights = Readonly<Record<string, NamedArray>>

export interface PretrainOptions {
  readonly config: VaeConfig
  /** What the input is distorted by; the target stays as it is. Null trains on the images as they are. */
  readonly augmentation: AugmentOptions | null
  readonly seed: number
  /** Either of them: a number of steps, or the minutes that a number of steps is chosen for, by timing a few. */
  readonly steps?: number
  readonly minutes?: number
  readonly threads: number
  readonly device: string
}

export interface Pretrained {
  /** Averaged weights. */
  readonly weights: Weights
  readonly parameterCount: number
  readonly steps: number
  readonly batch: number
  readonly seconds: number
  readonly curves: readonly { readonly name: string; readonly step: number[]; readonly value: number[] }[]
}

export const PRETRAIN_STAGE = 'train the autoencoder'

const WEIGHTS = 'weights.safetensors'
const SUMMARY = 'training.json'

const summarySchema = z.object({
  steps: z.number().int().positive(),
  batch: z.number().int().positive(),
  parameterCount: z.number(),
  seconds: z.number(),
  curves: z.array(z.object({ name: z.string(), step: z.array(z.number()), value: z.array(z.number()) })),
})
const planSchema = z.object({ steps: z.number().int().positive() })

/** Timed steps before a number is chosen; the first ones warm up. */
const WARM_STEPS = 3
const TIMED_STEPS = 6
const FEWEST_STEPS = 50

export async function pretrainVae(
  images: Images,
  options: PretrainOptions,
  { run, signal, progress }: { run: RunFolder; signal: AbortSignal; progress: Progress },
): Promise<Pretrained> {
  const { config, seed, threads, device } = options
  checkBatchSize(images, 2)
  const batch = Math.min(config.batch, images.count)
  const own = { ...config, batch }
  const shape: ImageShape = { size: images.height, channels: images.channels }
  const key = stageKey({ options: { ...options, threads: 0 }, images: { name: images.name, count: images.count, shape } })
  if (run.isDone(PRETRAIN_STAGE, key)) return load(run)

  const started = performance.now()
  const inputsOf = batchMaker(images, own, options)
  const steps = await plannedSteps(run, own, shape, options, inputsOf)
  const { program, initialState, parameterCount } = trainVae(own, shape, steps, seed)
  const curves = ['loss', 'reconstruction', 'divergence'].map((name) => ({ name, step: [] as number[], value: [] as number[] }))
  const { state, seconds } = await train({
    stage: PRETRAIN_STAGE, program, initialState, steps, inputsOf, loss: 'loss',
    checkpoints: { folder: run.path('checkpoints', 'autoencoder'), key: stageKey({ key, steps }) },
    threads, device, signal, progress,
    onMetrics: async (step, metrics) => {
      for (const curve of curves) {
        curve.step.push(step)
        curve.value.push(metrics[curve.name])
      }
      await run.appendMetrics({ stage: PRETRAIN_STAGE, step, ...metrics })
    },
  })
  const weights = averagedWeights(state)
  await run.makeFolder('model')
  await run.writeFile(path.join('model', WEIGHTS), encodeSafetensors(weights))
  await run.writeJson(path.join('model', SUMMARY), { steps, batch, parameterCount, seconds, curves })
  await run.markDone(PRETRAIN_STAGE, key, (performance.now() - started) / 1000)
  return { weights, parameterCount, steps, batch, seconds, curves }
}

function averagedWeights(state: Arrays): Weights {
  const prefix = 'ema/'
  return Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  )
}

async function load(run: RunFolder): Promise<Pretrained> {
  const { arrays } = decodeSafetensors(await readFile(run.path('model', WEIGHTS)))
  const summary = summarySchema.parse(JSON.parse(await readFile(run.path('model', SUMMARY), 'utf8')))
  return { weights: arrays, ...summary }
}

/** Inputs of a training step, from the step's number alone. */
function batchMaker(images: Images, config: VaeConfig, { augmentation, seed }: PretrainOptions): (step: number) => Arrays {
  const { batch, latent } = config
  const { height: size, channels, pixels } = images
  const order = new BatchOrder(images.count, batch, seed)
  const shape = [batch, size, size, channels]
  return (step) => {
    const target = takeImages(pixels, imageBytes(images), order.indicesOf(step))
    const random = new Random(seed, `augmentation/${step}`)
    const seen = augmentation
      ? augment({ pixels: target, count: batch, size, channels }, augmentation, random)
      : target.slice()
    const noise = new Random(seed, `latent noise/${step}`).fillNormal(new Float32Array(batch * latent))
    return {
      image: { dtype: 'uint8', shape, data: seen },
      target: { dtype: 'uint8', shape, data: target },
      noise: { dtype: 'float32', shape: [batch, latent], data: noise },
    }
  }
}

/**
 * The number of steps: as asked, or as many as fit the minutes by timing a few. A chosen number is kept in the run, so
 * that going on after a stop ends at the same one.
 */
async function plannedSteps(
  run: RunFolder,
  config: VaeConfig,
  shape: ImageShape,
  { steps, minutes, seed, threads, device }: PretrainOptions,
  inputsOf: (step: number) => Arrays,
): Promise<number> {
  if (steps !== undefined) return steps
  const file = run.path('checkpoints', 'plan.json')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return planSchema.parse(JSON.parse(kept)).steps
  const { program, initialState } = trainVae(config, shape, FEWEST_STEPS, seed)
  const session = await openSession(program, { threads, device, state: initialState })
  try {
    const times: number[] = []
    for (let step = 0; step < WARM_STEPS + TIMED_STEPS; step++) {
      const started = performance.now()
      await session.run(inputsOf(step))
      if (step >= WARM_STEPS) times.push(performance.now() - started)
    }
    const median = times.sort((a, b) => a - b)[times.length >> 1]
    const chosen = Math.max(FEWEST_STEPS, Math.round(((minutes ?? 1) * 60_000) / median))
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify({ steps: chosen }))
    return chosen
  } finally {
    await session.close()
  }
}
