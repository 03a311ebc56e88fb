/**
 * A finished classifier in a run folder: the encoder as ONNX, and how features become probabilities. `handful predict`
 * needs nothing else.
 *
 *     model/encoder-*.onnx             pixels -> features; none where all of them were made elsewhere
 *     model/outside-encoder-*.onnx     an encoder made elsewhere, where there is one
 *     model/classifier-*.safetensors   normalisation and the head's arrays
 *     model/classifier.json            class names, image size, the head's kind and settings, and which of these files are its own
 *
 * Files are named by what they hold, and `classifier.json` is put in place last: a process that is killed at any moment leaves
 * the classifier of before or the new one, never parts of both.
 */
import { type FeatureRequest, featureRequestSchema } from '../models/feature-request.js'
import { RESIZE_MODES, type ResizeMode } from '../names.js'
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import {
  compile,
  decodeModel,
  type Network,
  type Program,
  programOf,
  SafetensorsError,
  safetensorsParts,
} from 'onnx-autodiff'
import { z } from 'zod'
import { type ImageReading, READ_BEFORE, readingSchema } from '../data/reading.js'
import { readArrays } from '../files/array-file.js'
import { addFile, fileSha256 } from '../files/file-hash.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { type EmbeddingsDescription, embeddingsSchema } from '../encoders/embeddings.js'
import { outsideEncoderSchema } from '../encoders/outside-encoder.js'
import type { Normalisation } from '../features/normalise.js'
import type { PredictorParameters } from '../heads/head.js'
import { referencesOf } from '../heads/predictor.js'
import { type UnlikeParameters, unlikeSettingsSchema } from '../heads/unlike.js'
import { type FeatureMatrix, matrixArray, matrixOf } from '../numerics/matrix.js'
import {
  headArrays,
  headOf,
  headSchema,
  headSettings,
  normalisationArrays,
  normalisationOf,
  unlikeArrays,
  unlikeOf,
} from './fitted-arrays.js'
import { type OwnSource, ownSourceSchema } from './own-features.js'
import type { EncoderRecord } from './outside-features.js'
import { RUN_FILES } from './run-files.js'
import type { RunFolder } from './run-folder.js'

/** All that turns images into probabilities of classes, as a run folder keeps it. */
export interface Classifier {
  readonly classNames: readonly string[]
  readonly size: number
  readonly channels: 1 | 3
  /** How images that are not square become so. */
  readonly fit: ResizeMode
  /** How files become images. */
  readonly reading: ImageReading
  /** The encoder's outputs that are the feature, side by side. */
  readonly outputs: readonly string[]
  /** What the features were asked for, where the encoder takes drawn inputs beside the image, and the seed of those. */
  readonly drawn?: { readonly request: FeatureRequest; readonly seed: number }
  /** None where all features were made elsewhere. */
  readonly encoder?: Network | Program
  /** What stands beside its features, in this order. */
  readonly outside?: OutsideClassifier
  /** Images of one run of the encoder, at most, where it says so. */
  readonly batch?: number
  /** None where the head takes features as they are, as a network's own last layer does. */
  readonly normalisation?: Normalisation
  readonly head: PredictorParameters
  /** How unlike all classes an image is; none in older runs and where there was too little to tell by. */
  readonly unlike?: UnlikeClassifier
  /** Of the labels that it was fitted to: a report of other labels tells nothing of it. Undefined in older runs. */
  readonly labelsKey?: string
}

export interface UnlikeClassifier {
  readonly parameters: UnlikeParameters
  /** The rows of the fit. */
  readonly references: FeatureMatrix
}

/** Features made elsewhere that a classifier needs of new images. */
export interface OutsideClassifier {
  readonly encoder?: Pick<EncoderRecord, 'file' | 'description'>
  readonly embeddings?: EmbeddingsDescription
  /** Sources that the caller brought, in the order of their columns. */
  readonly sources?: readonly OwnSource[]
}

