/**
 * JPEG files with faults that every viewer passes over. The strict decoder stays the judge: faults are mended in a copy,
 * and the whole of the copy has to decode without a warning, so that every pixel is one that was stored.
 *
 * Where the border of cut files lies, measured with sharp 0.35 (mozjpeg) on JPEGs of noise, of one colour and progressive
 * ones, of 1 to 256 pixels a side: without the two bytes of the end marker all pixels are there; with one byte less the last
 * block is made up (grey, or the block before), and so at every length from there on. libjpeg warns of it (`premature end of
 * data segment`), but libvips misses warnings of the last rows of an image, which are all rows of a small one. So a file
 * without its end marker is decoded twice, with nothing and with `FILLER` in the place of what may be missing: where the
 * pixels differ, some were missing. Of a progressive one all scans have to be there besides: each brings some bits of some
 * coefficients. A changed byte among the pixels (`bad Huffman code`) has no mending and is refused.
 */

export interface MendedJpeg {
  readonly content: Buffer
  /** In words, such as `no end marker`. */
  readonly faults: readonly string[]
  /** The same with other bytes before an end marker that was added: its pixels are the same if none is missing. */
  readonly filled?: Buffer
}

/** Begins with a set bit, where a decoder that runs out of data goes on with zeros. */
const FILLER = Buffer.alloc(64, 0xaa)

const [SOI, EOI, SOS, APP0, APP14, SOF0, SOF1] = [0xd8, 0xd9, 0xda, 0xe0, 0xee, 0xc0, 0xc1]
/** A frame header: C0 to CF but for tables (C4, CC) and one that is reserved (C8). */
const isFrame = (marker: number): boolean =>
  marker === SOF0 || (marker > SOF0 && marker <= 0xcf && marker % 4 !== 0)
const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7

const JPEG_LS = 0xf7
const LOSSLESS: readonly number[] = [0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf]

/** What a JPEG file is that decoders for screens do not read, such as `a JPEG file of 12 bits`; undefined for usual ones. */
export function unusualJpeg(content: Buffer): string | undefined {
  for (let at = 2; at + 4 < content.length && content[at] === 0xff;) {
    const marker = content[at + 1]
    if (marker === JPEG_LS) return 'a JPEG-LS file'
    if (isFrame(marker)) {
      const bits = content[at + 4]
      if (LOSSLESS.includes(marker)) return `a lossless JPEG file of ${bits} bits`
      return bits === 8 ? undefined : `a JPEG file of ${bits} bits`
    }
    at += 2 + content.readUInt16BE(at + 2)
  }
  return undefined
}

/** By ITU-T T.81 (JPEG), JFIF 1.02, and Adobe's technical note 5116 for the transform. */
export function mendJpeg(content: Buffer): MendedJpeg {
  const parts: Buffer[] = [content.subarray(0, 2)]
  const faults = new Set<string>()
  let at = 2
  const frame: Frame = { sequential: false, components: [] }
  const scans = new ScannedBits()
  while (at + 1 < content.length) {
    const marked = content.indexOf(0xff, at)
    if (marked < 0) break
    if (marked > at) faults.add('padding before a marker')
    at = marked
    const marker = content[at + 1]
    if (marker === undefined || marker === 0xff || marker === 0) {
      // Fill bytes before a marker are allowed; a stuffed zero belongs to no marker.
      at += marker === 0 ? 2 : 1
      if (marker === 0) faults.add('padding before a marker')
      continue
    }
    if (marker === EOI) {
      parts.push(content.subarray(at, at + 2))
      return { content: Buffer.concat(parts), faults: [...faults] }
    }
    if (marker === SOI || isRestart(marker)) {
      at += 2
      continue
    }
    const length = at + 4 <= content.length ? content.readUInt16BE(at + 2) : 0
    const end = at + 2 + length
    if (length < 2 || end > content.length) break
    const segment = Buffer.from(content.subarray(at, end))
    if (isFrame(marker)) {
      frame.sequential = marker === SOF0 || marker === SOF1
      frame.components = Array.from({ length: segment[9] ?? 0 }, (_, i) => segment[10 + 3 * i])
    }
    mendSegment(segment, marker, frame).forEach((fault) => faults.add(fault))
    parts.push(segment)
    at = end
    if (marker !== SOS) continue
    scans.add(segment)
    const scanEnd = endOfScan(content, at)
    parts.push(content.subarray(at, scanEnd))
    at = scanEnd
  }
  // Nothing to mend where scans are missing: the strict decoder's verdict stands.
  if (!scans.complete(frame)) return { content, faults: [] }
  faults.add('no end marker')
  const end = Buffer.from([0xff, EOI])
  return {
    content: Buffer.concat([...parts, end]),
    faults: [...faults],
    filled: Buffer.concat([...parts, FILLER, end]),
  }
}

interface Frame {
  sequential: boolean
  /** Their identifiers. */
  components: readonly number[]
}

const COEFFICIENTS = 64

/** Which bits of which coefficients the scans have brought: 0 where the last one is there. */
class ScannedBits {
  readonly #lowest = new Map<number, Uint8Array>()

  /** @param segment a scan's header */
  add(segment: Buffer): void {
    const count = segment[4]
    const [from, to, approximation] = [5, 6, 7].map((at) => segment[at + 2 * count])
    for (let i = 0; i < count; i++) {
      const component = segment[5 + 2 * i]
      const lowest = this.#lowest.get(component) ?? new Uint8Array(COEFFICIENTS).fill(255)
      lowest.fill(approximation & 15, from, to + 1)
      this.#lowest.set(component, lowest)
    }
  }

  complete({ components }: Frame): boolean {
    return (
      components.length > 0 &&
      components.every((component) => this.#lowest.get(component)?.every((bit) => bit === 0) ?? false)
    )
  }
}

/** Mends a segment in place, the marker and length in front. */
function mendSegment(segment: Buffer, marker: number, { sequential, components }: Frame): string[] {
  if (marker === APP0 && segment.toString('latin1', 4, 9) === 'JFIF\0' && segment[9] !== 1) {
    segment[9] = 1
    return ['an unknown JFIF version']
  }
  if (marker === APP14 && segment.toString('latin1', 4, 9) === 'Adobe' && segment.length >= 16) {
    const transform = segment[15]
    if (transform <= 2) return []
    segment[15] = components.length === 4 ? 2 : 1
    return ['an unknown Adobe transform']
  }
  if (marker !== SOS || !sequential || segment.length < 8) return []
  // Spectral selection and approximation mean something in progressive files alone.
  const wanted = [0, 63, 0]
  const from = segment.length - 3
  if (wanted.every((value, i) => segment[from + i] === value)) return []
  segment.set(wanted, from)
  return ['a wrong spectral selection']
}

/** Where the next marker stands that is no restart and no stuffed byte; the end of the file if there is none. */
function endOfScan(content: Buffer, from: number): number {
  for (let at = content.indexOf(0xff, from); at >= 0; at = content.indexOf(0xff, at + 1)) {
    const next = content[at + 1]
    if (next === undefined) return at
    if (next !== 0 && next !== 0xff && !isRestart(next)) return at
  }
  return content.length
}
