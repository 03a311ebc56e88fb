/**
 * The official files of a known data set: where they are looked for, and whether they are what they should be. Checksums
 * are those of the files' content, unpacked where they are gzipped, so that the same file in either form passes.
 */

import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { decodeText } from '../files/csv.js'
import { unpackGzip } from './idx.js'
import { locateFiles, readBounded, type DataFolders } from './locate.js'

export interface OfficialFile {
  /** The names it may have, the usual one first. */
  readonly names: readonly string[]
  /** Of the content. */
  readonly bytes: number
  /** Of the content; of a text, of its lines that are not empty, each ended by a line feed. */
  readonly sha256: string
  readonly isText?: boolean
}

/** The files of a known data set: which, where from, and with which checksums. */
export interface OfficialSet {
  readonly title: string
  readonly files: readonly OfficialFile[]
  /** Where below a data folder the files may lie, the first complete place counts. */
  readonly places: (root: string) => readonly string[]
  /** Bytes to download. */
  readonly downloadBytes: number
  /** Puts the files into a data folder, whole or not at all; what is there and right stays. */
  readonly fetch: (request: FetchRequest) => Promise<void>
}

export interface FetchRequest {
  /** The data folder. */
  readonly folder: string
  /** The usual names of files that are there and wrong: they are fetched anew. */
  readonly renew?: readonly string[]
  /** What is downloaded already: the archive, or a folder with the files. */
  readonly from?: string
  /** A folder of another mirror as URL, asked first. */
  readonly mirror?: string
  /** Bytes received of a file, and in all (0 where unknown). */
  readonly onProgress?: (received: number, total: number, fileName: string) => void
  readonly signal?: AbortSignal
  readonly fetch?: typeof globalThis.fetch
}

export type FileState = 'right' | 'missing' | 'wrong'

/** Whether a file of a known set is there and is the right one. */
export interface FileCheck {
  readonly name: string
  readonly path?: string
  readonly state: FileState
  /** What is wrong, in words that follow the name. */
  readonly reason?: string
}

/** Whether the files of a known set are there, each looked at by its checksum. */
export interface SetCheck {
  /** The folder that holds the files, or would. */
  readonly folder: string
  readonly files: readonly FileCheck[]
}

const LIMIT_BYTES = 256 * 2 ** 20

/** The data folders in which a set is looked for: the one that is named alone, else the shared one and the cache. */
export function dataRoots({ dataDir, sharedDir, cacheDir }: DataFolders): readonly string[] {
  if (dataDir !== undefined) return [dataDir]
  return sharedDir === undefined ? [cacheDir] : [sharedDir, cacheDir]
}

/** Where fetched files go: the folder that is named, else the shared one, else the cache. */
export function fetchFolder({ dataDir, sharedDir, cacheDir }: DataFolders): string {
  return dataDir ?? sharedDir ?? cacheDir
}

/**
 * The place with the most files of a set; undefined where there is none at all.
 * @returns for each file of the set its path, if it is there
 */
export async function findOfficial(
  set: OfficialSet,
  roots: readonly string[],
): Promise<{ folder: string; paths: readonly (string | undefined)[] } | undefined> {
  let best: { folder: string; paths: readonly (string | undefined)[] } | undefined
  const count = (paths: readonly (string | undefined)[]): number =>
    paths.filter((path) => path !== undefined).length
  for (const folder of roots.flatMap((root) => set.places(root))) {
    const paths = await Promise.all(
      set.files.map(async ({ names }) => (await locateFiles([folder], [names], set.title, ''))?.[0]),
    )
    if (count(paths) > count(best?.paths ?? [])) best = { folder, paths }
  }
  return best
}

/**
 * Compares every file of a set with its checksum.
 *
 * @throws HandfulError if there is no file at all
 */
export async function verifyOfficial(
  set: OfficialSet,
  roots: readonly string[],
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<SetCheck> {
  const found = await findOfficial(set, roots)
  if (found === undefined) {
    throw new HandfulError({
      what: `${set.title} files`,
      where: roots.map(printable).join(', '),
      got: 'none',
      expected: set.files.map(({ names }) => names[0]).join(', '),
      hint: 'fetch them with handful data fetch, or name their folder with --data-dir',
    })
  }
  const files: FileCheck[] = []
  for (const [index, file] of set.files.entries()) {
    signal?.throwIfAborted()
    files.push(await checkFile(file, found.paths[index]))
    onProgress?.(index + 1, set.files.length)
  }
  return { folder: found.folder, files }
}

async function checkFile(file: OfficialFile, path: string | undefined): Promise<FileCheck> {
  const [name] = file.names
  if (path === undefined) return { name, state: 'missing', reason: 'is missing' }
  const reason = await wrongFile(file, path)
  return reason === undefined ? { name, path, state: 'right' } : { name, path, state: 'wrong', reason }
}

/** What is wrong with a file on the disk, undefined if nothing is. */
export async function wrongFile(file: OfficialFile, path: string): Promise<string | undefined> {
  try {
    return wrongContent(file, await unpackGzip(await readBounded(path, LIMIT_BYTES, 'file'), printable(path)))
  } catch (error) {
    if (error instanceof HandfulError) return `has ${error.got ?? error.message}`
    throw error
  }
}

/** What is wrong with a file's content, unpacked; undefined if nothing is. */
export function wrongContent(file: OfficialFile, content: Uint8Array): string | undefined {
  const bytes = file.isText === true ? textLines(content) : content
  if (file.isText !== true && bytes.length !== file.bytes) {
    return `has ${bytes.length} bytes, not ${file.bytes}: it is cut short or another file`
  }
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest === file.sha256) return undefined
  return `has another content (SHA-256 ${digest.slice(0, 12)}..., not ${file.sha256.slice(0, 12)}...)`
}

function textLines(content: Uint8Array): Uint8Array {
  try {
    const lines = decodeText(content, 'text').split(/\r?\n/)
    return Buffer.from(lines.flatMap((line) => (line.trim() === '' ? [] : [`${line}\n`])).join(''))
  } catch {
    return content
  }
}

/**
 * Sees to it that a data folder holds a set: what is there and right stays, the rest is fetched.
 *
 * @returns the check of the files after that, and whether anything had to be fetched
 * @throws HandfulError as the set's own `fetch`
 */
export async function fetchOfficial(
  set: OfficialSet,
  request: Omit<FetchRequest, 'renew'>,
): Promise<SetCheck & { readonly fetched: boolean }> {
  const { folder, signal } = request
  const isComplete = ({ files }: SetCheck): boolean => files.every(({ state }) => state === 'right')
  const check = (): Promise<SetCheck> => verifyOfficial(set, [folder], { signal })
  if ((await findOfficial(set, [folder])) !== undefined) {
    const before = await check()
    if (isComplete(before)) return { ...before, fetched: false }
    const renew = before.files.filter(({ state }) => state === 'wrong').map(({ name }) => name)
    await set.fetch({ ...request, renew })
  } else {
    await set.fetch(request)
  }
  return { ...(await check()), fetched: true }
}

/** Bytes on the disk of those files that are there. */
export async function bytesOnDisk(paths: readonly (string | undefined)[]): Promise<number> {
  let bytes = 0
  for (const path of paths) {
    if (path === undefined) continue
    try {
      bytes += (await stat(path)).size
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw systemError('reading', path, error)
    }
  }
  return bytes
}
