/**
 * Image files to squares of bytes, a few at a time. The content decides what a file is, never its name. A file that cannot be
 * trusted (damaged, truncated, too large, another format) is skipped with its reason and the rest goes on.
 */

import { readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { printable, systemCode } from '../errors.js'
import type { ResizeMode } from '../names.js'
import { checkImageBytes, decodeContent, oneAtATime } from './decode-content.js'
import type { SkippedFile } from './image-set.js'
import { partsOf, pixelPart, type Pixels, pixelSpace } from './pixel-store.js'
import { Remarks } from './remarks.js'
import { Stretch } from './stretch.js'
import { UnusableImage } from './unusable-image.js'

export interface DecodeOptions {
  /** Side of the square in pixels. */
  readonly size: number
  readonly fit: ResizeMode
  /** Which channels are taken, and how numbers of more than 8 bits become bytes; by their type alone where left out. */
  readonly stretch?: Stretch
  /** Bytes that pixels may take in memory; a scratch file holds more (pixel-store.ts). */
  readonly memory?: number
  /** Images done (decoded or skipped), in all, and those of them that were skipped. */
  readonly onProgress?: (done: number, total: number, skipped: number) => void
  readonly signal?: AbortSignal
  /** Called for every image that could be decoded. */
  readonly inspect?: (facts: ImageFacts) => void
}

/** One image of a folder, an archive or a table, to be read when its turn comes. */
export interface ImageContent {
  /** Its place among the images that were asked for. */
  readonly index: number
  /** What the image is called in results and messages. */
  readonly path: string
  /** Which of several frames, from 0, where each is an image of its own; else the first is taken. */
  readonly frame?: number
  /** @throws UnusableImage with the reason */
  readonly load: () => Promise<Uint8Array>
}

/** What is known of an image besides its pixels. */
export interface ImageFacts {
  readonly index: number
  /** Which of several frames it is, from 0, where each is an image of its own. */
  readonly frame?: number
  /** The file as it is. */
  readonly content: Uint8Array
  /** As stored, before it is turned upright; in pixels. */
  readonly width: number
  readonly height: number
}

export interface ImageFile {
  /** What the image is called in results and messages. */
  readonly path: string
  /** Where it is on the disk; bytes where its name is not UTF-8. */
  readonly file: string | Buffer
}

export interface DecodedImages {
  readonly count: number
  /** `[count, size, size, 3]`. */
  readonly pixels: Pixels
  /** For each image the index of its file in what was given. */
  readonly indices: readonly number[]
  readonly skipped: readonly SkippedFile[]
  /** What is worth saying of those that were read. */
  readonly remarks: Remarks
}

/**
 * Decodes files in their order, a few at a time.
 *
 * @throws HandfulError where neither memory nor disk has room for the decoded images
 */
export function decodeImages(files: readonly ImageFile[], options: DecodeOptions): Promise<DecodedImages> {
  return decodeContents(files.length, diskContents(files), options)
}

/** Files on the disk, each read when it is loaded. */
export async function* diskContents(files: readonly ImageFile[]): AsyncGenerator<ImageContent> {
  for (const [index, { path, file }] of files.entries()) {
    yield await Promise.resolve({ index, path, load: () => readImageFile(file) })
  }
}

/**
 * Decodes images as they come, a few at a time. Those that never come are left out.
 *
 * @param count one more than the highest index
 * @returns the images ordered by their indices
 * @throws HandfulError where neither memory nor disk has room for the decoded images; what the source throws
 */
export async function decodeContents(
  count: number,
  contents: AsyncIterable<ImageContent>,
  {
    size,
    fit,
    stretch = new Stretch({ stretch: 'data' }),
    memory,
    onProgress,
    signal,
    inspect,
  }: DecodeOptions,
): Promise<DecodedImages> {
  const bytes = size * size * 3
  const pixels = pixelSpace(count * bytes, memory)
  const decoded = new Uint8Array(count)
  const unusable: (SkippedFile & { readonly index: number })[] = []
  const source = contents[Symbol.asyncIterator]()
  const remarks = new Remarks()
  const inTurn = oneAtATime()
  let done = 0
  const work = async (): Promise<void> => {
    for (;;) {
      signal?.throwIfAborted()
      const next = await source.next()
      if (next.done === true) return
      const { index, path, frame, load } = next.value
      try {
        const content = await load()
        const image = await decodeContent(content, { size, fit, stretch, frame, inTurn })
        pixels.set(image.pixels, index * bytes)
        decoded[index] = 1
        remarks.add(index, path, image.remarks)
        inspect?.({ index, frame, content, width: image.width, height: image.height })
      } catch (error) {
        unusable.push({ index, path, reason: reasonOf(error) })
      }
      onProgress?.(++done, count, unusable.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(count, 2 * availableParallelism()) }, work))
  } finally {
    await source.return?.()
  }

  const indices: number[] = []
  for (let index = 0; index < count; index++) {
    if (decoded[index] === 0) continue
    if (indices.length < index) {
      pixels.set(pixels.subarray(index * bytes, (index + 1) * bytes), indices.length * bytes)
    }
    indices.push(index)
  }
  const skipped = unusable.sort((a, b) => a.index - b.index).map(({ path, reason }) => ({ path, reason }))
  return {
    count: indices.length,
    pixels: pixelPart(pixels, 0, indices.length * bytes),
    indices,
    skipped,
    remarks,
  }
}

/** An image file from the disk, within LIMIT_IMAGE_BYTES. */
async function readImageFile(file: string | Buffer): Promise<Uint8Array> {
  checkImageBytes((await stat(file)).size)
  return readFile(file)
}

function reasonOf(error: unknown): string {
  if (error instanceof UnusableImage) return error.message
  const code = systemCode(error)
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read, no permission'
  if (code === 'ENOENT') return 'cannot be read, the file is gone'
  return `cannot be read (${code ?? printable(error instanceof Error ? error.message : String(error))})`
}

/** Whether red, green and blue are equal in every pixel of `[..., 3]`. */
export function isGrey(pixels: Pixels): boolean {
  for (const { bytes } of partsOf(pixels)) {
    for (let i = 0; i < bytes.length; i += 3)
      if (bytes[i] !== bytes[i + 1] || bytes[i] !== bytes[i + 2]) return false
  }
  return true
}

/**
 * `[..., 3]` to `[..., 1]`: luma of ITU-R BT.601 (0.299, 0.587, 0.114 as 77, 150, 29 of 256), so that a grey pixel
 * keeps its value exactly.
 */
export function toGrey(pixels: Uint8Array): Uint8Array {
  const grey = new Uint8Array(pixels.length / 3)
  for (let i = 0, j = 0; i < grey.length; i++, j += 3) {
    grey[i] = (77 * pixels[j] + 150 * pixels[j + 1] + 29 * pixels[j + 2] + 128) >> 8
  }
  return grey
}

/** The same of pixels that may be many. */
export function allToGrey(pixels: Pixels, memory?: number): Pixels {
  const grey = pixelSpace(pixels.length / 3, memory)
  for (const { at, bytes } of partsOf(pixels)) grey.set(toGrey(bytes), at / 3)
  return grey
}
