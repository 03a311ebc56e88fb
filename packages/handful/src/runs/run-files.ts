/** What lies where in a run's folder (run-folder.ts), and the configuration that it was made with. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { HandfulError, systemError } from '../errors.js'
import { damageInWords } from '../files/damage.js'
import { isMissing } from '../files/present.js'

export const RUN_FILES = {
  config: 'config.yaml',
  environment: 'env.json',
  images: 'images.json',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.csv',
  report: 'report.json',
  reportPage: 'report.html',
  samples: 'samples',
  checkpoints: 'checkpoints',
  model: 'model',
  weights: 'model/weights.safetensors',
} as const

/** In the run's folder, by anybody: training ends at its next safe point, and the model is taken as it is. */
export const FINISH_FILE = 'finish'

/** A plain tree of values, as configuration and environment are. */
export type PlainObject = Readonly<Record<string, unknown>>

/**
 * The configuration of a finished or interrupted run.
 * @throws HandfulError if the folder isn't a run or the file is damaged
 */
export async function readRunConfig(folder: string): Promise<PlainObject> {
  const file = path.join(folder, RUN_FILES.config)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (!isMissing(error)) throw systemError('reading a run', file, error)
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: `no ${RUN_FILES.config} in it`,
      expected: 'a folder that handful has written',
      hint: 'see what is in runs/',
    })
  })
  try {
    return z.record(z.string(), z.unknown()).parse(parse(text))
  } catch (error) {
    throw new HandfulError({
      what: 'run configuration',
      where: file,
      got: damageInWords(error),
      expected: 'the YAML that was written there',
      hint: 'restore the file, or start a new run with another --out',
    })
  }
}
