/** Files that are no ONNX models fail in one line, at once, and never with a stack trace of another kind. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OnnxModel } from '../../src/onnx/model.js'
import { decodeModel, OnnxFormatError } from '../../src/onnx/reader.js'
import { encodeModel } from '../../src/onnx/writer.js'

/** Length-delimited field of less than 16384 bytes. */
const field = (number: number, ...content: number[]): number[] => {
  const length = content.length < 128 ? [content.length] : [(content.length % 128) | 128, content.length >> 7]
  return [number * 8 + 2, ...length, ...content]
}
const text = (value: string): number[] => [...new TextEncoder().encode(value)]
/** A model whose graph has one initializer "w" with these fields. */
const withTensor = (...fields: number[]): number[] =>
  field(7, ...field(5, ...field(8, ...text('w')), ...fields))
/** A model whose graph has one input "x" with this TypeProto. */
const withInput = (...type: number[]): number[] =>
  field(7, ...field(11, ...field(1, ...text('x')), ...field(2, ...type)))

/** What is no message at all: the rest of the line is the Protocol Buffers library's own. */
const NO_MESSAGE = '; is the file cut short, or no ONNX file?'

const cases: [string, number[], string][] = [
  ['an empty file', [], 'ONNX model (graph): got none, expected one; is this an ONNX file?'],
  ['a text file', text('hello'), NO_MESSAGE],
  ['a length over the file', [7 * 8 + 2, 100, 0], NO_MESSAGE],
  ['a length over the file of a name', field(7, 2 * 8 + 2, 100), `ONNX model: premature EOF${NO_MESSAGE}`],
  ['a length of 2^63', [58, 255, 255, 255, 255, 255, 255, 255, 255, 127], NO_MESSAGE],
  ['a list of numbers longer than the file', withTensor(8, 1, 16, 1, 4 * 8 + 2, 100, 0), NO_MESSAGE],
  ['a varint cut short', [8, 0x80], NO_MESSAGE],
  ['a varint of 11 bytes', [8, ...Array<number>(10).fill(0x80), 1], NO_MESSAGE],
  [
    'an integer past 2^53',
    [8, ...Array<number>(8).fill(0xff), 0x7f, ...field(7)],
    'ONNX model (ir_version): got 9223372036854775807, expected an integer within 2^53',
  ],
  ['field number 0', [0], NO_MESSAGE],
  ['a group without an end', [7 * 8 + 3], NO_MESSAGE],
  ['a graph that is a number', [7 * 8, 1], NO_MESSAGE],
  ['a name that is not UTF-8', field(7, ...field(2, 0xff)), NO_MESSAGE],
  [
    'a float16 tensor',
    withTensor(16, 10),
    'ONNX model (tensor "w"): got element type 10, expected one of 1 (float32)',
  ],
  [
    'raw data too short',
    withTensor(8, 2, 16, 1, ...field(9, 0, 0, 0, 0)),
    '(tensor "w"): got 1 elements, expected 2 for shape [2]',
  ],
  [
    'raw data of 3 bytes',
    withTensor(16, 1, ...field(9, 0, 0, 0)),
    'got 3 bytes of raw data, expected a multiple of 4 for float32',
  ],
  [
    'a shape of 2^42 elements',
    withTensor(...field(1, 128, 128, 128, 1, 128, 128, 128, 1), 16, 1),
    'got 0 elements, expected 4398046511104',
  ],
  [
    'a negative dimension',
    withTensor(8, ...Array<number>(9).fill(0xff), 1, 16, 1),
    'got shape [-1], expected whole numbers',
  ],
  ['a bool of 7', withTensor(16, 9, ...field(9, 7)), 'got a bool of 7, expected 0 or 1'],
  [
    'data in another file',
    withTensor(16, 1, ...field(13)),
    'got data in another file, expected it in the model',
  ],
  ['a sparse tensor', field(7, ...field(15)), 'got a sparse tensor, expected dense ones only'],
  [
    'a model-local function',
    [202, 1, 0],
    'ONNX model (functions): got a model-local function, expected none',
  ],
  ['a sequence input', withInput(...field(4)), 'ONNX model (value "x"): got no type, expected a tensor type'],
  [
    'an attribute without a type',
    field(7, ...field(1, ...field(5, ...field(1, ...text('a'))))),
    'attribute "a"): got type 0',
  ],
  [
    'an attribute that comes twice',
    field(7, ...field(1, ...field(4, ...text('Op')), ...field(5, 160, 1, 2), ...field(5, 160, 1, 2))),
    'got it twice, expected it once',
  ],
]

