/**
 * Training as a stage of a run:
 *
 *     model/weights.safetensors    averaged weights
 *     model/model.json             what they are the weights of (trained-model.ts)
 *     model/training.json          steps, seconds and curves
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { encodeSafetensors } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import { contentKey } from '../files/content-key.js'
import type { AnyConfig, AnyModel } from '../models/registry.js'
import type { Stage } from '../stages/stage.js'
import {
  pretrain,
  type PretrainOptions,
  pretrainStage,
  type TrainingSummary,
  trainingSettings,
  trainingSummarySchema,
} from '../training/pretrain.js'
import { RUN_FILES, type RunContext } from './run-folder.js'
import { type ModelDescription, saveModelDescription } from './trained-model.js'

const SUMMARY = path.join(RUN_FILES.model, 'training.json')

export interface Training extends PretrainOptions<AnyConfig> {
  readonly model: AnyModel
  /** How images were squared and training images distorted, for the model's description. */
  readonly describe: Pick<ModelDescription, 'fit' | 'augment'>
}

export function trainStage(
  images: Images,
  { describe, ...options }: Training,
  { run, progress }: Pick<RunContext, 'run' | 'progress'>,
): Stage<TrainingSummary> {
  const { model, config, minutes } = options
  const image = { size: images.height, channels: images.channels }
  const settings = trainingSettings(images, options)
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
    present: async () => (await stat(run.path(RUN_FILES.weights)).catch(() => undefined)) !== undefined,
    older: () => run.doneBefore(name, key, () => readTrainingSummary(run.folder)),
    work: async ({ signal }) => {
      const { weights, ...summary } = await pretrain(images, options, { run, signal, progress })
      await run.makeFolder(RUN_FILES.model)
      await run.writeFile(RUN_FILES.weights, encodeSafetensors(weights))
      await run.writeJson(SUMMARY, summary)
      await saveModelDescription(run, { model, config, image, ...describe })
      return summary
    },
  }
}

/** How the model in a run's folder was trained. */
export async function readTrainingSummary(folder: string): Promise<TrainingSummary> {
  return trainingSummarySchema.parse(JSON.parse(await readFile(path.join(folder, SUMMARY), 'utf8')))
}
