/**
 * Netpbm images: PBM, PGM and PPM, plain (P1 to P3) and binary (P4 to P6), of up to 16 bits.
 *
 * Source: the format's specification in the Netpbm manual (netpbm.sourceforge.net/doc/pgm.html): samples of more than 8 bits
 * have two bytes, the high one first; `maxval` is white.
 */

import { pickChannels, type RawPage } from './raw-image.js'
import { UnusableImage } from './unusable-image.js'

const HEADER = /^P([1-6])/
const LONGEST_COMMENT = 256
const damaged = (): UnusableImage => new UnusableImage('a damaged or truncated PNM file')

export const isNetpbm = (content: Buffer): boolean => /^P[1-6](\s|#)/.test(content.toString('latin1', 0, 3))

/** @throws UnusableImage if the header is damaged */
export function openNetpbm(content: Buffer): RawPage {
  const type = Number(HEADER.exec(content.toString('latin1', 0, 2))?.[1] ?? 0)
  const bitmap = type === 1 || type === 4
  const reader = new TokenReader(content, 2)
  const [width, height, white] = [reader.next(), reader.next(), bitmap ? 1 : reader.next()]
  if (!(width >= 1 && height >= 1 && white >= 1 && white <= 65_535)) throw damaged()
  const channels = type === 3 || type === 6 ? 3 : 1
  const start = afterHeader(content, reader.at)
  return {
    width,
    height,
    channels,
    kind: white > 255 ? 'integer' : 'byte',
    depth: white > 255 ? '16-bit whole' : '8-bit',
    full: [0, white],
    alpha: false,
    separate: false,
    // In bitmaps 1 is black.
    inverted: bitmap,
    orientation: 1,
    faults: [],
    read: (picked) => {
      const count = width * height * channels
      const samples =
        type >= 4
          ? binarySamples(content.subarray(start), count, type === 4 ? width : 0, white)
          : plainSamples(reader, count, bitmap)
      return Promise.resolve(pickChannels(samples, channels, picked))
    },
  }
}

/** Behind the one character that ends a header, a comment before it, and the line feed of Windows after it. */
function afterHeader(content: Buffer, from: number): number {
  const comment = /^[ \t]*#[^\n]*\n/.exec(content.toString('latin1', from, from + LONGEST_COMMENT))
  if (comment !== null) return from + comment[0].length
  return from + (content.toString('latin1', from, from + 2) === '\r\n' ? 2 : 1)
}

/** Numbers with white space and comments between them. */
class TokenReader {
  constructor(
    private readonly content: Buffer,
    public at: number,
  ) {}

  #skip(): void {
    const { content } = this
    while (this.at < content.length) {
      const byte = content[this.at]
      if (byte === 0x23) while (this.at < content.length && content[this.at] !== 10) this.at++
      else if (byte !== 32 && (byte < 9 || byte > 13)) return
      else this.at++
    }
  }

  /** The next number, NaN where there is none. */
  next(): number {
    this.#skip()
    let value = NaN
    for (; this.at < this.content.length; this.at++) {
      const digit = this.content[this.at] - 48
      if (digit < 0 || digit > 9) break
      value = 10 * (Number.isNaN(value) ? 0 : value) + digit
    }
    return value
  }

  /** The next digit alone: those of plain bitmaps need nothing between them. */
  digit(): number {
    this.#skip()
    return this.content[this.at++] - 48
  }
}

function plainSamples(reader: TokenReader, count: number, bitmap: boolean): Uint16Array {
  const samples = new Uint16Array(count)
  for (let i = 0; i < count; i++) {
    const value = bitmap ? reader.digit() : reader.next()
    if (!(value >= 0 && value <= 65_535)) throw damaged()
    samples[i] = value
  }
  return samples
}

/** @param rowBits of a bitmap, whose rows begin with a new byte; 0 otherwise */
function binarySamples(
  content: Buffer,
  count: number,
  rowBits: number,
  white: number,
): Uint8Array | Uint16Array {
  if (rowBits > 0) {
    const rowBytes = Math.ceil(rowBits / 8)
    if (content.length < rowBytes * (count / rowBits)) throw damaged()
    return Uint8Array.from({ length: count }, (_, i) => {
      const [row, column] = [Math.floor(i / rowBits), i % rowBits]
      return (content[row * rowBytes + (column >> 3)] >> (7 - (column & 7))) & 1
    })
  }
  if (content.length < count * (white > 255 ? 2 : 1)) throw damaged()
  if (white <= 255) return new Uint8Array(content.subarray(0, count))
  const samples = new Uint16Array(count)
  for (let i = 0; i < count; i++) samples[i] = content.readUInt16BE(2 * i)
  return samples
}
