/** The runs of one folder of images: found on the disk by their records of images, whoever made them. */
import { CLASSIFYING_RUNS } from '../names.js'
import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { HandfulError } from '../errors.js'
import { LABELS_FILE } from '../labels/journal.js'
import { filesPresent } from '../files/present.js'
import { readImageRecord } from '../runs/image-record.js'
import { readRunConfig, RUN_FILES } from '../runs/run-files.js'
import { folderNames } from './studio-home.js'

export interface FoundRun {
  readonly name: string
  readonly model: string
  /** In pixels; 0 as long as it is not known. */
  readonly size: number
  /** Whether its features are made, so that labels lead to predictions. */
  readonly ready: boolean
  /** In training, where it came to its end. */
  readonly seconds: number
  readonly steps: number | undefined
  /** Whether there is something that a training goes on with. */
  readonly hasModel: boolean
}

const optionsSchema = z.object({
  command: z.string().default('fit'),
  method: z.string().optional(),
  folder: z.string().optional(),
  model: z.string().default('none'),
  size: z.union([z.number(), z.string()]).default(0),
})

const describedSchema = z.object({ image: z.object({ size: z.number() }) })
const summarySchema = z.object({ steps: z.number(), seconds: z.number() })

/** @param images full path of the folder */
export async function findRuns(runs: string, images: string): Promise<FoundRun[]> {
  const found: FoundRun[] = []
  for (const name of await folderNames(runs)) {
    const run = await describeRun(path.join(runs, name), images)
    if (run !== undefined) found.push(run)
  }
  return found
}

/** Undefined for what is no run of these images, or cannot be read as one. */
async function describeRun(folder: string, images: string): Promise<FoundRun | undefined> {
  try {
    if (!(await filesPresent(folder, [RUN_FILES.config]))) return undefined
    const options = optionsSchema.parse(await readRunConfig(folder))
    if (!CLASSIFYING_RUNS.some((command) => command === options.command)) return undefined
    // A network without features leaves nothing to label by.
    if (options.method !== undefined && options.method !== 'features') return undefined
    const record = await readImageRecord(folder)
    const place = record?.path ?? options.folder
    if (place === undefined || (await realpath(place).catch(() => place)) !== images) return undefined
    const described = await json(path.join(folder, RUN_FILES.model, 'model.json'), describedSchema)
    const summary = await json(path.join(folder, RUN_FILES.model, 'training.json'), summarySchema)
    return {
      name: path.basename(folder),
      model: options.model,
      size: described?.image.size ?? (typeof options.size === 'number' ? options.size : 0),
      ready: await isPrepared(folder),
      seconds: summary?.seconds ?? 0,
      steps: summary?.steps,
      hasModel: summary !== undefined || (await hasCheckpoint(folder)),
    }
  } catch (error) {
    if (error instanceof HandfulError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** Whether a run of `prepare` or `fit` has its features. */
async function isPrepared(folder: string): Promise<boolean> {
  const either = await Promise.all([
    filesPresent(folder, ['features/images.json']),
    filesPresent(folder, [RUN_FILES.predictions]),
  ])
  return either.includes(true)
}

/** Whether the training of one of its models has kept something: folders by model in that of checkpoints. */
async function hasCheckpoint(folder: string): Promise<boolean> {
  const checkpoints = path.join(folder, RUN_FILES.checkpoints)
  for (const model of await folderNames(checkpoints))
    if ((await folderNames(path.join(checkpoints, model))).length > 0) return true
  return false
}

/** Whether a folder has labels of its own. */
export const hasLabels = (folder: string): Promise<boolean> => filesPresent(folder, [LABELS_FILE])

async function json<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch (error) {
    // What is damaged in one run is its own affair: the others are listed all the same.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