for (const [what, bytes, message] of cases) {
  test(`${what} is refused in one line`, () => {
    const error = caught(Uint8Array.from(bytes))
    expect(error).toBeInstanceOf(OnnxFormatError)
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('\n')
  })
}

function caught(bytes: Uint8Array): Error {
  try {
    decodeModel(bytes)
  } catch (error) {
    return error as Error
  }
  throw new Error('expected decodeModel to throw')
}

/** A loop in a loop in a loop, `depth` times. */
function nested(depth: number): OnnxModel {
  let graph: OnnxModel['graph'] = { name: 'core', nodes: [], initializers: [], inputs: [], outputs: [] }
  for (let i = 0; i < depth; i++) {
    const attributes = { body: { kind: 'graph', value: graph } } as const
    const node = { op: 'Loop', domain: '', name: '', inputs: ['', ''], outputs: ['y'], attributes }
    graph = { ...graph, nodes: [node] }
  }
  return { graph, opsets: { '': 21 }, irVersion: 10, producer: '', metadata: {} }
}

test('sub-graphs nest 16 deep and no deeper', () => {
  expect(decodeModel(encodeModel(nested(16)))).toEqual(nested(16))
  expect(() => decodeModel(encodeModel(nested(17)))).toThrow('got over 16 inside one another, expected fewer')
  let graph: number[] = []
  for (let i = 0; i < 1000; i++) graph = field(1, ...field(5, ...field(6, ...graph)))
  expect(caught(Uint8Array.from(field(7, ...graph))).message).toContain(
    `maximum recursion depth of 100 reached${NO_MESSAGE}`,
  )
})

test('any bytes, and any model with a few bytes changed or cut off, are read or refused', () => {
  const readOrRefused = (bytes: Uint8Array): void => {
    try {
      decodeModel(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(OnnxFormatError)
    }
  }
  const good = encodeModel(nested(3))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefused), { numRuns: 500 })
  for (let length = 0; length < good.length; length++) readOrRefused(good.subarray(0, length))
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(damage, (damage) => {
      const bytes = good.slice()
      for (const [at, value] of damage) bytes[at] = value
      readOrRefused(bytes)
    }),
    { numRuns: 500 },
  )
})

test('a field that comes twice is merged, as Protocol Buffers have it', () => {
  const graph = (name: string): number[] => field(7, ...field(5, ...field(8, ...text(name)), 8, 0, 16, 1))
  const { initializers } = decodeModel(Uint8Array.from([...graph('a'), ...graph('b')])).graph
  expect(initializers.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('elements in typed fields are read, packed or one by one, as other writers leave them', () => {
  const floats = withTensor(8, 2, 16, 1, ...field(4, 0, 0, 128, 63, 0, 0, 0, 64))
  expect(decodeModel(Uint8Array.from(floats)).graph.initializers[0].data).toEqual(Float32Array.of(1, 2))
  const single = withTensor(8, 1, 16, 1, 4 * 8 + 5, 0, 0, 128, 63)
  expect(decodeModel(Uint8Array.from(single)).graph.initializers[0].data).toEqual(Float32Array.of(1))
  const longs = withTensor(8, 2, 16, 7, ...field(7, 3, ...Array<number>(9).fill(0xff), 1))
  expect(decodeModel(Uint8Array.from(longs)).graph.initializers[0].data).toEqual(BigInt64Array.of(3n, -1n))
  const bools = withTensor(8, 2, 16, 9, 5 * 8, 1, 5 * 8, 0)
  expect(decodeModel(Uint8Array.from(bools)).graph.initializers[0].data).toEqual(Uint8Array.of(1, 0))
})
