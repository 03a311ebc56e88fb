/**
 * The IDX format of MNIST (Y. LeCun, "The MNIST database", yann.lecun.com/exdb/mnist): two zero bytes, a type byte
 * (0x08 unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit integer, then the values.
 * The header is never believed: nothing is allocated from it, and the size it promises has to be the file's.
 */

import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { HandfulError } from '../errors.js'

const UNSIGNED_BYTE = 0x08
/** Four times MNIST's training images. Guards against small archives that unpack to gigabytes. */
const LIMIT_BYTES = 256 * 2 ** 20

export interface IdxArray {
  readonly shape: readonly number[]
  /** Row-major. */
  readonly values: Uint8Array
}

/** Unpacks gzip where the content is gzip, whatever the file is called. */
export async function unpackGzip(content: Uint8Array, where: string): Promise<Uint8Array> {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content
  try {
    return await promisify(gunzip)(content, { maxOutputLength: LIMIT_BYTES })
  } catch (cause) {
    const tooLarge = cause instanceof RangeError
    throw new HandfulError({
      what: 'gzip file',
      where,
      got: tooLarge ? 'more than 256 MiB unpacked' : 'damaged or truncated content',
      expected: 'one of the official files',
      hint: 'fetch the file again',
      cause,
    })
  }
}

/**
 * Reads an IDX array of unsigned bytes.
 *
 * @param dimensions how many it must have: 1 for labels, 3 for images
 * @throws HandfulError if the magic number, the dimensions or the size are not as they should be
 */
export function parseIdx(bytes: Uint8Array, dimensions: number, where: string): IdxArray {
  const headerBytes = 4 + 4 * dimensions
  if (bytes.length < headerBytes) {
    throw idxError(where, 'IDX header', `${bytes.length} bytes`, `at least ${headerBytes}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const magic = view.getUint32(0)
  const expectedMagic = UNSIGNED_BYTE * 256 + dimensions
  if (magic !== expectedMagic) {
    throw idxError(where, 'IDX magic number', hexadecimal(magic), hexadecimal(expectedMagic))
  }
  const shape = Array.from({ length: dimensions }, (_, axis) => view.getUint32(4 + 4 * axis))
  const size = shape.reduce((product, length) => product * length, 1)
  const values = bytes.subarray(headerBytes)
  if (size !== values.length) {
    throw idxError(
      where,
      'IDX values',
      `${values.length} bytes`,
      `${size}, ${shape.join(' x ')} as its header says`,
    )
  }
  return { shape, values }
}

function idxError(where: string, what: string, got: string, expected: string): HandfulError {
  return new HandfulError({
    what,
    where,
    got,
    expected,
    hint: 'the file is damaged or another one; fetch it again',
  })
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}
