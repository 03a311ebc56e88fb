/**
 * BMP images of every kind that Windows has written: 1, 4, 8 bits with a palette, run-length encoded or not; 16, 24, 32
 * bits; bit fields; bottom up or top down. (Libraries read the uncompressed 8, 24 and 32 bits alone.)
 *
 * Source: Microsoft, "Bitmap Storage" and "Bitmap Compression" (BITMAPCOREHEADER to BITMAPV5HEADER).
 */

import { pickChannels, type RawPage } from './raw-image.js'
import { UnusableImage } from './unusable-image.js'

const [NONE, RLE8, RLE4, FIELDS, ALPHA_FIELDS] = [0, 1, 2, 3, 6]
const damaged = (): UnusableImage => new UnusableImage('a damaged or truncated BMP file')

/** Its first letters are short; the header that follows has one of few lengths. */
export const isBitmap = (content: Buffer): boolean =>
  content.length >= 26 &&
  content.toString('latin1', 0, 2) === 'BM' &&
  [12, 16, 40, 52, 56, 64, 108, 124].includes(content.readUInt32LE(14))

interface BitmapHeader {
  readonly width: number
  readonly height: number
  readonly topDown: boolean
  readonly bits: number
  readonly compression: number
  /** Where pixels begin. */
  readonly start: number
  /** `[colours, 3]` red, green, blue. */
  readonly palette: Uint8Array
  /** Of red, green, blue and alpha; 0 for none. */
  readonly masks: readonly number[]
}

/** @throws UnusableImage if the header is damaged, or of a kind that is none of Windows' */
export function openBitmap(content: Buffer): RawPage {
  const header = headerOf(content)
  const { width, height, bits, masks } = header
  const alpha = bits >= 16 && masks[3] !== 0
  const channels = alpha ? 4 : 3
  return {
    width,
    height,
    channels,
    kind: 'byte',
    depth: '8-bit',
    full: [0, 255],
    alpha,
    separate: false,
    inverted: false,
    orientation: 1,
    faults: [],
    read: (picked) => Promise.resolve(pickChannels(pixelsOf(content, header, channels), channels, picked)),
  }
}

function headerOf(content: Buffer): BitmapHeader {
  const start = content.readUInt32LE(10)
  const size = content.readUInt32LE(14)
  const core = size === 12
  if (content.length < 14 + size) throw damaged()
  const width = core ? content.readUInt16LE(18) : content.readInt32LE(18)
  const signedHeight = core ? content.readUInt16LE(20) : content.readInt32LE(22)
  const bits = content.readUInt16LE(core ? 24 : 28)
  const compression = size >= 40 ? content.readUInt32LE(30) : NONE
  const fieldsBehind = size === 40 && (compression === FIELDS || compression === ALPHA_FIELDS)
  if (width < 1 || signedHeight === 0 || start >= content.length) throw damaged()
  const known: Readonly<Record<number, readonly number[]>> = {
    [NONE]: [1, 4, 8, 16, 24, 32],
    [RLE8]: [8],
    [RLE4]: [4],
    [FIELDS]: [16, 32],
    [ALPHA_FIELDS]: [16, 32],
  }
  if (!(known[compression] ?? []).includes(bits)) {
    throw new UnusableImage(`a BMP file of ${bits} bits with compression ${compression}; convert it to PNG`)
  }
  const paletteStart = 14 + size + (fieldsBehind ? (compression === ALPHA_FIELDS ? 16 : 12) : 0)
  return {
    width,
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    bits,
    compression,
    start,
    palette:
      bits <= 8
        ? paletteOf(content.subarray(paletteStart, start), core ? 3 : 4, 2 ** bits)
        : new Uint8Array(0),
    masks: masksOf(content, size, bits, compression),
  }
}

function paletteOf(stored: Buffer, entryBytes: 3 | 4, most: number): Uint8Array {
  const count = Math.min(most, Math.floor(stored.length / entryBytes))
  return Uint8Array.from(
    { length: 3 * count },
    (_, i) => stored[entryBytes * Math.floor(i / 3) + 2 - (i % 3)],
  )
}

