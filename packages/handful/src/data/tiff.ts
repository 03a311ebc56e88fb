/**
 * TIFF pages that sharp (libvips) does not deliver as what they are: more than 8 bits, signed numbers, floats, channels
 * beyond red, green, blue and a tagged transparency, and compression that its build lacks (Zstandard, LERC). geotiff.js
 * reads them. Pages of ordinary pictures (8 bits, palettes, CMYK, JPEG inside) are left to sharp.
 *
 * Source: TIFF 6.0; TIFF Technical Note 3 (floating point predictor); the libtiff documentation for private schemes.
 */

import { fromArrayBuffer, type GeoTIFF, type GeoTIFFImage } from 'geotiff'
import { listAlternatives } from '../errors/suggest.js'
import { pickChannels, type RawPage, type Samples } from './raw-image.js'
import type { Range } from './reading.js'
import { mendTiff } from './tiff-faults.js'
import { UnusableImage } from './unusable-image.js'

const GREY = [0, 1]
const RGB = 2
const PALETTE = 3

/** What geotiff.js reads, and what sharp does. */
const OPENED_HERE: ReadonlySet<number> = new Set([1, 5, 8, 32_773, 32_946, 34_887, 50_000])
const OPENED_BY_SHARP: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 8, 32_773, 32_946, 50_001])

const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  6: 'JPEG of the old kind',
  7: 'JPEG',
  9: 'JBIG',
  10: 'JBIG',
  33_003: 'JPEG 2000',
  33_005: 'JPEG 2000',
  34_676: 'SGI LogLuv',
  34_712: 'JPEG 2000',
  34_892: 'lossy JPEG',
  34_925: 'LZMA',
  34_933: 'PNG',
  34_934: 'JPEG XR',
  50_001: 'WebP',
  50_002: 'JPEG XL',
  52_546: 'JPEG XL',
}

/** Unsigned, signed, floating point, undefined (taken as unsigned). */
const FORMATS: Readonly<Record<number, 'unsigned' | 'signed' | 'float'>> = {
  1: 'unsigned',
  2: 'signed',
  3: 'float',
  4: 'unsigned',
}

interface Header {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly bits: readonly number[]
  readonly formats: readonly number[]
  readonly compression: number
  readonly photometric: number
  /** What channels beyond the colours are: 1 and 2 transparency. */
  readonly extra: readonly number[]
  readonly orientation: number
  /** 2 where the bits of each byte stand the other way round. */
  readonly fillOrder: number
}

/** How many images a file holds, without reduced copies of one and masks. */
export async function tiffFrames(content: Buffer): Promise<number> {
  return (await fullImages(await open(content))).length
}

/**
 * Opens one page.
 *
 * @returns undefined where sharp reads the page as it is
 * @throws UnusableImage for pages that nothing here reads, with the reason, and for damaged ones
 */
export async function openTiff(content: Buffer, frame: number): Promise<RawPage | undefined> {
  const file = await open(content).catch(() => undefined)
  // What geotiff.js cannot open at all, sharp says what is wrong with.
  const image = file && (await fullImages(file)).at(frame)
  if (image === undefined) return undefined
  const header = await headerOf(image)
  if (forSharp(header)) return undefined
  const { width, height, channels, bits, formats, photometric, extra, orientation } = header
  refuseUnreadable(header)
  const [depth] = bits
  const format = FORMATS[formats[0]]
  const palette = photometric === PALETTE ? await image.fileDirectory.loadValue('ColorMap') : undefined
  const colours = photometric === RGB ? 3 : 1
  const page = {
    width,
    height,
    kind:
      format === 'float'
        ? ('float' as const)
        : depth <= 8 && format === 'unsigned'
          ? ('byte' as const)
          : ('integer' as const),
    depth: `${depth}-bit ${format === 'float' ? 'float' : format === 'signed' ? 'signed' : 'whole'}`,
    full: fullRange(format, depth),
    inverted: photometric === 0,
    orientation,
    faults: mendTiff(content).faults,
  }
  if (palette !== undefined) {
    const read = async (): Promise<Samples> =>
      lookedUp(await pixelsOf(content, image, [0]), Array.from(palette, Number))
    const picked = async (channelsPicked: readonly number[]) => pickChannels(await read(), 3, channelsPicked)
    return { ...page, full: [0, 255], channels: 3, alpha: false, separate: false, read: picked }
  }
  return {
    ...page,
    channels,
    alpha: channels === colours + 1 && [1, 2].includes(extra[extra.length - 1] ?? 0),
    separate: photometric !== RGB,
    read: (picked) => pixelsOf(content, image, picked),
  }
}

async function open(content: Buffer): Promise<GeoTIFF> {
  const { buffer, byteOffset, byteLength } = content
  return fromArrayBuffer(
    buffer instanceof ArrayBuffer
      ? buffer.slice(byteOffset, byteOffset + byteLength)
      : new Uint8Array(content).buffer,
  )
}

const REDUCED_OR_MASK = 0b101

async function fullImages(file: GeoTIFF): Promise<GeoTIFFImage[]> {
  const images: GeoTIFFImage[] = []
  for (let i = 0, count = await file.getImageCount(); i < count; i++) {
    const image = await file.getImage(i)
    const kind = Number((await image.fileDirectory.loadValue('NewSubfileType')) ?? 0)
    if (i === 0 || (kind & REDUCED_OR_MASK) === 0) images.push(image)
  }
  return images
}

