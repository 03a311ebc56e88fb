/**
 * Trains a classifier from scratch on the labelled images of a set, and by FixMatch on its unlabelled ones where that is
 * asked for, for a number of steps fixed beforehand, and keeps the last weights or their average: no image is held out
 * for choosing among them, and none of a test set is ever seen.
 */
import path from 'node:path'
import { type Arrays, type NamedArray, Random } from 'onnx-autodiff'
import { z } from 'zod'
import { imageBytes, type Images } from '../data/image-set.js'
import { HandfulError } from '../errors.js'
import { fixMatchStep, type FixMatchOptions } from '../models/fixmatch.js'
import type { FeatureNetwork, ImageShape, Weights } from '../models/model.js'
import { runOverImages } from '../models/run-network.js'
import {
  classifyingNetwork,
  optimiserSchema,
  PROBABILITIES,
  type SupervisedNetwork,
  supervisedStep,
  type SupervisedTrainable,
  supervisedWeights,
} from '../models/supervised-network.js'
import type { SupervisedAugmentationName } from '../names.js'
import { type FeatureMatrix, featureMatrix, selectRows } from '../numerics/matrix.js'
import { augment, type AugmentOptions, takeImages } from './augment.js'
import { BatchOrder } from './batches.js'
import type { Curve } from './curve.js'
import { train, type Trained, type TrainingJob } from './loop.js'
import type { Progress } from './progress.js'
import { FEWEST_STEPS, PLAN_FILE, secondsPerStep, StepPlan, trainToPlan } from './step-plan.js'

export const supervisedOptionsSchema = optimiserSchema.extend({
  /** Images of a step, at most: fewer where fewer are labelled. */
  batch: z.int().min(2),
  /** Times that each labelled image is seen, where that makes more than `fewestSteps`. */
  epochs: z.number().min(0),
  /** With two labels per class an epoch is one step: without this the network would stay untrained. */
  fewestSteps: z.int().min(1),
})

export interface SupervisedOptions extends z.infer<typeof supervisedOptionsSchema> {
  readonly network: SupervisedNetwork
  /** What each image is distorted by, anew in each step. Null trains on the images as they are. */
  readonly augmentation: AugmentOptions | null
  /** Learns from all images of the set, labelled or not; needs averaged weights. */
  readonly fixMatch?: FixMatchTraining
}

export interface FixMatchTraining extends FixMatchOptions {
  /** What the image that is to be recognised is distorted by. The one that gives its class has `augmentation`. */
  readonly strong: AugmentOptions
}

/** Unlabelled images of a step of FixMatch: as many at few labels as at many. */
export const unlabelledOf = ({ batch, fixMatch }: Pick<SupervisedOptions, 'batch' | 'fixMatch'>): number =>
  (fixMatch?.ratio ?? 0) * batch

/** How long and in which batches, unless said otherwise. */
export const supervisedSchedule = { batch: 64, epochs: 40, fewestSteps: 500 } as const

/** The usual augmentation of small photographs: crops shifted by up to an eighth of the size, mirrored if wanted. */
export const shiftedCrops = ({ mirror }: { mirror: boolean }): AugmentOptions => ({
  rotation: 0,
  shear: 0,
  scale: 0,
  shift: 0.125,
  mirror,
  colour: 0,
})

/** Much stronger: turned, sheared, scaled and partly covered; recoloured and mirrored where images have colours. */
export const strongAugmentation = ({ channels }: Pick<ImageShape, 'channels'>): AugmentOptions => ({
  rotation: channels === 3 ? 15 : 20,
  shear: 0.2,
  scale: 0.25,
  shift: 0.125,
  mirror: channels === 3,
  colour: channels === 3 ? 0.4 : 0,
  cutout: 0.5,
})

/** Mirroring makes another letter out of a letter, but leaves a photograph's subject what it is. */
export const supervisedAugmentation = (
  name: SupervisedAugmentationName,
  { channels }: Pick<ImageShape, 'channels'>,
): AugmentOptions | null => {
  if (name === 'none') return null
  return name === 'strong' ? strongAugmentation({ channels }) : shiftedCrops({ mirror: channels === 3 })
}

/** Steps at a number of labelled images: `epochs` times all of them, and never fewer than `fewestSteps`. */
export function supervisedSteps(
  labelled: number,
  { batch, epochs, fewestSteps }: Pick<SupervisedOptions, 'batch' | 'epochs' | 'fewestSteps'>,
): number {
  return Math.max(fewestSteps, Math.ceil((epochs * labelled) / Math.min(batch, labelled)))
}