const FOLDER = RUN_FILES.model
/** Written last by a run that has a classifier. */
export const CLASSIFIER_FILE = path.join(FOLDER, 'classifier.json')
/** Names of versions 1 and 2, whose files were overwritten. */
const OLDER = {
  encoder: path.join(FOLDER, 'encoder.onnx'),
  arrays: path.join(FOLDER, 'classifier.safetensors'),
}
/** Files of classifiers, and what a killed process left of one. */
const OWN_FILES =
  /^(encoder(-[0-9a-f]+)?\.onnx|classifier(-[0-9a-f]+)?\.safetensors|\.(encoder|classifier).*\.part)$/
/** A reader may find the files of one that is being replaced gone. */
const MOST_READINGS = 5

const fileSchema = z.object({ name: z.string(), sha256: z.string() })

const UNLIKE_REFERENCES = 'unlike.references'

const settingsSchema = z.object({
  /**
   * 2 where features made elsewhere are among them, 3 where it names its files, 4 where nothing normalises: what older versions
   * know nothing of.
   */
  version: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  classNames: z.array(z.string()).min(1),
  size: z.number().int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  fit: z.enum(RESIZE_MODES),
  reading: readingSchema.default(READ_BEFORE),
  /** None where all features were made elsewhere. */
  outputs: z.array(z.string()),
  outside: z
    .object({
      encoder: z.object({ file: z.string(), description: outsideEncoderSchema }).optional(),
      embeddings: embeddingsSchema.optional(),
      sources: z.array(ownSourceSchema).readonly().optional(),
    })
    .optional(),
  drawn: z
    .object({
      request: featureRequestSchema,
      seed: z.number(),
    })
    .optional(),
  batch: z.number().int().positive().optional(),
  head: headSchema,
  unlike: unlikeSettingsSchema.optional(),
  labelsKey: z.string().optional(),
  files: z.object({ encoder: fileSchema.optional(), arrays: fileSchema }).optional(),
})

type Settings = z.infer<typeof settingsSchema>

/** Puts it in place of the one that is there; whoever reads meanwhile has the one or the other. */
export async function saveClassifier(run: RunFolder, classifier: Classifier): Promise<void> {
  const { classNames, size, channels, fit, reading, outputs, drawn, batch, encoder, normalisation, head } =
    classifier
  const { outside, unlike, labelsKey } = classifier
  await run.makeFolder(FOLDER)
  const model = encoder && ('model' in encoder ? encoder.model : compile(encoder).model)
  const arrays = safetensorsParts({
    ...(normalisation && normalisationArrays(normalisation)),
    ...headArrays(head),
    ...(unlike && unlikeArrays(unlike.parameters)),
    // Most heads keep these rows themselves.
    ...(unlike &&
      referencesOf(head) === undefined && { [UNLIKE_REFERENCES]: matrixArray(unlike.references) }),
  })
  const files = {
    encoder: model && (await writeNamed(run, 'encoder', '.onnx', [model])),
    arrays: await writeNamed(run, 'classifier', '.safetensors', arrays),
  }
  const settings: Settings = {
    version: normalisation === undefined ? 4 : 3,
    classNames: [...classNames],
    size,
    channels,
    fit,
    reading,
    outputs: [...outputs],
    outside,
    drawn,
    batch,
    head: headSettings(head),
    unlike: unlike?.parameters.settings,
    labelsKey,
    files,
  }
  await run.writeJson(CLASSIFIER_FILE, settings)
  await removeOthers(run, files)
}

interface OwnFiles {
  readonly encoder?: z.infer<typeof fileSchema>
  readonly arrays: z.infer<typeof fileSchema>
}

/** A file that is named by its content: none that is in use is written over. */
async function writeNamed(
  run: RunFolder,
  stem: string,
  ending: string,
  content: readonly Uint8Array[],
): Promise<{ name: string; sha256: string }> {
  const sha256 = sha256Of(content)
  const name = path.join(FOLDER, `${stem}-${sha256.slice(0, 12)}${ending}`)
  await run.writeFile(name, content)
  return { name, sha256 }
}

/** Of classifiers that were replaced, or begun and never finished. What cannot be removed is in nobody's way. */
async function removeOthers(run: RunFolder, { encoder, arrays }: OwnFiles): Promise<void> {
  const own = [encoder, arrays].flatMap((file) => (file === undefined ? [] : [path.basename(file.name)]))
  for (const name of await readdir(run.path(FOLDER)).catch(() => [])) {
    if (OWN_FILES.test(name) && !own.includes(name))
      await rm(run.path(FOLDER, name), { force: true }).catch(() => {})
  }
}

