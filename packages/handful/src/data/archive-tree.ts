/**
 * An archive of an image folder, read where it lies: one pass lists its entries, another hands out the images. The paths are
 * those that the unpacked folder would have, so that results do not depend on which of the two was given.
 */

import { HandfulError, printable } from '../errors.js'
import { type ArchiveEntry, DamagedEntry } from '../files/archive-entry.js'
import type { CollectionOptions, FileTree } from './collection.js'
import type { ImageContent } from './decode.js'
import { LIMIT_IMAGE_BYTES } from './decode-content.js'
import type { SkippedFile } from './image-set.js'
import { isSideText, isTableFile, parseLabels } from './labels-file.js'
import { splitNamed } from './layout.js'
import { UnusableImage } from './unusable-image.js'
import { SYSTEM_FILES } from './walk.js'

/** Of all labels files together, which are kept in memory. */
const LIMIT_LABEL_BYTES = 256 * 2 ** 20

/** An archive that is compressed as a whole is read to its end before one file of it is shown. */
const FILES_BETWEEN_REPORTS = 500

/** An archive to be read from its beginning, as often as is asked. */
export interface Archive {
  readonly path: string
  /** Its file's name without the ending. */
  readonly name: string
  readonly entries: (signal: AbortSignal | undefined) => AsyncIterable<ArchiveEntry>
}

interface Listed {
  /** Path to the number of its entry. */
  readonly files: Map<string, number>
  readonly folders: Set<string>
  readonly skipped: SkippedFile[]
  readonly labels: Map<string, Uint8Array>
}

/** Hard links: the path of each, and that of the file it is. */
type Links = Map<string, string>

/**
 * Lists an archive.
 *
 * @throws HandfulError if it is damaged, cut short, too large, or holds no file
 */
export async function archiveTree(
  archive: Archive,
  signal?: AbortSignal,
  onFound?: CollectionOptions['onFound'],
): Promise<FileTree> {
  const { path, name } = archive
  const entries = await listEntries(archive, signal, onFound)
  if (entries.files.size === 0) {
    const example =
      entries.skipped.length === 0
        ? ''
        : `, ${printable(entries.skipped[0].path)} is ${entries.skipped[0].reason}`
    throw new HandfulError({
      what: 'archive',
      where: printable(path),
      got: `no file in it${example}`,
      expected: 'images in folders',
    })
  }
  const root = commonRoot(entries)
  const inner = (stored: string): string => stored.slice(root.length)
  const ordinals = new Map([...entries.files].map(([stored, ordinal]) => [inner(stored), ordinal]))
  return {
    name,
    place: path,
    notes: root === '' ? [] : [`paths are relative to ${printable(root)}, which holds the whole archive`],
    listing: {
      files: [...ordinals.keys()].sort(),
      folders: [...entries.folders]
        .map(inner)
        .filter((folder) => folder !== '')
        .sort(),
      skipped: entries.skipped,
    },
    readText: (file) => Promise.resolve(new TextDecoder().decode(entries.labels.get(root + file))),
    readLabels: (file) =>
      Promise.resolve(parseLabels(entries.labels.get(root + file) ?? new Uint8Array(), file)),
    contents: (paths, own = signal) => contents(archive, paths, ordinals, own),
  }
}

async function listEntries(
  { path, entries }: Archive,
  signal: AbortSignal | undefined,
  onFound: CollectionOptions['onFound'],
): Promise<Listed> {
  const files = new Map<string, number>()
  const found: string[] = []
  const folders = new Set<string>()
  const skipped: SkippedFile[] = []
  const labels = new Map<string, Uint8Array>()
  const links: Links = new Map()
  let [labelBytes, sideBytes] = [0, 0]
  for await (const entry of entries(signal)) {
    const parts = partsOf(entry.name)
    if (parts.some((part) => SYSTEM_FILES.test(part) && part !== '..')) continue
    const stored = parts.join('/')
    const reason = refusal(entry, parts)
    if (reason !== undefined) {
      skipped.push({ path: entry.name, reason })
      continue
    }
    if (parts.length === 0) continue
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
    if (entry.type === 'directory') {
      folders.add(stored)
      continue
    }
    if (files.has(stored) || links.has(stored))
      skipped.push({ path: stored, reason: 'stored twice, the later one counts' })
    links.delete(stored)
    files.delete(stored)
    if (entry.type === 'link') {
      links.set(stored, partsOf(entry.target ?? '').join('/'))
      continue
    }
    files.set(stored, entry.ordinal)
    if (found.push(stored) % FILES_BETWEEN_REPORTS === 0) onFound?.({ files: found, skipped })
    const file = parts[parts.length - 1]
    if (isSideText(file)) {
      sideBytes += entry.size
      if (sideBytes <= LIMIT_LABEL_BYTES) labels.set(stored, await labelsOf(path, stored, entry))
      continue
    }
    if (!isTableFile(file)) continue
    labelBytes += entry.size
    if (labelBytes > LIMIT_LABEL_BYTES) {
      throw new HandfulError({
        what: 'labels files',
        where: printable(path),
        got: 'more than 256 MiB',
        expected: 'less',
      })
    }
    labels.set(stored, await labelsOf(path, stored, entry))
  }
  followLinks(links, { files, skipped, labels })
  return { files, folders, skipped, labels }
}

