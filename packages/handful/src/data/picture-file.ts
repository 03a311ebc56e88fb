/**
 * A picture's file in sharp (libvips): decoded strictly, and where that fails for faults that no pixel depends on, without
 * these.
 */

import sharp, { type FailOnOptions, type Metadata, type Sharp } from 'sharp'
import { imageFormat } from './image-format.js'
import { type MendedJpeg, mendJpeg } from './jpeg-faults.js'
import { mendPng } from './png-faults.js'
import { mendTiff } from './tiff-faults.js'

/** Of a file that is decoded at a fraction of its size, JPEG or WebP. Phones make up to 200 megapixels. */
export const LIMIT_REDUCED_PIXELS = 250_000_000

interface Opening {
  readonly frame: number
  readonly failOn?: FailOnOptions
}

/** A frame of a file, not read yet. */
export const openPicture = (content: Buffer, { frame, failOn }: Opening): Sharp =>
  sharp(content, { limitInputPixels: LIMIT_REDUCED_PIXELS, failOn, ...pageOf(content, frame) })

/** sharp takes a page of formats that have some, and none of others. */
const pageOf = (content: Buffer, frame: number): { page?: number } =>
  frame > 0 && imageFormat(content) !== 'PNG' ? { page: frame } : {}

/** What the header says, whatever is wrong behind it. */
export async function pictureHeader(content: Buffer, frame: number): Promise<Metadata> {
  return sharp(content, {
    limitInputPixels: false,
    failOn: 'none',
    ...pageOf(content, frame),
  }).metadata()
}

/** Formats whose harmless faults are known. */
const MENDING: Readonly<Record<string, (content: Buffer) => MendedJpeg | undefined>> = {
  JPEG: mendJpeg,
  TIFF: mendTiff,
  PNG: mendPng,
}

/**
 * Decodes strictly; where that fails for faults that no pixel depends on, decodes without them and says which.
 * @param work decodes the content; the error of the strict try is thrown where nothing is harmless
 */
export async function forgiving<T>(
  content: Buffer,
  format: string,
  work: (content: Buffer) => Promise<T>,
): Promise<{ result: T; faults: readonly string[] }> {
  try {
    return { result: await work(content), faults: [] }
  } catch (error) {
    const mended = MENDING[format]?.(content)
    if (mended === undefined || mended.faults.length === 0) throw error
    if (format === 'JPEG') await expectWhole(mended)
    return { result: await work(mended.content), faults: mended.faults }
  }
}

/** @throws Error if pixels are missing, which a decoder that reduces while it reads may not notice */
async function expectWhole({ content, filled }: MendedJpeg): Promise<void> {
  const pixels = await openPicture(content, { frame: 0 }).raw().toBuffer()
  if (filled === undefined) return
  const others = await openPicture(filled, { frame: 0, failOn: 'none' }).raw().toBuffer()
  if (!pixels.equals(others)) throw new Error('pixels are missing')
}
