/** The file format: bytes written by hand from its description, any arrays there and back, hostile files refused. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  SafetensorsError,
  type SafetensorsSource,
  safetensorsParts,
} from '../../src/runtime/safetensors.js'
import type { NamedArray } from 'onnx-autodiff'

/** A file with this header (padded to a multiple of eight bytes) and data. */
function file(header: unknown, data: readonly number[] = []): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header)
  const json = [...new TextEncoder().encode(text)]
  while (json.length % 8 !== 0) json.push(0x20)
  return Uint8Array.of(json.length & 0xff, json.length >> 8, 0, 0, 0, 0, 0, 0, ...json, ...data)
}

// Written by hand from the format's description: an int64 pair, a float32 column, a bool and an empty array.
const golden = file(
  '{"__metadata__":{"step":"7"},' +
    '"order":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},' +
    '"w":{"dtype":"F32","shape":[2,1],"data_offsets":[16,24]},' +
    '"a/none":{"dtype":"U8","shape":[0,3],"data_offsets":[24,24]},' +
    '"done":{"dtype":"BOOL","shape":[],"data_offsets":[24,25]}}',
  // prettier-ignore
  [
    1, 0, 0, 0, 0, 0, 0, 0,  0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0, 0, 0x80, 0x3f,  0, 0, 0, 0xc0,
    1,
  ],
)
const arrays = {
  done: { dtype: 'bool', shape: [], data: Uint8Array.of(1) },
  'a/none': { dtype: 'uint8', shape: [0, 3], data: new Uint8Array(0) },
  order: { dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, -2n) },
  w: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, -2) },
} as const

test('the golden file is written, to the byte, and read', () => {
  expect(encodeSafetensors(arrays, { step: '7' })).toEqual(golden)
  expect(decodeSafetensors(golden)).toEqual({ arrays, metadata: { step: '7' } })
})

/** A file of these bytes. */
const source = (bytes: Uint8Array): SafetensorsSource => ({
  size: bytes.length,
  read: (start, end) => Promise.resolve(new Uint8Array(bytes.subarray(start, end))),
})

test('the golden file is read a part at a time, each part once, and its arrays are the parts', async () => {
  const parts: [start: number, end: number, buffer: ArrayBufferLike][] = []
  const { size, read } = source(golden)
  const found = await readSafetensors({
    size,
    async read(start, end) {
      const bytes = await read(start, end)
      parts.push([start, end, bytes.buffer])
      return bytes
    },
  })
  expect(found).toEqual({ arrays, metadata: { step: '7' } })
  const covered = parts.map(([start, end]) => [start, end]).filter(([start, end]) => end > start)
  expect(covered.map(([start]) => start)).toEqual([0, ...covered.slice(0, -1).map(([, end]) => end)])
  expect(covered.at(-1)?.[1]).toBe(golden.length)
  const buffers = parts.map(([, , buffer]) => buffer)
  for (const { data } of Object.values(found.arrays)) expect(buffers).toContain(data.buffer)
})

test('parts one after another are the file', () => {
  expect(Buffer.concat(safetensorsParts(arrays, { step: '7' }))).toEqual(Buffer.from(golden))
})

const array: fc.Arbitrary<NamedArray> = fc
  .tuple(fc.array(fc.nat(4), { maxLength: 3 }), fc.constantFrom('float32', 'int32', 'int64', 'uint8', 'bool'))
  .chain(([shape, dtype]) => {
    const length = shape.reduce((product, size) => product * size, 1)
    const exactly = { minLength: length, maxLength: length }
    const data = {
      float32: fc.float32Array(exactly),
      int32: fc.int32Array(exactly),
      int64: fc.bigInt64Array(exactly),
      uint8: fc.uint8Array(exactly),
      bool: fc.uint8Array({ ...exactly, max: 1 }),
    }[dtype] as fc.Arbitrary<NamedArray['data']>
    return data.map((data): NamedArray => ({ dtype: dtype as NamedArray['dtype'], shape, data }))
  })

test('any arrays and metadata come back, from an odd place in a buffer too', () => {
  const names = fc.string({ unit: 'grapheme', maxLength: 8 })
  const metadata = fc.dictionary(names, fc.string({ unit: 'grapheme' }), { maxKeys: 3 })
  fc.assert(
    fc.property(fc.dictionary(names, array, { maxKeys: 5 }), metadata, (arrays, metadata) => {
      const bytes = encodeSafetensors(arrays, metadata)
      const moved = new Uint8Array(bytes.length + 3).subarray(3)
      moved.set(bytes)
      expect(decodeSafetensors(moved)).toEqual({ arrays, metadata })
    }),
    { numRuns: 200 },
  )
})

