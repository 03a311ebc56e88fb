/** Checks an exported model: that its files are those that were written, and that it gives what it gave then. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  type Arrays,
  decodeSafetensors,
  type ForeignModel,
  OnnxFormatError,
  readForeignModel,
} from 'onnx-autodiff'
import { z } from 'zod'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { damageInWords } from '../files/damage.js'
import { compared } from '../heads/distil.js'
import { featureMatrix } from '../numerics/matrix.js'
import type { JobContext } from '../training/progress.js'
import { besideModel } from './model-files.js'
import {
  descriptionSchema,
  METADATA_KEY,
  metadataSchema,
  type ModelDescription,
  type ModelMetadata,
  PROBABILITIES,
  WHOLE_HEAD,
} from './model-format.js'
import { openModel } from './run-model.js'

export interface VerifyOptions {
  readonly file: string
  readonly threads: number
  readonly device: string
}

export interface Verified {
  readonly file: string
  readonly images: number
  /** Largest one between a probability that came out and the expected one. */
  readonly difference: number
  readonly metadata: ModelMetadata
}

/** Other machines round otherwise; what a person would notice is far more. */
const TOLERANCE = 1e-4

const damaged = (file: string, got: string, expected: string, hint?: string, cause?: unknown): HandfulError =>
  new HandfulError({
    what: 'exported model',
    where: printable(file),
    got: printable(got),
    expected,
    hint: hint ?? 'copy the files again, or export the run again',
    cause,
  })

/** @throws HandfulError for a file that is missing, damaged or another, and for outputs that differ */
export async function verifyModel(
  { file, ...running }: VerifyOptions,
  { signal, progress }: JobContext,
): Promise<Verified> {
  const beside = besideModel(file)
  const model = await bytesOf(file)
  // The file itself is looked at first: what is damaged is told as that, whatever stands beside it.
  const { foreign, metadata } = await modelOf(file, model)
  const description = await descriptionOf(beside.description)
  const test = await bytesOf(beside.test)
  checkHash(file, model, description.files.model)
  checkHash(beside.test, test, description.files.test)
  const { arrays, rows } = testArrays(beside.test, test, metadata)
  signal.throwIfAborted()
  const refused = (error: unknown): never => {
    const got = `what onnxruntime refuses: ${(error as Error).message}`
    throw damaged(file, got, 'a model that runs', undefined, error)
  }
  const open = await openModel(foreign, metadata, running).catch(refused)
  try {
    const pixels = Object.fromEntries(
      metadata.inputs.map(({ name }) => [name, arrays[name].data as Uint8Array]),
    )
    const found = await open.probabilities(pixels, rows).catch(refused)
    progress.report({ stage: 'run the model', done: rows, total: rows, unit: 'images' })
    const expected = arrays[PROBABILITIES].data as Float32Array
    const difference = worst(found, expected)
    if (difference <= TOLERANCE) {
      checkDistilled(beside.test, found, arrays, metadata)
      return { file, images: rows, difference, metadata }
    }
    throw damaged(
      file,
      `probabilities that differ by ${difference.toPrecision(2)} from those in ${path.basename(beside.test)}`,
      `at most ${TOLERANCE}`,
    )
  } finally {
    await open.close()
  }
}

/** That it agrees with the head it was distilled from as it says. */
function checkDistilled(
  file: string,
  found: Float32Array,
  arrays: Arrays,
  { distilled, classes }: ModelMetadata,
): void {
  if (distilled === undefined) return
  const matrix = (data: Float32Array) => featureMatrix(data.length / classes.length, classes.length, data)
  const { same, difference } = compared(matrix(found), matrix(arrays[WHOLE_HEAD].data as Float32Array))
  const { test } = distilled
  if (same === test.same && Math.abs(difference - test.difference) <= TOLERANCE) return
  throw damaged(
    file,
    `the class of the whole head for ${same} test images, probabilities ${difference.toFixed(4)} apart`,
    `${test.same}, and ${test.difference.toFixed(4)}, as the model says`,
  )
}

/** NaN counts as any difference. */
function worst(found: Float32Array, expected: Float32Array): number {
  let most = 0
  for (const [i, value] of found.entries()) {
    const difference = Math.abs(value - expected[i])
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference
  }
  return most
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('exported model', file, error)
    throw damaged(file, 'nothing there', 'a file that "handful export" wrote', 'check the path', error)
  }
}

/** The ONNX file and what it says of itself. */
export async function modelOf(
  file: string,
  bytes: Uint8Array,
): Promise<{ readonly foreign: ForeignModel; readonly metadata: ModelMetadata }> {
  const foreign = await readForeignModel(bytes).catch((error: unknown) => {
    if (!(error instanceof OnnxFormatError)) throw error
    throw damaged(
      file,
      `a damaged file: ${error.message}`,
      'an ONNX model as it was written',
      undefined,
      error,
    )
  })
  const text = foreign.metadata[METADATA_KEY]
  if (text === undefined)
    throw damaged(file, 'a model of another kind', 'one that "handful export" wrote', 'check the path')
  try {
    return { foreign, metadata: metadataSchema.parse(JSON.parse(text)) }
  } catch (error) {
    throw damaged(file, `damaged metadata: ${damageInWords(error)}`, 'what was written', undefined, error)
  }
}

async function descriptionOf(file: string): Promise<ModelDescription> {
  const bytes = await bytesOf(file)
  try {
    return descriptionSchema.parse(JSON.parse(bytes.toString('utf8')))
  } catch (error) {
    if (!(error instanceof z.ZodError) && !(error instanceof SyntaxError)) throw error
    throw damaged(file, `a damaged file: ${damageInWords(error)}`, 'what was written', undefined, error)
  }
}

/** The files may have been given other names. */
function checkHash(file: string, content: Uint8Array, known: ModelDescription['files']['model']): void {
  if (known.bytes !== content.length)
    throw damaged(file, `${content.length} bytes`, `${known.bytes}, as it was written`)
  const found = createHash('sha256').update(content).digest('hex')
  if (found !== known.sha256)
    throw damaged(
      file,
      `sha256 ${found.slice(0, 12)}...`,
      `${known.sha256.slice(0, 12)}..., as it was written`,
    )
}

function testArrays(
  file: string,
  bytes: Uint8Array,
  { inputs, classes, distilled }: ModelMetadata,
): { readonly arrays: Arrays; readonly rows: number } {
  const arrays = decoded(file, bytes)
  const rows = arrays[PROBABILITIES]?.shape[0] ?? 0
  const wanted: [string, string, number[]][] = [
    [PROBABILITIES, 'float32', [rows, classes.length]],
    ...(distilled === undefined
      ? []
      : [[WHOLE_HEAD, 'float32', [rows, classes.length]] as [string, string, number[]]]),
    ...inputs.map(({ name, size, channels }): [string, string, number[]] => [
      name,
      'uint8',
      [rows, size, size, channels],
    ]),
  ]
  for (const [name, dtype, shape] of wanted) {
    const array = Object.hasOwn(arrays, name) ? arrays[name] : undefined
    if (array?.dtype === dtype && array.shape.join() === shape.join() && rows > 0) continue
    const got = array === undefined ? 'none' : `${array.dtype} [${array.shape.join(', ')}]`
    throw damaged(file, `${got} as ${name}`, `${dtype} [${shape.join(', ')}]`)
  }
  return { arrays, rows }
}

function decoded(file: string, bytes: Uint8Array): Arrays {
  try {
    return decodeSafetensors(bytes).arrays
  } catch (error) {
    throw damaged(file, `a damaged file: ${(error as Error).message}`, 'what was written', undefined, error)
  }
}
