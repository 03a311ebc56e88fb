/**
 * Files that are there whole or not at all: written under a temporary name in the same folder, flushed to the disk,
 * then renamed over the old one. Whatever goes wrong before the rename, the old file stays as it was.
 */

import { randomUUID } from 'node:crypto'
import { fsync } from 'node:fs'
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { systemCode, systemError } from '../errors.js'

type Chunk = string | Uint8Array

/**
 * Writes a file and the folders above it.
 *
 * @param content the whole content, or pieces of it that are written one after another
 * @throws HandfulError in one line for a full disk, missing permission, a read-only place, a file in place of a folder;
 *   whatever the making of the content throws passes through
 */
export async function writeFileAtomic(
  path: string,
  content: Chunk | Iterable<Chunk> | AsyncIterable<Chunk>,
): Promise<void> {
  await writeWhole(path, content, async (temporary) => rename(temporary, path))
}

/**
 * The same for a file that several processes may make: the first stays.
 * @returns whether this was the first
 */
export async function createFileAtomic(path: string, content: Chunk): Promise<boolean> {
  let first = true
  await writeWhole(path, content, async (temporary) => {
    try {
      await link(temporary, path)
    } catch (error) {
      if (systemCode(error) === 'EEXIST') first = false
      // FAT and some network file systems have no hard links.
      else if (['EPERM', 'ENOTSUP', 'ENOSYS'].includes(systemCode(error) ?? ''))
        return rename(temporary, path)
      else throw error
    }
    await rm(temporary, { force: true })
  })
  return first
}

/** @param place puts the temporary file where it is to be */
async function writeWhole(
  path: string,
  content: Chunk | Iterable<Chunk> | AsyncIterable<Chunk>,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomUUID()}.part`)
  try {
    await makeFolders(folder)
    await writeFlushed(
      temporary,
      typeof content === 'string' || content instanceof Uint8Array ? [content] : content,
    )
    await place(temporary)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw systemCode(error) === undefined ? error : systemError('writing', path, error)
  }
  await flushFolder(folder)
}

/**
 * Makes a folder and those above it, and tells whether it was not there before. (Node's own recursive mkdir never comes
 * back from places like /proc, where a folder can be neither made nor denied.)
 */
export async function makeFolders(folder: string): Promise<boolean> {
  try {
    return await makeFolder(folder)
  } catch (error) {
    const parent = dirname(folder)
    if (systemCode(error) !== 'ENOENT' || parent === folder) throw error
    await makeFolders(parent)
    return makeFolder(folder)
  }
}

/** @returns false where it is there already */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return false
    throw error
  }
}

/** Puts what was written on the disk. By its number: handles under Yarn's Plug'n'Play have a `sync` that throws. */
export async function flush(file: FileHandle): Promise<void> {
  await promisify(fsync)(file.fd)
}

async function writeFlushed(path: string, chunks: Iterable<Chunk> | AsyncIterable<Chunk>): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for await (const chunk of chunks) await file.writeFile(chunk)
    await flush(file)
  } finally {
    await file.close()
  }
}

/** Makes the rename itself last. Folders cannot be flushed on Windows and on some network disks. */
async function flushFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await flush(folder).finally(() => folder.close())
  } catch {
    return
  }
}