/** What a training begins with, in the place of random weights and of nothing known of the unlabelled images. */
export interface TrainingStart {
  /** Of parameters of these names; the others begin at random. */
  readonly weights: Weights
  /** [images, classes] How probable each class is for each image; FixMatch's teacher is held to it. */
  readonly guide?: FeatureMatrix
}

export interface SupervisedRequest {
  readonly images: Images
  /** `[images.count]` class of each image, -1 where hidden. */
  readonly labels: Int32Array
  readonly classCount: number
  readonly options: SupervisedOptions
  readonly start?: TrainingStart
  /** Whether what is trained gives means over an image and its mirrored image; training is the same. */
  readonly mirror?: boolean
  /** In the place of epochs: a number of steps, or the minutes that as many steps as fit are taken in, for which it needs checkpoints. */
  readonly steps?: number
  readonly minutes?: number
  readonly seed: number
  readonly threads?: number
  readonly device?: string
  readonly signal: AbortSignal
  readonly progress: Progress
  /** As progress names it. */
  readonly stage?: string
  readonly checkpoints?: TrainingJob['checkpoints']
  readonly onStart?: TrainingJob['onStart']
  readonly onMetrics?: TrainingJob['onMetrics']
}

export interface TrainedClassifier {
  /** Probabilities of any images of the same size, by running statistics: independent of one another. */
  predict(images: Images, onProgress?: (done: number, total: number) => void): Promise<FeatureMatrix>
  /** Pixels to `probabilities`, as it is exported. */
  readonly network: FeatureNetwork
  readonly weights: Weights
  readonly seconds: number
  readonly steps: number
  /** Labelled images of a step. */
  readonly batch: number
  readonly parameterCount: number
  /** Means of loss and accuracy over the steps. */
  readonly curves: readonly Curve[]
}

/**
 * Trains on the labelled images alone. The same request gives the same weights on the same device and threads.
 *
 * @throws HandfulError if fewer than two images are labelled, or a label is no class, or the loss stops being finite
 */
export async function trainSupervised(request: SupervisedRequest): Promise<TrainedClassifier> {
  const { images, classCount, options, start, seed, threads, device, signal, progress } = request
  const { network, augmentation: _augmentation, fixMatch, ...settings } = options
  const labelled = labelledImages(request)
  const shape: ImageShape = { size: images.height, channels: images.channels }
  const batch = Math.min(settings.batch, labelled.length)
  const proportions = proportionsOf(request, labelled)
  const stepOf = (length: number): SupervisedTrainable => {
    const stepOptions = { ...settings, classCount, batch, steps: length, start: start?.weights }
    const guided = start?.guide !== undefined
    return fixMatch === undefined
      ? supervisedStep(network, shape, stepOptions, seed)
      : fixMatchStep(
          network,
          shape,
          { ...stepOptions, ...fixMatch, proportions, guided, unlabelled: unlabelledOf(options) },
          seed,
        )
  }
  const stage = request.stage ?? `train the ${network.title} on ${labelled.length} labels`
  const inputsOf = inputMaker(request, labelled, batch)
  const plan = await planOf(request, () =>
    secondsPerStep({ ...stepOf(FEWEST_STEPS), inputsOf, threads, device }),
  )
  let parameterCount = 0
  const trainTo = (length: number, continues = false): Promise<Trained> => {
    const step = stepOf(length)
    parameterCount = step.parameterCount
    return train({
      stage,
      program: step.program,
      initialState: step.initialState,
      steps: length,
      continues,
      inputsOf,
      loss: 'loss',
      checkpoints: request.checkpoints,
      async onStart(at, spent) {
        plan?.start(at, spent)
        await request.onStart?.(at, spent)
      },
      endsEarly: plan && ((at, spent) => plan.changes(at, spent)),
      onMetrics: request.onMetrics,
      threads,
      device,
      signal,
      progress,
    })
  }
  const { state, seconds, steps, curves } =
    plan === undefined
      ? await trainTo(request.steps ?? supervisedSteps(labelled.length, settings))
      : await trainToPlan(plan, trainTo, { tell: (text) => progress.message(`${stage}: ${text}`) })
  const weights = supervisedWeights(network, shape, classCount, state)
  const exported = classifyingNetwork(network, shape, classCount, weights, request)
  return {
    network: exported,
    weights,
    seconds,
    steps,
    batch,
    parameterCount,
    curves,
    predict: (others, onProgress) => networkProbabilities(exported, others, classCount, request, onProgress),
  }
}

