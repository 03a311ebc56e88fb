/** What lies among the images and is none of them: Handful's own folders, and what systems leave. It is left out and said. */

import { relative, resolve, sep } from 'node:path'
import { printable } from '../errors.js'
import { isOwnFolder } from '../files/run-marker.js'
import { listed } from './image-set.js'
import type { FolderListing } from './walk.js'

/** Where runs go unless told otherwise; without a file in it, it is no class. */
const PARENTS = ['runs', 'studies']

export interface CleanListing {
  readonly listing: FolderListing
  readonly notes: readonly string[]
}

/**
 * A listing without Handful's own folders, and without the folders that hold nothing else.
 *
 * @param passOver full paths of folders that are about to be written to
 */
export function withoutOwnFolders(
  place: string,
  listing: FolderListing,
  passOver: readonly string[] = [],
): CleanListing {
  const { files, folders } = listing
  const inside = passOver
    .map((folder) => relative(resolve(place), resolve(folder)).split(sep).join('/'))
    .filter((folder) => folder !== '' && folder !== '..' && !folder.startsWith('../'))
  const runs = [...(listing.runs ?? []), ...ownFolders(listing)]
  const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`)
  const kept = files.filter((path) => !runs.some((run) => isBelow(path, run)))
  const holders = new Set(
    [...runs, ...inside].flatMap((run) =>
      run.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  )
  for (const parent of PARENTS) holders.add(parent)
  const emptied = [...holders].filter((folder) => !kept.some((path) => isBelow(path, folder)))
  const left = folders.filter((path) => !emptied.some((folder) => path === folder || isBelow(path, folder)))
  const notes = []
  if (runs.length > 0) notes.push(`passed over, as handful wrote them: ${listed(runs)}`)
  const names = [...(listing.passedOver ?? [])].map(([name, count]) => {
    return count === 1 ? printable(name) : `${printable(name)} (${count} times)`
  })
  if (names.length > 0) {
    const more = names.length > 6 ? ` and ${names.length - 6} more` : ''
    notes.push(`passed over, as hidden or left by a system: ${names.slice(0, 6).join(', ')}${more}`)
  }
  if (listing.bytes !== undefined && files.some((path) => listing.bytes?.has(path))) {
    const odd = files.filter((path) => listing.bytes?.has(path))
    notes.push(`${odd.length} file names are not UTF-8 and are read as Latin-1, such as ${printable(odd[0])}`)
  }
  return { listing: { ...listing, files: kept, folders: left }, notes }
}

/** Those of an archive, which has only names. */
function ownFolders({ files, folders }: FolderListing): string[] {
  const candidates = new Set(
    files
      .filter((path) => /\/(config|study)\.yaml$/.test(path))
      .map((path) => path.slice(0, path.lastIndexOf('/'))),
  )
  return [...candidates].filter((folder) => {
    const inner = [...files, ...folders].filter((path) => path.startsWith(`${folder}/`))
    return isOwnFolder(inner.map((path) => path.slice(folder.length + 1).split('/')[0]))
  })
}
