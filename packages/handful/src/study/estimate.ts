/**
 * How long a stage takes, in seconds on two cores of 2020s server hardware: good enough to plan a budget with and to say
 * what a study costs before it starts. Time left is told from the pace while it runs, not from these.
 */
import { baselines, isBaselineName } from '../features/baselines/registry.js'
import { isModelName, models } from '../models/registry.js'
import { supervisedModels } from '../models/supervised-registry.js'
import type { ModelFacts } from '../models/model.js'
import type { StemName } from '../names.js'

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

/** Images a second of features of a method that the caller brings, at the reference size. */
const OTHER_RATE = 1000

function rateOf(method: string): number {
  if (isModelName(method)) return models[method].cost.imagesPerSecond
  return isBaselineName(method) ? baselines[method].imagesPerSecond : OTHER_RATE
}

/** More threads help, though never in proportion; estimates are for two. */
const speed = ({ threads }: Scale): number => (Math.max(1, threads) / 2) ** 0.7

export function featureSeconds(method: string, scale: Scale): number {
  const { trainImages, testImages, components } = scale
  const rate = rateOf(method) / relative(scale)
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

/** One draw of a supervised network. */
export function networkSeconds(
  stem: StemName,
  { steps, batch, width }: { readonly steps: number; readonly batch: number; readonly width: number },
  scale: Scale,
): number {
  const { testImages } = scale
  const { stems, optimiserSeconds } = supervisedModels.resnet18
  const { stepSeconds: imagesSeconds } = stems[stem]
  const share = (width / 64) ** 1.7 * relative(scale)
  const step = optimiserSeconds * (width / 64) ** 2 + imagesSeconds * share * (batch / 64)
  const prediction = (testImages / 64) * imagesSeconds * share * 0.35
  return 1 + (steps * step + prediction) / speed(scale)
}

/** Images of a step of the contrastive network, whole ones: two views of each of 128, of three quarters of the side. */
const CONTRASTIVE_IMAGES = 2 * 128 * 0.75 ** 2

/** One draw of the contrastive network's encoder, trained on labels. */
export function encoderSeconds(
  { steps, batch }: { readonly steps: number; readonly batch: number },
  scale: Scale,
): number {
  const { cost } = models.contrastive
  const prediction = (scale.testImages / cost.imagesPerSecond) * relative(scale)
  return 1 + stepSeconds({ cost }, (steps * batch) / CONTRASTIVE_IMAGES, scale) + prediction / speed(scale)
}

/** Training by a number of steps. */
export const stepSeconds = ({ cost }: Pick<ModelFacts, 'cost'>, steps: number, scale: Scale): number =>
  (steps * cost.stepSeconds * relative(scale)) / speed(scale)
