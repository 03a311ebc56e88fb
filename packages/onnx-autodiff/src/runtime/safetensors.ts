/**
 * The safetensors format (https://huggingface.co/docs/safetensors, "Format"): eight bytes with the length N of a header
 * (unsigned, little-endian), N bytes of JSON that give each array's element type, shape and place, then the arrays
 * themselves without gaps. Read with bounds: such a file may come from anywhere.
 */

import { z } from 'zod'
import { arrayProblem, type Arrays, ELEMENTS, type ElementType, type NamedArray } from '../arrays.js'

const NAMES = { float32: 'F32', int32: 'I32', int64: 'I64', uint8: 'U8', bool: 'BOOL' } as const
const DTYPES = Object.fromEntries(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as ElementType]))

/** Half precision, which is read as float32: every value of it is one. */
const HALVES: Readonly<Record<string, (bits: number) => number>> = {
  // The upper half of a float32 (bfloat16).
  BF16: (bits) => float32Of(bits << 16),
  // Sign, five bits of exponent, ten of fraction (IEEE 754 binary16).
  F16(bits) {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
    const sign = bits >> 15 === 0 ? 1 : -1
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  },
}

const view = new DataView(new ArrayBuffer(4))
function float32Of(bits: number): number {
  view.setInt32(0, bits)
  return view.getFloat32(0)
}

function widened(bytes: Uint8Array, read: (bits: number) => number): Float32Array {
  const result = new Float32Array(bytes.length / 2)
  for (let i = 0; i < result.length; i++) result[i] = read(bytes[2 * i] | (bytes[2 * i + 1] << 8))
  return result
}

/** The reference implementation's own limit. */
const MAX_HEADER_BYTES = 100_000_000

const metadataSchema = z.record(z.string(), z.string())
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(offset),
  data_offsets: z.tuple([offset, offset]),
})

/** What a safetensors file holds. */
export interface Safetensors {
  readonly arrays: Arrays
  readonly metadata: Readonly<Record<string, string>>
}

/** Raised when bytes are no safetensors file that can be read here; the message is one line. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'
}

/** Encodes arrays and metadata as one file. The same arrays give the same bytes, in whatever order they come. */
export function encodeSafetensors(
  arrays: Arrays,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = safetensorsParts(arrays, metadata)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

/** The file as the parts to write one after another: the header, then views of the arrays themselves. */
export function safetensorsParts(
  arrays: Arrays,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  // Large elements first: with a header of a multiple of eight bytes, every array is then aligned to its element.
  const bytesOf = (array: NamedArray): number => ELEMENTS[array.dtype].bytes
  const entries = Object.entries(arrays).sort(
    ([nameA, a], [nameB, b]) => bytesOf(b) - bytesOf(a) || (nameA < nameB ? -1 : 1),
  )
  const header: [string, unknown][] = []
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata])
  const parts: Uint8Array[] = []
  let position = 0
  for (const [name, { dtype, shape, data }] of entries) {
    const problem = name === '__metadata__' ? 'the name is reserved' : arrayProblem(dtype, shape, data)
    if (problem !== undefined) throw new RangeError(`array "${name}" (safetensors): ${problem}`)
    const end = position + data.byteLength
    header.push([name, { dtype: NAMES[dtype], shape, data_offsets: [position, end] }])
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    position = end
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true)
  head.set(json, 8)
  return [head, ...parts]
}

