/**
 * An image's file as the page shows it: small as WebP, and whole. What sharp reads as it is goes through sharp alone, which
 * reads large JPEG files at a fraction of their size; scientific depths and other formats go through the readers of `data/`.
 */
import sharp, { type Sharp, type WebpOptions } from 'sharp'
import { decodeContent, oneAtATime } from '../data/decode-content.js'
import { expectReadable, imageFormat } from '../data/image-format.js'
import { openTiff } from '../data/tiff.js'
import { Stretch } from '../data/stretch.js'
import { UnusableImage } from '../data/unusable-image.js'
import type { LoadedImage } from './image-source.js'

/** The shorter side of a thumbnail, and the longer one at most; in pixels. */
const SHORT_SIDE = 160
const LONG_SIDE = 320
/** Thumbnails are no larger, whatever is in them. */
const LIMIT_BYTES = 20_000
const QUALITIES = [74, 55, 35, 18]
/** Smaller images are kept pixel for pixel. */
const TINY_SIDE = 64
/** Of pictures that are shown whole and are no picture of the web. */
const WHOLE_SIDE = 1024
const LIMIT_PIXELS = 250_000_000

/** Formats that browsers show, with their exact type. */
const OF_THE_WEB: Readonly<Record<string, string>> = {
  PNG: 'image/png',
  JPEG: 'image/jpeg',
  WebP: 'image/webp',
  GIF: 'image/gif',
  AVIF: 'image/avif',
}

const inTurn = oneAtATime()

/** Each picture is made by one thread; libvips keeps nothing of the files it has seen. */
export function settleSharp(): void {
  sharp.concurrency(1)
  sharp.cache(false)
}

/** @returns WebP of at most 20 kB @throws UnusableImage with the reason */
export async function thumbnailOf(image: LoadedImage): Promise<Buffer> {
  const { picture, width, height } = await pictureOf(image, SHORT_SIDE * 2)
  const scale = Math.min(1, SHORT_SIDE / Math.min(width, height), LONG_SIDE / Math.max(width, height))
  const sides = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))] as const
  try {
    const pixels = await picture
      .resize(...sides, { fit: 'fill' })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true })
    return await smallEnough(pixels.data, pixels.info)
  } catch (error) {
    if (error instanceof UnusableImage) throw error
    return faulty(image, error)
  }
}

/** JPEG and TIFF files with faults that no pixel depends on are read where these are known. */
async function faulty(image: LoadedImage, cause: unknown): Promise<Buffer> {
  const { picture, width, height } = await decoded(image, SHORT_SIDE * 2, cause)
  const { data, info } = await picture
    .resize({ width, height, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return smallEnough(data, info)
}

async function smallEnough(
  pixels: Buffer,
  raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 },
): Promise<Buffer> {
  const webp = (options: WebpOptions): Promise<Buffer> => sharp(pixels, { raw }).webp(options).toBuffer()
  if (Math.max(raw.width, raw.height) <= TINY_SIDE) return webp({ lossless: true })
  let made = await webp({ quality: QUALITIES[0], effort: 2 })
  for (const quality of QUALITIES.slice(1)) {
    if (made.length <= LIMIT_BYTES) return made
    made = await webp({ quality, effort: 2 })
  }
  return made
}

/** The whole image as a browser shows it. @throws UnusableImage with the reason */
export async function wholePicture(image: LoadedImage): Promise<{ body: Buffer; type: string }> {
  const { content, frame } = image
  const type = frame === undefined ? OF_THE_WEB[imageFormat(content)] : undefined
  if (type !== undefined && !(type === 'image/png' && (await isNumbers(content, 'PNG', 0))))
    return { body: content, type }
  const { picture } = await pictureOf(image, WHOLE_SIDE)
  return { body: await picture.png().toBuffer(), type: 'image/png' }
}

interface Picture {
  readonly picture: Sharp
  /** Upright, in pixels. */
  readonly width: number
  readonly height: number
}

/** @param side of what is made of numbers, in pixels */
async function pictureOf(image: LoadedImage, side: number): Promise<Picture> {
  const { content, frame } = image
  const format = expectReadable(content)
  if (await isNumbers(content, format, frame ?? 0)) return decoded(image, side)
  const opened = sharp(content, {
    limitInputPixels: LIMIT_PIXELS,
    ...(frame !== undefined && frame > 0 && { page: frame }),
  })
  try {
    const { autoOrient, pageHeight } = await opened.metadata()
    return { picture: opened.autoOrient(), width: autoOrient.width, height: pageHeight ?? autoOrient.height }
  } catch (error) {
    return decoded(image, side, error)
  }
}

/** Whether the readers of `data/` take it as numbers, since sharp would not read it as what it is. */
async function isNumbers(content: Buffer, format: string, frame: number): Promise<boolean> {
  if (format === 'TIFF') return (await openTiff(content, frame)) !== undefined
  if (format === 'BMP' || format === 'PNM' || format === 'HEIC') return true
  try {
    const { depth } = await sharp(content, { limitInputPixels: false, failOn: 'none' }).metadata()
    return depth !== 'uchar'
  } catch {
    return false
  }
}

/** By the readers of `data/`: a square with the image in its middle, of which the image is cut out again. */
async function decoded({ content, frame }: LoadedImage, side: number, cause?: unknown): Promise<Picture> {
  const stretch = new Stretch({ stretch: 'each' })
  try {
    const { pixels, width, height } = await decodeContent(content, {
      size: side,
      fit: 'pad',
      stretch,
      frame,
      inTurn,
    })
    const scale = side / Math.max(width, height)
    const [w, h] = [width, height].map((each) => Math.max(1, Math.min(side, Math.round(each * scale))))
    const square = sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    const picture = square.extract({ left: (side - w) >> 1, top: (side - h) >> 1, width: w, height: h })
    return { picture, width: w, height: h }
  } catch (error) {
    if (error instanceof UnusableImage) throw error
    throw new UnusableImage('a damaged file', { cause: cause ?? error })
  }
}
