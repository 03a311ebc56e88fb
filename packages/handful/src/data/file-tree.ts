/**
 * Files in folders as a collection of images, whether they lie on the disk or in an archive: their layout (layout.ts)
 * and their labels. Images are read in place and never copied or changed.
 */

import { basename, join, resolve } from 'node:path'
import { HandfulError, printable, quoted } from '../errors.js'
import { type AttachedLabels, attachLabels } from './attach-labels.js'
import type { CollectionOptions, FileTree, ImageCollection, LabelledFile } from './collection.js'
import { splitRemarks } from './class-remarks.js'
import { detectionLayout } from './detection-layout.js'
import { findDetections } from './detections.js'
import { diskContents } from './decode.js'
import { treeInFrames } from './frames.js'
import { listed } from './image-set.js'
import { LABEL_FILES, readLabelsFile, readSideText } from './labels-file.js'
import { className, readLayout, type FolderLayout } from './layout.js'
import { withoutOwnFolders } from './own-folders.js'
import { diskPath, listFolder } from './walk.js'

/** @throws HandfulError if the folder cannot be listed */
export async function diskTree(
  folder: string,
  signal?: AbortSignal,
  onFound?: CollectionOptions['onFound'],
): Promise<FileTree> {
  const listing = await listFolder(folder, signal, onFound)
  const onDisk = (path: string): string | Buffer => diskPath(folder, path, listing)
  return {
    name: basename(resolve(folder)),
    place: folder,
    listing,
    notes: [],
    readLabels: (path) => readLabelsFile(onDisk(path), path),
    readText: (path) => readSideText(onDisk(path), path),
    contents: (paths) => diskContents(paths.map((path) => ({ path, file: onDisk(path) }))),
  }
}

/**
 * The images of a tree without reading any: their paths, splits and labels.
 *
 * @throws HandfulError if there is no file, or the labels cannot be read as meant
 */
export async function treeCollection(
  opened: FileTree,
  options: CollectionOptions = {},
  signal?: AbortSignal,
): Promise<ImageCollection> {
  const { listing, notes: left } = withoutOwnFolders(opened.place, opened.listing, options.passOver)
  const tree = await treeInFrames({ ...opened, listing }, options, signal)
  const { name, place } = tree
  if (listing.files.length === 0) throw noImages(place, 'an empty folder')
  const { layout, attached, notes } = await understand(tree, options)
  const { files, byFolder, shown } = attached
  checkTraining(place, layout)
  const remarks = byFolder ? splitRemarks(layout.classFolders, listing.folders) : []
  return {
    name,
    place,
    files,
    shown,
    skipped: listing.skipped,
    notes: [...tree.notes, ...left, ...notes, ...remarks],
    understood: (kept) => inOneLine(layout, attached, kept),
    async *contents(indices, own = signal) {
      const paths = indices.map((index) => files[index].path)
      for await (const content of tree.contents(paths, own)) {
        yield { ...content, index: indices[content.index] }
      }
    },
    checkClasses: (kept) => {
      checkAnyLabel(place, layout, attached, kept)
      if (byFolder) checkClassFolders(place, layout, kept)
    },
  }
}

interface Understanding {
  readonly layout: FolderLayout
  readonly attached: AttachedLabels
  readonly notes: readonly string[]
}

async function understand(tree: FileTree, options: CollectionOptions): Promise<Understanding> {
  const read = async (splits: CollectionOptions['splits']): Promise<Understanding> => {
    const layout = readLayout(tree.name, tree.listing, { splits })
    const notes = [...layout.notes]
    const attached = await attachLabels(tree, layout, options, notes)
    return { layout, attached, notes }
  }
  const detections = await findDetections(tree)
  if (detections !== undefined) return detectionLayout(tree, detections, options)
  const found = await read(options.splits)
  return options.splits === undefined && namesClasses(found) ? read('none') : found
}

/** Whether a table at the top gives the images of `train/` the label "train": then it is a class and no split. */
function namesClasses({ layout, attached: { files, tables } }: Understanding): boolean {
  if (!tables.some((path) => !path.includes('/'))) return false
  return [...layout.splits.keys()].some((prefix) => {
    const labels = files.flatMap(({ path, label }) =>
      path.startsWith(prefix) && label !== '' ? [label] : [],
    )
    return labels.length > 0 && labels.every((label) => label === className(prefix.slice(0, -1)))
  })
}

