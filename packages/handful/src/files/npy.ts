/**
 * The npy format, version 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic bytes, the length
 * of a header, the header as a Python literal padded to a multiple of 64 bytes and ended by a newline, then the numbers
 * row by row.
 */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]
const ALIGNMENT = 64

/**
 * What precedes the little-endian float32 numbers of a matrix.
 *
 * @param bytes length to fill at least, so that a header can be written over a longer one; a multiple of 64
 */
export function npyHeader(rows: number, columns: number, bytes = 0): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`
  const prefix = MAGIC.length + 2
  const length = Math.max(bytes, Math.ceil((prefix + text.length + 1) / ALIGNMENT) * ALIGNMENT)
  const header = new Uint8Array(length).fill(0x20)
  header.set(MAGIC)
  new DataView(header.buffer).setUint16(MAGIC.length, length - prefix, true)
  header.set(new TextEncoder().encode(text), prefix)
  header[length - 1] = 0x0a
  return header
}
