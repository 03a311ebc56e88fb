/**
 * The entries of a zip archive (PKWARE's APPNOTE, with zip64 and Info-ZIP's Unicode names), one after another by yauzl, in
 * the order of its central directory.
 */

import { isUtf8 } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { type Entry, getFileNameLowLevel, openPromise, type ZipFile } from 'yauzl'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { ARCHIVE_LIMITS, type ArchiveEntry, type ArchiveLimits, DamagedEntry } from './archive-entry.js'

/**
 * @throws HandfulError if it is damaged, cut short or too large; what `signal` was aborted with
 */
export async function* zipEntries(
  path: string,
  { limits = ARCHIVE_LIMITS, signal }: { limits?: ArchiveLimits; signal?: AbortSignal },
): AsyncGenerator<ArchiveEntry> {
  let archive: ZipFile | undefined
  try {
    archive = await openPromise(path, {
      autoClose: false,
      decodeStrings: false,
      // One entry of a wrong size is left out; the archive is not.
      validateEntrySizes: false,
    })
    const opened = archive
    let [ordinal, bytes] = [0, 0]
    for await (const entry of opened.eachEntry()) {
      signal?.throwIfAborted()
      bytes += entry.uncompressedSize
      if (ordinal >= limits.entries) throw tooLarge(path, `${limits.entries.toLocaleString('en-US')} entries`)
      if (bytes > limits.bytes) throw tooLarge(path, `${limits.bytes.toLocaleString('en-US')} bytes`)
      const name = nameOf(entry)
      yield {
        ordinal,
        name,
        type: typeOf(entry, name),
        size: entry.uncompressedSize,
        locked: lockOf(entry),
        read: () => contentOf(opened, entry),
      }
      ordinal++
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw zipError(path, error)
  } finally {
    archive?.close()
  }
}

const UNIX = 3
const UTF8_FLAG = 0x800
const UNICODE_NAME = 0x7075

/**
 * With `/` between parts. Many tools write UTF-8 and do not say so; other bytes are what a Unix disk held, read as Latin-1
 * as they are in a folder, and code page 437 elsewhere.
 */
function nameOf({ generalPurposeBitFlag: flags, fileNameRaw, extraFields, versionMadeBy }: Entry): string {
  const said = (flags & UTF8_FLAG) !== 0 || extraFields.some(({ id }) => id === UNICODE_NAME)
  if (!said && isUtf8(fileNameRaw)) return slashed(fileNameRaw.toString('utf8'))
  if (!said && versionMadeBy >> 8 === UNIX) return slashed(fileNameRaw.toString('latin1'))
  return getFileNameLowLevel(flags, fileNameRaw, extraFields, false)
}

const slashed = (name: string): string => name.replaceAll('\\', '/')

const [KIND, FILE, FOLDER, LINK] = [0o170000, 0o100000, 0o040000, 0o120000]

function typeOf({ versionMadeBy, externalFileAttributes }: Entry, name: string): string {
  if (name.endsWith('/')) return 'directory'
  const kind = versionMadeBy >> 8 === UNIX ? (externalFileAttributes >>> 16) & KIND : 0
  if (kind === LINK) return 'symlink'
  if (kind === FOLDER) return 'directory'
  return kind === 0 || kind === FILE ? 'file' : 'other'
}

const [STORED, DEFLATED] = [0, 8]

function lockOf(entry: Entry): string | undefined {
  if (entry.isEncrypted()) return 'encrypted, which is not read; unpack it first'
  const { compressionMethod: method } = entry
  if (method === STORED || method === DEFLATED) return undefined
  return `compressed by method ${method}, of which only Deflate is read; unpack it first`
}

async function contentOf(archive: ZipFile, entry: Entry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    const stream = await archive.openReadStreamPromise(entry)
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > entry.uncompressedSize) throw new Error('more than the directory says')
    }
  } catch (error) {
    if (systemCode(error) !== undefined) throw error
    throw new DamagedEntry('damaged or cut short in the archive', { cause: error })
  }
  const content = Buffer.concat(chunks)
  if (crc32(content) === entry.crc32) return content
  throw new DamagedEntry('damaged in the archive, its checksum differs')
}

function zipError(path: string, error: unknown): Error {
  if (error instanceof HandfulError || error instanceof DamagedEntry) return error
  if (systemCode(error) !== undefined) return systemError('reading an archive', path, error)
  const message = error instanceof Error ? error.message : String(error)
  return new HandfulError({
    what: 'archive',
    where: printable(path),
    got: /end of central directory|unexpected EOF|end of file/i.test(message)
      ? 'a file that is cut short'
      : /comment length/i.test(message)
        ? 'a file with other bytes behind its end'
        : `a damaged file (${printable(message)})`,
    expected: 'a whole .zip',
    hint: 'copy or download it again',
    cause: error,
  })
}

const tooLarge = (path: string, limit: string): HandfulError =>
  new HandfulError({
    what: 'archive',
    where: printable(path),
    got: `more than ${limit}`,
    expected: 'fewer',
    hint: 'split it, or unpack it into a folder',
  })
