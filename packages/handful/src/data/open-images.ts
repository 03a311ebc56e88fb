/**
 * New images to classify: any mix of files and folders, without labels, brought to the size and channels that a
 * trained model takes.
 */

import { stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { HandfulError, printable, systemError } from '../errors.js'
import { decodeImages, toGrey, type DecodeOptions, type ImageFile } from './decode.js'
import type { Images, SkippedFile } from './image-set.js'
import { LABEL_FILES } from './labels-file.js'
import { listFolder } from './walk.js'

export interface OpenImagesOptions extends DecodeOptions {
  readonly channels: 1 | 3
  /** Files that are looked at, at most; all where left out. */
  readonly limit?: number
}

/**
 * Opens images to classify. Each is called as a shell would reach it from here: the argument itself for a file,
 * `folder/inner/path.png` for one found in a folder. A file that is named twice counts once.
 *
 * @returns images `[count, size, size, channels]` in the order of the arguments, and what was skipped
 * @throws HandfulError if an argument does not exist, or no image is left
 */
export async function openImages(
  inputs: readonly string[],
  options: OpenImagesOptions,
): Promise<{ images: Images; skipped: SkippedFile[] }> {
  const files = new Map<string, ImageFile>()
  const skipped: SkippedFile[] = []
  for (const input of inputs) {
    if (!(await isFolder(input))) {
      files.set(resolve(input), { path: input, file: input })
      continue
    }
    const listing = await listFolder(input, options.signal)
    const named = (inner: string): string => join(input, inner).split(sep).join('/')
    skipped.push(...listing.skipped.map(({ path, reason }) => ({ path: named(path), reason })))
    for (const inner of listing.files) {
      if (LABEL_FILES.some((name) => name === basename(inner))) continue
      const file = join(input, inner)
      if (!files.has(resolve(file))) files.set(resolve(file), { path: named(inner), file })
    }
  }
  const list = [...files.values()].slice(0, options.limit)
  const decoded = await decodeImages(list, options)
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
    paths: decoded.indices.map((index) => list[index].path),
  }
  return { images, skipped }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw systemError('image', path, error)
  }
}
