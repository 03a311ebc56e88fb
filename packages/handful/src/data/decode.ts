/**
 * Image files to squares of bytes. The content decides what a file is, never its name. A file that cannot be trusted
 * (damaged, truncated, over 50 megapixels, another format) is skipped with its reason and the rest goes on. Rotation
 * as EXIF says, transparency on white, colours as sRGB, animations and multi-page files by their first frame.
 */

import { constants } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { HandfulError, printable, systemCode } from '../errors.js'
import type { ResizeMode } from '../names.js'
import type { SkippedFile } from './image-set.js'

/** Larger images are skipped; their header is read, their pixels never. */
export const LIMIT_PIXELS = 50_000_000
export const LIMIT_IMAGE_BYTES = 256 * 2 ** 20

export interface DecodeOptions {
  /** Side of the square in pixels. */
  readonly size: number
  readonly fit: ResizeMode
  /** Images done (decoded or skipped) and in all. */
  readonly onProgress?: (done: number, total: number) => void
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
  /** @throws UnusableImage with the reason */
  readonly load: () => Promise<Uint8Array>
}

/** What is known of an image besides its pixels. */
export interface ImageFacts {
  readonly index: number
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
  readonly pixels: Uint8Array
  /** For each image the index of its file in what was given. */
  readonly indices: readonly number[]
  readonly skipped: readonly SkippedFile[]
}

/** Why an image is skipped, in words that follow its path. */
export class UnusableImage extends Error {}

/**
 * Decodes files in their order, a few at a time.
 *
 * @throws HandfulError if the decoded images would not fit into one array
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
 * @throws HandfulError if the decoded images would not fit into one array; what the source throws
 */
export async function decodeContents(
  count: number,
  contents: AsyncIterable<ImageContent>,
  { size, fit, onProgress, signal, inspect }: DecodeOptions,
): Promise<DecodedImages> {
  const bytes = size * size * 3
  const pixels = allocate(count, bytes, size)
  const decoded = new Uint8Array(count)
  const unusable: (SkippedFile & { readonly index: number })[] = []
  const source = contents[Symbol.asyncIterator]()
  let done = 0
  const work = async (): Promise<void> => {
    for (;;) {
      signal?.throwIfAborted()
      const next = await source.next()
      if (next.done === true) return
      const { index, path, load } = next.value
      try {
        const content = await load()
        const image = await decodeContent(content, size, fit)
        pixels.set(image.pixels, index * bytes)
        decoded[index] = 1
        inspect?.({ index, content, width: image.width, height: image.height })
      } catch (error) {
        unusable.push({ index, path, reason: reasonOf(error) })
      }
      onProgress?.(++done, count)
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
      pixels.copyWithin(indices.length * bytes, index * bytes, (index + 1) * bytes)
    }
    indices.push(index)
  }
  const skipped = unusable.sort((a, b) => a.index - b.index).map(({ path, reason }) => ({ path, reason }))
  return { count: indices.length, pixels: pixels.subarray(0, indices.length * bytes), indices, skipped }
}

