/** Tar archives of an image folder, gzipped or not. */

import { basename } from 'node:path'
import type { ArchiveLimits } from '../files/archive-entry.js'
import { tarEntries } from '../files/tar-entries.js'
import { archiveTree } from './archive-tree.js'
import type { CollectionFormat, CollectionOptions, FileTree } from './collection.js'

export interface TarOptions {
  readonly gzip: boolean
  readonly signal?: AbortSignal
  readonly limits?: ArchiveLimits
  readonly onFound?: CollectionOptions['onFound']
}

/** @throws HandfulError as archiveTree */
export async function tarTree(
  path: string,
  { gzip, limits, signal, onFound }: TarOptions,
): Promise<FileTree> {
  const name = basename(path).replace(/\.(tar|tgz|tar\.gz|gz)$/i, '')
  let openEnd = false
  const onOpenEnd = (): void => {
    openEnd = true
  }
  const tree = await archiveTree(
    { path, name, entries: (own) => tarEntries(path, { gzip, limits, signal: own, onOpenEnd }) },
    signal,
    onFound,
  )
  if (!openEnd) return tree
  return { ...tree, notes: [...tree.notes, 'the archive has no mark at its end: it may have been cut short'] }
}

/** Its magic number stands 257 bytes into the first header. */
export const tar: CollectionFormat = {
  name: 'tar',
  kind: 'archive',
  words: '.tar',
  recognises: (start) => start.toString('latin1', 257, 262) === 'ustar',
  open: (place, signal) => tarTree(place, { gzip: false, signal }),
}

export const gzippedTar: CollectionFormat = {
  name: 'tar.gz',
  kind: 'archive',
  words: '.tar.gz',
  recognises: (start) => start[0] === 0x1f && start[1] === 0x8b,
  open: (place, signal) => tarTree(place, { gzip: true, signal }),
}
