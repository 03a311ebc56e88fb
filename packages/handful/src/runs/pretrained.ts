/**
 * The training of a generative model as a run folder keeps it: its weights, how it went (`model/training.json`), its
 * checkpoints. What is done is not done again.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import {
  pretrain,
  type PretrainContext,
  type Pretrained,
  pretrainIdentity,
  type PretrainOptions,
  pretrainStage,
  type TrainingSummary,
  trainingSummarySchema,
} from '../training/pretrain.js'
import { RUN_FILES, type RunFolder, stageKey } from './run-folder.js'

const SUMMARY = `${RUN_FILES.model}/training.json`

/** Trains, goes on with a training, or reads what it came to. */
export async function pretrainInRun(
  images: Images,
  options: PretrainOptions,
  { run, ...context }: Pick<PretrainContext, 'signal' | 'progress'> & { readonly run: RunFolder },
): Promise<Pretrained> {
  const stage = pretrainStage(options.model)
  const key = stageKey(pretrainIdentity(images, options))
  if (run.isDone(stage, key)) return load(run)
  const started = performance.now()
  const { weights, ...summary } = await pretrain(images, options, {
    ...context,
    checkpoints: { folder: run.path('checkpoints'), key: stageKey({ key, steps: options.steps }) },
    onMetrics: (step, metrics) => run.appendMetrics({ stage, step, ...metrics }),
  })
  await run.makeFolder(RUN_FILES.model)
  await run.writeFile(RUN_FILES.weights, encodeSafetensors(weights))
  await run.writeJson(SUMMARY, summary)
  await run.markDone(stage, key, (performance.now() - started) / 1000)
  return { weights, ...summary }
}

async function load(run: RunFolder): Promise<Pretrained> {
  const { arrays } = decodeSafetensors(await readFile(run.path(RUN_FILES.weights)))
  return { weights: arrays, ...(await readTrainingSummary(run.folder)) }
}

/** How the model in a run's folder was trained. */
export async function readTrainingSummary(folder: string): Promise<TrainingSummary> {
  return trainingSummarySchema.parse(JSON.parse(await readFile(path.join(folder, SUMMARY), 'utf8')))
}