function masksOf(content: Buffer, size: number, bits: number, compression: number): readonly number[] {
  if (compression !== FIELDS && compression !== ALPHA_FIELDS) {
    // The fourth byte of plain 32 bits means nothing.
    return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0]
  }
  const withAlpha = size >= 56 || compression === ALPHA_FIELDS
  if (content.length < 54 + (withAlpha ? 16 : 12)) throw damaged()
  const masks = [0, 1, 2].map((i) => content.readUInt32LE(54 + 4 * i))
  return [...masks, withAlpha ? content.readUInt32LE(66) : 0]
}

/** `[height, width, channels]`. */
function pixelsOf(content: Buffer, header: BitmapHeader, channels: number): Uint8Array {
  const { width, height, bits, topDown, palette, compression } = header
  const out = new Uint8Array(width * height * channels)
  const rowOf = (row: number): number => (topDown ? row : height - 1 - row)
  if (bits <= 8) {
    const indices =
      compression === RLE8 || compression === RLE4 ? runLengths(content, header) : packed(content, header)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const index = 3 * indices[y * width + x]
        if (index + 2 >= palette.length) throw damaged()
        out.set(palette.subarray(index, index + 3), 3 * (rowOf(y) * width + x))
      }
    }
    return out
  }
  const bytes = bits / 8
  const stride = 4 * Math.ceil((width * bits) / 32)
  if (header.start + stride * (height - 1) + width * bytes > content.length) throw damaged()
  const fields = header.masks.slice(0, channels).map(fieldOf)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = content.readUIntLE(header.start + y * stride + x * bytes, bytes)
      const to = (rowOf(y) * width + x) * channels
      fields.forEach(({ shift, most }, i) => {
        out[to + i] = most === 0 ? 0 : Math.round((255 * (Math.floor(value / 2 ** shift) & most)) / most)
      })
    }
  }
  if (channels === 4) showUnlessHidden(out)
  return out
}

/** Programs that name a mask of opacity and write none mean a picture that is seen; viewers show it so. */
function showUnlessHidden(pixels: Uint8Array): void {
  for (let at = 3; at < pixels.length; at += 4) if (pixels[at] !== 0) return
  for (let at = 3; at < pixels.length; at += 4) pixels[at] = 255
}

function fieldOf(mask: number): { shift: number; most: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
  return { shift, most: mask >>> shift }
}

/** Palette indices of 1, 4 or 8 bits, rows as they are stored. */
function packed(content: Buffer, { width, height, bits, start }: BitmapHeader): Uint8Array {
  const stride = 4 * Math.ceil((width * bits) / 32)
  if (start + stride * (height - 1) + Math.ceil((width * bits) / 8) > content.length) throw damaged()
  const perByte = 8 / bits
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width]
    const byte = content[start + y * stride + Math.floor(x / perByte)]
    return (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1)
  })
}

/** The same of run-length encoded rows; what they leave out is index 0. */
function runLengths(content: Buffer, { width, height, bits, start }: BitmapHeader): Uint8Array {
  const indices = new Uint8Array(width * height)
  let [at, x, y] = [start, 0, 0]
  const put = (index: number): void => {
    if (x < width && y < height) indices[y * width + x] = index
    x++
  }
  const nibble = (byte: number, i: number): number =>
    bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15
  while (y < height) {
    if (at + 1 >= content.length) throw damaged()
    const [count, value] = [content[at], content[at + 1]]
    at += 2
    if (count > 0) {
      for (let i = 0; i < count; i++) put(nibble(value, i))
    } else if (value === 0) [x, y] = [0, y + 1]
    else if (value === 1) return indices
    else if (value === 2) {
      if (at + 1 >= content.length) throw damaged()
      ;[x, y] = [x + content[at], y + content[at + 1]]
      at += 2
    } else {
      const bytes = bits === 8 ? value : Math.ceil(value / 2)
      if (at + bytes > content.length) throw damaged()
      for (let i = 0; i < value; i++) put(nibble(content[at + (bits === 8 ? i : i >> 1)], i))
      at += bytes + (bytes % 2)
    }
  }
  return indices
}
