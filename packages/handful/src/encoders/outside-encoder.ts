/**
 * An encoder made elsewhere, opened: its file read and checked, its input and output found, and tried on images of noise
 * before anything else is done. What runs, here and later, is the wrapped model alone (wrap-model.ts), which a run folder
 * keeps: the file that it came from may then move.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { type ForeignModel, openLocalSession, Random, type Session } from 'onnx-autodiff'
import { z } from 'zod'
import { HandfulError, printable } from '../errors.js'
import { encoderError } from './encoder-error.js'
import type { EncoderOptions } from './encoder-options.js'
import { type ChosenValue, chosenValue, rowForm } from './feature-output.js'
import { type ImageInput, imageInput } from './image-input.js'
import { checkedModel, readModelFile } from './model-file.js'
import { type PixelRange, pixelRange } from './pixel-range.js'
import { type WrappedModel, wrapModel, wrappedProgram } from './wrap-model.js'

export const outsideEncoderSchema = z.object({
  /** As tables and reports name it. */
  title: z.string().min(1),
  /** Of the file that it came from. */
  sha256: z.string(),
  /** Side of its images in pixels. */
  size: z.int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Numbers of a feature. */
  columns: z.int().positive(),
  /** Whether it takes one image at a time. */
  single: z.boolean(),
  /** Names of its input and its output. */
  image: z.string(),
  features: z.string(),
  /** What was found and what was taken, in sentences. */
  notes: z.array(z.string()),
  /** Of one image here, when it was tried. */
  secondsPerImage: z.number().positive(),
})

/** What is known of an encoder, as a run keeps it beside the model. */
export type EncoderDescription = z.infer<typeof outsideEncoderSchema>

export interface OutsideEncoder {
  readonly description: EncoderDescription
  /** The wrapped model as an ONNX file. */
  readonly model: Uint8Array
}

/** Of what runs: the file's content and how it is taken. */
export const encoderKey = ({ model }: Pick<OutsideEncoder, 'model'>): string =>
  createHash('sha256').update(model).digest('hex').slice(0, 32)

export interface OpenEncoderOptions {
  readonly threads?: number
  readonly device?: string
}

/** Images that an encoder is run on at once: they stay few in memory, and more are no faster. */
export const ENCODER_BATCH = 16

/**
 * Opens the encoder of some options.
 *
 * @throws HandfulError in one line for a file that is no such model, or does not behave as one
 */
export async function openOutsideEncoder(
  file: string,
  options: EncoderOptions,
  running: OpenEncoderOptions,
): Promise<OutsideEncoder> {
  const { model, sha256 } = await readModelFile(file)
  const input = imageInput(file, model, options)
  const range = pixelRange(model, input, options)
  const chosen = chosenValue(file, model, options)
  const title = titleOf(file, model)
  const tried = await tryModel({ file, model, input, range, chosen, options, title }, running)
  return {
    model: tried.wrapped.model,
    description: {
      title,
      sha256,
      size: input.size,
      channels: input.channels,
      columns: tried.columns,
      single: tried.single,
      image: tried.wrapped.image,
      features: tried.wrapped.features,
      notes: [
        summary(title, tried.columns, input, range),
        ...[...input.notes, ...range.notes, ...chosen.notes, ...tried.notes].map(
          (note) => `${printable(title)}: ${note}`,
        ),
      ],
      secondsPerImage: tried.secondsPerImage,
    },
  }
}

const summary = (
  title: string,
  columns: number,
  { size, channels }: ImageInput,
  { words, colours }: PixelRange,
): string =>
  `${printable(title)}: ${columns} numbers an image, from images of ${size}x${size} ` +
  `${channels === 1 ? 'in grey' : `in colour${colours === 'bgr' ? ' (blue first)' : ''}`}, ${words}`

const TITLE_KEYS = ['title', 'model_name', 'name', 'model', 'architecture']

