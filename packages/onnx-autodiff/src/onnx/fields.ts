/**
 * Field numbers and element types of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, IR version
 * 13), shared by the writer and the reader.
 */

import type { OnnxArray, OnnxAttribute, OnnxDtype } from './model.js'

export const MODEL = {
  irVersion: 1,
  producer: 2,
  graph: 7,
  opset: 8,
  metadata: 14,
  training: 20,
  functions: 25,
} as const
export const OPSET = { domain: 1, version: 2 } as const
export const ENTRY = { key: 1, value: 2 } as const
export const GRAPH = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  sparseInitializer: 15,
} as const
export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  int: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  floats: 7,
  ints: 8,
  strings: 9,
  type: 20,
  reference: 21,
} as const
export const TENSOR = {
  dims: 1,
  dtype: 2,
  segment: 3,
  floatData: 4,
  int32Data: 5,
  int64Data: 7,
  name: 8,
  rawData: 9,
  externalData: 13,
  dataLocation: 14,
} as const
export const VALUE = { name: 1, type: 2 } as const
export const TYPE = { tensor: 1 } as const
export const TENSOR_TYPE = { dtype: 1, shape: 2 } as const
export const SHAPE = { dim: 1 } as const
export const DIM = { value: 1, param: 2 } as const

/** AttributeProto.AttributeType */
export const ATTRIBUTE_TYPES: Readonly<Record<OnnxAttribute['kind'], number>> = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
}

/** TensorProto.DataType */
export const DTYPE_CODES: Readonly<Record<OnnxDtype, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
}

export const DTYPES = Object.keys(DTYPE_CODES) as readonly OnnxDtype[]

/** Bytes of one element, and an array over `buffer` (all hosts that onnxruntime runs on are little-endian, as ONNX is). */
export const ELEMENTS: Readonly<
  Record<OnnxDtype, { readonly bytes: number; readonly array: (buffer: ArrayBuffer) => OnnxArray }>
> = {
  float32: { bytes: 4, array: (buffer) => new Float32Array(buffer) },
  int32: { bytes: 4, array: (buffer) => new Int32Array(buffer) },
  int64: { bytes: 8, array: (buffer) => new BigInt64Array(buffer) },
  uint8: { bytes: 1, array: (buffer) => new Uint8Array(buffer) },
  bool: { bytes: 1, array: (buffer) => new Uint8Array(buffer) },
}

/** What is wrong with an array of this type and shape, or undefined: its class and its number of elements. */
export function arrayProblem(
  dtype: OnnxDtype,
  shape: readonly number[],
  data: OnnxArray,
): string | undefined {
  const expected = ELEMENTS[dtype]?.array(new ArrayBuffer(0)).constructor
  if (expected === undefined) return `got element type "${dtype}", expected one of ${DTYPES.join(', ')}`
  if (!(data instanceof expected)) {
    return `got ${data?.constructor?.name ?? String(data)}, expected ${expected.name} for ${dtype}`
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    return `got shape [${shape.join(', ')}], expected whole numbers of at least 0`
  }
  const size = shape.reduce((product, dim) => product * dim, 1)
  if (data.length !== size) {
    return `got ${data.length} elements, expected ${size} for shape [${shape.join(', ')}]`
  }
  return undefined
}