async function headerOf(image: GeoTIFFImage): Promise<Header> {
  const directory = image.fileDirectory
  const list = async (
    tag: 'BitsPerSample' | 'SampleFormat' | 'ExtraSamples',
    otherwise: number[],
  ): Promise<number[]> => {
    const found: unknown = await directory.loadValue(tag)
    if (typeof found === 'number') return [found]
    return typeof found === 'object' && found !== null ? Object.values(found).map(Number) : otherwise
  }
  const number = async (
    tag: 'Compression' | 'PhotometricInterpretation' | 'Orientation' | 'FillOrder',
    otherwise: number,
  ) => Number((await directory.loadValue(tag)) ?? otherwise)
  return {
    width: image.getWidth(),
    height: image.getHeight(),
    channels: image.getSamplesPerPixel(),
    bits: await list('BitsPerSample', [1]),
    formats: await list('SampleFormat', [1]),
    compression: await number('Compression', 1),
    photometric: await number('PhotometricInterpretation', 1),
    extra: await list('ExtraSamples', []),
    orientation: await number('Orientation', 1),
    fillOrder: await number('FillOrder', 1),
  }
}

/** Whether sharp reads a page as what it is. */
function forSharp({ channels, bits, formats, compression, photometric, extra }: Header): boolean {
  if (!GREY.includes(photometric) && photometric !== RGB && photometric !== PALETTE) {
    return OPENED_BY_SHARP.has(compression)
  }
  if (!OPENED_BY_SHARP.has(compression)) return false
  if (photometric === PALETTE) return true
  if (bits.some((each) => each > 8) || formats.some((each) => FORMATS[each] !== 'unsigned')) return false
  const colours = photometric === RGB ? 3 : 1
  return channels === colours || (channels === colours + 1 && [1, 2].includes(extra[0] ?? 0))
}

/** @throws UnusableImage with the true reason */
function refuseUnreadable(header: Header): void {
  const { channels, bits, formats, compression, photometric, fillOrder } = header
  const [depth] = bits
  if (fillOrder === 2) {
    throw new UnusableImage(
      `a TIFF file of ${depth} bits whose bytes hold them in reverse (FillOrder 2), which is not read; save it with FillOrder 1`,
    )
  }
  if (!OPENED_HERE.has(compression)) {
    const name = COMPRESSION_NAMES[compression] ?? `scheme ${compression}`
    throw new UnusableImage(
      `a TIFF file of ${channels === 1 ? '' : `${channels} channels of `}${depth} bits compressed by ${name}, which is not read; save it with ${listAlternatives(['LZW', 'Deflate', 'no'])} compression`,
    )
  }
  const format = FORMATS[formats[0]]
  if (format === undefined) {
    throw new UnusableImage('a TIFF file of complex numbers, which is no image; save their magnitude')
  }
  if (!GREY.includes(photometric) && photometric !== RGB && photometric !== PALETTE) {
    throw new UnusableImage(`a TIFF file with an unusual colour model (${photometric}); convert it to RGB`)
  }
  if (bits.some((each) => each !== depth) || formats.some((each) => each !== formats[0])) {
    throw new UnusableImage(
      `a TIFF file whose channels differ in depth (${bits.join(', ')} bits); save them alike`,
    )
  }
  if (format === 'float' ? ![16, 32, 64].includes(depth) : depth > 32) {
    throw new UnusableImage(
      `a TIFF file of ${depth}-bit ${format === 'float' ? 'floats' : 'whole numbers'}, which are not read; save 32-bit ones`,
    )
  }
}

function fullRange(format: 'unsigned' | 'signed' | 'float' | undefined, bits: number): Range {
  if (format === 'float') return [0, 1]
  return format === 'signed' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
}

/** `[height, width, picked]`. */
async function pixelsOf(content: Buffer, image: GeoTIFFImage, picked: readonly number[]): Promise<Samples> {
  try {
    await expectInside(content, image)
    const found = await image.readRasters({ samples: [...picked], interleave: true })
    if (found.length !== image.getWidth() * image.getHeight() * picked.length)
      throw new Error('too few pixels')
    return found
  } catch (cause) {
    throw new UnusableImage('a damaged or truncated TIFF file', { cause })
  }
}

/** @throws Error if a strip or tile lies outside the file: geotiff.js would read what is there */
async function expectInside(content: Buffer, image: GeoTIFFImage): Promise<void> {
  const directory = image.fileDirectory
  const tiled = directory.hasTag('TileOffsets')
  const offsets = await directory.loadValue(tiled ? 'TileOffsets' : 'StripOffsets')
  const counts = await directory.loadValue(tiled ? 'TileByteCounts' : 'StripByteCounts')
  const [starts, lengths] = [offsets, counts].map((found: unknown) =>
    typeof found === 'number' ? [found] : Object.values(found ?? {}).map(Number),
  )
  if (starts.length === 0) throw new Error('no pixels')
  starts.forEach((start, i) => {
    if (start + (lengths[i] ?? 0) > content.length) throw new Error('a strip ends behind the file')
  })
}

/** `[pixels, 3]` bytes of a colour map, `[3, colours]` of 16 bits. */
function lookedUp(indices: Samples, map: readonly number[]): Uint8Array {
  const colours = map.length / 3
  const bytes = new Uint8Array(indices.length * 3)
  for (let i = 0; i < indices.length; i++) {
    for (let channel = 0; channel < 3; channel++)
      bytes[3 * i + channel] = (map[channel * colours + indices[i]] ?? 0) >> 8
  }
  return bytes
}