const partsOf = (name: string): string[] => name.split('/').filter((part) => part !== '' && part !== '.')

/** A hard link is the file that it names, as it would be once unpacked. */
function followLinks(links: Links, { files, skipped, labels }: Omit<Listed, 'folders'>): void {
  for (const [path, target] of links) {
    const ordinal = files.get(target)
    if (ordinal === undefined) {
      skipped.push({ path, reason: 'a hard link to no file that is read from the archive' })
      continue
    }
    files.set(path, ordinal)
    const table = labels.get(target)
    if (table !== undefined) labels.set(path, table)
  }
}

async function labelsOf(path: string, stored: string, { read }: ArchiveEntry): Promise<Uint8Array> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof DamagedEntry)) throw error
    throw new HandfulError({
      what: 'labels file',
      where: `${printable(path)}, ${printable(stored)}`,
      got: `one that is ${error.message}`,
      expected: 'a whole one',
      hint: 'pack the archive again',
      cause: error,
    })
  }
}

/** Why an entry is left out. */
function refusal({ name, type, size, locked }: ArchiveEntry, parts: readonly string[]): string | undefined {
  if (name.startsWith('/') || /^[a-z]:[\\/]/i.test(name) || parts.includes('..')) {
    return 'a path that leads out of the archive'
  }
  if (type === 'symlink') return 'a symbolic link, which is not followed in an archive'
  if (type === 'directory' || type === 'link') return undefined
  if (type !== 'file' && type !== 'contiguous-file') return 'not a regular file'
  if (size <= LIMIT_IMAGE_BYTES) return locked
  return `a file of ${Math.round(size / 2 ** 20)} MiB, the limit is ${LIMIT_IMAGE_BYTES / 2 ** 20} MiB`
}

/**
 * `photos/` where the archive is one folder that holds all the rest, as `tar cf photos.tar photos` makes it; `photos/v2/` where that
 * again holds one folder and nothing else.
 */
function commonRoot({ files, folders }: Listed): string {
  const [first] = files.keys()
  let root = ''
  for (;;) {
    const end = first.indexOf('/', root.length)
    const next = first.slice(0, end + 1)
    if (end < 0 || splitNamed(next.slice(root.length, -1)) !== undefined) return root
    const inside = [...files.keys()].every((path) => path.startsWith(next))
    const above = (folder: string): boolean => next.startsWith(`${folder}/`)
    if (!inside || ![...folders].every((folder) => above(folder) || folder.startsWith(next))) return root
    // Below the first one, a folder that holds files itself is a class.
    if (root !== '' && [...files.keys()].some((path) => !path.slice(next.length).includes('/'))) return root
    root = next
  }
}

async function* contents(
  { entries }: Archive,
  paths: readonly string[],
  ordinals: ReadonlyMap<string, number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageContent> {
  // Hard links are one entry under several paths.
  const wanted = new Map<number, number[]>()
  for (const [index, inner] of paths.entries()) {
    const ordinal = ordinals.get(inner) ?? -1
    wanted.set(ordinal, [...(wanted.get(ordinal) ?? []), index])
  }
  let left = wanted.size
  if (left === 0) return
  for await (const entry of entries(signal)) {
    const indices = wanted.get(entry.ordinal)
    if (indices === undefined) continue
    const content = await contentOf(entry)
    for (const index of indices) yield { index, path: paths[index], load: () => content() }
    if (--left === 0) return
  }
}

/** What one damaged entry holds is told when it is loaded; the others can be read. */
async function contentOf({ read }: ArchiveEntry): Promise<() => Promise<Uint8Array>> {
  try {
    const content = await read()
    return () => Promise.resolve(content)
  } catch (error) {
    if (!(error instanceof DamagedEntry)) throw error
    return () => Promise.reject(new UnusableImage(error.message, { cause: error }))
  }
}
