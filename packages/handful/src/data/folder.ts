/** A collection of images as a data set: decode, find out the channels, set the test split apart. */

import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { Random } from 'onnx-autodiff/random'
import { printable } from '../errors.js'
import type { CollectionOptions, ImageCollection, LabelledFile } from './collection.js'
import { contentDigest, nearDuplicates, severalLabels } from './alike.js'
import { chooseSize, type ChosenSize } from './choose-size.js'
import { collectionStretch } from './collection-stretch.js'
import { allToGrey, decodeContents, isGrey, type DecodeOptions, type ImageFacts } from './decode.js'
import { noImages } from './file-tree.js'
import type { Dataset } from './dataset.js'
import { checkLabels, imageAt, type Images, type ImageSet } from './image-set.js'
import { openCollection } from './open-collection.js'
import { Originals } from './originals.js'
import { type Pixels, pixelSpace } from './pixel-store.js'
import { readAgain } from './read-again.js'
import { readingOf, type ReadingChoice } from './reading.js'
import { datasets } from './registry.js'
import { TestSet } from './test-set.js'

export interface FolderOptions
  extends Omit<DecodeOptions, 'stretch' | 'size'>, CollectionOptions, ReadingChoice {
  /** Side of the square that images become, in pixels; `auto` chooses it from the images. */
  readonly size: number | 'auto'
  /** A folder, an archive or a table of images: see open-collection.ts. */
  readonly folder: string
  /** Channels of the result; found out from the images where left out: 1 if all of them are grey, else 3. */
  readonly channels?: 1 | 3
  /** `required` refuses a folder that no classifier could be fitted to (see checkLabels). */
  readonly labels: 'required' | 'optional'
  /** Orders the test split, so that its order says nothing about classes. */
  readonly seed: number
}

/**
 * Reads a folder of images in the layout of layout.ts, an archive of one, or a Parquet table.
 *
 * @returns images in the order of their paths, `[count, size, size, channels]`
 * @throws HandfulError in one line for whatever cannot be read as meant; single bad images are skipped and listed
 */
export async function openFolder(options: FolderOptions): Promise<Dataset> {
  return decodeCollection(await openCollection(options.folder, options.signal, options), options)
}

async function decodeCollection(collection: ImageCollection, given: FolderOptions): Promise<Dataset> {
  const { name, place, files, checkClasses } = collection
  const chosen: ChosenSize =
    given.size === 'auto' ? await chooseSize(collection, given.seed, given.signal) : { size: given.size }
  const options = { ...given, size: chosen.size }
  const notes = [...collection.notes, ...(chosen.sentence === undefined ? [] : [chosen.sentence])]
  const all = files.map((_, index) => index)
  const stretch = collectionStretch(collection, readingOf(options), options.seed, options.signal)
  const digests: string[] = []
  const inspect = (facts: ImageFacts): void => {
    digests[facts.index] = contentDigest(facts)
    options.inspect?.(facts)
  }
  const contents = collection.contents(all, options.signal)
  const decoded = await decodeContents(files.length, contents, { ...options, stretch, inspect })
  const skipped = [...collection.skipped, ...decoded.skipped]
  if (decoded.count === 0) {
    const example = skipped.length > 0 ? `, such as ${printable(skipped[0].path)}: ${skipped[0].reason}` : ''
    const got = `no usable image among ${files.length} files${example}`
    throw noImages(place, got, officialFilesHint(place, skipped))
  }

  notes.push(...stretch.sentences(), ...decoded.remarks.sentences())
  const kept = decoded.indices.map((index) => files[index])
  const torn = severalLabels(
    kept,
    decoded.indices.map((index) => digests[index]),
  )
  if (torn !== undefined) notes.push(torn)
  const classNames = sortClassNames(new Set(files.map(({ label }) => label).filter((label) => label !== '')))
  const channels = options.channels ?? (isGrey(decoded.pixels) ? 1 : 3)
  const pixels = channels === 1 ? allToGrey(decoded.pixels, options.memory) : decoded.pixels
  const originals = new Originals({
    names: kept.map(({ path }) => path),
    numbers: decoded.indices,
    read: readAgain(collection.contents, { ...options, stretch }),
  })
  const bytes = options.size * options.size * channels
  const take = pickImages(kept, { pixels, bytes, memory: options.memory }, classNames, originals)
  const shape = { height: options.size, width: options.size, channels, classNames }

  const train: ImageSet = { name, ...shape, ...take(indicesOf(kept, ({ split }) => split === 'train')) }
  if (train.count === 0) throw noImages(place, 'no usable training image')
  if (options.labels === 'required') {
    checkClasses?.(kept)
    checkLabels(train, new Set(kept.flatMap(({ split, label }) => (split === 'test' ? [label] : []))))
  }
  const inTest = indicesOf(kept, ({ split }) => split === 'test')
  const scored = inTest.filter((index) => kept[index].label !== '')
  if (scored.length < inTest.length) {
    notes.push(
      `${inTest.length - scored.length} images of the test split have no label and are left out; handful predict classifies them`,
    )
  }
  const order = new Random(options.seed, 'data/test order').shuffle(scored)
  const { paths: fileNames, ...held } = take(order)
  const test =
    order.length === 0 ? undefined : new TestSet({ name: `${name} test`, ...shape, ...held, fileNames })
  if (test !== undefined) notes.push(...sharedImages(train, test.images))
  const understood = collection.understood?.(kept)
  const amongTrain = (wanted: ReadonlySet<string> | undefined): ReadonlySet<string> | undefined =>
    wanted?.size ? new Set(train.paths.filter((path) => wanted.has(path))) : undefined
  const [blind, accepted] = [amongTrain(collection.shown?.blind), amongTrain(collection.shown?.accepted)]
  return { name, train, test, blind, accepted, reading: stretch.reading, skipped, understood, notes }
}

