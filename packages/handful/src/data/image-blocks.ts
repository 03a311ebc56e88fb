/**
 * Images a block at a time, for work that needs each of them once: however many there are, only one block is in memory.
 * (The known data sets are small enough to lie in memory whole; their blocks are copies of a part.)
 */
import { HandfulError, printable } from '../errors.js'
import type { CollectionOptions, ImageCollection } from './collection.js'
import { collectionStretch } from './collection-stretch.js'
import { decodeContents, allToGrey, type DecodeOptions, type ImageContent } from './decode.js'
import type { Dataset } from './dataset.js'
import { imageBytes, type Images, type SkippedFile } from './image-set.js'
import type { Split } from './layout.js'
import { openCollection } from './open-collection.js'
import { Originals } from './originals.js'
import { readAgain } from './read-again.js'
import { DEFAULT_READING, type ImageReading } from './reading.js'
import { Remarks } from './remarks.js'
import { Stretch } from './stretch.js'
import { revealFileNames } from './test-set.js'

export interface ImageBlock extends Omit<Images, 'name'> {
  readonly split: Split
  /** Place of the first image among those of its split. */
  readonly firstPlace: number
  /** The class of each image, '' where it is unknown. Those of a test split stay with its scorer. */
  readonly labels: readonly string[]
}

export interface ImageSource {
  readonly name: string
  /** Images at most: files that turn out to be no images are left out. */
  readonly limit: number
  /** Sentences for the user; complete once the last block has been taken. */
  readonly notes: readonly string[]
  /** Files left out so far; complete once the last block has been taken. */
  readonly skipped: readonly SkippedFile[]
  /** Blocks of at most so many images of one split each, training images first. */
  readonly blocks: (size: number) => AsyncIterable<ImageBlock>
  /** Where images of these paths came from, to be read at another size; left out for known sets, which are their pixels. */
  readonly originals?: (paths: readonly string[]) => Originals
}

/** An opened data set. */
export function datasetBlocks({ name, train, test, skipped, notes }: Dataset): ImageSource {
  const labelOf = (index: number): string => train.classNames[train.labels[index]] ?? ''
  const testNames = test === undefined ? [] : revealFileNames(test)
  return {
    name,
    limit: train.count + (test?.images.count ?? 0),
    notes,
    skipped,
    async *blocks(size) {
      yield* slices(train, size, 'train', (index) => [train.paths[index], labelOf(index)])
      if (test !== undefined) yield* slices(test.images, size, 'test', (index) => [testNames[index], ''])
    },
  }
}

function* slices(
  images: Images,
  size: number,
  split: Split,
  describe: (index: number) => readonly [path: string, label: string],
): Iterable<ImageBlock> {
  const { height, width, channels, pixels } = images
  const bytes = imageBytes(images)
  for (let first = 0; first < images.count; first += size) {
    const count = Math.min(size, images.count - first)
    const described = Array.from({ length: count }, (_, i) => describe(first + i))
    yield {
      count,
      height,
      width,
      channels,
      pixels: pixels.slice(first * bytes, (first + count) * bytes),
      paths: described.map(([path]) => path),
      labels: described.map(([, label]) => label),
      split,
      firstPlace: first,
    }
  }
}

export interface FolderBlocksOptions
  extends Omit<DecodeOptions, 'onProgress' | 'stretch'>, Omit<CollectionOptions, 'frames'> {
  readonly folder: string
  readonly channels: 1 | 3
  /** How a run's images were read; what it says nothing of is not known. */
  readonly reading?: ImageReading
  /** Seed of the sample that the stretch is found from, where it is to be found from these images. */
  readonly sampleSeed?: number
}

/**
 * A folder of images in any layout of layout.ts, an archive or a table of images, decoded block by block. Those of a
 * folder come in the order of their paths, others in the order that they are stored in.
 * @throws HandfulError as openCollection; its blocks throw where no image is left at the end
 */
export async function folderBlocks(options: FolderBlocksOptions): Promise<ImageSource> {
  const { folder, reading, signal } = options
  return collectionBlocks(
    await openCollection(folder, signal, { ...options, frames: reading?.frames }),
    options,
  )
}

/** The same for a collection that is open already. */
export function collectionBlocks(
  collection: ImageCollection,
  {
    size: side,
    fit,
    channels,
    signal,
    inspect,
    reading = DEFAULT_READING,
    sampleSeed,
  }: Omit<FolderBlocksOptions, 'folder'>,
): ImageSource {
  const { name, place, files } = collection
  const [notes, skipped] = [[...collection.notes], [...collection.skipped]]
  const stretch =
    sampleSeed === undefined
      ? new Stretch(reading)
      : collectionStretch(collection, reading, sampleSeed, signal)
  let numbers: Map<string, number> | undefined
  return {
    name,
    limit: files.length,
    notes,
    skipped,
    originals: (paths) => {
      numbers ??= new Map(files.map(({ path }, number) => [path, number]))
      const read = readAgain(collection.contents, { fit, stretch })
      return new Originals({ names: paths, numbers: paths.map((path) => numbers?.get(path) ?? -1), read })
    },
    async *blocks(size) {
      const remarks = new Remarks()
      let found = 0
      for (const split of ['train', 'test'] as const) {
        const own = files.flatMap((file, index) => (file.split === split ? [index] : []))
        const source = collection.contents(own, signal)[Symbol.asyncIterator]()
        let firstPlace = 0
        try {
          for (let left = own.length; left > 0;) {
            const part = takePart(source, Math.min(size, left))
            const decoded = await decodeContents(part.count, part.contents, {
              size: side,
              fit,
              stretch,
              signal,
              inspect: (facts) => inspect?.({ ...facts, index: part.taken[facts.index] }),
            })
            skipped.push(...decoded.skipped)
            remarks.merge(decoded.remarks, (index) => part.taken[index])
            if (part.taken.length === 0) break
            left -= part.taken.length
            if (decoded.count === 0) continue
            const kept = decoded.indices.map((index) => files[part.taken[index]])
            yield {
              count: decoded.count,
              height: side,
              width: side,
              channels,
              pixels: channels === 1 ? allToGrey(decoded.pixels) : decoded.pixels,
              paths: kept.map(({ path }) => path),
              labels: kept.map(({ label }) => (split === 'test' ? '' : label)),
              split,
              firstPlace,
            }
            firstPlace += decoded.count
            found += decoded.count
          }
        } finally {
          await source.return?.()
        }
      }
      notes.push(...stretch.sentences(), ...remarks.sentences())
      if (found > 0) return
      const [first] = skipped
      throw new HandfulError({
        what: 'images',
        where: printable(place),
        got: `none that can be used${first === undefined ? '' : `, ${printable(first.path)}: ${first.reason}`}`,
        expected: 'PNG, JPEG or WebP images',
      })
    },
  }
}

/** The next few images of a source, counted anew from 0; `taken` says which they were. */
function takePart(
  source: AsyncIterator<ImageContent>,
  count: number,
): { count: number; taken: readonly number[]; contents: AsyncIterable<ImageContent> } {
  const taken: number[] = []
  async function* contents(): AsyncGenerator<ImageContent> {
    while (taken.length < count) {
      const next = await source.next()
      if (next.done === true) return
      yield { ...next.value, index: taken.push(next.value.index) - 1 }
    }
  }
  return { count, taken, contents: contents() }
}
