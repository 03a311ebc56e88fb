/**
 * How long a stage takes, in seconds on two cores of 2020s server hardware: good enough to plan a budget with and to say
 * what a study costs before it starts. Time left is told from the pace while it runs, not from these.
 */
import type { STEMS } from '../models/resnet18/resnet18.js'

export interface Scale {
  readonly trainImages: number
  readonly testImages: number
  /** Side in pixels. */
  readonly size: number
  readonly channels: 1 | 3
  readonly classCount: number
  /** Dimensions that heads see. */
  readonly components: number
  readonly threads: number
}

/** Work against that of a 32x32 image. */
const relative = ({ size }: Scale): number => (size / 32) ** 2

/** Images a second of features, at the reference size. */
const RATES: Readonly<Record<string, number>> = {
  pixels: 20_000,
  pca: 10_000,
  random: 3000,
  patches: 300,
  vae: 3000,
  vqvae: 1500,
  diffusion: 300,
  gan: 800,
}

/** More threads help, though never in proportion; estimates are for two. */
const speed = ({ threads }: Scale): number => (Math.max(1, threads) / 2) ** 0.7

export function featureSeconds(method: string, scale: Scale): number {
  const { trainImages, testImages, components } = scale
  const rate = (RATES[method] ?? 1000) / relative(scale)
  // What needs more room than the reduction is fitted in is computed twice for a part.
  const extraction = (trainImages + testImages) / Math.min(rate, 20_000)
  return 3 + (extraction + neighbourSeconds(trainImages, testImages, components)) / speed(scale)
}

export const combinationSeconds = (scale: Scale): number =>
  5 + neighbourSeconds(scale.trainImages, scale.testImages, scale.components) / speed(scale)

/** 60,000 against each other in 128 dimensions take 15 s. */
const neighbourSeconds = (train: number, test: number, components: number): number =>
  (15 * train * (train + test) * (0.5 + components / 256)) / 60_000 ** 2

/** Leading eigenvectors of the graph of 60,000 images. */
export const smoothingSeconds = ({ trainImages }: Scale): number => (8 * trainImages) / 60_000

/** The images of one step of batch 64 at 32x32, width 64; and what the optimiser takes for its 11 million weights, however few. */
const STEP_SECONDS = { imagenet: 0.06, small: 0.7 } as const
const OPTIMISER_SECONDS = 0.045

/** One draw of a supervised network. */
export function networkSeconds(
  stem: (typeof STEMS)[number],
  { steps, batch, width }: { readonly steps: number; readonly batch: number; readonly width: number },
  scale: Scale,
): number {
  const { testImages } = scale
  const share = (width / 64) ** 1.7 * relative(scale)
  const step = OPTIMISER_SECONDS * (width / 64) ** 2 + STEP_SECONDS[stem] * share * (batch / 64)
  const prediction = (testImages / 64) * STEP_SECONDS[stem] * share * 0.35
  return 1 + (steps * step + prediction) / speed(scale)
}

/** Of the presets `fast`, at 32x32. */
const MODEL_STEP_SECONDS: Readonly<Record<string, number>> = {
  vae: 0.12,
  vqvae: 0.15,
  diffusion: 0.5,
  gan: 0.2,
}

/** Training by a number of steps. */
export const stepSeconds = (model: string, steps: number, scale: Scale): number =>
  (steps * (MODEL_STEP_SECONDS[model] ?? 0.2) * relative(scale)) / speed(scale)
