/**
 * Faults in the directories of a TIFF file that every viewer passes over, since no pixel depends on them: tags that are not
 * in ascending order, and a zero byte inside a text. As with JPEG files, they are mended in a copy and the strict decoder
 * judges that: told to pass over warnings, libtiff passes over byte counts that do not fit the image, too.
 */

import { tiffDirectories } from './tiff-directory.js'

export interface MendedTiff {
  readonly content: Buffer
  /** In words, such as `tags out of order`. */
  readonly faults: readonly string[]
}

const ASCII = 2

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
  for (const { entries, entryBytes } of tiffDirectories(copy)) {
    for (const { type, count, values } of entries)
      if (type === ASCII && blankZeros(copy.subarray(values, values + count)))
        faults.add('a zero byte in a text')
    if (entries.every(({ tag }, i) => i === 0 || tag >= entries[i - 1].tag)) continue
    faults.add('tags out of order')
    const sorted = entries
      .toSorted((a, b) => a.tag - b.tag)
      .map(({ at }) => Buffer.from(copy.subarray(at, at + entryBytes)))
    sorted.forEach((bytes, i) => bytes.copy(copy, entries[i].at))
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