function sha256Of(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Of all that it is: what it computes is its own. */
export const classifierKey = (folder: string): Promise<string> =>
  withParts(folder, async ({ json, settings, model, arrays }) => {
    const hash = createHash('sha256')
    const add = (file: string): Promise<void> => addFile(hash, file)
    if (model !== undefined) await readPart(folder, model, add)
    hash.update(json)
    await readPart(folder, arrays, add)
    const { encoder, sources = [] } = settings.outside ?? {}
    for (const name of [...(encoder ? [encoder.file] : []), ...sources.map(({ fitted }) => fitted)])
      await add(path.join(folder, name))
    return hash.digest('hex')
  })

/** @throws HandfulError if the run has no classifier yet or its files are damaged */
export const loadClassifier = (folder: string): Promise<Classifier> =>
  withParts(folder, async ({ settings, ...parts }) => {
    const model = parts.model && (await readPart(folder, parts.model, readBytes))
    const { arrays } = await readPart(folder, parts.arrays, readArrays)
    return understood(folder, () => {
      const { files: _, version: __, ...own } = settings
      const head = headOf(settings.head, settings.classNames.length, arrays)
      return {
        ...own,
        encoder: model && programOf(decodeModel(model), model),
        normalisation: settings.version === 4 ? undefined : normalisationOf(arrays),
        head,
        unlike: settings.unlike && {
          parameters: unlikeOf(settings.unlike, arrays),
          references: referencesOf(head) ?? matrixOf(arrays[UNLIKE_REFERENCES]),
        },
      }
    })
  })

/** A file of a classifier, and the content that it has to have, where that is known. */
interface Part {
  readonly name: string
  readonly sha256?: string
}

interface Parts {
  readonly json: Buffer
  readonly settings: Settings
  readonly arrays: Part
  /** Undefined where all features were made elsewhere. */
  readonly model?: Part
}

/** Begins again where another classifier has come in its place meanwhile. */
async function withParts<T>(folder: string, use: (parts: Parts) => Promise<T>): Promise<T> {
  for (let reading = 1; ; reading++) {
    const json = await readPart(folder, { name: CLASSIFIER_FILE }, readBytes)
    const settings = understood(folder, () => settingsSchema.parse(JSON.parse(json.toString())))
    const { files, outputs } = settings
    try {
      return await use({
        json,
        settings,
        arrays: files?.arrays ?? { name: OLDER.arrays },
        model: outputs.length === 0 ? undefined : (files?.encoder ?? { name: OLDER.encoder }),
      })
    } catch (error) {
      const now = await readPart(folder, { name: CLASSIFIER_FILE }, readBytes)
      if (now.equals(json) || reading === MOST_READINGS) throw error
    }
  }
}

const readBytes = (file: string): Promise<Buffer> => readFile(file)

async function readPart<T>(
  folder: string,
  { name, sha256 }: Part,
  read: (file: string) => Promise<T>,
): Promise<T> {
  const file = path.join(folder, name)
  try {
    if (sha256 !== undefined && (await fileSha256(file)) !== sha256)
      throw damaged(folder, `another content of ${name} than was written`)
    return await read(file)
  } catch (error) {
    if (error instanceof HandfulError) throw error
    if (error instanceof SafetensorsError) throw damaged(folder, error.message)
    if (systemCode(error) !== 'ENOENT') throw systemError('reading a classifier', file, error)
    throw new HandfulError({
      what: 'classifier',
      where: folder,
      got: `no ${name}`,
      expected: 'a run that has come to its end',
      hint: `go on with it by handful fit --resume ${folder}`,
    })
  }
}

function understood<T>(folder: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof HandfulError) throw error
    throw damaged(folder, (error as Error).message.split('\n')[0])
  }
}

const damaged = (folder: string, got: string): HandfulError =>
  new HandfulError({
    what: 'classifier',
    where: path.join(folder, FOLDER),
    got,
    expected: 'the files that "handful fit" wrote',
    hint: `write them again by handful fit --resume ${folder}`,
  })
