/**
 * A file of features that is written while they come in, a block of rows at a time, so that memory does not grow with
 * the number of images: npy (one matrix) or safetensors (a matrix per layer). Beside it stands `<file>.csv`, which names
 * the image of each row. Both appear when they are complete; what was there before stays until then.
 *
 * Room for the header and for every row that may come is laid out at the start. Where fewer come, because some files
 * turned out to be no images, the matrices are moved together and the header is written again.
 */
import { randomUUID } from 'node:crypto'
import { open, rename, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { flush, makeFolders } from '../files/atomic.js'
import { formatCsvRow } from '../files/csv-row.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { besideEachOther } from './extract.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { npyHeader } from '../files/npy.js'
import { freeBytes } from '../files/free-space.js'

export interface TensorSpec {
  readonly name: string
  readonly columns: number
  /** Outputs that stand side by side in it, in this order. */
  readonly outputs: readonly string[]
}

export interface FeatureFileSpec {
  /** Ends in `.npy`, for a single tensor, or `.safetensors`. */
  readonly path: string
  readonly tensors: readonly TensorSpec[]
  /** Rows that may come. */
  readonly limit: number
  /** Where the features come from; safetensors keeps it. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What the index says of a row. */
export interface IndexRow {
  readonly split: string
  readonly fileName: string
  readonly label: string
}

/** The parts of an open file that are used, so that a test can count what is written at once. */
export interface FeatureDisk {
  write(bytes: Uint8Array, position: number): Promise<void>
  read(bytes: Uint8Array, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Flushes and closes. */
  finish(): Promise<void>
  close(): Promise<void>
}

export type OpenFeatureDisk = (path: string) => Promise<FeatureDisk>

const ELEMENT_BYTES = 4
const MOVED_BYTES = 4 * 2 ** 20
const INDEX_COLUMNS = ['row', 'split', 'file_name', 'label']

export const FEATURE_ENDINGS = ['.npy', '.safetensors'] as const

export class FeatureFile {
  readonly #spec: FeatureFileSpec
  readonly #parts: { readonly features: string; readonly index: string }
  readonly #features: FeatureDisk
  readonly #index: FeatureDisk
  readonly #headerBytes: number
  #rows = 0
  #indexBytes = 0

  private constructor(
    spec: FeatureFileSpec,
    parts: { features: string; index: string },
    features: FeatureDisk,
    index: FeatureDisk,
  ) {
    this.#spec = spec
    this.#parts = parts
    this.#features = features
    this.#index = index
    this.#headerBytes = headerOf(spec, spec.limit).length
  }

  /**
   * Begins a file. `finish` or `discard` it.
   * @throws HandfulError for a folder that cannot be written or a disk without the room
   */
  static async create(spec: FeatureFileSpec, openDisk: OpenFeatureDisk = openFile): Promise<FeatureFile> {
    const folder = path.dirname(spec.path)
    const part = (name: string): string => path.join(folder, `.${name.slice(-100)}.${randomUUID()}.part`)
    const parts = { features: part(path.basename(spec.path)), index: part(`${path.basename(spec.path)}.csv`) }
    try {
      await makeFolders(folder)
      await checkRoom(spec)
      const features = await openDisk(parts.features)
      const file = new FeatureFile(spec, parts, features, await openDisk(parts.index))
      await file.#appendIndex(formatCsvRow(INDEX_COLUMNS))
      return file
    } catch (error) {
      await removeParts(parts)
      throw systemCode(error) === undefined ? error : systemError('writing features', spec.path, error)
    }
  }

  get rows(): number {
    return this.#rows
  }

  /** Writes a block: a matrix of each output, and what the index says of its rows. */
  async append(block: Readonly<Record<string, FeatureMatrix>>, index: readonly IndexRow[]): Promise<void> {
    const { tensors, limit } = this.#spec
    if (this.#rows + index.length > limit) {
      throw new RangeError(
        `internal: feature file: got row ${this.#rows + index.length}, expected at most ${limit}`,
      )
    }
    await this.#guard(async () => {
      for (const [i, { columns, outputs }] of tensors.entries()) {
        const matrix = besideEachOther(outputs.map((name) => block[name]))
        if (matrix.columns !== columns || matrix.rows !== index.length) {
          throw new RangeError(
            `internal: feature file: got ${matrix.rows} x ${matrix.columns}, expected ${index.length} x ${columns}`,
          )
        }
        const { buffer, byteOffset, byteLength } = matrix.data
        const position = this.#start(i, limit) + this.#rows * columns * ELEMENT_BYTES
        await this.#features.write(new Uint8Array(buffer, byteOffset, byteLength), position)
      }
      const lines = index.map(({ split, fileName, label }, i) =>
        formatCsvRow([String(this.#rows + i), split, fileName, label]),
      )
      await this.#appendIndex(lines.join(''))
    })
    this.#rows += index.length
  }

  /** Completes both files and puts them in place. */
  async finish(): Promise<void> {
    const { path: target, tensors } = this.#spec
    await this.#guard(async () => {
      for (const [i, { columns }] of tensors.entries()) await this.#moveUp(i, columns)
      await this.#features.truncate(this.#start(tensors.length, this.#rows))
      await this.#features.write(headerOf(this.#spec, this.#rows, this.#headerBytes), 0)
      await this.#features.finish()
      await this.#index.finish()
      await rename(this.#parts.features, target)
      await rename(this.#parts.index, `${target}.csv`)
    })
  }

  /** Takes away what was written. */
  async discard(): Promise<void> {
    await this.#features.close().catch(() => undefined)
    await this.#index.close().catch(() => undefined)
    await removeParts(this.#parts)
  }

  /** Where tensor `i` begins if each has so many rows. */
  #start(i: number, rows: number): number {
    const before = this.#spec.tensors.slice(0, i).reduce((sum, { columns }) => sum + columns, 0)
    return this.#headerBytes + before * rows * ELEMENT_BYTES
  }

  async #moveUp(i: number, columns: number): Promise<void> {
    const [from, to] = [this.#start(i, this.#spec.limit), this.#start(i, this.#rows)]
    const length = this.#rows * columns * ELEMENT_BYTES
    for (let at = 0; from !== to && at < length; at += MOVED_BYTES) {
      const bytes = new Uint8Array(Math.min(MOVED_BYTES, length - at))
      await this.#features.read(bytes, from + at)
      await this.#features.write(bytes, to + at)
    }
  }

  async #appendIndex(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    await this.#index.write(bytes, this.#indexBytes)
    this.#indexBytes += bytes.length
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw systemCode(error) === undefined ? error : systemError('writing features', this.#spec.path, error)
    }
  }
}

function headerOf({ path: target, tensors, metadata }: FeatureFileSpec, rows: number, bytes = 0): Uint8Array {
  if (target.endsWith('.npy')) return npyHeader(rows, tensors[0].columns, bytes)
  return safetensorsHeader(tensors, rows, metadata, bytes)
}

/** The header of float32 matrices that follow each other (https://huggingface.co/docs/safetensors, "Format"). */
function safetensorsHeader(
  tensors: readonly TensorSpec[],
  rows: number,
  metadata: Readonly<Record<string, string>>,
  bytes: number,
): Uint8Array {
  let position = 0
  const entries = tensors.map(({ name, columns }) => {
    const begin = position
    position += rows * columns * ELEMENT_BYTES
    return [name, { dtype: 'F32', shape: [rows, columns], data_offsets: [begin, position] }] as const
  })
  const json = new TextEncoder().encode(
    JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }),
  )
  const header = new Uint8Array(Math.max(bytes, 8 + Math.ceil(json.length / 8) * 8)).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true)
  header.set(json, 8)
  return header
}

