/**
 * A trained generative model in a run folder, which is all that sampling, reconstruction and features need:
 *
 *     model/model.json             the model's name, its configuration, the images it takes
 *     model/weights.safetensors    averaged weights
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import { fitSchema } from '../data/open.js'
import { type ImageReading, READ_BEFORE, readingSchema } from '../data/reading.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { shellWord } from '../errors/shell.js'
import { contentKey } from '../files/content-key.js'
import type { BoundModel, WeightedModel } from '../models/model.js'
import { findModel, modelNamed, type OwnModels } from '../models/registry.js'
import { checkPlugins } from './brought.js'
import { AUGMENTATIONS } from '../names.js'
import { type PlainObject, readRunConfig, RUN_FILES } from './run-files.js'
import type { RunFolder } from './run-folder.js'

const DESCRIPTION = path.join(RUN_FILES.model, 'model.json')

const descriptionSchema = z.strictObject({
  version: z.literal(1),
  model: z.string(),
  config: z.record(z.string(), z.unknown()),
  image: z.strictObject({ size: z.int().min(1), channels: z.union([z.literal(1), z.literal(3)]) }),
  /** How images that are not square become so. */
  fit: fitSchema,
  /** How files became images. */
  reading: readingSchema.default(READ_BEFORE),
  augment: z.enum(AUGMENTATIONS),
})

export interface DescribedModel {
  /** The run's folder. */
  readonly run: string
  /** The options that the run was made with. */
  readonly options: PlainObject
  readonly model: BoundModel
  readonly fit: z.infer<typeof fitSchema>
  readonly reading: ImageReading
}

export interface TrainedModel extends DescribedModel, WeightedModel {}

export type ModelDescription = Pick<DescribedModel, 'model' | 'fit' | 'reading'> &
  Pick<z.infer<typeof descriptionSchema>, 'augment'>

/** Written when the weights are in place. */
export async function saveModelDescription(run: RunFolder, description: ModelDescription): Promise<void> {
  const { model, fit, reading, augment } = description
  const { name, config, image } = model
  await run.writeJson(DESCRIPTION, { version: 1, model: name, config, image, fit, reading, augment })
}

/** What is brought along that a run's model may be one of. */
export interface ModelSurroundings {
  readonly models?: OwnModels
}

/**
 * @param brought models beside those that are built in
 * @throws HandfulError if the folder is no run, its model is not trained yet, is a plugin's that is not there, or the file is damaged
 */
export async function describedModel(
  run: string,
  { models }: ModelSurroundings = {},
): Promise<DescribedModel> {
  const options = await readRunConfig(run)
  const without =
    options.method === 'fixmatch'
      ? 'a run of --method fixmatch, whose network classifies and generates nothing'
      : options.model === 'none'
        ? 'a run of --model none, which trained none'
        : undefined
  if (without !== undefined)
    throw new HandfulError({
      what: 'trained model',
      where: run,
      got: without,
      expected: 'a run that trained a generative model',
      hint: `classify new images by handful predict ${shellWord(run)} <images>, or train a model by handful pretrain`,
      exitCode: 2,
    })
  const text = (await readPart(run, DESCRIPTION)).toString('utf8')
  try {
    const { model: name, config, image, fit, reading } = descriptionSchema.parse(JSON.parse(text))
    if (findModel(name, models) === undefined)
      checkPlugins(options, { models }, run, ({ models: own }) => ({ models: own }))
    return { run, options, model: modelNamed(name, models).configure(config, image), fit, reading }
  } catch (error) {
    throw damaged(run, DESCRIPTION, error)
  }
}

/** Of a trained model's weights and how they are used: what is computed with it is its own, wherever it lies. */
export async function trainedKey({ run, model: { name, config, image } }: DescribedModel): Promise<string> {
  return contentKey({ name, config, image, weights: await weightsHash(run) })
}

/** @throws HandfulError for weights that are missing */
export async function weightsHash(run: string): Promise<string> {
  return createHash('sha256')
    .update(await readPart(run, RUN_FILES.weights))
    .digest('hex')
}

/** @throws HandfulError where images of a known data set are of another shape than the model's */
export function checkShape(
  { height, width, channels }: Pick<Images, 'height' | 'width' | 'channels'>,
  { model: { image } }: { readonly model: Pick<BoundModel, 'image'> },
  dataset: string,
  hint?: string,
): void {
  if (height === image.size && channels === image.channels) return
  throw new HandfulError({
    what: 'images',
    where: `--dataset ${dataset}`,
    got: `${height}x${width} with ${channels} channels`,
    expected: `${image.size}x${image.size} with ${image.channels}, as the model takes them`,
    hint,
  })
}

/** @throws HandfulError as describedModel, and for weights that are missing or damaged */
export async function loadTrainedModel(run: string, brought?: ModelSurroundings): Promise<TrainedModel> {
  const described = await describedModel(run, brought)
  const bytes = await readPart(run, RUN_FILES.weights)
  try {
    return { ...described, weights: decodeSafetensors(bytes).arrays }
  } catch (error) {
    throw damaged(run, RUN_FILES.weights, error)
  }
}

async function readPart(run: string, name: string): Promise<Buffer> {
  const file = path.join(run, name)
  return readFile(file).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw systemError('reading a model', file, error)
    throw new HandfulError({
      what: 'trained model',
      where: run,
      got: `no ${name}`,
      expected: 'a run whose training has come to its end',
      hint: 'go on with it by --resume',
    })
  })
}

function damaged(run: string, name: string, error: unknown): HandfulError {
  if (error instanceof HandfulError) return error
  const [issue] = error instanceof z.ZodError ? error.issues : []
  const got =
    issue === undefined
      ? String((error as Error).message).split('\n')[0]
      : `${issue.message} (${issue.path.join('.')})`
  return new HandfulError({
    what: 'trained model',
    where: path.join(run, name),
    got,
    expected: 'what training wrote',
    hint: 'restore the file, or train again',
  })
}
