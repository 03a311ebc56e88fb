/**
 * How many frames of a GIF are there to their end. A decoder that meets the end of the file inside a later frame shows the one
 * before it, without a word.
 *
 * Source: GIF89a specification (CompuServe, 1990), 18 to 25.
 */

const [EXTENSION, IMAGE] = [0x21, 0x2c]
const HEADER_BYTES = 13
const TABLE_FLAG = 0x80

/** Bytes of the table of colours that follows flags. */
const tableBytes = (flags: number): number => (flags & TABLE_FLAG ? 3 * 2 ** ((flags & 7) + 1) : 0)

/** Frames whose data end with the mark that is their last byte. */
export function wholeGifFrames(content: Buffer): number {
  let frames = 0
  let at = HEADER_BYTES + tableBytes(content[10])
  while (at < content.length) {
    const kind = content[at]
    if (kind !== EXTENSION && kind !== IMAGE) break
    const data = kind === EXTENSION ? at + 2 : at + 11 + tableBytes(content[at + 9])
    const end = afterBlocks(content, data)
    if (end === undefined) break
    if (kind === IMAGE) frames++
    at = end
  }
  return frames
}

/** Where blocks, each with its length in front, have ended with an empty one; undefined where the file ends before. */
function afterBlocks(content: Buffer, from: number): number | undefined {
  for (let at = from; at < content.length; at += 1 + content[at]) if (content[at] === 0) return at + 1
  return undefined
}
