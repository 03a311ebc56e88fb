/**
 * The file of an encoder made elsewhere. It may come from anybody: its size is looked at before it is read, and data that
 * it keeps beside itself are read only from plain files in its own folder, never by a path that leads out of it or
 * through a link.
 */
import { createHash } from 'node:crypto'
import { lstat, open, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { type ExternalData, type ForeignModel, OnnxFormatError, readForeignModel } from 'onnx-autodiff'
import { HandfulError, printable, quoted, systemCode, systemError } from '../errors.js'
import { encoderError } from './encoder-error.js'

/** Of the model and all that it keeps beside itself; ONNX itself ends at 2 GiB. */
export const LIMIT_MODEL_BYTES = 2 ** 31 - 1

export interface ModelFile {
  readonly model: ForeignModel
  /** Of the file as it lies there. */
  readonly sha256: string
}

/** @throws HandfulError for what is no ONNX file, is too large, or must not run */
export async function readModelFile(file: string): Promise<ModelFile> {
  const bytes = await modelBytes(file)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { model: await checkedModel(file, bytes, (data) => externalBytes(file, data)), sha256 }
}

/** The same for bytes that are whole: nothing is read from elsewhere. */
export async function checkedModel(
  file: string,
  bytes: Uint8Array,
  external?: (data: ExternalData) => Promise<Uint8Array>,
): Promise<ForeignModel> {
  try {
    return await readForeignModel(bytes, external)
  } catch (error) {
    if (!(error instanceof OnnxFormatError)) throw error
    // "ONNX model (where): got X, expected Y"
    const [, place, problem] = /^ONNX model(?: \((.*?)\))?: (.*)$/s.exec(error.message) ?? []
    const [, got, expected, hint] = /^got (.*?), expected (.*?)(?:; (.*))?$/s.exec(problem ?? '') ?? []
    if (got === undefined || expected === undefined)
      throw encoderError(file, printable(problem ?? error.message), 'an ONNX model', undefined, error)
    const inside = place === undefined ? '' : ` in ${printable(place)}`
    throw encoderError(file, `${printable(got)}${inside}`, printable(expected), hint, error)
  }
}

async function modelBytes(file: string): Promise<Uint8Array> {
  try {
    const found = await stat(file)
    if (found.isDirectory()) throw encoderError(file, 'a folder', 'an ONNX file', 'give the file in it')
    if (!found.isFile()) throw encoderError(file, 'no regular file', 'an ONNX file')
    if (found.size === 0) throw encoderError(file, 'an empty file', 'an ONNX file')
    if (found.size <= LIMIT_MODEL_BYTES) return await readFile(file)
    throw encoderError(file, `${(found.size / 2 ** 30).toFixed(1)} GiB`, 'at most 2 GiB')
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw encoderError(file, 'nothing there', 'an ONNX file', 'check the path', error)
    throw error instanceof HandfulError ? error : systemError('encoder', file, error)
  }
}

/** A part of a file in the model's own folder. */
async function externalBytes(file: string, { location, offset, length }: ExternalData): Promise<Uint8Array> {
  const refuse = (got: string, expected: string): HandfulError =>
    encoderError(file, `data in ${quoted(location)}, ${got}`, expected)
  const inside = "a plain file in the model's own folder"
  const parts = location.split(/[/\\]/)
  const leadsOut =
    location === '' ||
    path.isAbsolute(location) ||
    /^[a-z]:/i.test(location) ||
    location.includes('\0') ||
    parts.includes('..')
  if (leadsOut) throw refuse('a path that leads out of its folder', inside)
  const target = path.join(path.dirname(file), ...parts)
  // Each folder on the way counts, too: a link there leads out as well as one at the end.
  for (let depth = 1; depth <= parts.length; depth++) {
    const step = path.join(path.dirname(file), ...parts.slice(0, depth))
    const kind = await lstat(step).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') throw refuse('which is not there', inside)
      throw systemError('encoder', step, error)
    })
    if (kind.isSymbolicLink()) throw refuse('a symbolic link', inside)
    if (depth === parts.length && !kind.isFile()) throw refuse('no regular file', inside)
  }
  const handle = await open(target, 'r')
  try {
    const { size } = await handle.stat()
    const bytes = length ?? size - offset
    if (offset > size || bytes < 0 || offset + bytes > size || bytes > LIMIT_MODEL_BYTES)
      throw refuse(`which has ${size} bytes`, `the ${bytes} bytes from ${offset} on`)
    const data = new Uint8Array(bytes)
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await handle.read(data, at, bytes - at, offset + at)
      if (bytesRead === 0) throw refuse('which ends early', `the ${bytes} bytes from ${offset} on`)
      at += bytesRead
    }
    return data
  } finally {
    await handle.close()
  }
}
