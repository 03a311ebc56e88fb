/** The enumerations of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as the engine has them. */
import type { ElementType } from '../arrays.js'
import type { OnnxAttribute } from './model.js'

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
