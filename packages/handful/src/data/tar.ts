/** Tar archives of an image folder, packed or not. */

import { basename } from 'node:path'
import type { ArchiveLimits } from '../files/archive-entry.js'
import { isPacked, type Packing } from '../files/packing.js'
import { tarEntries } from '../files/tar-entries.js'
import { archiveTree } from './archive-tree.js'
import type { CollectionFormat, CollectionOptions, FileTree } from './collection.js'

export interface TarOptions {
  readonly packing?: Packing
  readonly signal?: AbortSignal
  readonly limits?: ArchiveLimits
  readonly onFound?: CollectionOptions['onFound']
}

/** @throws HandfulError as archiveTree */
export async function tarTree(
  path: string,
  { packing, limits, signal, onFound }: TarOptions,
): Promise<FileTree> {
  const name = basename(path).replace(/(\.tar)?\.(gz|bz2|xz|zst)$|\.(tar|tgz|tbz2?|txz|tzst)$/i, '')
  let openEnd = false
  const onOpenEnd = (): void => {
    openEnd = true
  }
  const tree = await archiveTree(
    { path, name, entries: (own) => tarEntries(path, { packing, limits, signal: own, onOpenEnd }) },
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
  open: (place, signal, { onFound } = {}) => tarTree(place, { signal, onFound }),
}

const packedTar = (packing: Packing, ending: string): CollectionFormat => ({
  name: `tar.${ending}`,
  kind: 'archive',
  words: `.tar.${ending}`,
  recognises: (start) => isPacked(packing, start),
  open: (place, signal, { onFound } = {}) => tarTree(place, { packing, signal, onFound }),
})

/** Tar archives that are packed as a whole. */
export const packedTars: readonly CollectionFormat[] = [
  packedTar('gzip', 'gz'),
  packedTar('bzip2', 'bz2'),
  packedTar('xz', 'xz'),
  packedTar('zstd', 'zst'),
]
