/** What the stages of a fit share: the images, the model that they are for, and what was found, read when it is asked for. */
import { readArrays } from '../../files/array-file.js'
import type { Dataset } from '../../data/dataset.js'
import { z } from 'zod'
import { imagesKey, labelsKey, testKey } from '../../data/content.js'
import { originalsOf } from '../../data/image-set.js'
import { mirrorsImages } from '../../features/mirror.js'
import { originalsOfTest } from '../../data/test-set.js'
import { labelDraws } from '../../data/draw-labels.js'
import { confidenceBinSchema } from '../../numerics/reliability.js'
import { trainingPictures } from '../../draw/training-pictures.js'
import { contentKey } from '../../files/content-key.js'
import { openOutside, type Outside } from '../../runs/outside-features.js'
import type { Brought } from '../../runs/brought.js'
import { type OwnPart, ownParts } from '../../runs/own-features.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { RunContext, RunFolder } from '../../runs/run-folder.js'
import { trainingFor, trainStage } from '../../runs/train-stage.js'
import type { Stage } from '../../stages/stage.js'
import type { TrainingSummary } from '../../training/pretrain.js'
import type { AugmentationName } from '../../names.js'
import { modelNamed } from '../../models/registry.js'
import type { BoundModel, ImageShape, WeightedModel } from '../../models/model.js'
import { type FeatureFitOptions, NO_MODEL } from './fit-options.js'
import { proportionsOf } from './proportions.js'

/** The model that learns from the unlabelled images. */
export interface Learning {
  readonly model: BoundModel
  readonly augment: AugmentationName
  readonly train: Stage<TrainingSummary>
  /** The trained model, from its files. */
  readonly trained: () => Promise<WeightedModel>
}

export interface Fitting {
  readonly options: FeatureFitOptions
  readonly run: RunFolder
  readonly dataset: Dataset
  readonly image: ImageShape
  /** Labels of each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** How often each class comes, where that was said. */
  readonly shares?: readonly number[]
  /** None where no model is trained. */
  readonly learning?: Learning
  /** Whether features are means over an image and its mirrored image, those of raw pixels too. */
  readonly mirror: boolean
  /** Features made elsewhere. */
  readonly outside: Outside
  /** Sources of features that the caller brought. */
  readonly own: readonly OwnPart[]
  readonly brought: Brought
  readonly keys: {
    /** Of the training and test images. */
    readonly images: string
    /** Of the draws' labels, and of what they are scored by. */
    readonly labels: string
    /** Of all labels that a classifier is fitted to. */
    readonly fitted: string
    /** Of what files and reports name. */
    readonly names: string
  }
}

/** Of all labels that a classifier is fitted to. @param labels of the training images, -1 where hidden */
export const fittedKey = (
  { train, noneOfThese, accepted }: Pick<Dataset, 'train' | 'noneOfThese' | 'accepted'>,
  labels: Int32Array,
): string =>
  contentKey([
    labelsKey(labels, train.classNames),
    [...(noneOfThese ?? [])],
    ...(accepted?.size ? [[...accepted].sort()] : []),
  ])

/**
 * @throws HandfulError (wrong use) for settings that do not suit, too few labels for what was asked, and features made
 *   elsewhere that do not fit the images
 */
export async function openFitting(
  options: FeatureFitOptions,
  dataset: Dataset,
  context: RunContext,
): Promise<Fitting> {
  const { run, progress } = context
  const { train, test } = dataset
  const draws = labelDraws(train, options)
  const shares = proportionsOf(options.proportions, train.classNames)
  const image: ImageShape = { size: train.height, channels: train.channels }
  const images = contentKey([imagesKey(train), test && imagesKey(test.images)])
  const { name, classNames, paths } = train
  const learning = options.model === NO_MODEL ? undefined : openLearning(options, dataset, context)
  const { threads, device, seed } = options
  const outside = await openOutside(options, {
    place: run,
    sets: {
      train: { images: train, originals: originalsOf(train) },
      test: test && { images: test.images, originals: originalsOfTest(test) },
    },
    imagesKey: images,
    threads,
    device,
    tell: (text) => progress.message(text),
  })
  const own = ownParts(context, {
    place: run,
    sets: { train, test: test?.images },
    imagesKey: images,
    seed,
  })
  return {
    options,
    run,
    dataset,
    image,
    draws,
    shares,
    learning,
    mirror: await mirrorsImages(train, options),
    outside,
    own,
    brought: context,
    keys: {
      images,
      labels: contentKey([draws.map((each) => labelsKey(each, classNames)), test && testKey(test, seed)]),
      fitted: fittedKey(dataset, draws[0]),
      names: contentKey({
        name,
        paths,
        skipped: dataset.skipped,
        notes: [dataset.understood, ...dataset.notes],
      }),
    },
  }
}

/** What is mirrored of a fit by features. */
export const FEATURES = 'Features, those of raw pixels too,'

/** What a report says where something is means over mirrored images too. @param what features, or probabilities */
export function mirroredNote(
  what: string,
  { options, mirror }: { readonly options: Pick<FeatureFitOptions, 'mirror'>; readonly mirror: boolean },
): string[] {
  if (!mirror) return []
  const chosen =
    options.mirror === 'auto'
      ? ': mirrored images look like the others here; --mirror no leaves them as they are'
      : ''
  return [`${what} are means over an image and its mirrored image${chosen}.`]
}

function openLearning(
  options: FeatureFitOptions,
  { train, reading }: Dataset,
  context: RunContext,
): Learning {
  const { run } = context
  const preset = options.preset ?? modelNamed(options.model, context.models).bestPreset
  const training = trainingFor({ ...options, preset, reading }, train, context.models)
  const { model } = training
  return {
    model,
    augment: training.describe.augment,
    train: trainStage(
      train,
      training,
      context,
      trainingPictures(run, model, train, { ...context, ...training }),
    ),
    trained: async () => {
      const { arrays } = await readArrays(run.path(RUN_FILES.weights))
      return { model, weights: arrays }
    },
  }
}

/** One head on one kind of features, over the draws. */
export const comparisonSchema = z.object({
  features: z.string(),
  baseline: z.boolean(),
  head: z.string(),
  accuracies: z.array(z.number()),
  /** That judged it, each counted once. */
  images: z.int().nonnegative().optional(),
  confusion: z.array(z.array(z.number())),
  reliability: z.array(confidenceBinSchema).optional(),
  /** Decided by the options alone, never by the accuracies. */
  chosen: z.boolean(),
})

export type FitComparison = z.infer<typeof comparisonSchema>
