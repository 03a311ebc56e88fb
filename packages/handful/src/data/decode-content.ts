/**
 * One image file to a square of bytes. sharp (libvips) decodes ordinary pictures; what it would bend (scientific depths,
 * channels of their own) or does not know (BMP, PNM) is read by this folder's own readers as numbers, stretched to bytes
 * (stretch.ts), and brought to its size by sharp as any picture. Rotation as EXIF says, transparency on white, colours as
 * sRGB.
 */

import sharp, { type Sharp } from 'sharp'
import type { ResizeMode } from '../names.js'
import { animatedFrames, frameAsPng } from './animated-png.js'
import { openBitmap } from './bitmap.js'
import { wholeGifFrames } from './gif-frames.js'
import { decodeHeic } from './heic.js'
import type { HeicImage } from './heic-messages.js'
import { expectReadable } from './image-format.js'
import { unusualJpeg } from './jpeg-faults.js'
import { openNetpbm } from './netpbm.js'
import { forgiving, LIMIT_REDUCED_PIXELS, openPicture, pictureHeader } from './picture-file.js'
import { BYTES, pickChannels, type RawImage, type RawPage, upright } from './raw-image.js'
import type { Remark } from './remarks.js'
import { stretched, type Stretch } from './stretch.js'
import { openTiff, tiffFrames } from './tiff.js'
import { UnusableImage } from './unusable-image.js'

/** Larger images are skipped; their header is read, their pixels never. */
export const LIMIT_PIXELS = 50_000_000
export const LIMIT_IMAGE_BYTES = 256 * 2 ** 20

const REDUCED: ReadonlySet<string> = new Set(['JPEG', 'WebP'])

export interface ContentOptions {
  /** Side of the square in pixels. */
  readonly size: number
  readonly fit: ResizeMode
  readonly stretch: Stretch
  /** Which frame of several, from 0; the first where left out, and then it is said that there are more. */
  readonly frame?: number
  /** Runs work on raw numbers, which may take a gigabyte, one at a time. */
  readonly inTurn: InTurn
}

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** One piece of work after another, in the order they were asked for. */
export function oneAtATime(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const own = last.then(work, work)
    last = own.catch(() => undefined)
    return own
  }
}

export interface DecodedContent {
  /** `[size, size, 3]`. */
  readonly pixels: Uint8Array
  /** As stored, in pixels. */
  readonly width: number
  readonly height: number
  readonly remarks: readonly Remark[]
}

/** @throws UnusableImage if a file of that many bytes is not read */
export function checkImageBytes(bytes: number): void {
  if (bytes === 0) throw new UnusableImage('an empty file')
  if (bytes > LIMIT_IMAGE_BYTES) {
    throw new UnusableImage(`a file of ${Math.round(bytes / 2 ** 20)} MiB, the limit is 256 MiB`)
  }
}

/** @throws UnusableImage with the reason */
export async function decodeContent(bytes: Uint8Array, options: ContentOptions): Promise<DecodedContent> {
  const { content: whole, format } = readableContent(bytes)
  const { stretch, frame = 0 } = options
  try {
    if (format === 'GIF' && frame >= wholeGifFrames(whole)) throw new Error('the file ends inside a frame')
    const content = await frameContent(whole, format, options.frame)
    const page = await openPage(content, format, frame, stretch)
    if (page !== undefined) checkPixels(page, LIMIT_PIXELS)
    const decoded = await (page !== undefined
      ? options.inTurn(() => numbersToSquare(page, options))
      : format === 'HEIC'
        ? heicToSquare(content, options)
        : pictureToSquare(content, format, options))
    if (stretch.before || options.frame !== undefined) return decoded
    const frames = await framesIn(whole, format)
    return frames < 2 ? decoded : { ...decoded, remarks: [...decoded.remarks, { kind: 'frames', frames }] }
  } catch (error) {
    if (error instanceof UnusableImage) throw error
    const kind = format === 'JPEG' ? unusualJpeg(whole) : undefined
    const reason =
      kind === undefined
        ? `a damaged or truncated ${format} file`
        : `${kind}, which is not read; convert it to PNG`
    throw new UnusableImage(reason, { cause: error })
  }
}

/**
 * The numbers of an image that has more than 8 bits, for the stretch; undefined for other images and those that are not
 * read.
 */
export async function deepImage(
  bytes: Uint8Array,
  frame: number,
  channels: readonly number[] | undefined,
): Promise<RawImage | undefined> {
  try {
    const { content: whole, format } = readableContent(bytes)
    const content = await frameContent(whole, format, frame)
    const page = await openPage(content, format, frame, { channels, before: false })
    if (page === undefined || page.kind === 'byte' || page.width * page.height > LIMIT_PIXELS)
      return undefined
    return (await takeChannels(page, channels)).image
  } catch {
    // What is wrong with it is said when its turn comes.
    return undefined
  }
}

