/** What the stages of a fit share: the images, the model that they are for, and what was found, read when it is asked for. */
import type { Dataset } from '../../data/dataset.js'
import { DEFAULT_READING } from '../../data/reading.js'
import { readFile } from 'node:fs/promises'
import { decodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { imagesKey, labelsKey, testKey } from '../../data/content.js'
import { type Encoder, encoderOf } from '../../features/encoder.js'
import { labelDraws } from '../../data/draw-labels.js'
import type { PatchDictionary } from '../../features/patches.js'
import { contentKey } from '../../files/content-key.js'
import { RUN_FILES, type RunContext, type RunFolder } from '../../runs/run-folder.js'
import { trainStage } from '../../runs/train-stage.js'
import type { Stage } from '../../stages/stage.js'
import type { TrainingSummary } from '../../training/pretrain.js'
import { resolveAugmentation, resolveModel } from '../../training/model-options.js'
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
  const model = resolveModel(options, image)
  const augmentation = resolveAugmentation(options.augment, model)
  const { seed, steps, minutes, threads, device, fit } = options
  const stage = trainStage(
    train,
    {
      model,
      augmentation: augmentation.options,
      seed,
      steps,
      minutes,
      threads,
      device,
      describe: { fit, reading: dataset.reading ?? DEFAULT_READING, augment: augmentation.name },
    },
    context,
  )
  const { name, classNames, paths } = train
  return {
    options,
    run,
    dataset,
    model,
    image,
    augment: augmentation.name,
    draws,
    train: stage,
    keys: {
      images: contentKey([imagesKey(train), test && imagesKey(test.images)]),
      labels: contentKey([draws.map((each) => labelsKey(each, classNames)), test && testKey(test, seed)]),
      names: contentKey({ name, paths, skipped: dataset.skipped, notes: dataset.notes }),
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
  /** Decided by the options alone, never by the accuracies. */
  chosen: z.boolean(),
})

export type FitComparison = z.infer<typeof comparisonSchema>

/** The network that features are taken from. */
export async function encoder(
  { trained, model }: Fitting,
  dictionary: PatchDictionary | undefined,
): Promise<Encoder> {
  return encoderOf(await trained(), model.defaultFeatures, dictionary)
}
