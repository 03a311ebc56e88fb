/**
 * Official files out of the archive that they are published in: only those that are known are taken, each into a folder
 * that is chosen here (an entry's own path decides nothing), at most as large as it has to be, and under its name only
 * once its checksum is right.
 */

import { rm, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { writeFileAtomic } from '../files/atomic.js'
import { download } from '../files/download.js'
import { wrongContent, type FetchRequest, type OfficialFile, type OfficialSet } from './official.js'
import { tarEntries } from '../files/tar-entries.js'

const LIMITS = { entries: 1000, bytes: 2 ** 30 }
/** Class names are a few hundred bytes. */
const LIMIT_TEXT_BYTES = 2 ** 16

export interface OfficialArchive {
  /** A folder as URL that ends with `/`. */
  readonly mirror: string
  readonly fileName: string
  readonly bytes: number
  readonly sha256: string
  /** In which its files lie. */
  readonly folder: string
}

/**
 * Downloads an archive, or takes the one that is there already, and unpacks it. The downloaded one is removed once its
 * files are there.
 *
 * @throws HandfulError as download and unpackOfficial
 */
export async function fetchArchive(
  set: OfficialSet,
  { mirror, fileName, bytes, sha256, folder }: OfficialArchive,
  request: FetchRequest,
): Promise<void> {
  const { from, signal, onProgress, fetch } = request
  const target = join(request.folder, folder)
  if (from !== undefined) return unpackOfficial(set, from, target, signal)
  const path = join(request.folder, fileName)
  if (!(await isFile(path))) {
    await download({
      what: set.title,
      fileName,
      path,
      mirrors: request.mirror === undefined ? [mirror] : [request.mirror, mirror],
      sha256,
      limitBytes: bytes,
      hint: `fetch ${mirror}${fileName} in another way and pass it with --from`,
      onProgress: (received, total) => onProgress?.(received, total, fileName),
      signal,
      fetch,
    })
  }
  await unpackOfficial(set, path, target, signal)
  await rm(path, { force: true })
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw systemError('reading', path, error)
  }
}

/**
 * @param archive a gzipped tar archive on the disk
 * @param folder where the files go
 * @throws HandfulError if a file is not in it, or not as it should be; nothing wrong is written
 */
export async function unpackOfficial(
  set: OfficialSet,
  archive: string,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const missing = new Map<string, OfficialFile>(set.files.map((file) => [file.names[0], file]))
  for await (const entry of tarEntries(archive, { packing: 'gzip', limits: LIMITS, signal })) {
    const name = posix.basename(entry.name)
    const file = missing.get(name)
    if (file === undefined || entry.type !== 'file') continue
    const limit = file.isText === true ? LIMIT_TEXT_BYTES : file.bytes
    const content = entry.size > limit ? undefined : await entry.read()
    const reason =
      content === undefined ? `has ${entry.size} bytes, not ${limit}` : wrongContent(file, content)
    if (reason !== undefined) {
      throw new HandfulError({
        what: `${set.title} archive`,
        where: printable(archive),
        got: `${printable(entry.name)}, which ${reason}`,
        expected: 'the official files',
        hint: 'download it again',
      })
    }
    if (content !== undefined) await writeFileAtomic(join(folder, name), content)
    missing.delete(name)
  }
  if (missing.size === 0) return
  throw new HandfulError({
    what: `${set.title} archive`,
    where: printable(archive),
    got: `no ${[...missing.keys()].join(', ')} in it`,
    expected: 'the official files',
    hint: 'the binary version is the one that is read',
  })
}
