/**
 * Where the pixels of many images lie: in memory, or, where they would take more of it than they may, in a scratch file
 * that ends with the process. Whoever takes them a part at a time need not know which.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { HandfulError, systemCode } from '../errors.js'
import { freeBytes } from '../files/free-space.js'

/** Bytes of images. An array is one; of others a part at a time is in memory. */
export interface Pixels {
  readonly length: number
  /** Not to be written to: a view where the bytes are in memory, else a copy. */
  subarray(start?: number, end?: number): Uint8Array
  /** A copy. */
  slice(start?: number, end?: number): Uint8Array
}

/** Pixels that are being read. */
export interface PixelSpace extends Pixels {
  set(bytes: Uint8Array, at: number): void
}

/** Bytes that pixels may take in memory where nothing else is said: a quarter of what there is. */
export function defaultPixelMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0
  const total = totalmem()
  return (limit > 0 && limit < total ? limit : total) / 4
}

/**
 * Room for so many bytes, all 0.
 *
 * @param memory bytes that they may take in memory; a scratch file in the system's folder for such (TMPDIR) holds more
 * @throws HandfulError where neither memory nor disk has room
 */
export function pixelSpace(bytes: number, memory = defaultPixelMemory()): PixelSpace {
  try {
    if (bytes <= memory) return new Uint8Array(bytes)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  checkRoom(bytes)
  return new PixelFile(bytes)
}

/** @throws HandfulError before anything is written that would not fit */
function checkRoom(bytes: number): void {
  const free = freeBytes(statfsSync(tmpdir()))
  if (bytes <= free) return
  const gibibytes = (count: number): string => (count / 2 ** 30).toFixed(1)
  throw new HandfulError({
    what: 'images',
    where: `scratch file in ${tmpdir()}`,
    got: `${gibibytes(bytes)} GiB of pixels`,
    expected: `at most ${gibibytes(free)} GiB, what is free there`,
    hint: 'choose a smaller --size, or set TMPDIR to a folder with more room',
  })
}

/** A part of pixels, in memory only if they are. */
export const pixelPart = (pixels: Pixels, start: number, end: number): Pixels =>
  pixels instanceof PixelFile ? pixels.part(start, end) : pixels.subarray(start, end)

/** Parts of so many bytes, in order, each whole pixels of three bytes. */
const PART = 3 * 2 ** 22

export function* partsOf(pixels: Pixels): Generator<{ readonly at: number; readonly bytes: Uint8Array }> {
  for (let at = 0; at < pixels.length; at += PART)
    yield { at, bytes: pixels.subarray(at, Math.min(pixels.length, at + PART)) }
}

/** Closes files whose pixels nobody holds any more. */
const open = new FinalizationRegistry<number>((file) => closeSync(file))

class PixelFile implements PixelSpace {
  readonly length: number
  readonly #file: number
  readonly #start: number
  /** Holds the file open for its parts. */
  readonly #whole: PixelFile

  constructor(length: number, whole?: PixelFile, start = 0) {
    this.length = length
    this.#start = start
    this.#whole = whole ?? this
    this.#file = whole === undefined ? scratchFile() : whole.#file
    if (whole === undefined) open.register(this, this.#file)
  }

  part(start: number, end: number): PixelFile {
    const [first, last] = this.#range(start, end)
    return new PixelFile(last - first, this.#whole, this.#start + first)
  }

  subarray(start = 0, end = this.length): Uint8Array {
    const [first, last] = this.#range(start, end)
    const bytes = new Uint8Array(last - first)
    for (let done = 0; done < bytes.length;) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, this.#start + first + done)
      // Behind what was written everything is 0, as it is in a new array.
      if (read === 0) break
      done += read
    }
    return bytes
  }

  slice(start?: number, end?: number): Uint8Array {
    return this.subarray(start, end)
  }

  set(bytes: Uint8Array, at: number): void {
    if (at < 0 || at + bytes.length > this.length) throw new RangeError('internal: pixels beyond their space')
    try {
      for (let done = 0; done < bytes.length;)
        done += writeSync(this.#file, bytes, done, bytes.length - done, this.#start + at + done)
    } catch (error) {
      throw noRoom(error)
    }
  }

  #range(start: number, end: number): [first: number, last: number] {
    const within = (at: number): number => Math.min(this.length, Math.max(0, at < 0 ? this.length + at : at))
    const first = within(start)
    return [first, Math.max(first, within(end))]
  }
}

/** A file without a name: gone with the process, however that ends. */
function scratchFile(): number {
  try {
    const folder = mkdtempSync(path.join(tmpdir(), 'handful-pixels-'))
    try {
      const name = path.join(folder, 'pixels')
      return openSync(name, 'wx+', 0o600)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  } catch (error) {
    throw noRoom(error)
  }
}

function noRoom(cause: unknown): unknown {
  const code = systemCode(cause)
  if (code === undefined) return cause
  return new HandfulError({
    what: 'scratch file for images',
    where: tmpdir(),
    got: code === 'ENOSPC' ? 'no space left' : code,
    expected: 'room for the images that are more than --memory',
    hint: 'set TMPDIR to a folder with more room, or choose a smaller --size or a larger --memory',
    cause,
  })
}
