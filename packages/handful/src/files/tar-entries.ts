/**
 * The entries of a tar archive (POSIX 1003.1 ustar and pax, GNU long names), packed or not, one after another by
 * tar-stream. The archive is untrusted: nothing is unpacked to the disk from here, and what an entry, the number of
 * entries and the whole may take is bounded.
 */

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { extract } from 'tar-stream'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { ARCHIVE_LIMITS, type ArchiveEntry, type ArchiveLimits } from './archive-entry.js'
import { type Packing, PackingFault, unpackedStream } from './packing.js'

interface TarEntriesOptions {
  /** How the whole is packed, where it is. */
  readonly packing?: Packing
  readonly limits?: ArchiveLimits
  readonly signal?: AbortSignal
  /** Told where the archive ends without its mark: some of its entries may be missing. */
  readonly onOpenEnd?: () => void
}

/** Of a header. Two of zeros end an archive. */
const BLOCK_BYTES = 512
const isTarHeader = (start: Buffer): boolean => start.toString('latin1', 257, 262) === 'ustar'

/**
 * @throws HandfulError if it is damaged, cut short or too large; what `signal` was aborted with
 */
export async function* tarEntries(
  path: string,
  { packing, limits = ARCHIVE_LIMITS, signal, onOpenEnd }: TarEntriesOptions,
): AsyncGenerator<ArchiveEntry> {
  const unpacked = packing === undefined ? createReadStream(path) : unpackedStream(path, packing)
  const archive = extract(NAMES_AS_BYTES)
  let bytes = 0
  let [start, end] = [Buffer.alloc(0), Buffer.alloc(0)]
  const fail = (error: Error): void => archive.destroy(error)
  unpacked.on('error', fail)
  unpacked.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (start.length < BLOCK_BYTES) start = Buffer.concat([start, chunk.subarray(0, BLOCK_BYTES)])
    end = Buffer.concat([end, chunk.subarray(-BLOCK_BYTES)]).subarray(-BLOCK_BYTES)
    if (bytes > limits.bytes) fail(tooLarge(path, 'bytes', limits.bytes))
  })
  unpacked.pipe(archive)
  try {
    let ordinal = 0
    for await (const entry of archive) {
      signal?.throwIfAborted()
      if (ordinal >= limits.entries) throw tooLarge(path, 'entries', limits.entries)
      const { type, size = 0 } = entry.header
      const name = entryName(entry.header.name)
      const target = type === 'link' ? entryName(entry.header.linkname ?? '') : undefined
      const read = (): Promise<Uint8Array> => wholeContent(path, entry as AsyncIterable<Uint8Array>)
      yield { ordinal, name, type, size, target, read }
      ordinal++
      entry.resume()
    }
    if (end.some((byte) => byte !== 0)) onOpenEnd?.()
  } catch (error) {
    signal?.throwIfAborted()
    if (packing !== undefined && !isTarHeader(start) && isTarFault(error)) throw noTar(path, packing, error)
    throw tarError(path, error)
  } finally {
    archive.on('error', () => undefined)
    unpacked.destroy()
    archive.destroy()
  }
}

/** An option that the types of tar-stream leave out; the other is its default. */
const NAMES_AS_BYTES = { filenameEncoding: 'latin1', highWaterMark: 16_384 }

/** Names are bytes, read one by one: UTF-8 where they are that, else Latin-1. Those of pax headers are text already. */
function entryName(name: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/^[\u0000-\u00ff]*$/.test(name)) return name
  const bytes = Buffer.from(name, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : name
}

async function wholeContent(path: string, entry: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of entry) chunks.push(chunk)
  } catch (error) {
    throw tarError(path, error)
  }
  return Buffer.concat(chunks)
}

/** An error of tar-stream's, not of what unpacks or reads. */
const isTarFault = (error: unknown): boolean =>
  error instanceof Error &&
  (!('code' in error) || error.code === undefined) &&
  !(error instanceof HandfulError) &&
  !(error instanceof PackingFault)

const PACKED: Readonly<Record<Packing, string>> = {
  gzip: 'a gzipped',
  bzip2: 'a bzip2-packed',
  xz: 'an xz-packed',
  zstd: 'a zstd-packed',
}

const noTar = (path: string, packing: Packing, cause: unknown): HandfulError =>
  new HandfulError({
    what: 'archive',
    where: printable(path),
    got: `${PACKED[packing]} file of another kind`,
    expected: `${PACKED[packing]} tar archive`,
    hint: 'unpack it first',
    cause,
  })

function tarError(path: string, error: unknown): Error {
  if (error instanceof HandfulError) return error
  if (error instanceof PackingFault && error.kind === 'unread') return unreadPacking(path, error)
  if (systemCode(error) !== undefined) return systemError('reading an archive', path, error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  const fault = error instanceof PackingFault
  const known = fault || code.startsWith('Z_') || /tar|end of data|header|destroyed|premature/i.test(message)
  if (!known) return error instanceof Error ? error : new Error(message)
  return new HandfulError({
    what: 'archive',
    where: printable(path),
    got: (fault ? error.kind === 'cut' : /end of (data|file)|premature|destroyed/i.test(message))
      ? 'a file that is cut short'
      : 'a damaged file',
    expected: 'a whole .tar, packed or not',
    hint: 'copy or download it again',
    cause: error,
  })
}

const unreadPacking = (path: string, cause: PackingFault): HandfulError =>
  new HandfulError({
    what: 'archive',
    where: printable(path),
    got: 'a file packed with a window of more than 128 MiB, a filter, or a checksum that is not read',
    expected: 'one as zstd and xz pack unless told otherwise',
    hint: 'unpack it first',
    cause,
  })

function tooLarge(path: string, what: string, limit: number): HandfulError {
  return new HandfulError({
    what: 'archive',
    where: printable(path),
    got: `more than ${limit.toLocaleString('en-US')} ${what}`,
    expected: 'fewer',
    hint: 'split it, or unpack it into a folder',
  })
}
