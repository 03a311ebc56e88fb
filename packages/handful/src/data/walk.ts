/**
 * Lists the files of a folder and its sub-folders in a fixed order. Symbolic links are followed, but every folder is
 * entered once, by its own path where it has one inside the tree, so links that lead in a circle end. Hidden files and
 * what operating systems leave behind are passed over; sockets, pipes and devices are never opened.
 */

import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import type { SkippedFile } from './image-set.js'

export interface FolderListing {
  /** Paths relative to the folder, `/` between the parts, sorted by code units. */
  readonly files: readonly string[]
  /** All sub-folders, empty ones included, in the same form. */
  readonly folders: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

/** Hidden files, and what operating systems leave behind. */
export const SYSTEM_FILES = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$|@eadir$)/i

/**
 * @throws HandfulError if the folder itself does not exist, is a file, or cannot be read
 */
export async function listFolder(root: string, signal?: AbortSignal): Promise<FolderListing> {
  const files: string[] = []
  const folders: string[] = []
  const skipped: SkippedFile[] = []
  const entered = new Set<string>([await realFolder(root)])
  const queue: string[] = ['']
  const links: string[] = []

  const addByKind = async (path: string): Promise<void> => {
    const target = await realTarget(join(root, path)).catch((error: unknown) => {
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
      folders.push(path)
      queue.push(path)
    }
  }

  while (queue.length > 0 || links.length > 0) {
    signal?.throwIfAborted()
    const folder = queue.shift()
    // Links wait until all real folders are entered, so that a folder inside the tree keeps its own path.
    if (folder === undefined) {
      await addByKind(links.shift() ?? '')
      continue
    }
    for (const entry of await readEntries(root, folder, skipped)) {
      if (SYSTEM_FILES.test(entry.name)) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isFile()) files.push(path)
      else if (entry.isSymbolicLink()) links.push(path)
      else await addByKind(path)
    }
  }
  return { files: files.sort(), folders: folders.sort(), skipped }
}

async function realTarget(path: string): Promise<{ kind: Stats; real: string }> {
  return { kind: await stat(path), real: await realpath(path) }
}

async function realFolder(root: string): Promise<string> {
  try {
    if ((await stat(root)).isDirectory()) return await realpath(root)
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

async function readEntries(root: string, folder: string, skipped: SkippedFile[]) {
  try {
    return await readdir(join(root, folder), { withFileTypes: true })
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
