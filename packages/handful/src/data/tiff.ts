/**
 * TIFF pages that sharp (libvips) does not deliver as what they are: more than 8 bits, signed numbers, floats, channels
 * beyond red, green, blue and a tagged transparency, compression that its build lacks (Zstandard, LERC), channels in tiles of
 * their own, YCbCr without JPEG and L*a*b*. geotiff.js reads them. Pages of ordinary pictures (8 bits, palettes, CMYK, JPEG
 * inside) are left to sharp.
 *
 * Source: TIFF 6.0; TIFF Technical Note 3 (floating point predictor); the libtiff documentation for private schemes.
 */

import { fromArrayBuffer, type GeoTIFF, type GeoTIFFImage } from 'geotiff'
import { listAlternatives } from '../errors/suggest.js'
import { RAW } from './image-format.js'
import { BYTES, pickChannels, type RawPage, type Samples } from './raw-image.js'
import type { Range } from './reading.js'
import { type ColourModel, lab, yCbCr } from './tiff-colours.js'
import { tiffFractions } from './tiff-directory.js'
import { mendTiff } from './tiff-faults.js'
import { type Blocks, isPacked, packedPixels } from './tiff-packed.js'
import { decoders } from './tiff-predictor.js'
import { UnusableImage } from './unusable-image.js'

const RGB = 2
const PALETTE = 3
/** Grey of either direction, red, green and blue, a palette. */
const PLAIN: readonly number[] = [0, 1, RGB, PALETTE]
const CMYK = 5
const YCBCR = 6
const CIE_LAB = 8
const ICC_LAB = 9
const COLOUR_NAMES: Readonly<Record<number, string>> = {
  4: 'a mask of transparency',
  5: 'CMYK',
  6: 'YCbCr',
  8: 'L*a*b*',
  9: 'L*a*b*',
  10: 'ITU L*a*b*',
  32_803: "a camera's colour filters",
  32_844: 'LogL',
  32_845: 'LogLuv',
  34_892: "a camera's linear colours",
}

const YCBCR_COEFFICIENTS = 529
const REFERENCE_BLACK_WHITE = 532

