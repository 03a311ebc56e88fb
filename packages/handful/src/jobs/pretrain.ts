/**
 * `handful pretrain`: a generative model from unlabelled images, and nothing else.
 *
 *   read the images -> train -> pictures
 */
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import type { BaseConfig, ImageShape } from '../models/model.js'
import type { AugmentationName } from '../names.js'
import { pretrainStage } from '../training/pretrain.js'
import { checkDevice } from './device.js'
import {
  type FitContext,
  imageFields,
  type JobContext,
  oneLimit,
  oneSource,
  trainingFields,
} from './fit-options.js'
import {
  knownShape,
  type ModelChoice,
  modelFields,
  resolveAugmentation,
  resolveModel,
} from '../training/model-options.js'
import { drawPictures } from '../draw/model-pictures.js'
import { pretrainInRun } from '../runs/pretrained.js'
import { readDataset, READING, type Source } from '../runs/read-dataset.js'
import { saveModelDescription } from '../runs/trained-model.js'

export const pretrainOptionsSchema = z
  .strictObject({
    /** Tells a run's configuration from that of `handful fit`. */
    command: z.literal('pretrain').default('pretrain'),
    ...imageFields,
    ...modelFields,
    ...trainingFields,
  })
  .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), oneSource)
  .refine((options) => options.minutes === undefined || options.steps === undefined, oneLimit)

export type PretrainJobInput = z.input<typeof pretrainOptionsSchema>
export type PretrainJobOptions = z.output<typeof pretrainOptionsSchema>

/** What came of it, for the user and for `--json`. */
export interface PretrainResult {
  /** `convolutional VAE, 24 latent dimensions`. */
  readonly model: string
  readonly images: number
  readonly parameters: number
  readonly steps: number
  readonly batch: number
  /** In training steps. */
  readonly seconds: number
  /** The last means of what training reports, the loss among them. */
  readonly metrics: Readonly<Record<string, number>>
  /** In the run folder. */
  readonly pictures: readonly string[]
}

const STAGES = { read: READING, pictures: 'draw pictures' }

/** Trains and keeps the model in the run folder. */
export async function runPretrain(options: PretrainJobOptions, context: FitContext): Promise<PretrainResult> {
  const { run, progress, signal } = context
  await checkDevice(options.device)
  const early = knownShape(options)
  // A wrong setting is said before images are read, where their shape is known beforehand.
  if (early !== undefined) resolveModel(options, early)
  const stage = pretrainStage({ name: options.model })
  progress.plan([
    { stage: STAGES.read, expectedSeconds: 5 },
    { stage, expectedSeconds: options.minutes === undefined ? undefined : options.minutes * 60 },
    { stage: STAGES.pictures, expectedSeconds: 5 },
  ])
  const images = await readImages(options, context)
  const image: ImageShape = { size: images.height, channels: images.channels }
  const model = resolveModel(options, image)
  const augmentation = resolveAugmentation(options.augment, model)
  const { seed, threads, device, minutes } = options
  const trained = await pretrainInRun(
    images,
    {
      model,
      augmentation: augmentation.options,
      seed,
      steps: options.steps ?? (minutes === undefined ? model.defaultSteps : undefined),
      minutes,
      threads,
      device,
    },
    context,
  )
  await saveModelDescription(run, { model, fit: options.fit, augment: augmentation.name })
  const pictures = await drawPictures(run, { model, weights: trained.weights }, images, {
    seed,
    threads,
    device,
    signal,
    onProgress: (done, total) => progress.report({ stage: STAGES.pictures, done, total, unit: '%' }),
  })
  return {
    model: model.title,
    images: images.count,
    parameters: trained.parameterCount,
    steps: trained.steps,
    batch: trained.batch,
    seconds: trained.seconds,
    metrics: Object.fromEntries(trained.curves.map(({ name, value }) => [name, value[value.length - 1]])),
    pictures: [
      ...(pictures.outputs.length > 0 ? ['samples/reconstructions.png'] : []),
      ...(pictures.samples.length > 0 ? ['samples/samples.png'] : []),
    ],
  }
}

/** All images for training. A test split stays out: whoever tests on it later must be able to say that. */
const readImages = async (options: Source, context: JobContext): Promise<Images> =>
  (await readDataset(options, context, 'optional')).train

type Unresolved = Source &
  ModelChoice & {
    readonly augment?: AugmentationName
    readonly steps?: number
    readonly minutes?: number
  }

/** What follows from the options once the shape of the images is known; `--print-config` shows it. */
export interface ResolvedTraining {
  readonly augment: AugmentationName
  /** Undefined where minutes bound the training. */
  readonly steps: number | undefined
  readonly image: ImageShape
  readonly config: BaseConfig
}

/**
 * Fills in all that depends on the shape of the images. Reads a folder's images for that.
 * @throws HandfulError as resolveModel
 */
export async function resolveTraining(options: Unresolved, context: JobContext): Promise<ResolvedTraining> {
  const image = await imageShape(options, context)
  const model = resolveModel(options, image)
  const { minutes } = options
  return {
    augment: resolveAugmentation(options.augment, model).name,
    steps: options.steps ?? (minutes === undefined ? model.defaultSteps : undefined),
    image,
    config: model.config,
  }
}

/** Side and channels of a data set's or folder's images. */
export async function imageShape(options: Source, context: JobContext): Promise<ImageShape> {
  const known = knownShape(options)
  if (known !== undefined) return known
  const images = await readImages(options, context)
  return { size: images.height, channels: images.channels }
}
