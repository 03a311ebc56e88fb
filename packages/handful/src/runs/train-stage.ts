/**
 * Training as a stage of a run:
 *
 *     model/weights.safetensors    averaged weights
 *     model/model.json             what they are the weights of (trained-model.ts)
 *     model/training.json          steps, seconds and curves
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Images } from '../data/image-set.js'
import { DEFAULT_READING, type ImageReading } from '../data/reading.js'
import { contentKey } from '../files/content-key.js'
import { filesPresent } from '../files/present.js'
import type { OwnModels } from '../models/registry.js'
import type { Stage } from '../stages/stage.js'
import {
  pretrain,
  pretrainIdentity,
  type PretrainOptions,
  pretrainStage,
  type TrainingSummary,
  trainingSummarySchema,
} from '../training/pretrain.js'
import type { Looks } from '../training/looks.js'
import { type ModelChoice, resolveAugmentation, resolveModel } from '../training/model-options.js'
import type { AugmentationName } from '../names.js'
import { FINISH_FILE, RUN_FILES } from './run-files.js'
import type { RunContext } from './run-folder.js'
import { type ModelDescription, saveModelDescription } from './trained-model.js'

const SUMMARY = path.join(RUN_FILES.model, 'training.json')

export interface Training extends PretrainOptions {
  /** How images were squared and training images distorted, for the model's description. */
  readonly describe: Pick<ModelDescription, 'fit' | 'reading' | 'augment'>
}

/** What jobs that train are told, each in its own options. */
export interface TrainingChoice
  extends ModelChoice, Pick<PretrainOptions, 'seed' | 'steps' | 'minutes' | 'threads' | 'device'> {
  readonly augment?: AugmentationName
  readonly fit: ModelDescription['fit']
  /** How files became the images; undefined for those that were no files. */
  readonly reading: ImageReading | undefined
}

/**
 * The training that options ask for, on images of a shape.
 * @param own models beside those that are built in
 * @throws HandfulError (wrong use) for settings that do not suit
 */
export function trainingFor(
  choice: TrainingChoice,
  { height: size, channels }: Images,
  own?: OwnModels,
): Training {
  const { augment, seed, steps, minutes, threads, device, fit, reading = DEFAULT_READING } = choice
  const model = resolveModel(choice, { size, channels }, own)
  const { name, options: augmentation } = resolveAugmentation(augment, model)
  const describe = { fit, reading, augment: name }
  return { model, augmentation, seed, steps, minutes, threads, device, describe }
}

export function trainStage(
  images: Images,
  { describe, ...options }: Training,
  { run, progress }: Pick<RunContext, 'run' | 'progress'>,
  looks?: Looks,
): Stage<TrainingSummary> {
  const { model, minutes, steps } = options
  const settings = pretrainIdentity(images, options)
  const key = contentKey(settings)
  const name = pretrainStage(model)
  return {
    kind: 'train',
    name,
    key,
    settings,
    group: name,
    needs: [],
    seconds: minutes === undefined ? undefined : 60 * minutes,
    reportsItself: true,
    schema: trainingSummarySchema,
    present: () => filesPresent(run.folder, [RUN_FILES.weights]),
    older: () => run.doneBefore(name, key, () => readTrainingSummary(run.folder)),
    work: async ({ signal }) => {
      const { weights, ...summary } = await pretrain(images, options, {
        checkpoints: { folder: run.path(RUN_FILES.checkpoints), key: contentKey({ key, steps }) },
        signal,
        progress,
        finishes: () => existsSync(run.path(FINISH_FILE)),
        looks,
        onStart: (step) => run.dropMetrics(name, step),
        onMetrics: (step, metrics) => run.appendMetrics({ stage: name, step, ...metrics }),
      })
      await run.makeFolder(RUN_FILES.model)
      await run.writeArrays(RUN_FILES.weights, weights)
      await run.writeJson(SUMMARY, summary)
      await saveModelDescription(run, { model, ...describe })
      return summary
    },
  }
}

/** How the model in a run's folder was trained. */
export async function readTrainingSummary(folder: string): Promise<TrainingSummary> {
  return trainingSummarySchema.parse(JSON.parse(await readFile(path.join(folder, SUMMARY), 'utf8')))
}
