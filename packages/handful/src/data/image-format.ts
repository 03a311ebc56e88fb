/**
 * The format of an image by its first bytes, never by its name. Formats that are named but not read get a better message;
 * anything else never reaches a decoder.
 */

import { isBitmap } from './bitmap.js'
import { isNetpbm } from './netpbm.js'
import { UnusableImage } from './unusable-image.js'

const READABLE: ReadonlySet<string> = new Set([
  'PNG',
  'JPEG',
  'WebP',
  'GIF',
  'TIFF',
  'AVIF',
  'HEIC',
  'BMP',
  'PNM',
])

const READABLE_IN_WORDS = 'only PNG, JPEG, WebP, GIF, TIFF, AVIF, HEIC, BMP, PGM and PPM are read'

export const isReadable = (format: string): boolean => READABLE.has(format)

/** `unknown` for what is not read. */
export function imageFormat(content: Buffer): string {
  const ascii = content.toString('latin1', 0, 16)
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG'
  if (ascii.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'WebP'
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'GIF'
  if (/^(II\x2a\0|MM\0\x2a|II\x2b\0|MM\0\x2b)/.test(ascii) && ascii.slice(8, 10) !== 'CR') return 'TIFF'
  const coded = /^....ftyp/s.test(ascii) ? codedBy(content) : undefined
  if (coded !== undefined) return coded
  if (isBitmap(content)) return 'BMP'
  if (isNetpbm(content)) return 'PNM'
  return 'unknown'
}

/** By the brands that an image file of boxes names, the likeliest first (ISO/IEC 14496-12, 23008-12). */
function codedBy(content: Buffer): 'AVIF' | 'HEIC' | undefined {
  const end = Math.min(content.readUInt32BE(0), 256, content.length)
  const brands = [content.toString('latin1', 8, 12)]
  for (let at = 16; at + 4 <= end; at += 4) brands.push(content.toString('latin1', at, at + 4))
  const brand = brands.find((each) => /^(avi[fs]|he[iv][cmsx])$/.test(each))
  if (brand !== undefined) return brand.startsWith('avi') ? 'AVIF' : 'HEIC'
  return ['mif1', 'msf1'].includes(brands[0]) ? 'HEIC' : undefined
}

/** What a camera wrote before it made a picture of it. */
export const RAW = 'a raw file of a camera'

/* eslint-disable no-control-regex -- files begin with any bytes */
/** How files begin that people take for images, or have among them. */
const OTHERS: Known = [
  [/^(\xff\x0a|\0\0\0\x0cJXL )/, 'a JPEG XL file'],
  [/^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, 'a JPEG 2000 file'],
  [/^(II\x2a\0....CR|....ftypcrx|FUJIFILMCCD-RAW|II(RO|RS|U\0)|MMOR|FOVb)/s, RAW],
  [/^\0\0[\x01\x02]\0.\0/s, 'an ICO file'],
  [/^8BPS/, 'a Photoshop file'],
  [/^\x76\x2f\x31\x01/, 'an OpenEXR file'],
  [/^#\?(RADIANCE|RGBE)/, 'a Radiance HDR file'],
  [/^qoif/, 'a QOI file'],
  [/^DDS /, 'a DDS file'],
  [/^\x01\xda[\0\x01][\x01\x02]/, 'an SGI file'],
  [/^\x0a[\0-\x05]\x01[\x01\x02\x04\x08]/, 'a PCX file'],
  [/^SIMPLE {2}= /, 'a FITS file'],
  [/^\x93NUMPY/, 'a NumPy file'],
  [/^\x89HDF\r\n/, 'an HDF5 file'],
  [/^MATLAB 5/, 'a MATLAB file'],
  [/^AT&TFORM/, 'a DjVu file'],
  [/^%PDF/, 'a PDF file'],
  [/^[^]{128}DICM/, 'a DICOM file'],
  [/^\s*(<\?xml[^>]*\?>\s*)?(<!--[^]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg/i, 'an SVG file'],
]
/** Beginnings of other things that lie where an image should be. */
const NO_IMAGES: Known = [
  [
    /^version https:\/\/git-lfs\.github\.com/,
    'a Git LFS pointer instead of the image; fetch the images with git lfs pull',
  ],
  [/^PK\x03\x04/, 'a zip archive or a document made of one, which is not looked into; unpack it'],
  [
    /^(7z\xbc\xaf|Rar!\x1a|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|[^]{257}ustar)/,
    'an archive, which is not looked into; unpack it',
  ],
  [/^\s*(<!doctype html|<html)/i, 'an HTML page instead of an image; download it again'],
]

/* eslint-enable no-control-regex */

/** How many bytes of a file are looked at. */
const LOOKED_AT = 512

type Known = readonly (readonly [beginning: RegExp, words: string])[]
const amongst = (known: Known, content: Buffer): string | undefined => {
  const start = content.toString('latin1', 0, LOOKED_AT)
  return known.find(([beginning]) => beginning.test(start))?.[1]
}

/** What a file is that is not read, such as `a Photoshop file` or `not an image`. */
export const unreadFormat = (content: Buffer): string =>
  amongst(OTHERS, content) ?? amongst(NO_IMAGES, content) ?? 'not an image'

/** @throws UnusableImage with the reason, where the format is none that is read */
export function expectReadable(content: Buffer): string {
  const format = imageFormat(content)
  if (isReadable(format)) return format
  const other = amongst(OTHERS, content)
  throw new UnusableImage(
    other === undefined ? unreadFormat(content) : `${other}, ${READABLE_IN_WORDS}; convert it to PNG`,
  )
}
