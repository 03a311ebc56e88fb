/**
 * The generative models of a study: each is trained in a run folder of its own, `models/<name>-<hash>`, which all
 * commands for trained models take, or comes from a run that was there before.
 */
import { modelNames, type OwnModels } from '../models/registry.js'
import { rm } from 'node:fs/promises'
import { filesPresent } from '../files/present.js'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import type { ImageReading } from '../data/reading.js'
import { HandfulError, printable } from '../errors.js'
import { curveSchema, thin } from '../training/curve.js'
import { readTrainingSummary, type Training, trainingFor, trainStage } from '../runs/train-stage.js'
import { type PlainObject, RUN_FILES } from '../runs/run-files.js'
import { RunFolder } from '../runs/run-folder.js'
import { pretrainOptionsSchemaWith } from '../runs/pretrain-options.js'
import { imageFields } from '../runs/run-options.js'
import type { StageContext } from '../stages/stage.js'
import { describedModel, loadTrainedModel, weightsHash } from '../runs/trained-model.js'
import type { ModelSettings, StudyOptions } from './study-options.js'
import type { ModelChoice } from '../training/model-options.js'
import type { JobContext } from '../training/progress.js'

export const trainedSchema = z.strictObject({
  /** Of the run: as it was given, or below the study's folder. */
  run: z.string(),
  own: z.boolean(),
  title: z.string(),
  parameters: z.number().int().nonnegative(),
  steps: z.number().int().nonnegative(),
  batch: z.number().int().nonnegative(),
  seconds: z.number().nonnegative(),
  curves: z.array(curveSchema),
})

export type TrainedRecord = z.infer<typeof trainedSchema>

/** What a model's training comes from; its key is the hash of it. */
export interface TrainingSettings {
  readonly model: string
  readonly settings: ModelSettings
  readonly minutes?: number
  readonly steps?: number
  /** Counted from 0: each further one has a seed of its own. */
  readonly training: number
}

/** The first training has the study's own seed. */
const seedOf = (
  { training }: Pick<TrainingSettings, 'training'>,
  { seed }: Pick<StudyOptions, 'seed'>,
): number => (training === 0 ? seed : new Random(seed, `training ${training}`).integer(2 ** 31))

const studyTraining = (
  { model, settings, minutes, steps, training }: TrainingSettings,
  images: Images,
  options: StudyOptions,
  { reading, models }: { readonly reading?: ImageReading; readonly models?: OwnModels },
): Training => {
  const { threads, device, fit } = options
  const seed = seedOf({ training }, options)
  return trainingFor(
    { ...settings, model, minutes, steps, seed, threads, device, fit, reading },
    images,
    models,
  )
}

/** All that the trained weights depend on, for the stage's key. @throws HandfulError for settings or a run that do not suit */
export async function trainingIdentity(
  training: TrainingSettings,
  images: Images,
  options: StudyOptions,
  models?: OwnModels,
): Promise<unknown> {
  const { model: name, settings, minutes, steps } = training
  if (settings.run !== undefined) return runIdentity(name, settings.run, images, options, models)
  const { model, augmentation, seed } = studyTraining(training, images, options, { models })
  return {
    model: name,
    config: model.config,
    augmentation,
    minutes,
    steps,
    seed,
  }
}

/** Models among the methods that compare views of an image, as the study trains or takes them. */
export async function contrastiveModels(
  images: Images,
  options: StudyOptions,
  models?: OwnModels,
): Promise<Set<string>> {
  const found = new Set<string>()
  const named = new Set(options.methods.flatMap((name) => name.split('+').map((part) => part.trim())))
  for (const model of modelNames(models).filter(
    (name) => named.has(name) || Object.hasOwn(models ?? {}, name),
  )) {
    const settings = options.models[model]
    const isContrastive =
      settings.run === undefined
        ? studyTraining({ model, settings, training: 0 }, images, options, { models }).model.isContrastive
        : (await describedModel(settings.run, { models })).model.isContrastive
    if (isContrastive) found.add(model)
  }
  return found
}

/** The study's contrastive network as a choice of settings: those of its options, or of the run that is given. */
export async function contrastiveChoice(
  { models: { contrastive } }: Pick<StudyOptions, 'models'>,
  models?: OwnModels,
): Promise<ModelChoice> {
  const model = 'contrastive'
  const { preset, set, run } = contrastive
  if (run === undefined) return { model, preset, set }
  const { config } = (await describedModel(run, { models })).model
  return { model, preset, set: Object.fromEntries(Object.entries(config)) }
}

