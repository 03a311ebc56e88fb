/** What the stages of a fit share: the images, the model that they are for, and what was found, read when it is asked for. */
import type { Dataset } from '../../data/dataset.js'
import { readFile } from 'node:fs/promises'
import { decodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { imagesKey, labelsKey, testKey } from '../../data/content.js'
import { labelDraws } from '../../data/draw-labels.js'
import { confidenceBinSchema } from '../../numerics/reliability.js'
import { contentKey } from '../../files/content-key.js'
import { RUN_FILES, type RunContext, type RunFolder } from '../../runs/run-folder.js'
import { trainingFor, trainStage } from '../../runs/train-stage.js'
import type { Stage } from '../../stages/stage.js'
import type { TrainingSummary } from '../../training/pretrain.js'
import type { AugmentationName } from '../../names.js'
import type { BoundModel, ImageShape, WeightedModel } from '../../models/model.js'
import type { FitOptions } from './fit-options.js'

export interface Fitting {
  readonly model: BoundModel
  readonly options: FitOptions
  readonly run: RunFolder
  readonly dataset: Dataset
  readonly image: ImageShape
  readonly augment: AugmentationName
  /** Labels of each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  readonly train: Stage<TrainingSummary>
  readonly keys: {
    /** Of the training and test images. */
    readonly images: string
    /** Of the draws' labels, and of what they are scored by. */
    readonly labels: string
    /** Of what files and reports name. */
    readonly names: string
  }
  /** The trained model, from its files. */
  readonly trained: () => Promise<WeightedModel>
}

/** @throws HandfulError (wrong use) for settings that do not suit, and too few labels for what was asked */
export function openFitting(options: FitOptions, dataset: Dataset, context: RunContext): Fitting {
  const { run } = context
  const { train, test } = dataset
  const draws = labelDraws(train, options)
  const image: ImageShape = { size: train.height, channels: train.channels }
  const training = trainingFor(options, train)
  const { model } = training
  const { name, classNames, paths } = train
  return {
    options,
    run,
    dataset,
    model,
    image,
    augment: training.describe.augment,
    draws,
    train: trainStage(train, training, context),
    keys: {
      images: contentKey([imagesKey(train), test && imagesKey(test.images)]),
      labels: contentKey([
        draws.map((each) => labelsKey(each, classNames)),
        test && testKey(test, options.seed),
      ]),
      names: contentKey({
        name,
        paths,
        skipped: dataset.skipped,
        notes: [dataset.understood, ...dataset.notes],
      }),
    },
    trained: async () => {
      const { arrays } = decodeSafetensors(await readFile(run.path(RUN_FILES.weights)))
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
  confusion: z.array(z.array(z.number())),
  reliability: z.array(confidenceBinSchema).optional(),
  /** Decided by the options alone, never by the accuracies. */
  chosen: z.boolean(),
})

export type FitComparison = z.infer<typeof comparisonSchema>