/** Of a training that is bound by time. */
async function planOf(
  { minutes, checkpoints }: SupervisedRequest,
  stepSeconds: () => Promise<number>,
): Promise<StepPlan | undefined> {
  if (minutes === undefined) return undefined
  if (checkpoints === undefined)
    throw new Error(
      'internal: trainSupervised: got minutes without checkpoints, expected a place for the plan',
    )
  return StepPlan.open(path.join(checkpoints.folder, PLAN_FILE), minutes, stepSeconds)
}

function labelledImages({ images, labels, classCount }: SupervisedRequest): Int32Array {
  const problem = (got: string, expected: string, hint: string): HandfulError =>
    new HandfulError({ what: 'labels', where: `supervised training on ${images.name}`, got, expected, hint })
  if (labels.length !== images.count) {
    throw problem(`${labels.length} labels`, `${images.count}, one for each image`, 'use -1 for hidden ones')
  }
  const wrong = labels.findIndex((label) => label < -1 || label >= classCount)
  if (wrong >= 0) {
    throw problem(`${labels[wrong]} at image ${wrong}`, `-1 to ${classCount - 1}`, 'use -1 for hidden ones')
  }
  const indices = Int32Array.from(labels.keys()).filter((i) => labels[i] >= 0)
  if (indices.length < 2) {
    throw problem(`${indices.length} labelled images`, 'at least 2', 'label at least one image of each class')
  }
  return indices
}

/** [classCount] shares of the classes among the labelled images; a class without any counts as half an image. */
function proportionsOf({ labels, classCount }: SupervisedRequest, labelled: Int32Array): Float32Array {
  const counts = new Float32Array(classCount)
  for (const index of labelled) counts[labels[index]]++
  const seen = counts.map((count) => Math.max(count, 0.5))
  const total = seen.reduce((sum, count) => sum + count, 0)
  return seen.map((count) => count / total)
}

/** Inputs of a step, from its number alone. */
function inputMaker(
  { images, labels, seed, start, options }: SupervisedRequest,
  labelled: Int32Array,
  batch: number,
): (step: number) => Arrays {
  const { augmentation, fixMatch } = options
  const { height: size, channels, pixels } = images
  const view = (indices: ArrayLike<number>, how: AugmentOptions | null, random: Random): NamedArray => {
    const count = indices.length
    const plain = takeImages(pixels, imageBytes(images), indices)
    const data = how ? augment({ pixels: plain, count, size, channels }, how, random) : plain
    return { dtype: 'uint8', shape: [count, size, size, channels], data }
  }
  const order = new BatchOrder(labelled.length, batch, seed)
  // An order of its own: the same seed would show labelled and unlabelled images in step.
  const others =
    fixMatch &&
    new BatchOrder(
      images.count,
      unlabelledOf(options),
      new Random(seed, 'unlabelled images').integer(2 ** 31),
    )
  return (step) => {
    const indices = Int32Array.from(order.indicesOf(step), (place) => labelled[place])
    const inputs = {
      image: view(indices, augmentation, new Random(seed, `augmentation/${step}`)),
      labels: { dtype: 'int32', shape: [batch], data: indices.map((i) => labels[i]) },
    } as const
    if (fixMatch === undefined || others === undefined) return inputs
    const unlabelled = others.indicesOf(step)
    return {
      ...inputs,
      ...(start?.guide && { guide: rowsAt(start.guide, unlabelled) }),
      weak: view(unlabelled, augmentation, new Random(seed, `weak augmentation/${step}`)),
      strong: view(unlabelled, fixMatch.strong, new Random(seed, `strong augmentation/${step}`)),
    }
  }
}

function rowsAt(matrix: FeatureMatrix, places: ArrayLike<number>): NamedArray {
  const { rows, columns, data } = selectRows(matrix, places)
  return { dtype: 'float32', shape: [rows, columns], data }
}

/** Images of one run when predicting. */
const PREDICTION_BATCH = 250

/**
 * Probabilities of images by a trained network, `[images, classes]`.
 * @param exported as `classifyingNetwork` gives it
 */
export async function networkProbabilities(
  { program }: FeatureNetwork,
  { count, height: size, channels, pixels }: Images,
  classCount: number,
  { threads, device, signal }: Pick<SupervisedRequest, 'threads' | 'device' | 'signal'>,
  onProgress?: (done: number, total: number) => void,
): Promise<FeatureMatrix> {
  const options = { threads, device, signal, onProgress, batch: PREDICTION_BATCH, output: PROBABILITIES }
  return featureMatrix(count, classCount, await runOverImages(program, { size, channels }, pixels, options))
}