/**
 * How many images a file holds: frames of an animation, pages of a stack.
 *
 * @throws UnusableImage with the reason
 */
export async function countFrames(bytes: Uint8Array): Promise<number> {
  const { content, format } = readableContent(bytes)
  try {
    return await framesIn(content, format)
  } catch (error) {
    throw new UnusableImage(`a damaged or truncated ${format} file`, { cause: error })
  }
}

const WITH_FRAMES: ReadonlySet<string> = new Set(['GIF', 'WebP', 'AVIF'])

async function framesIn(content: Buffer, format: string): Promise<number> {
  if (format === 'TIFF') return tiffFrames(content)
  if (format === 'PNG') return animatedFrames(content)
  if (!WITH_FRAMES.has(format)) return 1
  const { pages = 1 } = await sharp(content, { limitInputPixels: false, failOn: 'none' }).metadata()
  return pages
}

/** What a frame is decoded from: of an animated PNG one is a picture of its own. */
const frameContent = async (content: Buffer, format: string, frame?: number): Promise<Buffer> =>
  format === 'PNG' && frame !== undefined ? frameAsPng(content, frame) : content

function readableContent(bytes: Uint8Array): { content: Buffer; format: string } {
  checkImageBytes(bytes.length)
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { content, format: expectReadable(content) }
}

function checkPixels({ width, height }: { width: number; height: number }, limit: number): void {
  if (width * height <= limit) return
  throw new UnusableImage(
    `${width}x${height} pixels, the limit is ${limit / 1e6} megapixels; make it smaller`,
  )
}

/** Pictures that sharp reads as what they are. */
async function pictureToSquare(
  content: Buffer,
  format: string,
  { size, fit, stretch, frame = 0 }: ContentOptions,
): Promise<DecodedContent> {
  const { width, height: whole, pageHeight } = await pictureHeader(content, frame)
  const height = pageHeight ?? whole
  const reduced = REDUCED.has(format) && !stretch.before
  checkPixels({ width, height }, reduced ? LIMIT_REDUCED_PIXELS : LIMIT_PIXELS)
  const { result, faults } = await forgiving(content, format, (mended) =>
    toSquare(openPicture(mended, { frame }).autoOrient(), { size, fit }, format),
  )
  const megapixels = (width * height) / 1e6
  const remarks: Remark[] = [
    { kind: 'bytes' },
    ...faults.map((fault): Remark => ({ kind: 'fault', fault })),
    ...(width * height > LIMIT_PIXELS ? [{ kind: 'reduced' as const, megapixels }] : []),
  ]
  return { pixels: result, width, height, remarks }
}

async function heicToSquare(content: Buffer, { size, fit }: ContentOptions): Promise<DecodedContent> {
  const { width, height, pixels } = await wholeHeic(content)
  const image = sharp(pixels, { raw: { width, height, channels: 4 } })
  return { pixels: await toSquare(image, { size, fit }, 'HEIC'), width, height, remarks: [{ kind: 'bytes' }] }
}

async function wholeHeic(content: Buffer): Promise<HeicImage & { readonly pixels: Uint8Array }> {
  const { pixels, ...image } = await decodeHeic(content, LIMIT_PIXELS)
  checkPixels(image, LIMIT_PIXELS)
  if (pixels === undefined) throw new Error('no pixels')
  return { ...image, pixels }
}

const SHARP_FIT = { cover: 'cover', pad: 'contain', stretch: 'fill' } as const

