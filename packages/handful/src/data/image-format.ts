/**
 * The format of an image by its first bytes, never by its name. Formats that are named but not read get a better message;
 * anything else, SVG among it, never reaches a decoder.
 */

import { isBitmap } from './bitmap.js'
import { isNetpbm } from './netpbm.js'

const READABLE: ReadonlySet<string> = new Set(['PNG', 'JPEG', 'WebP', 'GIF', 'TIFF', 'AVIF', 'BMP', 'PNM'])

export const READABLE_IN_WORDS = 'only PNG, JPEG, WebP, GIF, TIFF, AVIF, BMP, PGM and PPM are read'

export const isReadable = (format: string): boolean => READABLE.has(format)

/** `unknown` for what is no image. */
export function imageFormat(content: Buffer): string {
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
  if (isBitmap(content)) return 'BMP'
  if (isNetpbm(content)) return 'PNM'
  if (ascii.startsWith('\xff\x0a') || ascii.startsWith('\0\0\0\x0cJXL ')) return 'JPEG XL'
  if (ascii.startsWith('\0\0\0\x0cjP  ')) return 'JPEG 2000'
  return 'unknown'
}
