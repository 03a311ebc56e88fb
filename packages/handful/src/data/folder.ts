/**
 * An image folder as a data set: list its files, understand the layout, attach the labels, decode. Images are read in
 * place and never copied or changed.
 */

import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'
import { Random } from 'onnx-autodiff'
import { HandfulError, printable, quoted } from '../errors.js'
import { decodeImages, isGrey, toGrey, type DecodeOptions } from './decode.js'
import {
  checkLabels,
  imageAt,
  listed,
  type Dataset,
  type Images,
  type ImageSet,
  type SkippedFile,
} from './image-set.js'
import { LABEL_FILES, readLabelsFile } from './labels-file.js'
import { readLayout, type FolderLayout, type LabelsFilePlace, type PlacedFile } from './layout.js'
import { TestSet } from './test-set.js'
import { listFolder } from './walk.js'

export interface FolderOptions extends DecodeOptions {
  readonly folder: string
  /** Channels of the result; found out from the images where left out: 1 if all of them are grey, else 3. */
  readonly channels?: 1 | 3
  /** `required` refuses a folder that no classifier could be fitted to (see checkLabels). */
  readonly labels: 'required' | 'optional'
  /** Orders the test split, so that its order says nothing about classes. */
  readonly seed: number
}

export interface LabelledFile extends PlacedFile {
  /** The class name, '' where unlabelled. */
  readonly label: string
}

/**
 * The images of a folder without reading any: their paths, splits and labels.
 *
 * @throws HandfulError if there is no file, or the labels cannot be read as meant
 */
export async function listImageFolder(
  folder: string,
  signal?: AbortSignal,
): Promise<{
  readonly files: readonly LabelledFile[]
  readonly skipped: readonly SkippedFile[]
  readonly notes: readonly string[]
}> {
  const { files, listing, notes } = await placeFiles(folder, signal)
  return { files, skipped: listing.skipped, notes }
}

async function placeFiles(folder: string, signal?: AbortSignal) {
  const listing = await listFolder(folder, signal)
  if (listing.files.length === 0) throw noImages(folder, 'an empty folder')
  const layout = readLayout(basename(resolve(folder)), listing)
  const notes = [...layout.notes]
  return { listing, layout, notes, ...(await attachLabels(folder, layout, notes)) }
}

/**
 * Reads an image folder in the layout of layout.ts.
 *
 * @returns images in the order of their paths, `[count, size, size, channels]`
 * @throws HandfulError in one line for whatever cannot be read as meant; single bad images are skipped and listed
 */
export async function openFolder(options: FolderOptions): Promise<Dataset> {
  const name = basename(resolve(options.folder))
  const { listing, layout, notes, files, byFolder } = await placeFiles(options.folder, options.signal)

  const images = files.map(({ path }) => ({ path, file: join(options.folder, path) }))
  const decoded = await decodeImages(images, options)
  const skipped = [...listing.skipped, ...decoded.skipped]
  if (decoded.count === 0) {
    const example = skipped.length > 0 ? `, such as ${printable(skipped[0].path)}: ${skipped[0].reason}` : ''
    throw noImages(options.folder, `no usable image among ${listing.files.length} files${example}`)
  }

  const kept = decoded.indices.map((index) => files[index])
  const classNames = sortClassNames(new Set(files.map(({ label }) => label).filter((label) => label !== '')))
  const channels = options.channels ?? (isGrey(decoded.pixels) ? 1 : 3)
  const pixels = channels === 1 ? toGrey(decoded.pixels) : decoded.pixels
  const take = pickImages(kept, pixels, options.size * options.size * channels, classNames)
  const shape = { height: options.size, width: options.size, channels, classNames }

  const train: ImageSet = { name, ...shape, ...take(indicesOf(kept, ({ split }) => split === 'train')) }
  if (train.count === 0) throw noImages(options.folder, 'no usable training image')
  if (options.labels === 'required') {
    if (byFolder) checkClassFolders(options.folder, layout, kept)
    checkLabels(train)
  }
  const inTest = indicesOf(kept, ({ split }) => split === 'test')
  const scored = inTest.filter((index) => kept[index].label !== '')
  if (scored.length < inTest.length) {
    notes.push(`${inTest.length - scored.length} images of the test split have no label and are left out`)
  }
  const order = new Random(options.seed, 'data/test order').shuffle(scored)
  const { paths: fileNames, ...held } = take(order)
  const test =
    order.length === 0 ? undefined : new TestSet({ name: `${name} test`, ...shape, ...held, fileNames })
  const shared = test === undefined ? 0 : countShared(train, test.images)
  if (shared > 0) {
    notes.push(`${shared} of ${order.length} test images are also among the training images, pixel for pixel`)
  }
  return { name, train, test, skipped, notes }
}

