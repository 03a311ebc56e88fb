/**
 * New images to classify: any mix of files, folders, archives and tables, without labels, brought to the size and channels that a
 * trained model takes.
 */

import { basename, join, resolve, sep } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { collectionStretch } from './collection-stretch.js'
import type { ImageCollection } from './collection.js'
import { decodeContents, diskContents, allToGrey, type DecodeOptions, type ImageContent } from './decode.js'
import { framePath, framesOfFile } from './frames.js'
import { collectionBlocks } from './image-blocks.js'
import { fileBytes, type GivenImage } from './given-image.js'
import type { Images, SkippedFile } from './image-set.js'
import { holdsCollection, openImagePaths } from './open-collection.js'
import { Originals } from './originals.js'
import { readAgain } from './read-again.js'
import { DEFAULT_READING, type ImageReading } from './reading.js'
import { Stretch } from './stretch.js'
import type { FoundSoFar } from './walk.js'

/** How new images are read: as those of a run, as far as `reading` says so. */
export interface OpenImagesOptions extends Omit<DecodeOptions, 'stretch'> {
  readonly channels: 1 | 3
  /** How a run's images were read: these are read in the same way. */
  readonly reading?: ImageReading
  /** Seed of the sample that the stretch is found from, where no run has found one: it is that of these images then. */
  readonly sampleSeed?: number
  /** Files that are looked at, at most; all where left out. */
  readonly limit?: number
  /** Told how many files a folder is known to have so far, while it is gone through. */
  readonly onFound?: (found: FoundSoFar) => void
}

/** Images that were read for a run, and what was left out. */
export interface OpenedImages {
  readonly images: Images
  /** Where they came from, to be read at another size. */
  readonly originals: Originals
  readonly skipped: SkippedFile[]
  /** Sentences for the user about what was read. */
  readonly notes: readonly string[]
}

/**
 * Opens images to classify. Each is called as a shell would reach it from here: the argument itself for a file,
 * `folder/inner/path.png` for one found in a folder, `photos.tar/inner/path.png` for one in an archive. A file that is
 * named twice counts once. Images in memory are called `image 1` and so on, by their place among the arguments.
 *
 * @returns images `[count, size, size, channels]` in the order of the arguments, and what was skipped
 * @throws HandfulError if an argument does not exist, or no image is left
 */
export async function openImages(
  inputs: readonly (string | GivenImage)[],
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  return decodeAll(await findAll(inputs, options), options)
}

export interface ImageBlocks {
  /** Files to look at; some may turn out to be no images. */
  readonly files: number
  /** Complete once the last block has been taken, as `notes`. */
  readonly skipped: readonly SkippedFile[]
  readonly notes: readonly string[]
  /** `firstPlace`: of a block's first image among all. */
  blocks(): AsyncIterable<{
    readonly images: Images
    readonly originals: Originals
    readonly firstPlace: number
  }>
}

/**
 * The same a block of so many images at a time, however many there are: several blocks come in the order that their images
 * are stored in. Errors as above; that no image is left is thrown at the end.
 */
export async function openImageBlocks(
  inputs: readonly (string | GivenImage)[],
  options: OpenImagesOptions,
  size: number,
): Promise<ImageBlocks> {
  const all = await findAll(inputs, options)
  const { name, where: place, paths, contents, skipped } = all
  const files = paths.length
  if (files <= size) {
    const { images, originals, ...told } = await decodeAll(all, options)
    return {
      files,
      ...told,
      async *blocks() {
        yield await Promise.resolve({ images, originals, firstPlace: 0 })
      },
    }
  }
  const unlabelled = paths.map((path) => ({ path, label: '', split: 'train' as const, folderClass: '' }))
  const source = collectionBlocks({ name, place, files: unlabelled, skipped, notes: [], contents }, options)
  return {
    files,
    ...source,
    async *blocks() {
      for await (const { firstPlace, ...images } of source.blocks(size)) {
        const originals = source.originals?.(images.paths) ?? new Originals({ names: images.paths })
        yield { images: { name, ...images }, originals, firstPlace }
      }
    },
  }
}

interface FoundImages extends Pick<ImageCollection, 'contents'> {
  readonly name: string
  /** What was asked for, in words. */
  readonly where: string
  readonly paths: readonly string[]
  readonly skipped: SkippedFile[]
}

async function findAll(
  inputs: readonly (string | GivenImage)[],
  options: OpenImagesOptions,
): Promise<FoundImages> {
  const found: Found[] = []
  const skipped: SkippedFile[] = []
  const known = new Set<string>()
  let left = options.limit ?? Infinity
  for (const [place, input] of inputs.entries()) {
    const part = typeof input === 'string' ? await findImages(input, options) : await givenImage(input, place)
    skipped.push(...part.skipped)
    const files = part.files.filter(({ key }) => !known.has(key) && known.add(key)).slice(0, left)
    left -= files.length
    if (files.length > 0) found.push({ ...part, files })
  }
  return {
    name: inputs.length === 1 ? basename(resolve(nameOf(inputs[0], 0))) : 'images',
    where: printable(inputs.map(nameOf).join(' ')),
    paths: found.flatMap(({ files }) => files.map(({ path }) => path)),
    skipped,
    contents: (places) => allContents(found, places),
  }
}

