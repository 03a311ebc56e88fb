/**
 * Images a block at a time, for work that needs each of them once: however many there are, only one block is in memory.
 * (The known data sets are small enough to lie in memory whole; their blocks are copies of a part.)
 */
import { basename, join, resolve } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { decodeImages, toGrey, type DecodeOptions } from './decode.js'
import { listImageFolder } from './folder.js'
import { imageBytes, type Dataset, type Images, type SkippedFile } from './image-set.js'
import type { Split } from './layout.js'
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
  readonly notes: readonly string[]
  /** Files left out so far; complete once the last block has been taken. */
  readonly skipped: readonly SkippedFile[]
  /** Blocks of at most so many images of one split each, training images first. */
  readonly blocks: (size: number) => AsyncIterable<ImageBlock>
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

export interface FolderBlocksOptions extends Omit<DecodeOptions, 'onProgress'> {
  readonly folder: string
  readonly channels: 1 | 3
}

/**
 * A folder of images in any layout of layout.ts, decoded block by block.
 * @throws HandfulError as listImageFolder; its blocks throw where no image is left at the end
 */
export async function folderBlocks(options: FolderBlocksOptions): Promise<ImageSource> {
  const { folder, size: side, fit, channels, signal } = options
  const { files, skipped: unread, notes } = await listImageFolder(folder, signal)
  const skipped = [...unread]
  return {
    name: basename(resolve(folder)),
    limit: files.length,
    notes,
    skipped,
    async *blocks(size) {
      let found = 0
      for (const split of ['train', 'test'] as const) {
        const own = files.filter((file) => file.split === split)
        let firstPlace = 0
        for (let first = 0; first < own.length; first += size) {
          const part = own.slice(first, first + size)
          const located = part.map(({ path }) => ({ path, file: join(folder, path) }))
          const decoded = await decodeImages(located, { size: side, fit, signal })
          skipped.push(...decoded.skipped)
          if (decoded.count === 0) continue
          const kept = decoded.indices.map((index) => part[index])
          yield {
            count: decoded.count,
            height: side,
            width: side,
            channels,
            pixels: channels === 1 ? toGrey(decoded.pixels) : decoded.pixels,
            paths: kept.map(({ path }) => path),
            labels: kept.map(({ label }) => (split === 'test' ? '' : label)),
            split,
            firstPlace,
          }
          firstPlace += decoded.count
          found += decoded.count
        }
      }
      if (found > 0) return
      const [first] = skipped
      throw new HandfulError({
        what: 'images',
        where: printable(folder),
        got: `none that can be used${first === undefined ? '' : `, ${printable(first.path)}: ${first.reason}`}`,
        expected: 'PNG, JPEG or WebP images',
      })
    },
  }
}