const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] }
const four = [0, 0, 0, 0]
const cases: [string, Uint8Array, string][] = [
  ['an empty file', new Uint8Array(0), 'safetensors (header): got a file of 0 bytes, expected at least 8'],
  [
    'a header longer than the file',
    Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123, 125),
    'got a length of 9 bytes, expected at most 2',
  ],
  [
    'a header of 2^63 bytes',
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125),
    'got a length of 9223372036854775808 bytes',
  ],
  [
    'a header that is no JSON',
    file('{"w":'),
    'safetensors (header): got bytes that are no JSON, expected an object',
  ],
  ['a header that is a list', file([]), 'safetensors (header): got [], expected an object'],
  [
    'metadata that is no text',
    file({ __metadata__: { step: 7 } }),
    'safetensors (__metadata__): got {"step":7}, expected texts by name',
  ],
  [
    'an entry without a shape',
    file({ w: { dtype: 'F32', data_offsets: [0, 4] } }, four),
    'array "w"): got {"dtype":"F32","data_offsets":[0,4]}, expected dtype, shape',
  ],
  [
    'an unknown element type',
    file({ w: { ...entry, dtype: 'F64' } }, four),
    'got element type "F64", expected one of F32, I32, I64, U8, BOOL',
  ],
  [
    'an inherited name as element type',
    file({ w: { ...entry, dtype: 'toString' } }, four),
    'got element type "toString"',
  ],
  [
    'offsets past the end',
    file({ w: { ...entry, data_offsets: [4, 8] } }, four),
    'got offsets 4 to 8, expected them in order within the 4 bytes of data',
  ],
  ['offsets in the wrong order', file({ w: { ...entry, data_offsets: [4, 0] } }, four), 'got offsets 4 to 0'],
  [
    'a negative offset',
    file({ w: { ...entry, data_offsets: [-4, 0] } }, four),
    'expected dtype, shape and data_offsets',
  ],
  [
    'a shape that does not fit',
    file({ w: { ...entry, shape: [2] } }, four),
    'got 4 bytes, expected 8 for float32 [2]',
  ],
  [
    'a shape whose product overflows',
    file({ w: { ...entry, shape: [2 ** 40, 2 ** 40] } }, four),
    'got 4 bytes, expected 4.8',
  ],
  [
    'arrays that overlap',
    file({ v: entry, w: entry }, four),
    'safetensors (array "w"): got a start at byte 0, expected 4',
  ],
  [
    'a gap between arrays',
    file({ w: { ...entry, data_offsets: [4, 8] } }, [...four, ...four]),
    'got a start at byte 4, expected 0',
  ],
  [
    'bytes after the last array',
    file({ w: entry }, [...four, 1]),
    'safetensors (data): got 5 bytes, expected the 4 that the arrays take',
  ],
  [
    'a bool of 2',
    file({ w: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, [2]),
    'got a bool that is neither 0 nor 1',
  ],
]

for (const [what, bytes, message] of cases) {
  test(`${what} is refused in one line`, async () => {
    const decode = () => decodeSafetensors(bytes)
    expect(decode).toThrow(SafetensorsError)
    expect(decode).toThrow(message)
    expect(decode).not.toThrow('\n')
    await expect(readSafetensors(source(bytes))).rejects.toThrow(message)
  })
}

test('what cannot be written is refused by name', () => {
  const short = { dtype: 'float32', shape: [2], data: new Float32Array(1) } as const
  expect(() => encodeSafetensors({ w: short })).toThrow('array "w" (safetensors): got 1 elements, expected 2')
  expect(() => encodeSafetensors({ __metadata__: short })).toThrow('the name is reserved')
})

test('half precision is read as float32', () => {
  // Bits and values: IEEE 754-2008, table of binary16; bfloat16 is the upper half of a float32.
  const bytes = (bits: readonly number[]): number[] => [...new Uint8Array(Uint16Array.from(bits).buffer)]
  const read = (dtype: string, bits: readonly number[]): number[] => {
    const header = { w: { dtype, shape: [bits.length], data_offsets: [0, 2 * bits.length] } }
    const { dtype: type, data } = decodeSafetensors(file(header, bytes(bits))).arrays.w
    expect(type).toBe('float32')
    return Array.from(data as Float32Array)
  }
  const half = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x8000, 0x7c00, 0x7e00]
  expect(read('F16', half)).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125, -0, Infinity, NaN])
  const brain = [0x3f80, 0xc000, 0x7f7f, 0x3eab, 0x0001, 0xff80]
  expect(read('BF16', brain)).toEqual([1, -2, 255 * 2 ** 120, 0.333984375, 2 ** -133, -Infinity])
  const odd = { w: { dtype: 'BF16', shape: [2], data_offsets: [0, 3] } }
  expect(() => decodeSafetensors(file(odd, [0, 0, 0]))).toThrow('got 3 bytes, expected 4 for BF16 [2]')
})
