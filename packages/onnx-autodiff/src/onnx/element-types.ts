/** TensorProto.DataType (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): names, and bits of one element. */

const TYPES: readonly (readonly [code: number, name: string, bits: number])[] = [
  [1, 'float32', 32],
  [2, 'uint8', 8],
  [3, 'int8', 8],
  [4, 'uint16', 16],
  [5, 'int16', 16],
  [6, 'int32', 32],
  [7, 'int64', 64],
  [8, 'string', 0],
  [9, 'bool', 8],
  [10, 'float16', 16],
  [11, 'float64', 64],
  [12, 'uint32', 32],
  [13, 'uint64', 64],
  [14, 'complex64', 64],
  [15, 'complex128', 128],
  [16, 'bfloat16', 16],
  [17, 'float8e4m3fn', 8],
  [18, 'float8e4m3fnuz', 8],
  [19, 'float8e5m2', 8],
  [20, 'float8e5m2fnuz', 8],
  [21, 'uint4', 4],
  [22, 'int4', 4],
  [23, 'float4e2m1', 4],
  [24, 'float8e8m0', 8],
  [25, 'uint2', 2],
  [26, 'int2', 2],
]

const BY_CODE = new Map(TYPES.map(([code, name, bits]) => [code, { name, bits }]))

/** Undefined for a code that ONNX does not have. */
export const elementTypeOf = (
  code: number | undefined,
): { readonly name: string; readonly bits: number } | undefined => BY_CODE.get(code ?? 0)

/** What `Cast` calls a type. */
export function elementCode(name: string): number {
  const found = TYPES.find(([, each]) => each === name)
  if (found === undefined) throw new Error(`internal: elementCode: got ${name}, expected a type of ONNX`)
  return found[0]
}