function allocate(count: number, bytes: number, size: number): Uint8Array {
  const total = count * bytes
  try {
    if (total <= constants.MAX_LENGTH) return new Uint8Array(total)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw new HandfulError({
    what: 'image size',
    where: `${count} images of ${size}x${size}`,
    got: `${(total / 2 ** 30).toFixed(1)} GiB`,
    expected: `at most ${(constants.MAX_LENGTH / 2 ** 30).toFixed(1)} GiB and what the memory holds`,
    hint: 'choose a smaller --size',
  })
}

/** An image file from the disk, within LIMIT_IMAGE_BYTES. */
async function readImageFile(file: string | Buffer): Promise<Uint8Array> {
  checkImageBytes((await stat(file)).size)
  return readFile(file)
}

/** @throws UnusableImage if a file of that many bytes is not read */
export function checkImageBytes(bytes: number): void {
  if (bytes === 0) throw new UnusableImage('an empty file')
  if (bytes > LIMIT_IMAGE_BYTES) {
    throw new UnusableImage(`a file of ${Math.round(bytes / 2 ** 20)} MiB, the limit is 256 MiB`)
  }
}

/** One file's content as `[size, size, 3]`, and the size it had. */
async function decodeContent(
  bytes: Uint8Array,
  size: number,
  fit: ResizeMode,
): Promise<{ pixels: Buffer; width: number; height: number }> {
  checkImageBytes(bytes.length)
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const format = imageFormat(content)
  if (!READABLE.has(format)) {
    const readable = 'only PNG, JPEG, WebP, GIF, TIFF and AVIF are read'
    throw new UnusableImage(
      format === 'unknown' ? 'not an image' : `a ${format} file, ${readable}; convert it to PNG`,
    )
  }
  const { width, height } = await header(content, format)
  if (width * height > LIMIT_PIXELS) {
    throw new UnusableImage(
      `${width}x${height} pixels, the limit is ${LIMIT_PIXELS / 1e6} megapixels; make it smaller`,
    )
  }
  try {
    const { data, info } = await sharp(content, { limitInputPixels: LIMIT_PIXELS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .resize(size, size, { fit: SHARP_FIT[fit], position: 'centre', background: '#ffffff' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3 || data.length !== size * size * 3) {
      throw new UnusableImage(`a ${format} file with an unusual colour model; convert it to PNG`)
    }
    return { pixels: data, width, height }
  } catch (error) {
    if (error instanceof UnusableImage) throw error
    throw new UnusableImage(`a damaged or truncated ${format} file`, { cause: error })
  }
}

const SHARP_FIT = { cover: 'cover', pad: 'contain', stretch: 'fill' } as const

async function header(content: Buffer, format: string): Promise<{ width: number; height: number }> {
  try {
    const { width, height, pageHeight } = await sharp(content, { limitInputPixels: false }).metadata()
    return { width, height: pageHeight ?? height }
  } catch (error) {
    throw new UnusableImage(`a damaged or truncated ${format} file`, { cause: error })
  }
}

const READABLE: ReadonlySet<string> = new Set(['PNG', 'JPEG', 'WebP', 'GIF', 'TIFF', 'AVIF'])

/**
 * The format by the first bytes. Formats that are named but not read get a better message; anything else, SVG among
 * it, never reaches a decoder.
 */
function imageFormat(content: Buffer): string {
  const ascii = content.toString('latin1', 0, 16)
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG'
  if (ascii.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'WebP'
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'GIF'
  if (/^(II\x2a\0|MM\0\x2a|II\x2b\0|MM\0\x2b)/.test(ascii)) return 'TIFF'
  if (ascii.slice(4, 8) === 'ftyp') {
    const brand = ascii.slice(8, 12)
    if (brand === 'avif' || brand === 'avis') return 'AVIF'
    return /^(hei|hev|mif1|msf1)/.test(brand) ? 'HEIC' : 'unknown'
  }
  if (ascii.startsWith('BM') && content.length >= 26 && content.readUInt32LE(2) === content.length)
    return 'BMP'
  if (ascii.startsWith('\xff\x0a') || ascii.startsWith('\0\0\0\x0cJXL ')) return 'JPEG XL'
  if (ascii.startsWith('\0\0\0\x0cjP  ')) return 'JPEG 2000'
  return 'unknown'
}

function reasonOf(error: unknown): string {
  if (error instanceof UnusableImage) return error.message
  const code = systemCode(error)
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read, no permission'
  if (code === 'ENOENT') return 'cannot be read, the file is gone'
  return `cannot be read (${code ?? printable(error instanceof Error ? error.message : String(error))})`
}

/** Whether red, green and blue are equal in every pixel of `[..., 3]`. */
export function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false
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