const JPEG = 7
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
  /** Whether each channel has tiles of its own. */
  readonly separateTiles: boolean
  /** Pixels that share a colour in YCbCr: across and down. */
  readonly subsampling: readonly number[]
  /** 1 where numbers are stored as they are. */
  readonly predictor: number
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
  const found = file && (await fullImages(file)).at(frame)
  if (found === undefined) return undefined
  const { image, directory } = found
  if (await isRaw(image)) {
    throw new UnusableImage(`${RAW} with a small preview, which is not read; convert it to PNG`)
  }
  const header = await headerOf(image)
  if (forSharp(header)) return undefined
  const { width, height, channels, bits, formats, photometric, extra, orientation } = header
  refuseUnreadable(header)
  const model = colourModel(content, directory, header)
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
  const converted = palette === undefined ? model : fromPalette(Array.from(palette, Number))
  if (converted !== undefined) {
    const stored = palette === undefined ? [0, 1, 2] : [0]
    const read = async (channelsPicked: readonly number[]): Promise<Samples> =>
      pickChannels(
        converted(await pixelsOf(content, image, header, stored), stored.length),
        3,
        channelsPicked,
      )
    return { ...page, ...BYTES, channels: 3, alpha: false, separate: false, inverted: false, read }
  }
  return {
    ...page,
    channels,
    alpha: channels === colours + 1 && [1, 2].includes(extra[extra.length - 1] ?? 0),
    separate: photometric !== RGB,
    read: (picked) => pixelsOf(content, image, header, picked),
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
const DNG_VERSION = 50_706

/** Whether it is the preview of what a camera's sensor saw: DNG, and what makers of cameras write like it. */
async function isRaw({ fileDirectory }: GeoTIFFImage): Promise<boolean> {
  if (fileDirectory.hasTag(DNG_VERSION)) return true
  return fileDirectory.hasTag('SubIFDs') && Number(await fileDirectory.loadValue('NewSubfileType')) === 1
}

/** Each with the place of its directory. */
async function fullImages(file: GeoTIFF): Promise<{ image: GeoTIFFImage; directory: number }[]> {
  const images: { image: GeoTIFFImage; directory: number }[] = []
  for (let i = 0, count = await file.getImageCount(); i < count; i++) {
    const image = await file.getImage(i)
    const kind = Number((await image.fileDirectory.loadValue('NewSubfileType')) ?? 0)
    if (i === 0 || (kind & REDUCED_OR_MASK) === 0) images.push({ image, directory: i })
  }
  return images
}

/** What a tag holds, one number or many; undefined where it is not there. */
function numbersIn(found: unknown): number[] | undefined {
  if (typeof found === 'number') return [found]
  return typeof found === 'object' && found !== null ? Object.values(found).map(Number) : undefined
}

async function headerOf(image: GeoTIFFImage): Promise<Header> {
  const directory = image.fileDirectory
  const list = async (
    tag: 'BitsPerSample' | 'SampleFormat' | 'ExtraSamples' | 'YCbCrSubSampling',
    otherwise: number[],
  ): Promise<number[]> => numbersIn(await directory.loadValue(tag)) ?? otherwise
  const number = async (
    tag:
      | 'Compression'
      | 'PhotometricInterpretation'
      | 'Orientation'
      | 'FillOrder'
      | 'PlanarConfiguration'
      | 'Predictor',
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
    predictor: await number('Predictor', 1),
    separateTiles: (await number('PlanarConfiguration', 1)) === 2 && directory.hasTag('TileOffsets'),
    subsampling: await list('YCbCrSubSampling', [2, 2]),
    fillOrder: await number('FillOrder', 1),
  }
}

/** How the numbers become red, green and blue, where they are not. */
function colourModel(
  content: Buffer,
  directory: number,
  { photometric, bits }: Header,
): ColourModel | undefined {
  if (photometric === CIE_LAB || photometric === ICC_LAB) return lab(bits[0], photometric === ICC_LAB)
  if (photometric !== YCBCR) return undefined
  // geotiff.js leaves out every second fraction.
  return yCbCr({
    coefficients: tiffFractions(content, directory, YCBCR_COEFFICIENTS),
    reference: tiffFractions(content, directory, REFERENCE_BLACK_WHITE),
  })
}

/** Whether sharp reads a page as what it is. */
function forSharp(header: Header): boolean {
  const { channels, bits, formats, compression, photometric, extra, separateTiles } = header
  if (separateTiles && channels > 1) return false
  if (!OPENED_BY_SHARP.has(compression)) return false
  if (photometric === CMYK) return channels >= 4
  // Only a JPEG decoder makes colours of it.
  if (photometric === YCBCR) return compression === JPEG
  if (!PLAIN.includes(photometric)) return false
  if (photometric === PALETTE) return true
  if (bits.some((each) => each > 8) || formats.some((each) => FORMATS[each] !== 'unsigned')) return false
  const colours = photometric === RGB ? 3 : 1
  if (bits.some((each) => each !== 8 && !(channels === 1 && [1, 2, 4].includes(each)))) return false
  return channels === colours || (channels === colours + 1 && [1, 2].includes(extra[0] ?? 0))
}

/** @throws UnusableImage with the true reason */
function refuseUnreadable(header: Header): void {
  const { channels, bits, formats, compression, photometric, fillOrder, separateTiles, subsampling } = header
  const [depth] = bits
  if (fillOrder === 2) {
    throw new UnusableImage(
      `a TIFF file of ${depth} bits whose bytes hold them in reverse (FillOrder 2), which is not read; save it with FillOrder 1`,
    )
  }
  // Channels in tiles of their own are grey JPEGs each.
  if (!OPENED_HERE.has(compression) && !(separateTiles && compression === JPEG)) {
    const name = COMPRESSION_NAMES[compression] ?? `scheme ${compression}`
    throw new UnusableImage(
      `a TIFF file of ${channels === 1 ? '' : `${channels} channels of `}${depth} bits compressed by ${name}, which is not read; save it with ${listAlternatives(['LZW', 'Deflate', 'no'])} compression`,
    )
  }
  const format = FORMATS[formats[0]]
  if (format === undefined) {
    throw new UnusableImage('a TIFF file of complex numbers, which is no image; save their magnitude')
  }
  const converted = [YCBCR, CIE_LAB, ICC_LAB].includes(photometric)
  const depths = photometric === YCBCR ? [8] : [8, 16]
  if (converted ? channels < 3 || !depths.includes(depth) : !PLAIN.includes(photometric)) {
    const name = COLOUR_NAMES[photometric] ?? `colour model ${photometric}`
    const tiles = separateTiles ? ', each in tiles of its own' : ''
    throw new UnusableImage(
      `a TIFF file of ${name} in ${channels === 1 ? 'one channel' : `${channels} channels`} of ${depth} bits${tiles}, which is not read; convert it to RGB`,
    )
  }
  if (photometric === YCBCR && subsampling.some((shared) => shared !== 1)) {
    throw new UnusableImage(
      `a TIFF file of YCbCr colours that pixels share (${subsampling.join('x')}) without JPEG, which is not read; convert it to RGB`,
    )
  }
  if (bits.some((each) => each !== depth) || formats.some((each) => each !== formats[0])) {
    throw new UnusableImage(
      `a TIFF file whose channels differ in depth (${bits.join(', ')} bits); save them alike`,
    )
  }
  if (isPacked(depth) && header.predictor !== 1) {
    throw new UnusableImage(
      `a TIFF file of ${depth} bits stored as differences (predictor ${header.predictor}), which is not read; save it without a predictor`,
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
async function pixelsOf(
  content: Buffer,
  image: GeoTIFFImage,
  { bits: [depth], formats: [format], channels, compression }: Header,
  picked: readonly number[],
): Promise<Samples> {
  try {
    const blocks = await blocksOf(content, image)
    if (isPacked(depth)) {
      const form = { bits: depth, signed: FORMATS[format] === 'signed', channels, compression }
      return await packedPixels(content, image, blocks, form, picked)
    }
    const pool = decoders(image.littleEndian)
    const found = await image.readRasters({ samples: [...picked], interleave: true, pool })
    if (found.length !== image.getWidth() * image.getHeight() * picked.length)
      throw new Error('too few pixels')
    return found
  } catch (cause) {
    throw new UnusableImage('a damaged or truncated TIFF file', { cause })
  }
}

/** Strips or tiles. @throws Error if one lies outside the file: geotiff.js would read what is there */
async function blocksOf(content: Buffer, image: GeoTIFFImage): Promise<Blocks> {
  const directory = image.fileDirectory
  const tiled = directory.hasTag('TileOffsets')
  const offsets = await directory.loadValue(tiled ? 'TileOffsets' : 'StripOffsets')
  const counts = await directory.loadValue(tiled ? 'TileByteCounts' : 'StripByteCounts')
  const [starts, lengths] = [offsets, counts].map((found) => numbersIn(found) ?? [])
  if (starts.length === 0) throw new Error('no pixels')
  starts.forEach((start, i) => {
    if (start + (lengths[i] ?? 0) > content.length) throw new Error('a strip ends behind the file')
  })
  return { starts, lengths }
}

/** Colours of a map `[3, colours]` of 16 bits. */
function fromPalette(map: readonly number[]): ColourModel {
  const colours = map.length / 3
  return (indices) => {
    const bytes = new Uint8Array(indices.length * 3)
    for (let i = 0; i < indices.length; i++) {
      for (let channel = 0; channel < 3; channel++)
        bytes[3 * i + channel] = (map[channel * colours + indices[i]] ?? 0) >> 8
    }
    return bytes
  }
}
