/**
 * Lists the files of a folder and its sub-folders in a fixed order. Symbolic links are followed, but every folder is
 * entered once, by its own path where it has one inside the tree, so links that lead in a circle end. Hidden files, what
 * operating systems leave behind and Handful's own folders are passed over; sockets, pipes and devices are never opened.
 * Names that are not UTF-8 are read as Latin-1, and their bytes are kept to open them by.
 */

import { isUtf8 } from 'node:buffer'
import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { isOwnFolder } from '../files/run-marker.js'
import type { SkippedFile } from './image-set.js'

export interface FolderListing {
  /** Paths relative to the folder, `/` between the parts, sorted by code units. */
  readonly files: readonly string[]
  /** All sub-folders, empty ones included, in the same form. */
  readonly folders: readonly string[]
  readonly skipped: readonly SkippedFile[]
  /** Folders of Handful's own that were not entered. */
  readonly runs?: readonly string[]
  /** What was passed over by its name, hidden or left by a system: how often each name came. */
  readonly passedOver?: ReadonlyMap<string, number>
  /** Of paths that are not UTF-8, the bytes. */
  readonly bytes?: ReadonlyMap<string, Buffer>
}

/** What is known of a folder or an archive before it is gone through to its end. */
export interface FoundSoFar {
  /** Paths in the order in which they were found; the list grows. */
  readonly files: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

/** Hidden files, and what operating systems, drives, network disks and package managers leave behind. */
export const SYSTEM_FILES =
  /^(\.|(thumbs\.db|ehthumbs\.db|desktop\.ini|__macosx|@eadir|@tmp|#recycle|#snapshot|\$recycle\.bin|system volume information|lost\+found|node_modules|__pycache__|found\.\d{3})$)/i

/** The path of a file below a folder as the system takes it. */
export function diskPath(
  root: string,
  path: string,
  { bytes }: Pick<FolderListing, 'bytes'>,
): string | Buffer {
  const own = bytes?.get(path)
  return own === undefined ? join(root, path) : Buffer.concat([Buffer.from(`${root}/`), own])
}

/**
 * @throws HandfulError if the folder itself does not exist, is a file or a run, or cannot be read
 */
export async function listFolder(
  root: string,
  signal?: AbortSignal,
  onFound?: (found: FoundSoFar) => void,
): Promise<FolderListing> {
  const files: string[] = []
  const folders = new Set<string>()
  const skipped: SkippedFile[] = []
  const runs: string[] = []
  const passedOver = new Map<string, number>()
  const bytes = new Map<string, Buffer>()
  const entered = new Set<string>([await realFolder(root)])
  const queue: string[] = ['']
  const links: string[] = []
  const onDisk = (path: string): string | Buffer => diskPath(root, path, { bytes })

  const addByKind = async (path: string): Promise<void> => {
    const target = await realTarget(onDisk(path)).catch((error: unknown) => {
      skipped.push({ path, reason: linkFailure(error) })
    })
    if (target === undefined) return
    const { kind, real } = target
    if (kind.isFile()) files.push(path)
    else if (!kind.isDirectory()) skipped.push({ path, reason: 'not a regular file' })
    else if (entered.has(real)) {
      skipped.push({ path, reason: 'a symbolic link to a folder that is read already' })
    } else {
      entered.add(real)
      folders.add(path)
      queue.push(path)
    }
  }

  while (queue.length > 0 || links.length > 0) {
    signal?.throwIfAborted()
    onFound?.({ files, skipped })
    const folder = queue.shift()
    // Links wait until all real folders are entered, so that a folder inside the tree keeps its own path.
    if (folder === undefined) {
      await addByKind(links.shift() ?? '')
      continue
    }
    const entries = (await readEntries(root, folder, onDisk(folder), skipped)).map((entry) => ({
      entry,
      raw: entry.name,
      ...nameOf(entry.name),
    }))
    if (isOwnFolder(entries.map(({ name }) => name))) {
      if (folder === '') throw ownFolder(root)
      folders.delete(folder)
      runs.push(folder)
      continue
    }
    const names = new Set(entries.filter(({ valid }) => valid).map(({ name }) => name))
    for (const { entry, raw, name: read, valid } of entries) {
      // Two names may read the same; then the bytes are spelled out.
      const name = valid || !names.has(read) ? read : spelledOut(raw)
      if (SYSTEM_FILES.test(name)) {
        const known = name.startsWith('._') ? '._*' : name
        passedOver.set(known, (passedOver.get(known) ?? 0) + 1)
        continue
      }
      const path = folder === '' ? name : `${folder}/${name}`
      const above = bytes.get(folder)
      if (!valid || above !== undefined) {
        const before = folder === '' ? Buffer.alloc(0) : (above ?? Buffer.from(folder))
        bytes.set(path, folder === '' ? raw : Buffer.concat([before, Buffer.from('/'), raw]))
      }
      if (entry.isFile()) files.push(path)
      else if (entry.isSymbolicLink()) links.push(path)
      else await addByKind(path)
    }
  }
  return { files: files.sort(), folders: [...folders].sort(), skipped, runs: runs.sort(), passedOver, bytes }
}

/** A name from its bytes. */
function nameOf(raw: Buffer): { name: string; valid: boolean } {
  const valid = isUtf8(raw)
  return { name: raw.toString(valid ? 'utf8' : 'latin1'), valid }
}

const spelledOut = (raw: Buffer): string =>
  raw
    .toString('latin1')
    .replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)

async function realTarget(path: string | Buffer): Promise<{ kind: Stats; real: string }> {
  return { kind: await stat(path), real: await realName(path) }
}

/** The same for the same folder; bytes, since it need not be UTF-8. */
const realName = async (path: string | Buffer): Promise<string> =>
  (await realpath(path, { encoding: 'buffer' })).toString('latin1')

async function realFolder(root: string): Promise<string> {
  try {
    if ((await stat(root)).isDirectory()) return await realName(root)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('image folder', root, error)
    throw new HandfulError({
      what: 'image folder',
      where: printable(root),
      got: 'nothing there',
      expected: 'a folder of images',
      hint: 'check the path',
      cause: error,
    })
  }
  throw new HandfulError({
    what: 'image folder',
    where: printable(root),
    got: 'a file',
    expected: 'a folder of images',
    hint: 'give the folder that holds it',
  })
}

function ownFolder(root: string): HandfulError {
  return new HandfulError({
    what: 'image folder',
    where: printable(root),
    got: 'a folder that handful has written',
    expected: 'a folder of images',
    hint: 'check the path',
  })
}

async function readEntries(root: string, folder: string, path: string | Buffer, skipped: SkippedFile[]) {
  try {
    return await readdir(path, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    if (folder === '') throw systemError('image folder', root, error)
    skipped.push({
      path: folder,
      reason: `a folder that cannot be read (${systemCode(error) ?? String(error)})`,
    })
    return []
  }
}

function linkFailure(error: unknown): string {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'a symbolic link that leads nowhere'
  if (code === 'ELOOP') return 'a symbolic link that leads in a circle'
  return `cannot be read (${code ?? String(error)})`
}
