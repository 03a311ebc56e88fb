/**
 * Files in folders as a collection of images, whether they lie on the disk or in an archive: their layout (layout.ts)
 * and their labels. Images are read in place and never copied or changed.
 */

import { basename, join, resolve } from 'node:path'
import { HandfulError, printable, quoted } from '../errors.js'
import type { FileTree, ImageCollection, LabelledFile } from './collection.js'
import { diskContents } from './decode.js'
import { listed } from './image-set.js'
import { LABEL_FILES, readLabelsFile } from './labels-file.js'
import { readLayout, type FolderLayout, type LabelsFilePlace, type PlacedFile } from './layout.js'
import { listFolder } from './walk.js'

/** @throws HandfulError if the folder cannot be listed */
export async function diskTree(folder: string, signal?: AbortSignal): Promise<FileTree> {
  return {
    name: basename(resolve(folder)),
    place: folder,
    listing: await listFolder(folder, signal),
    notes: [],
    readLabels: (path) => readLabelsFile(join(folder, path), path),
    contents: (paths) => diskContents(paths.map((path) => ({ path, file: join(folder, path) }))),
  }
}

/**
 * The images of a tree without reading any: their paths, splits and labels.
 *
 * @throws HandfulError if there is no file, or the labels cannot be read as meant
 */
export async function treeCollection(tree: FileTree): Promise<ImageCollection> {
  const { name, place, listing } = tree
  if (listing.files.length === 0) throw noImages(place, 'an empty folder')
  const layout = readLayout(name, listing)
  const notes = [...tree.notes, ...layout.notes]
  const { files, byFolder } = await attachLabels(tree, layout, notes)
  return {
    name,
    place,
    files,
    skipped: listing.skipped,
    notes,
    async *contents(indices, signal) {
      const paths = indices.map((index) => files[index].path)
      for await (const content of tree.contents(paths, signal)) {
        yield { ...content, index: indices[content.index] }
      }
    },
    checkClasses: (kept) => {
      if (byFolder) checkClassFolders(place, layout, kept)
    },
  }
}

/** Labels from labels files where a split has any, else from its class folders. */
async function attachLabels(
  tree: FileTree,
  layout: FolderLayout,
  notes: string[],
): Promise<{ files: LabelledFile[]; byFolder: boolean }> {
  const byPath = new Map(layout.files.map((file) => [file.path.normalize('NFC'), file]))
  const labels = new Map<string, string>()
  const splitsWithRows = new Set<string>()
  for (const place of layout.labelsFiles) {
    for (const [path, label] of await labelsByPath(tree, place, byPath)) {
      const earlier = labels.get(path)
      if (earlier !== undefined && earlier !== label) {
        throw new HandfulError({
          what: 'conflicting labels',
          where: layout.labelsFiles.map((file) => file.path).join(' and '),
          got: `${quoted(path)} with the labels ${quoted(earlier)} and ${quoted(label)}`,
          expected: 'one label for each file',
        })
      }
      labels.set(path, label)
      if (label !== '') splitsWithRows.add(byPath.get(path)?.split ?? 'train')
    }
    if (place.prefix !== '') splitsWithRows.add(splitOf(layout, place.prefix))
  }
  if (layout.labelsFiles.length > 0 && splitsWithRows.size === 0) splitsWithRows.add('train')
  const files = layout.files.map((file): LabelledFile => {
    if (!splitsWithRows.has(file.split)) return { ...file, label: file.folderClass }
    return { ...file, label: labels.get(file.path.normalize('NFC')) ?? '' }
  })
  const byFolder = !splitsWithRows.has('train')
  if (!byFolder && layout.files.some(({ split, folderClass }) => split === 'train' && folderClass !== '')) {
    notes.push(`labels come from ${layout.labelsFiles[0].path}; sub-folders are not taken for classes`)
  }
  return { files, byFolder }
}

function splitOf(layout: FolderLayout, prefix: string): string {
  return layout.files.find(({ path }) => path.startsWith(prefix))?.split ?? 'train'
}

/** Path (NFC) to label of one labels file, every path checked to be there. */
async function labelsByPath(
  { place, readLabels }: FileTree,
  { path: file, prefix }: LabelsFilePlace,
  byPath: ReadonlyMap<string, PlacedFile>,
): Promise<Map<string, string>> {
  const rows = await readLabels(file)
  const unknown = rows.filter(({ path }) => !byPath.has(prefix + path))
  if (unknown.length > 0) {
    const [first] = unknown
    const others = unknown.length === 1 ? '' : ` and ${unknown.length - 1} more such rows`
    throw new HandfulError({
      what: 'unknown file',
      where: `${file} row ${first.row}`,
      got: `${quoted(first.path)}${others}`,
      expected: `the path of an image below ${printable(join(place, prefix))}`,
      hint: namesake(first.path, byPath, prefix) ?? 'correct or remove the row',
    })
  }
  return new Map(rows.map(({ path, label }) => [prefix + path, label]))
}

/** "did you mean" for a row that left out the folder: files elsewhere with the same base name. */
function namesake(path: string, byPath: ReadonlyMap<string, PlacedFile>, prefix: string): string | undefined {
  const wanted = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const found = [...byPath.keys()].filter((known) => {
    return known.startsWith(prefix) && known.slice(known.lastIndexOf('/') + 1).toLowerCase() === wanted
  })
  if (found.length === 0) return undefined
  return `did you mean ${listed(found.map((known) => known.slice(prefix.length)))}?`
}

/** Class folders that leave nothing to learn from, with the folder's name rather than the class's. */
function checkClassFolders(
  folder: string,
  { classFolders }: FolderLayout,
  kept: readonly LabelledFile[],
): void {
  const present = new Set(kept.filter(({ split }) => split === 'train').map(({ label }) => label))
  const empty = [...classFolders].flatMap(([name, path]) => (present.has(name) ? [] : [path]))
  if (empty.length > 0 && present.size > (present.has('') ? 1 : 0)) {
    throw new HandfulError({
      what: empty.length === 1 ? 'class folder' : 'class folders',
      where: printable(folder),
      got: `no usable image in ${listed(empty)}`,
      expected: 'at least one image of each class',
      hint: 'add images, or remove the folder',
    })
  }
  if (classFolders.size !== 1) return
  const [[, only]] = classFolders
  const inner = new Set(
    kept
      .map(({ path }) => path.slice(only.length + 1).split('/'))
      .flatMap((parts) => (parts.length > 1 ? [parts[0]] : [])),
  )
  if (inner.size < 2 || kept.some(({ path }) => !path.startsWith(`${only}/`))) return
  throw new HandfulError({
    what: 'classes',
    where: printable(folder),
    got: `one sub-folder, ${quoted(only)}, which has ${inner.size} sub-folders itself`,
    expected: 'one sub-folder for each class',
    hint: `did you mean ${printable(join(folder, only))}?`,
  })
}

export function noImages(place: string, got: string, hint?: string): HandfulError {
  return new HandfulError({
    what: 'images',
    where: printable(place),
    got,
    expected: 'PNG, JPEG or WebP images, in one sub-folder per class or beside a labels file',
    hint: hint ?? `labels files are called ${LABEL_FILES.slice(0, 3).join(', ')}`,
  })
}