/**
 * Decodes a safetensors file with element types F32, I32, I64, U8 and BOOL; F16 and BF16 become float32, which holds each of
 * their values. Arrays are copied, so the bytes may be reused.
 *
 * @throws SafetensorsError in one line: `safetensors (where): got X, expected Y`
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const dataStart = headerEnd(bytes, bytes.length)
  const { entries, metadata } = readHeader(bytes.subarray(8, dataStart), bytes.length - dataStart)
  const arrays = entries.map((entry): [string, NamedArray] => [
    entry.name,
    arrayOf(entry, new Uint8Array(bytes.subarray(dataStart + entry.begin, dataStart + entry.end))),
  ])
  return { arrays: Object.fromEntries(arrays), metadata }
}

/** A file that is read a part at a time. */
export interface SafetensorsSource {
  /** Bytes of the file. */
  readonly size: number
  /** These bytes in a buffer that holds nothing else and that nobody else uses: arrays are views of it. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * Decodes a safetensors file an array at a time: never is more of it in memory than the arrays themselves, and it may be larger
 * than a buffer can be.
 *
 * @throws SafetensorsError as `decodeSafetensors` does
 */
export async function readSafetensors({ size, read }: SafetensorsSource): Promise<Safetensors> {
  const dataStart = headerEnd(await read(0, Math.min(8, size)), size)
  const { entries, metadata } = readHeader(await read(8, dataStart), size - dataStart)
  const arrays: [string, NamedArray][] = []
  for (const entry of entries)
    arrays.push([entry.name, arrayOf(entry, await read(dataStart + entry.begin, dataStart + entry.end))])
  return { arrays: Object.fromEntries(arrays), metadata }
}

interface Entry {
  readonly name: string
  readonly dtype: ElementType
  readonly half?: (bits: number) => number
  readonly shape: readonly number[]
  /** Place behind the header. */
  readonly begin: number
  readonly end: number
}

/** What an entry of the header says of an array, checked against the bytes that there are. */
function entryOf(name: string, value: unknown, dataBytes: number): Entry {
  const where = `array "${name}"`
  const entry = entrySchema.safeParse(value)
  if (!entry.success) fail(where, `got ${clip(value)}, expected dtype, shape and data_offsets`)
  const { shape } = entry.data
  const [begin, end] = entry.data.data_offsets
  const half = Object.hasOwn(HALVES, entry.data.dtype) ? HALVES[entry.data.dtype] : undefined
  const known = Object.hasOwn(DTYPES, entry.data.dtype) ? DTYPES[entry.data.dtype] : undefined
  const dtype = half === undefined ? known : 'float32'
  if (dtype === undefined) {
    fail(
      where,
      `got element type ${clip(entry.data.dtype)}, expected one of ${[...Object.keys(DTYPES), ...Object.keys(HALVES)].join(', ')}`,
    )
  }
  if (begin > end || end > dataBytes) {
    fail(
      where,
      `got offsets ${begin} to ${end}, expected them in order within the ${dataBytes} bytes of data`,
    )
  }
  const expected = shape.reduce(
    (product, size) => product * size,
    half === undefined ? ELEMENTS[dtype].bytes : 2,
  )
  if (end - begin !== expected) {
    fail(
      where,
      `got ${end - begin} bytes, expected ${expected} for ${half === undefined ? dtype : entry.data.dtype} [${shape.join(', ')}]`,
    )
  }
  return { name, dtype, half, shape, begin, end }
}

/** @param own the array's bytes, all of a buffer */
function arrayOf({ name, dtype, half, shape }: Entry, own: Uint8Array<ArrayBuffer>): NamedArray {
  const data = half === undefined ? ELEMENTS[dtype].array(own.buffer) : widened(own, half)
  if (dtype === 'bool' && (data as Uint8Array).some((element) => element > 1)) {
    fail(`array "${name}"`, 'got a bool that is neither 0 nor 1, expected one of them')
  }
  return { dtype, shape, data }
}

function fail(where: string, problem: string): never {
  throw new SafetensorsError(`safetensors (${where}): ${problem}`)
}

/** Where the header ends and the data begins. @param start the first eight bytes, or all */
function headerEnd(start: Uint8Array, size: number): number {
  if (size < 8) fail('header', `got a file of ${size} bytes, expected at least 8`)
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  const limit = Math.min(MAX_HEADER_BYTES, size - 8)
  if (length > BigInt(limit)) fail('header', `got a length of ${length} bytes, expected at most ${limit}`)
  return 8 + Number(length)
}

function readHeader(
  json: Uint8Array,
  dataBytes: number,
): { entries: Entry[] } & Pick<Safetensors, 'metadata'> {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json))
  } catch {
    fail('header', 'got bytes that are no JSON, expected an object')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    fail('header', `got ${clip(header)}, expected an object`)
  }
  let metadata: Readonly<Record<string, string>> = {}
  const entries: Entry[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      const parsed = metadataSchema.safeParse(value)
      if (!parsed.success) fail('__metadata__', `got ${clip(value)}, expected texts by name`)
      metadata = parsed.data
    } else entries.push(entryOf(name, value, dataBytes))
  }
  checkPlaces(entries, dataBytes)
  return { entries, metadata }
}

/** The arrays have to fill the data: no gap in which something could hide, no byte that two of them share. */
function checkPlaces(entries: readonly Entry[], dataBytes: number): void {
  let position = 0
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) fail(`array "${name}"`, `got a start at byte ${begin}, expected ${position}`)
    position = end
  }
  if (position !== dataBytes)
    fail('data', `got ${dataBytes} bytes, expected the ${position} that the arrays take`)
}

function clip(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
