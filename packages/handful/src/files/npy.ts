/**
 * The npy format, version 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic bytes, the length
 * of a header, the header as a Python literal padded to a multiple of 64 bytes and ended by a newline, then the numbers
 * row by row.
 */
import { halfToNumber } from 'onnx-autodiff'

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

/** A matrix in an npy file: what its header says, and how its numbers are read. */
export interface NpyMatrix {
  readonly rows: number
  readonly columns: number
  /** The number in a place of the matrix. */
  readonly at: (row: number, column: number) => number
}

type NumberReader = (view: DataView, at: number, little: boolean) => number

const READERS: Readonly<Record<string, readonly [bytes: number, read: NumberReader]>> = {
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
  f2: [2, (view, at, little) => halfToNumber(view.getUint16(at, little))],
  i1: [1, (view, at) => view.getInt8(at)],
  u1: [1, (view, at) => view.getUint8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
}

export const isNpy = (bytes: Uint8Array): boolean => MAGIC.slice(0, 6).every((byte, i) => bytes[i] === byte)

/**
 * Reads a matrix of numbers; extents of 1 behind its two are passed over.
 * @throws Error in words that follow "got": another kind of array, or a file that is cut short
 */
export function readNpy(bytes: Uint8Array): NpyMatrix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!isNpy(bytes) || bytes.length < 12) throw new Error('no npy file')
  const wide = bytes[6] >= 2
  const start = wide ? 12 : 10
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true)
  if (start + length > bytes.length) throw new Error('a file that is cut short')
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length))
  const [, order = '', type = ''] = /'descr': *'([<>|=])(\w+)'/.exec(header) ?? []
  const [, fortran = ''] = /'fortran_order': *(True|False)/.exec(header) ?? []
  const [, extents] = /'shape': *\(([\d, ]*)\)/.exec(header) ?? []
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  if (reader === undefined || fortran === '' || extents === undefined)
    throw new Error(`an array of ${type === '' ? 'another kind' : type}`)
  const shape = extents.split(',').flatMap((each) => (each.trim() === '' ? [] : [Number(each)]))
  const [rows, columns = 1, ...rest] = shape
  if (shape.length < 2 || rest.some((extent) => extent !== 1))
    throw new Error(`an array of the shape (${shape.join(', ')})`)
  const [size, read] = reader
  const first = start + length
  if (bytes.length - first < rows * columns * size) throw new Error('a file that is cut short')
  const little = order !== '>'
  return {
    rows,
    columns,
    at: (row, column) => {
      const place = fortran === 'True' ? column * rows + row : row * columns + column
      return read(view, first + place * size, little)
    },
  }
}
