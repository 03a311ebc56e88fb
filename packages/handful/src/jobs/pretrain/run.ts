/**
 * `handful pretrain`: a generative model from unlabelled images, and nothing else.
 *
 *   read the images -> train -> pictures
 */
import type { BaseConfig, ImageShape } from '../../models/model.js'
import type { AugmentationName } from '../../names.js'
import type { Images } from '../../data/image-set.js'
import { trainingPictures } from '../../draw/training-pictures.js'
import { runJobStages } from '../../runs/job-stages.js'
import { trainingFor, trainStage } from '../../runs/train-stage.js'
import { pretrainStage } from '../../training/pretrain.js'
import {
  knownShape,
  type ModelChoice,
  resolveAugmentation,
  resolveModel,
} from '../../training/model-options.js'
import { readDataset, READING_STAGE, type Source } from '../../runs/read-dataset.js'
import { loadTrainedModel } from '../../runs/trained-model.js'
import { pictureFiles, PICTURES, picturesStage } from '../pictures-stage.js'
import { checkDevice } from '../../runs/device.js'
import { checkBrought } from '../../runs/brought.js'
import type { RunContext } from '../../runs/run-folder.js'
import type { PretrainJobOptions } from '../../runs/pretrain-options.js'
import type { JobContext } from '../../training/progress.js'

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
  /** Whether the model draws new images. */
  readonly draws: boolean
}

/** Trains and keeps the model in the run folder. */
export async function runPretrain(options: PretrainJobOptions, given: RunContext): Promise<PretrainResult> {
  const { run, progress } = given
  const context = { ...given, ...checkBrought(given, 'runPretrain') }
  const { seed, threads, device, minutes } = options
  await checkDevice(device)
  const early = knownShape(options)
  // A wrong setting is said before images are read, where their shape is known beforehand.
  if (early !== undefined) resolveModel(options, early, context.models)
  progress.plan([
    READING_STAGE,
    {
      stage: pretrainStage({ name: options.model }),
      expectedSeconds: minutes === undefined ? undefined : 60 * minutes,
    },
    { stage: PICTURES, expectedSeconds: 2 },
  ])
  const { train: images, reading: read } = await readDataset(options, context, 'optional')
  const training = trainingFor({ ...options, reading: read }, images, context.models)
  const { model } = training
  const steps = options.steps ?? (minutes === undefined ? model.defaultSteps : undefined)
  const looks = trainingPictures(run, model.withBatch(images.count), images, { ...context, seed, threads })
  const train = trainStage(images, { ...training, steps }, context, looks)
  const pictures = picturesStage(images, { run, train, trained: () => loadTrainedModel(run.folder, context) })
  const { store } = run
  await runJobStages([train, pictures], { ...context, store, seed, threads, device, before: [READING_STAGE] })
  const trained = await store.result(train)
  const drawn = await store.result(pictures)
  return {
    model: model.title,
    images: images.count,
    parameters: trained.parameterCount,
    steps: trained.steps,
    batch: trained.batch,
    seconds: trained.seconds,
    metrics: Object.fromEntries(trained.curves.map(({ name, value }) => [name, value[value.length - 1]])),
    pictures: pictureFiles(drawn),
    draws: model.sample !== undefined,
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
  const model = resolveModel(options, image, context.models)
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
