/**
 * PNG files with faults that every viewer passes over. Pixels stand under two checksums: one of each chunk (CRC-32) and one of
 * all of them together (Adler-32, zlib's own). Where one of the two is wrong and the other right, every pixel is one that was
 * stored. Where the file ends after its last compressed block and before these, none is missing.
 *
 * Source: PNG specification, third edition (W3C 2025), 5 and 10; RFC 1950, 1951.
 */
import { constants, crc32, deflateSync, inflateRawSync, inflateSync } from 'node:zlib'
import { chunkBytes, PNG_SIGNATURE } from './animated-png.js'

export interface MendedPng {
  readonly content: Buffer
  /** In words, such as `a wrong checksum`. */
  readonly faults: readonly string[]
}

const AROUND = 12
const ZLIB_HEADER = 2
/** Channels of each colour type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** The same pixels without the faults, where they are sure; undefined where there is nothing to mend. */
export function mendPng(content: Buffer): MendedPng | undefined {
  const stored = storedPixels(content)
  if (stored === undefined) return undefined
  const { before, data, sums, cut } = stored
  const options = { maxOutputLength: mostBytes(before) }
  const summed = attempt(() => inflateSync(data, options))
  const rows = summed ?? attempt(() => inflateRawSync(data.subarray(ZLIB_HEADER), options))
  if (rows === undefined) return undefined
  if (summed === undefined && !sums && !cut) return undefined
  const fault = cut ? 'no end' : 'a wrong checksum'
  const pixels = { type: 'IDAT', data: deflateSync(rows, { level: constants.Z_BEST_SPEED }) }
  const end = { type: 'IEND', data: Buffer.alloc(0) }
  return { content: Buffer.concat([before, chunkBytes(pixels), chunkBytes(end)]), faults: [fault] }
}

interface StoredPixels {
  /** What comes before the pixels, as it is. */
  readonly before: Buffer
  /** Compressed. */
  readonly data: Buffer
  /** Whether the checksums of their chunks are right. */
  readonly sums: boolean
  /** Whether the file ends among them or their checksums. */
  readonly cut: boolean
}

function storedPixels(content: Buffer): StoredPixels | undefined {
  const parts: Buffer[] = []
  let [first, sums, cut] = [-1, true, false]
  for (let at = PNG_SIGNATURE.length; at + 8 <= content.length;) {
    const length = content.readUInt32BE(at)
    const type = content.toString('latin1', at + 4, at + 8)
    const end = at + AROUND + length
    if (type === 'IDAT') {
      if (first < 0) first = at
      parts.push(content.subarray(at + 8, at + 8 + length))
      cut ||= end > content.length
      sums &&= !cut && crc32(content.subarray(at + 4, end - 4)) === content.readUInt32BE(end - 4)
    } else if (first >= 0) break
    at = end
  }
  const data = Buffer.concat(parts)
  const header = content.toString('latin1', 12, 16)
  if (header !== 'IHDR' || first < 33 || data.length <= ZLIB_HEADER) return undefined
  return { before: content.subarray(0, first), data, sums, cut }
}

/** Rows with a byte in front of each; interlaced ones are parted in seven. */
function mostBytes(before: Buffer): number {
  const [width, height, depth] = [before.readUInt32BE(16), before.readUInt32BE(20), before[24]]
  const row = Math.ceil((width * depth * (CHANNELS[before[25]] ?? 4)) / 8) + 1
  return Math.min(2 * row * (height + 7) + 1024, 2 ** 31)
}

function attempt(work: () => Buffer): Buffer | undefined {
  try {
    return work()
  } catch {
    // What is wrong with it, the decoder has said.
    return undefined
  }
}