async function checkRoom({ path: target, tensors, limit }: FeatureFileSpec): Promise<void> {
  const needed = tensors.reduce((sum, { columns }) => sum + columns, 0) * limit * ELEMENT_BYTES
  const free = freeBytes(await statfs(path.dirname(target)))
  if (free > needed) return
  const size = (count: number): string => `${(count / 2 ** 30).toFixed(1)} GiB`
  throw new HandfulError({
    what: 'free disk space',
    where: path.dirname(target),
    got: size(free),
    expected: `more than ${size(needed)}, ${limit} rows of features`,
    hint: 'make room, write to another disk, or take fewer layers or a coarser --pooling',
  })
}

async function removeParts(parts: { readonly features: string; readonly index: string }): Promise<void> {
  await rm(parts.features, { force: true }).catch(() => undefined)
  await rm(parts.index, { force: true }).catch(() => undefined)
}

async function openFile(file: string): Promise<FeatureDisk> {
  const handle = await open(file, 'wx+')
  const whole = async (
    bytes: Uint8Array,
    position: number,
    step: (offset: number, length: number, at: number) => Promise<number>,
  ): Promise<void> => {
    for (let done = 0; done < bytes.length;) {
      const count = await step(done, bytes.length - done, position + done)
      if (count === 0)
        throw new Error(`internal: feature file: got its end, expected ${bytes.length - done} bytes more`)
      done += count
    }
  }
  return {
    write: (bytes, position) =>
      whole(
        bytes,
        position,
        async (offset, length, at) => (await handle.write(bytes, offset, length, at)).bytesWritten,
      ),
    read: (bytes, position) =>
      whole(
        bytes,
        position,
        async (offset, length, at) => (await handle.read(bytes, offset, length, at)).bytesRead,
      ),
    truncate: (length) => handle.truncate(length),
    async finish() {
      await flush(handle)
      await handle.close()
    },
    close: () => handle.close(),
  }
}
