/**
 * Netpbm images: PBM, PGM and PPM, plain (P1 to P3) and binary (P4 to P6), and PAM (P7) of any number of channels, of up to 16
 * bits; and PFM (PF, Pf), which holds floats.
 *
 * Source: the formats' specifications in the Netpbm manual (netpbm.sourceforge.net/doc/pgm.html, pam.html, pfm.html): samples
 * of more than 8 bits have two bytes, the high one first; `maxval` is white. PFM begins with its lowest row, and its third
 * number is below zero where low bytes come first.
 */

import { pickChannels, type RawPage, type Samples } from './raw-image.js'
import { UnusableImage } from './unusable-image.js'

const HEADER = /^P([1-6])/
const PAM = /^P7[ \t]*\r?\n/
const PFM = /^P([Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+]?[\d.]+(?:e[-+]?\d+)?)(?:\r\n|\s)/i
const LONGEST_COMMENT = 256
/** Of a PAM or PFM file. */
const LONGEST_HEADER = 4096
const damaged = (): UnusableImage => new UnusableImage('a damaged or truncated PNM file')

const startOf = (content: Buffer): string => content.toString('latin1', 0, LONGEST_HEADER)

export const isNetpbm = (content: Buffer): boolean =>
  /^P[1-6](\s|#)/.test(content.toString('latin1', 0, 3)) ||
  PAM.test(content.toString('latin1', 0, 16)) ||
  (/^P[Ff]/.test(content.toString('latin1', 0, 2)) && PFM.test(startOf(content)))

const PLAIN = { alpha: false, separate: false, inverted: false, orientation: 1, faults: [] } as const

/** @param white the highest number */
const wholeNumbers = (white: number): Pick<RawPage, 'kind' | 'depth' | 'full'> => ({
  kind: white > 255 ? 'integer' : 'byte',
  depth: white > 255 ? '16-bit whole' : '8-bit',
  full: [0, white],
})

/** @throws UnusableImage if the header is damaged */
export function openNetpbm(content: Buffer): RawPage {
  if (PAM.test(content.toString('latin1', 0, 16))) return openPam(content)
  if (/^P[Ff]/.test(content.toString('latin1', 0, 2))) return openPfm(content)
  const type = Number(HEADER.exec(content.toString('latin1', 0, 2))?.[1] ?? 0)
  const bitmap = type === 1 || type === 4
  const reader = new TokenReader(content, 2)
  const [width, height, white] = [reader.next(), reader.next(), bitmap ? 1 : reader.next()]
  if (!(width >= 1 && height >= 1 && white >= 1 && white <= 65_535)) throw damaged()
  const channels = type === 3 || type === 6 ? 3 : 1
  const start = afterHeader(content, reader.at)
  return {
    ...PLAIN,
    ...wholeNumbers(white),
    width,
    height,
    channels,
    // In bitmaps 1 is black.
    inverted: bitmap,
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

/** Lines of a name and a value up to `ENDHDR`, then the samples; what the channels mean, `TUPLTYPE` says. */
function openPam(content: Buffer): RawPage {
  const header = /^P7[^]*?\nENDHDR[ \t]*\r?\n/.exec(startOf(content))?.[0]
  if (header === undefined) throw damaged()
  const values = (name: string): string[] =>
    [...header.matchAll(new RegExp(`^${name}[ \\t]+(\\S.*?)\\s*$`, 'gm'))].map(([, value]) => value)
  const number = (name: string): number => {
    const [value, ...more] = values(name)
    return value !== undefined && more.length === 0 && /^\d{1,9}$/.test(value) ? Number(value) : NaN
  }
  const [width, height, channels, white] = ['WIDTH', 'HEIGHT', 'DEPTH', 'MAXVAL'].map(number)
  if (!(width >= 1 && height >= 1 && channels >= 1 && channels <= 4096 && white >= 1 && white <= 65_535))
    throw damaged()
  const type = values('TUPLTYPE').join(' ')
  const alpha = channels > 1 && type.endsWith('_ALPHA')
  const coloured = channels - (alpha ? 1 : 0) === 3 && (type === '' || type.startsWith('RGB'))
  return {
    ...PLAIN,
    ...wholeNumbers(white),
    width,
    height,
    channels,
    alpha,
    separate: !coloured,
    read: (picked) => {
      const samples = binarySamples(content.subarray(header.length), width * height * channels, 0, white)
      return Promise.resolve(pickChannels(samples, channels, picked))
    },
  }
}

function openPfm(content: Buffer): RawPage {
  const [header, letter, width, height, scale] = PFM.exec(startOf(content)) ?? []
  const page = { width: Number(width), height: Number(height), channels: letter === 'F' ? 3 : 1 }
  if (header === undefined || page.width < 1 || page.height < 1 || !(Math.abs(Number(scale)) > 0))
    throw damaged()
  return {
    ...PLAIN,
    ...page,
    kind: 'float',
    depth: '32-bit float',
    full: [0, 1],
    read: (picked) => {
      const samples = floatSamples(content.subarray(header.length), page, Number(scale) < 0)
      return Promise.resolve(pickChannels(samples, page.channels, picked))
    },
  }
}

/** `[height, width, channels]`, the highest row first. */
function floatSamples(
  content: Buffer,
  { width, height, channels }: Pick<RawPage, 'width' | 'height' | 'channels'>,
  lowBytesFirst: boolean,
): Samples {
  const row = width * channels
  if (content.length < 4 * row * height) throw damaged()
  const samples = new Float32Array(row * height)
  for (let y = 0; y < height; y++) {
    const from = 4 * row * (height - 1 - y)
    for (let i = 0; i < row; i++) {
      const at = from + 4 * i
      samples[y * row + i] = lowBytesFirst ? content.readFloatLE(at) : content.readFloatBE(at)
    }
  }
  return samples
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
