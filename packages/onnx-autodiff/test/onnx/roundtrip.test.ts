/** Models of all kinds survive encoding and decoding, and onnxruntime accepts and runs what the writer makes. */

import fc from 'fast-check'
import ort from 'onnxruntime-node'
import { expect, test } from 'vitest'
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxTensor, OnnxValue } from '../../src/onnx/model.js'
import { decodeModel } from '../../src/onnx/reader.js'
import { encodeModel } from '../../src/onnx/writer.js'

const name = fc.string({ unit: 'grapheme', maxLength: 12 })
const float32 = fc.float({ noNaN: false })

/** Any element type with a fitting array, dimensions of 0 and scalars included. */
const tensor: fc.Arbitrary<OnnxTensor> = fc
  .tuple(name, fc.array(fc.nat(3), { maxLength: 3 }), fc.integer())
  .chain(([name, shape, seed]) => {
    const size = shape.reduce((product, dim) => product * dim, 1)
    const values = Array.from({ length: size }, (_, i) => Math.imul(seed + i, 0x9e3779b1))
    return fc.constantFrom<OnnxTensor>(
      { name, shape, dtype: 'float32', data: Float32Array.from(values) },
      { name, shape, dtype: 'int32', data: Int32Array.from(values) },
      { name, shape, dtype: 'int64', data: BigInt64Array.from(values.map((v) => BigInt(v) << 30n)) },
      { name, shape, dtype: 'uint8', data: Uint8Array.from(values) },
      { name, shape, dtype: 'bool', data: Uint8Array.from(values.map((v) => v & 1)) },
    )
  })

const value: fc.Arbitrary<OnnxValue> = fc.record(
  {
    name,
    dtype: fc.constantFrom('float32', 'int32', 'int64', 'bool', 'uint8'),
    shape: fc.array(fc.oneof(fc.maxSafeNat(), name), { maxLength: 4 }),
  },
  { requiredKeys: ['name', 'dtype'] },
)

const { graph } = fc.letrec<{ graph: OnnxGraph; attribute: OnnxAttribute }>((tie) => ({
  attribute: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.record({ kind: fc.constant('int'), value: fc.maxSafeInteger() }),
    fc.record({ kind: fc.constant('float'), value: float32 }),
    fc.record({ kind: fc.constant('string'), value: name }),
    fc.record({ kind: fc.constant('ints'), value: fc.array(fc.maxSafeInteger()) }),
    fc.record({ kind: fc.constant('floats'), value: fc.array(float32) }),
    fc.record({ kind: fc.constant('strings'), value: fc.array(name) }),
    fc.record({ kind: fc.constant('tensor'), value: tensor }),
    fc.record({ kind: fc.constant('graph'), value: tie('graph') }),
  ) as fc.Arbitrary<OnnxAttribute>,
  graph: fc.record({
    name,
    nodes: fc.array(
      fc.record({
        op: name,
        domain: name,
        name,
        inputs: fc.array(name, { maxLength: 3 }),
        outputs: fc.array(name, { maxLength: 3 }),
        attributes: fc.dictionary(name, tie('attribute'), { maxKeys: 3 }),
      }),
      { maxLength: 3 },
    ),
    initializers: fc.array(tensor, { maxLength: 3 }),
    inputs: fc.array(value, { maxLength: 3 }),
    outputs: fc.array(value, { maxLength: 3 }),
  }),
}))

