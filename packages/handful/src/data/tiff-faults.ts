/** Faults in the first directory of a TIFF file that every viewer passes over, since no pixel depends on them. */

const ASCII = 2

/**
 * @returns in words, such as `tags out of order`; nothing where the directory cannot be followed
 */
export function tiffFaults(content: Buffer): string[] {
  try {
    return faultsOf(content)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

function faultsOf(content: Buffer): string[] {
  const little = content.toString('latin1', 0, 2) === 'II'
  const read = (at: number, bytes: 2 | 4 | 8): number => {
    if (bytes === 8) return Number(little ? content.readBigUInt64LE(at) : content.readBigUInt64BE(at))
    return little ? content.readUIntLE(at, bytes) : content.readUIntBE(at, bytes)
  }
  const big = read(2, 2) === 43
  // A classic entry is tag 2, type 2, count 4, value 4 bytes; in BigTIFF count and value have 8.
  const [wide, entryBytes] = big ? ([8, 20] as const) : ([4, 12] as const)
  const start = big ? read(8, 8) : read(4, 4)
  const entries = read(start, big ? 8 : 2)
  const first = start + (big ? 8 : 2)
  let [previous, unsorted, nul] = [-1, false, false]
  for (let i = 0; i < Math.min(entries, 4096); i++) {
    const at = first + i * entryBytes
    const tag = read(at, 2)
    unsorted ||= tag < previous
    previous = tag
    if (read(at + 2, 2) !== ASCII) continue
    const length = read(at + 4, wide)
    const text = length <= wide ? at + 4 + wide : read(at + 4 + wide, wide)
    const end = content.subarray(text, text + length).indexOf(0)
    nul ||= end >= 0 && end < length - 1
  }
  return [...(unsorted ? ['tags out of order'] : []), ...(nul ? ['a zero byte in a text'] : [])]
}