/** Where the folder holds a known data set in its official form, how to name it. */
function officialFilesHint(place: string, skipped: readonly { readonly path: string }[]): string | undefined {
  const present = new Set(skipped.map(({ path }) => posix.basename(path)))
  const found = Object.entries(datasets).find(([, { official }]) =>
    official?.files.some(({ names }) => names.some((name) => present.has(name))),
  )
  if (found === undefined) return undefined
  const [name, { title }] = found
  return `these are the official files of ${title}: take ${name} with --data-dir ${printable(place)}`
}

/** Copies in both splits make a score look better than it is. */
function sharedImages(train: Images, test: Images): string[] {
  const digest = (set: Images, index: number): string => {
    return createHash('sha256').update(imageAt(set, index)).digest('base64')
  }
  const known = new Set(Array.from({ length: train.count }, (_, index) => digest(train, index)))
  const same = Array.from({ length: test.count }, (_, index) => known.has(digest(test, index)))
  const copies = same.filter(Boolean).length
  const near = nearDuplicates(train, test).filter((pair) => !same[pair.test])
  const of = `of ${test.count} test images`
  return [
    ...(copies > 0 ? [`${copies} ${of} are also among the training images, pixel for pixel`] : []),
    ...(near.length > 0
      ? [
          `${near.length} ${of} nearly equal a training image, such as ${printable(train.paths[near[0].train])}`,
        ]
      : []),
  ]
}

function indicesOf(files: readonly LabelledFile[], belongs: (file: LabelledFile) => boolean): number[] {
  return files.flatMap((file, index) => (belongs(file) ? [index] : []))
}

function pickImages(
  files: readonly LabelledFile[],
  { pixels, bytes, memory }: { readonly pixels: Pixels; readonly bytes: number; readonly memory?: number },
  classNames: readonly string[],
  originals: Originals,
): (indices: readonly number[]) => Pick<ImageSet, 'count' | 'pixels' | 'labels' | 'paths' | 'originals'> {
  const classIndex = new Map(classNames.map((label, index) => [label, index]))
  return (indices) => {
    const inOrder = indices.length === files.length && indices.every((index, i) => index === i)
    const picked = inOrder ? undefined : pixelSpace(indices.length * bytes, memory)
    if (picked !== undefined) {
      indices.forEach((index, i) =>
        picked.set(pixels.subarray(index * bytes, (index + 1) * bytes), i * bytes),
      )
    }
    return {
      count: indices.length,
      pixels: picked ?? pixels,
      labels: Int32Array.from(indices, (index) => classIndex.get(files[index].label) ?? -1),
      paths: indices.map((index) => files[index].path),
      originals: originals.at(indices),
    }
  }
}

/** By number where all names are whole numbers, else by code units: the same order everywhere. */
export function sortClassNames(names: Iterable<string>): string[] {
  const sorted = [...names].sort()
  if (sorted.every((name) => /^\d{1,15}$/.test(name))) sorted.sort((a, b) => Number(a) - Number(b))
  return sorted
}