const model: fc.Arbitrary<OnnxModel> = fc.record({
  graph,
  opsets: fc.dictionary(name, fc.nat(30), { maxKeys: 3 }),
  irVersion: fc.nat(20),
  producer: name,
  metadata: fc.dictionary(name, fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
})

test('any model survives encoding and decoding', () => {
  fc.assert(
    fc.property(model, (model) => {
      expect(decodeModel(encodeModel(model))).toEqual(model)
    }),
    { numRuns: 200 },
  )
})

test('the same model gives the same bytes, also when it starts at an odd place in its buffer', () => {
  fc.assert(
    fc.property(model, (model) => {
      const bytes = encodeModel(model)
      const moved = new Uint8Array(bytes.length + 3).subarray(3)
      moved.set(bytes)
      expect(encodeModel(decodeModel(moved))).toEqual(bytes)
    }),
    { numRuns: 50 },
  )
})

/** sum over i < trips of x * w, by a Loop that carries the sum; the body reads x and w of the graph around it. */
function loopModel(trips: number): OnnxModel {
  const scalar = { dtype: 'float32', shape: ['N'] } as const
  const body: OnnxGraph = {
    name: 'body',
    nodes: [
      { op: 'Mul', domain: '', name: '', inputs: ['x', 'w'], outputs: ['xw'], attributes: {} },
      { op: 'Add', domain: '', name: '', inputs: ['sum', 'xw'], outputs: ['next'], attributes: {} },
      { op: 'Identity', domain: '', name: '', inputs: ['go'], outputs: ['goOn'], attributes: {} },
    ],
    initializers: [],
    inputs: [
      { name: 'i', dtype: 'int64', shape: [] },
      { name: 'go', dtype: 'bool', shape: [] },
      { name: 'sum', ...scalar },
    ],
    outputs: [
      { name: 'goOn', dtype: 'bool', shape: [] },
      { name: 'next', ...scalar },
    ],
  }
  return {
    graph: {
      name: 'graph',
      nodes: [
        { op: 'Sub', domain: '', name: 'zero', inputs: ['x', 'x'], outputs: ['zero'], attributes: {} },
        {
          op: 'Loop',
          domain: '',
          name: 'loop',
          inputs: ['trips', '', 'zero'],
          outputs: ['sum'],
          attributes: { body: { kind: 'graph', value: body } },
        },
        {
          op: 'FusedMatMul',
          domain: 'com.microsoft',
          name: 'square',
          inputs: ['sum', 'sum'],
          outputs: ['y'],
          attributes: { alpha: { kind: 'float', value: 0.5 }, transA: { kind: 'int', value: 0 } },
        },
      ],
      initializers: [
        { name: 'trips', dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(trips)) },
        { name: 'w', dtype: 'float32', shape: [1], data: Float32Array.of(2) },
      ],
      inputs: [{ name: 'x', ...scalar }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
    },
    opsets: { '': 21, 'com.microsoft': 1 },
    irVersion: 10,
    producer: 'onnx-autodiff',
    metadata: { classes: '["Äpfel","Birnen"]' },
  }
}

test('onnxruntime runs a decoded and encoded model with a loop, a contrib operator and a symbolic dimension', async () => {
  const session = await ort.InferenceSession.create(encodeModel(decodeModel(encodeModel(loopModel(5)))))
  expect(session.inputMetadata[0]).toMatchObject({ name: 'x', type: 'float32', shape: ['N'] })
  const { y } = await session.run({ x: new ort.Tensor('float32', [1, -3], [2]) })
  // The sums are 5 * 2 * [1, -3]; half their inner product is (100 + 900) / 2.
  expect(y.data).toEqual(Float32Array.of(500))
  await session.release()
})

test('a graph of 5,000 nodes is encoded and decoded without copying it over and over', () => {
  const nodes = Array.from({ length: 5000 }, (_, i) => ({
    op: 'Add',
    domain: '',
    name: `node ${i}`,
    inputs: [`value ${i}`, 'w'],
    outputs: [`value ${i + 1}`],
    attributes: { axis: { kind: 'int', value: -1 } } as const,
  }))
  const model = { ...loopModel(1), graph: { ...loopModel(1).graph, nodes } }
  const start = performance.now()
  expect(decodeModel(encodeModel(model)).graph.nodes.length).toBe(5000)
  expect(performance.now() - start).toBeLessThan(5000)
})

test('a tensor that does not fit its shape or type is refused by name', () => {
  const withTensor = (tensor: OnnxTensor): OnnxModel => ({
    ...loopModel(1),
    graph: { ...loopModel(1).graph, initializers: [tensor] },
  })
  const short = { name: 'w', dtype: 'float32', shape: [2, 3], data: new Float32Array(5) } as const
  expect(() => encodeModel(withTensor(short))).toThrow(
    'tensor "w" (encodeModel): got 5 elements, expected 6 for shape [2, 3]',
  )
  const wrong = { name: 'w', dtype: 'int64', shape: [1], data: new Int32Array(1) } as const
  expect(() => encodeModel(withTensor(wrong))).toThrow(
    'tensor "w" (encodeModel): got Int32Array, expected BigInt64Array for int64',
  )
})