function titleOf(file: string, { metadata }: ForeignModel): string {
  const named = TITLE_KEYS.map((key) => metadata[key]?.trim() ?? '').find(
    (text) => text !== '' && text.length <= 40,
  )
  return named ?? (path.basename(file).replace(/\.(onnx|ort)$/i, '') || 'encoder')
}

interface Trying {
  readonly file: string
  readonly model: ForeignModel
  readonly input: ImageInput
  readonly range: PixelRange
  readonly chosen: ChosenValue
  readonly options: EncoderOptions
  readonly title: string
}

interface Tried {
  readonly wrapped: WrappedModel
  readonly columns: number
  readonly single: boolean
  readonly notes: readonly string[]
  readonly secondsPerImage: number
}

/**
 * How far two rows may lie from each other, as a share of their length: of one image run twice; alone and beside another
 * (models that quantise as they run do so by the whole batch); and what two images differ by at least.
 */
const REPEATED = 1e-3
const BESIDE_OTHERS = 0.05
const DIFFERENT = 1e-5

async function tryModel(trying: Trying, running: OpenEncoderOptions): Promise<Tried> {
  const { file, chosen, options } = trying
  let { input } = trying
  const notes: string[] = []
  let shape = await tryShape(trying, input, running)
  if (shape === undefined) {
    // Many exports say "any batch" and hold the one image in a shape further inside.
    input = { ...input, single: true }
    shape = await tryShape(trying, input, running)
    notes.push('it takes one image at a time, which is slower')
  }
  if (shape === undefined)
    throw encoderError(
      file,
      `an output ${printable(chosen.name)} that is not one for each image`,
      'a row of numbers for each',
      '--encoder-output names another',
    )
  const form = rowForm(file, chosen.name, shape, input, options)
  const wrapped = wrapModel(trying.model, {
    input,
    range: trying.range,
    output: chosen.name,
    form,
    metadata: { title: trying.title },
  })
  const session = await openWrapped(file, wrapped, input, running, form.columns)
  try {
    const secondsPerImage = await checkRows(trying, session, wrapped, input, form.columns)
    return {
      wrapped,
      columns: form.columns,
      single: input.single,
      notes: [...notes, ...form.notes],
      secondsPerImage,
    }
  } finally {
    await session.close()
  }
}

/** The output's shape for two images (one of a model that takes no more); undefined where two do not go through. */
async function tryShape(
  { file, model, range, chosen }: Trying,
  input: ImageInput,
  running: OpenEncoderOptions,
): Promise<readonly number[] | undefined> {
  const wrapped = wrapModel(model, { input, range, output: chosen.name })
  const session = await openWrapped(file, wrapped, input, running)
  try {
    const count = input.single ? 1 : 2
    const { shape } = await runOn(session, wrapped, input, patterns(input, count))
    // Of the one image that there was, a row may come without a batch axis.
    if (input.single && shape.length === 1 && shape[0] > 1) return [1, ...shape]
    return shape[0] === count ? shape : undefined
  } catch (error) {
    if (!input.single) return undefined
    throw runError(file, error)
  } finally {
    await session.close()
  }
}

const openWrapped = (
  file: string,
  wrapped: WrappedModel,
  input: ImageInput,
  { threads, device }: OpenEncoderOptions,
  columns?: number,
): Promise<Session> =>
  openLocalSession(wrappedProgram(wrapped, input, columns), { threads, device }).catch((error: unknown) => {
    throw runError(file, error)
  })

function runError(file: string, error: unknown): unknown {
  if (error instanceof HandfulError || !(error instanceof Error)) return error
  const said = /onnxruntime (?:refused it|failed): (.*?)(?:; the state is as it was)?$/s.exec(error.message)
  if (said === null) return error
  return encoderError(
    file,
    `what onnxruntime does not run: ${printable(said[1])}`,
    'a model that runs on images',
    undefined,
    error,
  )
}

