/**
 * A finished classifier in a run folder: the encoder as ONNX, and how features become probabilities. `handful predict`
 * needs nothing else.
 *
 *     model/encoder.onnx             pixels -> features; none where all of them were made elsewhere
 *     model/outside-encoder-*.onnx   an encoder made elsewhere, where there is one
 *     model/classifier.json          class names, image size, the head's kind and settings
 *     model/classifier.safetensors   normalisation and the head's arrays
 */
import { type FeatureRequest, featureRequestSchema } from '../models/feature-request.js'
import { RESIZE_MODES, type ResizeMode } from '../names.js'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  compile,
  decodeModel,
  decodeSafetensors,
  encodeSafetensors,
  type Network,
  type Program,
  programOf,
} from 'onnx-autodiff'
import { z } from 'zod'
import { type ImageReading, READ_BEFORE, readingSchema } from '../data/reading.js'
import { HandfulError, systemError } from '../errors.js'
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
import { RUN_FILES, type RunFolder } from './run-folder.js'

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
const ENCODER = path.join(FOLDER, 'encoder.onnx')
/** Written last by a run that has a classifier. */
export const CLASSIFIER_FILE = path.join(FOLDER, 'classifier.json')
const ARRAYS = path.join(FOLDER, 'classifier.safetensors')

const UNLIKE_REFERENCES = 'unlike.references'

const settingsSchema = z.object({
  /**
   * 2 where features made elsewhere are among them, 3 where sources of a plugin are, 4 where nothing normalises: older
   * versions know nothing of these.
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
      sources: z.array(ownSourceSchema).optional(),
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
})

export async function saveClassifier(run: RunFolder, classifier: Classifier): Promise<void> {
  const { classNames, size, channels, fit, reading, outputs, drawn, batch, encoder, normalisation, head } =
    classifier
  const { outside, unlike } = classifier
  await run.makeFolder(FOLDER)
  if (encoder !== undefined)
    await run.writeFile(ENCODER, 'model' in encoder ? encoder.model : compile(encoder).model)
  await run.writeFile(
    ARRAYS,
    encodeSafetensors({
      ...(normalisation && normalisationArrays(normalisation)),
      ...headArrays(head),
      ...(unlike && unlikeArrays(unlike.parameters)),
      // Most heads keep these rows themselves.
      ...(unlike &&
        referencesOf(head) === undefined && { [UNLIKE_REFERENCES]: matrixArray(unlike.references) }),
    }),
  )
  const settings = {
    version: versionOf(classifier),
    classNames,
    size,
    channels,
    fit,
    reading,
    outputs,
    outside,
    drawn,
    batch,
    head: headSettings(head),
    unlike: unlike?.parameters.settings,
  }
  await run.writeJson(CLASSIFIER_FILE, settings)
}

/** The oldest version that knows what is in it. */
function versionOf({ normalisation, outside }: Classifier): 1 | 2 | 3 | 4 {
  if (normalisation === undefined) return 4
  if (outside === undefined) return 1
  return outside.sources === undefined ? 2 : 3
}

/** Of all that it is: what it computes is its own. */
export async function classifierKey(folder: string): Promise<string> {
  const { outside, encoder } = await loadClassifier(folder)
  const files = [
    ...(encoder === undefined ? [] : [ENCODER]),
    CLASSIFIER_FILE,
    ARRAYS,
    ...(outside?.encoder === undefined ? [] : [outside.encoder.file]),
    ...(outside?.sources ?? []).map(({ fitted }) => fitted),
  ]
  const hash = createHash('sha256')
  for (const name of files) hash.update(await readFile(path.join(folder, name)))
  return hash.digest('hex')
}

/** @throws HandfulError if the run has no classifier yet or its files are damaged */
export async function loadClassifier(folder: string): Promise<Classifier> {
  const read = (name: string): Promise<Buffer> =>
    readFile(path.join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw systemError('reading a classifier', path.join(folder, name), error)
      throw new HandfulError({
        what: 'classifier',
        where: folder,
        got: `no ${name}`,
        expected: 'a run that has come to its end',
        hint: `go on with it by handful fit --resume ${folder}`,
      })
    })
  const [json, arrayBytes] = [await read(CLASSIFIER_FILE), await read(ARRAYS)]
  try {
    const settings = settingsSchema.parse(JSON.parse(json.toString()))
    const model = settings.outputs.length === 0 ? undefined : await read(ENCODER)
    const { arrays } = decodeSafetensors(arrayBytes)
    const head = headOf(settings.head, settings.classNames.length, arrays)
    return {
      ...settings,
      encoder: model && programOf(decodeModel(model), model),
      normalisation: settings.version === 4 ? undefined : normalisationOf(arrays),
      head,
      unlike: settings.unlike && {
        parameters: unlikeOf(settings.unlike, arrays),
        references: referencesOf(head) ?? matrixOf(arrays[UNLIKE_REFERENCES]),
      },
    }
  } catch (error) {
    if (error instanceof HandfulError) throw error
    throw new HandfulError({
      what: 'classifier',
      where: path.join(folder, FOLDER),
      got: (error as Error).message.split('\n')[0],
      expected: 'the files that "handful fit" wrote',
      hint: `write them again by handful fit --resume ${folder}`,
    })
  }
}