const NAMED_CLASSES = 6

const whole = (count: number): string => count.toLocaleString('en-US')
const images = (count: number): string => `${whole(count)} ${count === 1 ? 'image' : 'images'}`

/** How the folder was understood, with counts of the images that could be read. */
function inOneLine(
  { splits }: FolderLayout,
  { byFolder, tables, scoredBy }: AttachedLabels,
  kept: readonly LabelledFile[],
): string {
  const train = kept.filter(({ split }) => split === 'train')
  const counts = new Map<string, number>()
  for (const { label } of train) if (label !== '') counts.set(label, (counts.get(label) ?? 0) + 1)
  const named = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
  const shown = named.slice(0, NAMED_CLASSES).map(([label, count]) => `${printable(label)} ${whole(count)}`)
  const more = named.length > shown.length ? `, ${whole(named.length - shown.length)} more` : ''
  const unlabelled = train.length - named.reduce((sum, [, count]) => sum + count, 0)
  const where = [...splits].find(([, split]) => split === 'train')?.[0]
  const source = byFolder || tables.length === 0 ? (where ?? 'folders') : tables.map(printable).join(' and ')
  const classes =
    named.length === 0
      ? 'no class'
      : `${whole(named.length)} ${named.length === 1 ? 'class' : 'classes'} from ${source} (${shown.join(', ')}${more})`
  const tests = [...splits].flatMap(([prefix, split]) => (split === 'test' ? [printable(prefix)] : []))
  const scored = kept.filter(({ split, label }) => split === 'test' && label !== '').length
  const test =
    scored === 0 ? 'no test split' : `test split ${scoredBy ?? tests.join(', ')} with ${images(scored)}`
  return `understood as ${classes}, ${images(unlabelled)} without a label, ${test}`
}

/** Splits to score by alone. */
function checkTraining(place: string, { files, splits }: FolderLayout): void {
  const held = [...splits.keys()].filter((prefix) => files.some(({ path }) => path.startsWith(prefix)))
  if (held.length === 0 || files.some(({ split }) => split === 'train')) return
  throw new HandfulError({
    what: 'images',
    where: printable(place),
    got: `${held.map(printable).join(' and ')} and nothing to learn from`,
    expected: 'train/ or class folders beside it',
    hint: `rename a folder to train, or give ${printable(join(place, held[0]))} alone`,
  })
}

/** Where no image has a label: what may have been meant as one. */
function checkAnyLabel(
  place: string,
  { splits, unreadTables }: FolderLayout,
  { refusals = [] }: AttachedLabels,
  kept: readonly LabelledFile[],
): void {
  const train = kept.filter(({ split }) => split === 'train')
  const hint =
    refusals.length > 0
      ? refusals[0]
      : unreadTables.length > 0
        ? `${printable(unreadTables[0])} is not read: save it as labels.csv, with file_name,label`
        : splits.size > 1
          ? `${[...splits.keys()].map(printable).join(' and ')} are taken for splits: --splits none if they are classes`
          : undefined
  const [only, ...others] = new Set(train.flatMap(({ label }) => (label === '' ? [] : [label])))
  // Where something else was meant as the labels, one class from the folders is as good as none.
  if (hint === undefined || others.length > 0 || (only !== undefined && refusals.length === 0)) return
  throw new HandfulError({
    what: 'labels',
    where: printable(place),
    got: only === undefined ? `${train.length} images and no label` : `one class only, ${quoted(only)}`,
    expected: 'labels for a few images of each class',
    hint,
  })
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
  const [labelled, others] = [
    kept.filter(({ path }) => path.startsWith(`${only}/`)),
    kept.filter(({ path }) => !path.startsWith(`${only}/`)),
  ]
  const inner = new Set(
    labelled
      .map(({ path }) => path.slice(only.length + 1).split('/'))
      .flatMap((parts) => (parts.length > 1 ? [parts[0]] : [])),
  )
  if (inner.size < 2) return
  throw new HandfulError({
    what: 'classes',
    where: printable(folder),
    got: `one sub-folder, ${quoted(only)}, which has ${inner.size} sub-folders itself`,
    expected: 'one sub-folder for each class',
    hint: others.length > 0 ? 'move them up by one' : `did you mean ${printable(join(folder, only))}?`,
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