/** Bytes of images of waves, each of another kind, the same each time: noise alone looks alike to many networks. */
function patterns({ size, channels }: ImageInput, count: number): Uint8Array {
  const random = new Random(0, 'images to try an encoder on')
  const pixels = new Uint8Array(count * size * size * channels)
  for (let image = 0, at = 0; image < count; image++) {
    const [across, down] = [1 + 4 * image, 3 - 2 * image]
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const wave = Math.sin((2 * Math.PI * (across * x + down * y)) / size + image)
        for (let c = 0; c < channels; c++) pixels[at++] = 128 + (60 + 30 * c) * wave + random.between(-30, 30)
      }
    }
  }
  return pixels
}

async function runOn(
  session: Session,
  { image, features }: WrappedModel,
  { size, channels }: Pick<ImageInput, 'size' | 'channels'>,
  pixels: Uint8Array,
): Promise<{ readonly shape: readonly number[]; readonly data: Float32Array }> {
  const shape = [pixels.length / (size * size * channels), size, size, channels]
  const found = await session.run({ [image]: { dtype: 'uint8', shape, data: pixels.slice() } })
  const { shape: given, data } = found[features]
  return { shape: given, data: data as Float32Array }
}

/** Each image gives a row of its own, always the same, of finite numbers. Gives the seconds of an image. */
async function checkRows(
  { file, chosen }: Trying,
  session: Session,
  wrapped: WrappedModel,
  input: ImageInput,
  columns: number,
): Promise<number> {
  const wrong = (got: string, hint: string): HandfulError =>
    encoderError(file, `an output ${printable(chosen.name)} ${got}`, 'a row of its own for each image', hint)
  const bytes = input.size * input.size * input.channels
  const images = patterns(input, 2)
  const rowsOf = async (pixels: Uint8Array): Promise<Float32Array> => {
    const rows = await runOn(session, wrapped, input, pixels).catch((error: unknown) => {
      throw runError(file, error)
    })
    if (rows.data.length === (pixels.length / bytes) * columns) return rows.data
    throw wrong('whose size varies from image to image', '--encoder-output names another')
  }
  const first = await rowsOf(images.subarray(0, bytes))
  const second = await rowsOf(images.subarray(bytes))
  if (![...first, ...second].every(Number.isFinite))
    throw wrong(
      'that is not finite',
      'say what numbers it takes by --encoder-range, or export it in full precision',
    )
  if (distance(first, await rowsOf(images.subarray(0, bytes))) > REPEATED)
    throw wrong('that differs each time it runs', 'export it for use, not for training (model.eval())')
  if (!input.single) {
    const both = await rowsOf(images)
    const apart = [distance(first, both.subarray(0, columns)), distance(second, both.subarray(columns))]
    if (Math.max(...apart) > BESIDE_OTHERS)
      throw wrong(
        'that depends on the other images of a batch',
        'export it for use, not for training (model.eval())',
      )
  }
  if (distance(first, second) < DIFFERENT)
    throw wrong(
      'that is the same for all images',
      'say what numbers it takes by --encoder-range, or name another output by --encoder-output',
    )
  const started = performance.now()
  const count = input.single ? 1 : 2
  await rowsOf(images.subarray(0, count * bytes))
  return Math.max(1e-6, (performance.now() - started) / 1000 / count)
}

/** Of two rows, as a share of the first's length. */
function distance(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2
    size += a[i] ** 2
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size)
}

/**
 * An encoder that a run keeps, checked as any file is.
 * @throws HandfulError for a file that is not what was written
 */
export async function restoreEncoder(
  file: string,
  model: Uint8Array,
  description: EncoderDescription,
): Promise<OutsideEncoder> {
  const { inputs } = await checkedModel(file, model)
  if (inputs.length === 1 && inputs[0].name === description.image) return { model, description }
  throw encoderError(file, 'another model', 'the encoder that the run kept', 'restore the file')
}
