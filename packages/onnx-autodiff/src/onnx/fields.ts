/**
 * Field numbers and element types of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, IR version
 * 13), shared by the writer and the reader.
 */

import type { ElementType } from '../arrays.js'
import type { OnnxAttribute } from './model.js'

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
export const DTYPE_CODES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
}
