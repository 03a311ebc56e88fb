/**
 * What a data set holds, in one pass over its images with a block of them in memory at a time: numbers of images and
 * classes, sizes, mean and deviation of the pixels, images that are there more than once. Labels of a test split stay
 * with its scorer, so classes are counted among the training images alone.
 */

import { contentDigest } from './alike.js'
import { isGrey, type ImageFacts } from './decode.js'
import { sortClassNames } from './folder.js'
import type { ImageBlock, ImageSource } from './image-blocks.js'
import { imageBytes, type SkippedFile } from './image-set.js'
import type { Split } from './layout.js'

/** What `handful data` says of images: counts, sizes, brightness, duplicates. */
export interface DataStatistics {
  readonly name: string
  readonly images: { readonly train: number; readonly test: number }
  /** Of the training images. */
  readonly labelled: number
  readonly classes: readonly { readonly name: string; readonly images: number }[]
  /** As the images are stored, the most frequent first. */
  readonly sizes: readonly { readonly width: number; readonly height: number; readonly images: number }[]
  /** 1 where all images are grey, else 3. */
  readonly channels: 1 | 3
  readonly greyImages: number
  /** Side of the squares that mean and deviation are of, in pixels. */
  readonly side: number
  /** Of the training images, for each channel, with pixels from 0 to 1. */
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
  readonly duplicates: Duplicates
  readonly skipped: readonly SkippedFile[]
  readonly notes: readonly string[]
}

/** Images that equal another one byte for byte. */
export interface Duplicates {
  /** Images beyond the first of their kind. */
  readonly copies: number
  readonly groups: number
  /** Groups with images of both splits: a score on such a test split says too much. */
  readonly acrossSplits: number
  /** Groups of training images with several labels. */
  readonly withSeveralLabels: number
  /** The paths of a few groups. */
  readonly examples: readonly (readonly string[])[]
}

interface Kind {
  readonly paths: string[]
  readonly splits: Set<Split>
  readonly labels: Set<string>
  count: number
}

const BLOCK = 500
/** Groups of equal images that are named, and paths of each. */
const EXAMPLES = 5

/**
 * @param source the images, of a collection with `watch` as its `inspect`
 * @param facts what `watch` has gathered; without it images are stored as they are delivered
 * @throws what the source throws
 */
export async function collectStatistics(
  source: ImageSource,
  facts?: FileFacts,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<DataStatistics> {
  const count = { train: 0, test: 0 }
  const classes = new Map<string, number>()
  const sizes = new Map<string, number>()
  const kinds = new Map<string, Kind>()
  const pixels = new PixelSums()
  let greyImages = 0
  let side = 0
  for await (const block of source.blocks(BLOCK)) {
    signal?.throwIfAborted()
    side = block.width
    for (let i = 0; i < block.count; i++) {
      const { split } = block
      const path = block.paths[i]
      const label = block.labels[i]
      const image = pixelsOf(block, i)
      count[split]++
      if (label !== '') classes.set(label, (classes.get(label) ?? 0) + 1)
      if (block.channels === 1 || isGrey(image)) greyImages++
      if (split === 'train') pixels.add(image, block.channels)
      const known = facts?.take(path)
      const { width, height, digest } = known ?? { ...block, digest: contentDigest({ content: image }) }
      const size = `${width}x${height}`
      sizes.set(size, (sizes.get(size) ?? 0) + 1)
      addKind(kinds, digest, path, split, label)
    }
    onProgress?.(count.train + count.test, source.limit)
  }
  const all = count.train + count.test
  const channels = greyImages === all ? 1 : 3
  return {
    name: source.name,
    images: count,
    labelled: [...classes.values()].reduce((sum, images) => sum + images, 0),
    classes: sortClassNames(classes.keys()).map((name) => ({ name, images: classes.get(name) ?? 0 })),
    sizes: [...sizes]
      .sort(([, a], [, b]) => b - a)
      .map(([size, images]) => {
        const [width, height] = size.split('x').map(Number)
        return { width, height, images }
      }),
    channels,
    greyImages,
    side,
    ...pixels.moments(channels),
    duplicates: duplicatesAmong(kinds),
    skipped: source.skipped,
    notes: source.notes,
  }
}

/** Gathers sizes and checksums of files while they are decoded, for `collectStatistics` to take up by their paths. */
export class FileFacts {
  readonly #known = new Map<string, { width: number; height: number; digest: string }>()

  /** @param paths of all files by their index */
  constructor(private readonly paths: readonly string[]) {}

  readonly watch = (facts: ImageFacts): void => {
    const { index, width, height } = facts
    this.#known.set(this.paths[index], { width, height, digest: contentDigest(facts) })
  }

  take(path: string): { width: number; height: number; digest: string } | undefined {
    const found = this.#known.get(path)
    this.#known.delete(path)
    return found
  }
}

/** Running sums of the values and their squares, by channel. */
class PixelSums {
  #values = 0
  readonly #sums = [0, 0, 0]
  readonly #squares = [0, 0, 0]

  add(image: Uint8Array, channels: 1 | 3): void {
    this.#values += image.length / channels
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0
      let squares = 0
      for (let i = channels === 1 ? 0 : channel; i < image.length; i += channels) {
        sum += image[i]
        squares += image[i] * image[i]
      }
      this.#sums[channel] += sum
      this.#squares[channel] += squares
    }
  }

  moments(channels: 1 | 3): { mean: number[]; deviation: number[] } {
    const means = this.#sums.slice(0, channels).map((sum) => sum / this.#values)
    return {
      mean: means.map((mean) => mean / 255),
      deviation: means.map(
        (mean, channel) => Math.sqrt(Math.max(0, this.#squares[channel] / this.#values - mean * mean)) / 255,
      ),
    }
  }
}

function pixelsOf(block: ImageBlock, index: number): Uint8Array {
  const bytes = imageBytes(block)
  return block.pixels.subarray(index * bytes, (index + 1) * bytes)
}

function addKind(kinds: Map<string, Kind>, digest: string, path: string, split: Split, label: string): void {
  let kind = kinds.get(digest)
  if (kind === undefined) {
    kind = { paths: [], splits: new Set(), labels: new Set(), count: 0 }
    kinds.set(digest, kind)
  }
  kind.count++
  kind.splits.add(split)
  if (label !== '') kind.labels.add(label)
  if (kind.paths.length < EXAMPLES) kind.paths.push(path)
}

function duplicatesAmong(kinds: ReadonlyMap<string, Kind>): Duplicates {
  const groups = [...kinds.values()].filter(({ count }) => count > 1)
  return {
    copies: groups.reduce((sum, { count }) => sum + count - 1, 0),
    groups: groups.length,
    acrossSplits: groups.filter(({ splits }) => splits.size > 1).length,
    withSeveralLabels: groups.filter(({ labels }) => labels.size > 1).length,
    examples: groups.slice(0, EXAMPLES).map(({ paths }) => paths),
  }
}
