/** The directories of a TIFF or BigTIFF file, one for each image, entry by entry as they stand in the file (TIFF 6.0, section 2). */

export interface TiffEntry {
  readonly tag: number
  readonly type: number
  /** Values, not bytes. */
  readonly count: number
  /** Where the entry starts, */
  readonly at: number
  /** and its values: inside it, or elsewhere. */
  readonly values: number
}

const MOST_DIRECTORIES = 10_000
const MOST_ENTRIES = 4096

/** Bytes of one value by its type; types that are not there are of one. */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  ...{ 3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8 },
}
const RATIONAL = 5

type Read = (at: number, bytes: 2 | 4 | 8) => number

function reader(content: Buffer): Read {
  const little = content.toString('latin1', 0, 2) === 'II'
  return (at, bytes) => {
    if (bytes === 8) return Number(little ? content.readBigUInt64LE(at) : content.readBigUInt64BE(at))
    return little ? content.readUIntLE(at, bytes) : content.readUIntBE(at, bytes)
  }
}

/**
 * @returns entries of each directory, which may be changed once they were given; no more where a directory is too large or follows
 *   itself
 * @throws RangeError where a directory lies outside the file
 */
export function* tiffDirectories(content: Buffer): Generator<{ entries: TiffEntry[]; entryBytes: number }> {
  const read = reader(content)
  const big = read(2, 2) === 43
  // A classic entry is tag 2, type 2, count 4, value 4 bytes; in BigTIFF count and value have 8.
  const [wide, entryBytes] = big ? ([8, 20] as const) : ([4, 12] as const)
  const seen = new Set<number>()
  for (let start = big ? read(8, 8) : read(4, 4); start !== 0 && !seen.has(start);) {
    seen.add(start)
    const length = read(start, big ? 8 : 2)
    const first = start + (big ? 8 : 2)
    if (length > MOST_ENTRIES || seen.size > MOST_DIRECTORIES) return
    const entries = Array.from({ length }, (_, i): TiffEntry => {
      const at = first + i * entryBytes
      const [type, count] = [read(at + 2, 2), read(at + 4, wide)]
      const inside = count * (TYPE_BYTES[type] ?? 1) <= wide
      const values = inside ? at + 4 + wide : read(at + 4 + wide, wide)
      return { tag: read(at, 2), type, count, at, values }
    })
    const next = read(first + length * entryBytes, wide)
    yield { entries, entryBytes }
    start = next
  }
}

/** The fractions of a tag of one directory, counted from 0; undefined where it has none or the file is damaged. */
export function tiffFractions(content: Buffer, directory: number, tag: number): number[] | undefined {
  const read = reader(content)
  try {
    let place = 0
    for (const { entries } of tiffDirectories(content)) {
      if (place++ < directory) continue
      const found = entries.find((entry) => entry.tag === tag && entry.type === RATIONAL)
      return (
        found &&
        Array.from({ length: Math.min(found.count, MOST_ENTRIES) }, (_, i) => {
          const at = found.values + 8 * i
          return read(at, 4) / read(at + 4, 4)
        })
      )
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return undefined
}
