/** TIFF files for tests: little-endian, one strip or several images, any type of number. */

export type Numbers =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array

export interface TiffPage {
  readonly width: number
  readonly height: number
  readonly channels?: number
  /** `[height, width, channels]`. */
  readonly samples: Numbers
  /** 0 white is zero, 1 black is zero, 2 red, green and blue. */
  readonly photometric?: number
  /** What the channels beyond the colours are: 0 unspecified, 1 and 2 transparency. */
  readonly extra?: readonly number[]
  readonly compression?: number
  readonly orientation?: number
  /** 2 says that the bits of each byte stand the other way round. */
  readonly fillOrder?: number
  /** The bytes of the strip in place of the samples'. */
  readonly strip?: Uint8Array
  readonly sampleFormat?: number
  readonly description?: string
  readonly unsorted?: boolean
}

const [SHORT, LONG, ASCII] = [3, 4, 2]

function formatOf(samples: Numbers): number {
  if (samples instanceof Float32Array || samples instanceof Float64Array) return 3
  return samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array
    ? 2
    : 1
}

/** One file of one or more images. */
export function tiff(...pages: readonly TiffPage[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])]
  let [length, link] = [8, 4]
  const links: [at: number, value: number][] = []
  const append = (bytes: Buffer): number => {
    const at = length
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])
    parts.push(padded)
    length += padded.length
    return at
  }
  for (const page of pages) {
    const { width, height, channels = 1, samples, photometric = 1, extra, compression = 1 } = page
    const strip = Buffer.from(
      page.strip ?? new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength),
    )
    const start = append(strip)
    const each = (value: number): number[] => new Array<number>(channels).fill(value)
    const text = [...Buffer.from(`${page.description ?? ''}\0`, 'latin1')]
    const entries: [tag: number, type: number, values: readonly number[]][] = [
      [256, LONG, [width]],
      [257, LONG, [height]],
      [258, SHORT, each(8 * samples.BYTES_PER_ELEMENT)],
      [259, SHORT, [compression]],
      [262, SHORT, [photometric]],
      ...(page.fillOrder === undefined ? [] : [[266, SHORT, [page.fillOrder]] as [number, number, number[]]]),
      ...(page.description === undefined ? [] : [[270, ASCII, text] as [number, number, number[]]]),
      [273, LONG, [start]],
      [274, SHORT, [page.orientation ?? 1]],
      [277, SHORT, [channels]],
      [278, LONG, [height]],
      [279, LONG, [strip.length]],
      ...(extra === undefined ? [] : [[338, SHORT, extra] as [number, number, readonly number[]]]),
      [339, SHORT, each(page.sampleFormat ?? formatOf(samples))],
    ]
    if (page.unsorted) entries.reverse()
    const directory = Buffer.alloc(2 + 12 * entries.length + 4)
    directory.writeUInt16LE(entries.length, 0)
    entries.forEach(([tag, type, values], i) => {
      const size = { [SHORT]: 2, [LONG]: 4, [ASCII]: 1 }[type] ?? 1
      const bytes = Buffer.alloc(Math.max(4, size * values.length))
      values.forEach((value, k) => bytes.writeUIntLE(value, k * size, size))
      const at = 2 + 12 * i
      directory.writeUInt16LE(tag, at)
      directory.writeUInt16LE(type, at + 2)
      directory.writeUInt32LE(values.length, at + 4)
      if (bytes.length <= 4) bytes.copy(directory, at + 8)
      else directory.writeUInt32LE(append(bytes), at + 8)
    })
    links.push([link, length])
    link = append(directory) + directory.length - 4
  }
  const file = Buffer.concat(parts)
  for (const [at, value] of links) file.writeUInt32LE(value, at)
  return file
}

/** A square of one channel. */
export const greyTiff = (samples: Numbers, page: Partial<TiffPage> = {}): Buffer => {
  const side = Math.sqrt(samples.length)
  return tiff({ width: side, height: side, samples, ...page })
}