async function decodeAll(
  { name, where, paths: names, skipped, contents }: FoundImages,
  options: OpenImagesOptions,
): Promise<OpenedImages> {
  const { reading = DEFAULT_READING, sampleSeed, signal } = options
  const files = names.map(() => ({ split: 'train' as const }))
  const stretch =
    sampleSeed === undefined
      ? new Stretch(reading)
      : collectionStretch({ files, contents }, reading, sampleSeed, signal)
  const every = names.map((_, place) => place)
  const decoded = await decodeContents(names.length, contents(every), { ...options, stretch })
  skipped.push(...decoded.skipped)
  if (decoded.count === 0) {
    throw new HandfulError({
      what: 'images',
      where,
      got:
        skipped.length === 0 ? 'none' : `no usable one, ${printable(skipped[0].path)}: ${skipped[0].reason}`,
      expected: 'PNG, JPEG or WebP images, or folders of them',
    })
  }
  const images: Images = {
    name,
    count: decoded.count,
    height: options.size,
    width: options.size,
    channels: options.channels,
    pixels: options.channels === 1 ? allToGrey(decoded.pixels) : decoded.pixels,
    paths: decoded.indices.map((index) => names[index]),
  }
  const originals = new Originals({
    names: images.paths,
    numbers: decoded.indices,
    read: readAgain(contents, { ...options, stretch }),
  })
  return { images, originals, skipped, notes: [...stretch.sentences(), ...decoded.remarks.sentences()] }
}

interface Found {
  readonly files: readonly {
    readonly path: string
    /** The same for the same file, however it was reached. */
    readonly key: string
    readonly index: number
  }[]
  readonly skipped: readonly SkippedFile[]
  /** As in ImageCollection. */
  readonly contents: (indices: readonly number[]) => AsyncIterable<ImageContent>
}

/** What one argument stands for: a file, or all images of a folder, an archive or a table. */
async function findImages(input: string, { reading, signal, onFound }: OpenImagesOptions): Promise<Found> {
  if (!(await holdsCollection(input))) return oneFile(input, reading?.frames)
  const { paths, skipped, contents } = await openImagePaths(input, signal, {
    frames: reading?.frames,
    onFound,
  })
  const named = (inner: string): string => join(input, inner).split(sep).join('/')
  return {
    files: paths.map((path, index) => ({ path: named(path), key: resolve(input, path), index })),
    skipped: skipped.map(({ path, reason }) => ({ path: named(path), reason })),
    contents: (indices) => contents(indices, signal),
  }
}

const nameOf = (input: string | GivenImage, place: number): string =>
  typeof input === 'string' ? input : `image ${place + 1}`

/** @param place among the arguments */
async function givenImage(image: GivenImage, place: number): Promise<Found> {
  const path = nameOf(image, place)
  const bytes = await fileBytes(image, path)
  return {
    files: [{ path, key: path, index: 0 }],
    skipped: [],
    async *contents() {
      yield await Promise.resolve({ index: 0, path, load: () => Promise.resolve(bytes) })
    },
  }
}

async function oneFile(input: string, frames: ImageReading['frames']): Promise<Found> {
  const content = (): AsyncIterable<ImageContent> => diskContents([{ path: input, file: input }])
  let count = 1
  if (frames === 'all') for await (const { load } of content()) count = await framesOfFile(load)
  const key = resolve(input)
  if (count === 1) return { files: [{ path: input, key, index: 0 }], skipped: [], contents: content }
  return {
    files: Array.from({ length: count }, (_, frame) => ({
      path: framePath(input, frame),
      key: framePath(key, frame),
      index: frame,
    })),
    skipped: [],
    async *contents(indices) {
      for await (const { load } of content()) {
        for (const frame of indices) yield { index: frame, path: framePath(input, frame), frame, load }
      }
    },
  }
}

/** @param wanted places of those that are read */
async function* allContents(
  found: readonly Found[],
  wanted: readonly number[],
): AsyncGenerator<ImageContent> {
  const asked = new Set(wanted)
  let first = 0
  for (const { files, contents } of found) {
    const places = new Map(files.map(({ index }, place) => [index, first + place]))
    const paths = new Map(files.map(({ index, path }) => [index, path]))
    const own = files.filter((_, place) => asked?.has(first + place) ?? true)
    for await (const content of contents(own.map(({ index }) => index))) {
      const path = paths.get(content.index) ?? content.path
      yield { ...content, path, index: places.get(content.index) ?? 0 }
    }
    first += files.length
  }
}