async function runIdentity(
  name: string,
  run: string,
  images: Images,
  options: StudyOptions,
  models: OwnModels | undefined,
): Promise<unknown> {
  const { model, options: saved } = await loadTrainedModel(run, { models })
  const { config, image } = model
  const problem = (got: string, expected: string): HandfulError =>
    new HandfulError({
      what: `models.${name}.run`,
      where: printable(run),
      got,
      expected,
      hint: 'take another run, or leave it out to have a model trained',
      exitCode: 2,
    })
  if (model.name !== name) throw problem(`a run of ${model.name}`, `one of ${name}`)
  if (image.size !== images.height || image.channels !== images.channels) {
    const words = (size: number, channels: number): string => `${size}x${size} with ${channels} channels`
    throw problem(
      `a model of images of ${words(image.size, image.channels)}`,
      words(images.height, images.channels),
    )
  }
  // Another data set may hold the test images, and one drawn from another seed holds other images.
  const trainedOn = saved.dataset ?? saved.folder
  const wanted = options.dataset ?? options.folder
  const sameSource =
    options.dataset === undefined
      ? typeof saved.folder === 'string' && path.resolve(saved.folder) === path.resolve(options.folder ?? '')
      : saved.dataset === options.dataset
  if (!sameSource) throw problem(`a model trained on ${printable(String(trainedOn))}`, `on ${wanted}`)
  if (options.dataset === 'strokes' && saved.seed !== options.seed) {
    throw problem(`strokes of seed ${String(saved.seed)}`, `seed ${options.seed}`)
  }
  return { config, weights: await weightsHash(run) }
}

export interface TrainingPlace extends Pick<JobContext, 'progress'> {
  /** The study's folder. */
  readonly folder: string
  /** Of the run folder, below `models`. */
  readonly name: string
  /** How files became the images. */
  readonly reading: ImageReading
  readonly environment: PlainObject
  /** Beside those that are built in. */
  readonly models?: OwnModels
}

/** Trains, or goes on with training, or looks at the run that is there. */
export async function trainForStudy(
  wanted: TrainingSettings,
  images: Images,
  options: StudyOptions,
  { folder, name: runName, reading, environment, progress, models }: TrainingPlace,
  context: StageContext,
): Promise<TrainedRecord> {
  const { settings } = wanted
  if (settings.run !== undefined) return describeRun(settings.run, models)
  const training = studyTraining(wanted, images, options, { reading, models })
  const run = path.join('models', runName)
  const place = { environment, models }
  const opened = await openRun(path.join(folder, run), wanted, options, place, context.claim)
  try {
    const stage = trainStage(images, training, { run: opened, progress })
    const trained = await opened.store.once(stage, () => stage.work(context))
    return {
      run,
      own: true,
      title: training.model.title,
      parameters: trained.parameterCount,
      steps: trained.steps,
      batch: trained.batch,
      seconds: trained.seconds,
      curves: trained.curves.map(thin),
    }
  } finally {
    await opened.close()
  }
}

async function openRun(
  folder: string,
  { model, settings, minutes, steps, training }: TrainingSettings,
  options: StudyOptions,
  { environment, models }: Pick<TrainingPlace, 'environment' | 'models'>,
  claim: string | undefined,
): Promise<RunFolder> {
  if (await filesPresent(folder, [RUN_FILES.config])) return RunFolder.resume(folder, environment, claim)
  // Stopped before it had its configuration, it holds nothing yet.
  await rm(folder, { recursive: true, force: true })
  const { preset, set, augment } = settings
  const { threads, device } = options
  const seed = seedOf({ training }, options)
  const config = pretrainOptionsSchemaWith(models).parse({
    model,
    preset,
    set,
    augment,
    minutes,
    steps,
    seed,
    threads,
    device,
    plugins: options.plugins,
    ...z.object(imageFields).parse({ ...options, count: options.dataset && options.count }),
  })
  return RunFolder.create({
    folder,
    parent: path.dirname(folder),
    name: model,
    date: new Date(),
    config: JSON.parse(JSON.stringify(config)) as PlainObject,
    environment,
    claim,
  })
}

async function describeRun(run: string, models: OwnModels | undefined): Promise<TrainedRecord> {
  const { model } = await loadTrainedModel(run, { models })
  const { steps, batch, parameterCount, seconds, curves } = await readTrainingSummary(run)
  return {
    run,
    own: false,
    title: model.title,
    parameters: parameterCount,
    steps,
    batch,
    seconds,
    curves: curves.map(thin),
  }
}

/** Where a trained model's run is. */
export const runOf = (folder: string, { run, own }: TrainedRecord): string =>
  own ? path.join(folder, run) : run

/** Whether its weights are still there. */
export const runPresent = (folder: string, record: TrainedRecord): Promise<boolean> =>
  filesPresent(runOf(folder, record), [RUN_FILES.weights])
