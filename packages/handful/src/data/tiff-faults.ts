/**
 * Faults in the directories of a TIFF file that every viewer passes over, since no pixel depends on them: tags that are not
 * in ascending order, and a zero byte inside a text. As with JPEG files, they are mended in a copy and the strict decoder
 * judges that: told to pass over warnings, libtiff passes over byte counts that do not fit the image, too.
 */

export interface MendedTiff {
  readonly content: Buffer
  /** In words, such as `tags out of order`. */
  readonly faults: readonly string[]
}

const ASCII = 2
const MOST_DIRECTORIES = 10_000
const MOST_ENTRIES = 4096

/** @returns the content itself where nothing is harmless in it, or its directories cannot be followed */
export function mendTiff(content: Buffer): MendedTiff {
  const copy = Buffer.from(content)
  const faults = new Set<string>()
  try {
    mendDirectories(copy, faults)
  } catch (error) {
    if (error instanceof RangeError) return { content, faults: [] }
    throw error
  }
  return faults.size === 0 ? { content, faults: [] } : { content: copy, faults: [...faults] }
}

function mendDirectories(copy: Buffer, faults: Set<string>): void {
  const little = copy.toString('latin1', 0, 2) === 'II'
  const read = (at: number, bytes: 2 | 4 | 8): number => {
    if (bytes === 8) return Number(little ? copy.readBigUInt64LE(at) : copy.readBigUInt64BE(at))
    return little ? copy.readUIntLE(at, bytes) : copy.readUIntBE(at, bytes)
  }
  const big = read(2, 2) === 43
  // A classic entry is tag 2, type 2, count 4, value 4 bytes; in BigTIFF count and value have 8.
  const [wide, entryBytes] = big ? ([8, 20] as const) : ([4, 12] as const)
  const seen = new Set<number>()
  for (let start = big ? read(8, 8) : read(4, 4); start !== 0 && !seen.has(start);) {
    seen.add(start)
    const count = read(start, big ? 8 : 2)
    const first = start + (big ? 8 : 2)
    if (count > MOST_ENTRIES || seen.size > MOST_DIRECTORIES) return
    const places = Array.from({ length: count }, (_, i) => first + i * entryBytes)
    const entries = places.map((at) => ({
      tag: read(at, 2),
      bytes: Buffer.from(copy.subarray(at, at + entryBytes)),
    }))
    if (entries.some(({ tag }, i) => i > 0 && tag < entries[i - 1].tag)) {
      faults.add('tags out of order')
      entries.sort((a, b) => a.tag - b.tag).forEach(({ bytes }, i) => bytes.copy(copy, places[i]))
    }
    for (const at of places) {
      if (read(at + 2, 2) !== ASCII) continue
      const length = read(at + 4, wide)
      const text = length <= wide ? at + 4 + wide : read(at + 4 + wide, wide)
      if (blankZeros(copy.subarray(text, text + length))) faults.add('a zero byte in a text')
    }
    start = read(first + count * entryBytes, wide)
  }
}

/** Zeros inside a text become blanks; those at its end belong there. */
function blankZeros(text: Buffer): boolean {
  let end = text.length
  while (end > 0 && text[end - 1] === 0) end--
  let found = false
  for (let at = text.indexOf(0); at >= 0 && at < end; at = text.indexOf(0, at)) {
    text[at] = 0x20
    found = true
  }
  return found
}