/** How many of `images` equal one of `others`: copies in both splits make a score look better than it is. */
function countShared(others: Images, images: Images): number {
  const digest = (set: Images, index: number): string => {
    return createHash('sha256').update(imageAt(set, index)).digest('base64')
  }
  const known = new Set(Array.from({ length: others.count }, (_, index) => digest(others, index)))
  let shared = 0
  for (let index = 0; index < images.count; index++) if (known.has(digest(images, index))) shared++
  return shared
}

function indicesOf(files: readonly LabelledFile[], belongs: (file: LabelledFile) => boolean): number[] {
  return files.flatMap((file, index) => (belongs(file) ? [index] : []))
}

function pickImages(
  files: readonly LabelledFile[],
  pixels: Uint8Array,
  bytes: number,
  classNames: readonly string[],
): (indices: readonly number[]) => Pick<ImageSet, 'count' | 'pixels' | 'labels' | 'paths'> {
  const classIndex = new Map(classNames.map((label, index) => [label, index]))
  return (indices) => {
    const picked = indices.length === files.length ? pixels : new Uint8Array(indices.length * bytes)
    indices.forEach((index, i) => {
      picked.set(pixels.subarray(index * bytes, (index + 1) * bytes), i * bytes)
    })
    return {
      count: indices.length,
      pixels: picked,
      labels: Int32Array.from(indices, (index) => classIndex.get(files[index].label) ?? -1),
      paths: indices.map((index) => files[index].path),
    }
  }
}

/** Labels from labels files where a split has any, else from its class folders. */
async function attachLabels(
  folder: string,
  layout: FolderLayout,
  notes: string[],
): Promise<{ files: LabelledFile[]; byFolder: boolean }> {
  const byPath = new Map(layout.files.map((file) => [file.path.normalize('NFC'), file]))
  const labels = new Map<string, string>()
  const splitsWithRows = new Set<string>()
  for (const place of layout.labelsFiles) {
    for (const [path, label] of await labelsByPath(folder, place, byPath)) {
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
  folder: string,
  { path: file, prefix }: LabelsFilePlace,
  byPath: ReadonlyMap<string, PlacedFile>,
): Promise<Map<string, string>> {
  const rows = await readLabelsFile(join(folder, file), file)
  const unknown = rows.filter(({ path }) => !byPath.has(prefix + path))
  if (unknown.length > 0) {
    const [first] = unknown
    const others = unknown.length === 1 ? '' : ` and ${unknown.length - 1} more such rows`
    throw new HandfulError({
      what: 'unknown file',
      where: `${file} row ${first.row}`,
      got: `${quoted(first.path)}${others}`,
      expected: `the path of an image below ${printable(join(folder, prefix))}`,
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

function noImages(folder: string, got: string): HandfulError {
  return new HandfulError({
    what: 'images',
    where: printable(folder),
    got,
    expected: 'PNG, JPEG or WebP images, in one sub-folder per class or beside a labels file',
    hint: `labels files are called ${LABEL_FILES.slice(0, 3).join(', ')}`,
  })
}

/** By number where all names are whole numbers, else by code units: the same order everywhere. */
export function sortClassNames(names: Iterable<string>): string[] {
  const sorted = [...names].sort()
  if (sorted.every((name) => /^\d{1,15}$/.test(name))) sorted.sort((a, b) => Number(a) - Number(b))
  return sorted
}