/** `[size, size, 3]`. */
async function toSquare(
  image: Sharp,
  { size, fit }: Pick<ContentOptions, 'size' | 'fit'>,
  format: string,
): Promise<Uint8Array> {
  const { data, info } = await image
    .flatten({ background: '#ffffff' })
    .resize(size, size, { fit: SHARP_FIT[fit], position: 'centre', background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  if (info.channels === 3 && data.length === size * size * 3) return data
  throw new UnusableImage(`a ${format} file with an unusual colour model; convert it to PNG`)
}

/** A file as numbers; undefined where sharp reads it as what it is and no channels are chosen. */
async function openPage(
  content: Buffer,
  format: string,
  frame: number,
  { channels, before }: Pick<Stretch, 'channels' | 'before'>,
): Promise<RawPage | undefined> {
  if (format === 'BMP') return openBitmap(content)
  if (format === 'PNM') return openNetpbm(content)
  if (before) return undefined
  const page = format === 'TIFF' ? await openTiff(content, frame) : undefined
  if (page !== undefined) return page
  if (format === 'PNG') {
    const { depth, channels: stored, hasAlpha = false, autoOrient } = await pictureHeader(content, 0)
    if (depth === 'ushort') return deepPng(content, autoOrient, stored, hasAlpha)
  }
  if (channels === undefined) return undefined
  return format === 'HEIC' ? heicPage(await wholeHeic(content)) : picturePage(content, format, frame)
}

const UPRIGHT = { separate: false, inverted: false, orientation: 1, faults: [] } as const

function deepPng(
  content: Buffer,
  { width, height }: { width: number; height: number },
  channels: number,
  alpha: boolean,
): RawPage {
  const faults: string[] = []
  return {
    ...UPRIGHT,
    width,
    height,
    channels,
    kind: 'integer',
    depth: '16-bit whole',
    full: [0, 65_535],
    alpha,
    faults,
    read: async (picked) => {
      const { result: data, faults: found } = await forgiving(content, 'PNG', (mended) =>
        openPicture(mended, { frame: 0 })
          .autoOrient()
          .toColourspace(channels < 3 ? 'grey16' : 'rgb16')
          .raw({ depth: 'ushort' })
          .toBuffer(),
      )
      faults.push(...found)
      if (data.length !== 2 * width * height * channels)
        throw new Error('other channels than the header says')
      return pickChannels(new Uint16Array(new Uint8Array(data).buffer), channels, picked)
    },
  }
}

/** An ordinary picture, where single channels of it are wanted. */
async function picturePage(content: Buffer, format: string, frame: number): Promise<RawPage> {
  const {
    hasAlpha: alpha = false,
    width,
    height,
    pageHeight,
    autoOrient,
  } = await pictureHeader(content, frame)
  checkPixels({ width, height: pageHeight ?? height }, LIMIT_PIXELS)
  const channels = alpha ? 4 : 3
  const upright = pageHeight === undefined ? autoOrient : { width, height: pageHeight }
  const { result: data, faults } = await forgiving(content, format, (mended) =>
    openPicture(mended, { frame }).autoOrient().toColourspace('srgb').raw().toBuffer(),
  )
  if (data.length !== upright.width * upright.height * channels) {
    throw new UnusableImage(`a ${format} file with an unusual colour model; convert it to PNG`)
  }
  return {
    ...UPRIGHT,
    ...upright,
    ...BYTES,
    channels,
    alpha,
    faults,
    read: (picked) => Promise.resolve(pickChannels(new Uint8Array(data), channels, picked)),
  }
}

const heicPage = ({
  width,
  height,
  alpha,
  pixels,
}: HeicImage & { readonly pixels: Uint8Array }): RawPage => ({
  ...UPRIGHT,
  ...BYTES,
  width,
  height,
  channels: alpha ? 4 : 3,
  alpha,
  read: (picked) => Promise.resolve(pickChannels(pixels, 4, picked)),
})

/** The channels that were chosen; else grey or the first three, and transparency. */
async function takeChannels(
  page: RawPage,
  chosen: readonly number[] | undefined,
): Promise<{ image: RawImage; remarks: Remark[] }> {
  const { channels, read, faults, ...facts } = page
  const faultRemarks = (): Remark[] => faults.map((fault) => ({ kind: 'fault', fault }))
  if (chosen !== undefined) {
    const missing = chosen.find((channel) => channel > channels)
    if (missing !== undefined) {
      const words = channels === 1 ? 'one channel' : `${channels} channels`
      throw new UnusableImage(`${words}, and --channels asks for number ${missing}`)
    }
    const samples = await read(chosen.map((channel) => channel - 1))
    const separate = facts.separate && chosen.length > 1
    return {
      image: { ...facts, alpha: false, separate, colours: chosen.length, samples },
      remarks: faultRemarks(),
    }
  }
  const stored = channels - (facts.alpha ? 1 : 0)
  const colours = Math.min(3, stored)
  // Three channels may be red, green and blue without a word; two or more than three have to be told.
  const told: Remark[] = stored === 2 || stored > 3 ? [{ kind: 'channels', channels: stored }] : []
  const picked = [...Array(colours).keys(), ...(facts.alpha ? [channels - 1] : [])]
  const image = { ...facts, separate: facts.separate && colours > 1, colours, samples: await read(picked) }
  return { image, remarks: [...faultRemarks(), ...told] }
}

/** An image of numbers, stretched, as a square. */
async function numbersToSquare(page: RawPage, options: ContentOptions): Promise<DecodedContent> {
  const { size, fit, stretch } = options
  const { image, remarks } = await takeChannels(page, stretch.channels)
  if (image.kind === 'float' && !image.samples.some(Number.isFinite)) {
    throw new UnusableImage('no finite number in the image')
  }
  const { ranges, byType } = await stretch.rangesFor(image)
  const { bytes, channels, notFinite } = stretched(image, ranges)
  const turned = upright(bytes, { ...image, channels })
  const { width, height } = turned
  const pixels = await toSquare(
    sharp(turned.bytes, { raw: { width, height, channels } }),
    { size, fit },
    'raw',
  )
  remarks.push({ kind: image.kind === 'byte' ? 'bytes' : 'stretched' })
  if (byType) remarks.push({ kind: 'type range' })
  if (notFinite > 0) remarks.push({ kind: 'not finite' })
  return { pixels, width: page.width, height: page.height, remarks }
}
