/**
 * New images to classify: any mix of files, folders, archives and tables, without labels, brought to the size and channels that a
 * trained model takes.
 */

import { basename, join, resolve, sep } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { decodeContents, diskContents, toGrey, type DecodeOptions, type ImageContent } from './decode.js'
import type { Images, SkippedFile } from './image-set.js'
import { holdsCollection, openImagePaths } from './open-collection.js'
import { Originals } from './originals.js'
import { readAgain } from './read-again.js'

export interface OpenImagesOptions extends DecodeOptions {
  readonly channels: 1 | 3
  /** Files that are looked at, at most; all where left out. */
  readonly limit?: number
}

/**
 * Opens images to classify. Each is called as a shell would reach it from here: the argument itself for a file,
 * `folder/inner/path.png` for one found in a folder, `photos.tar/inner/path.png` for one in an archive. A file that is
 * named twice counts once.
 *
 * @returns images `[count, size, size, channels]` in the order of the arguments, and what was skipped
 * @throws HandfulError if an argument does not exist, or no image is left
 */
export async function openImages(
  inputs: readonly string[],
  options: OpenImagesOptions,
): Promise<{ images: Images; originals: Originals; skipped: SkippedFile[] }> {
  const found: Found[] = []
  const skipped: SkippedFile[] = []
  const known = new Set<string>()
  let left = options.limit ?? Infinity
  for (const input of inputs) {
    const part = await findImages(input, options)
    skipped.push(...part.skipped)
    const files = part.files.filter(({ key }) => !known.has(key) && known.add(key)).slice(0, left)
    left -= files.length
    if (files.length > 0) found.push({ ...part, files })
  }
  const names = found.flatMap(({ files }) => files.map(({ path }) => path))
  const decoded = await decodeContents(names.length, allContents(found), options)
  skipped.push(...decoded.skipped)
  if (decoded.count === 0) {
    throw new HandfulError({
      what: 'images',
      where: printable(inputs.join(' ')),
      got:
        skipped.length === 0 ? 'none' : `no usable one, ${printable(skipped[0].path)}: ${skipped[0].reason}`,
      expected: 'PNG, JPEG or WebP images, or folders of them',
    })
  }
  const images: Images = {
    name: inputs.length === 1 ? basename(resolve(inputs[0])) : 'images',
    count: decoded.count,
    height: options.size,
    width: options.size,
    channels: options.channels,
    pixels: options.channels === 1 ? toGrey(decoded.pixels) : decoded.pixels,
    paths: decoded.indices.map((index) => names[index]),
  }
  const originals = new Originals({
    names: images.paths,
    numbers: decoded.indices,
    read: readAgain((numbers) => allContents(found, numbers), options),
  })
  return { images, originals, skipped }
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
async function findImages(input: string, { signal }: OpenImagesOptions): Promise<Found> {
  if (!(await holdsCollection(input))) {
    const file = { path: input, file: input }
    return {
      files: [{ path: input, key: resolve(input), index: 0 }],
      skipped: [],
      contents: () => diskContents([file]),
    }
  }
  const { paths, skipped, contents } = await openImagePaths(input, signal)
  const named = (inner: string): string => join(input, inner).split(sep).join('/')
  return {
    files: paths.map((path, index) => ({ path: named(path), key: resolve(input, path), index })),
    skipped: skipped.map(({ path, reason }) => ({ path: named(path), reason })),
    contents: (indices) => contents(indices, signal),
  }
}

/** @param wanted places of those that are read; all where left out */
async function* allContents(
  found: readonly Found[],
  wanted?: readonly number[],
): AsyncGenerator<ImageContent> {
  const asked = wanted && new Set(wanted)
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
