/** Tensors in a model from elsewhere: whether what they claim is there, and the numbers of small ones. */
import { elementTypeOf } from './element-types.js'
import type { TensorProto } from './onnx_pb.js'
import { OnnxFormatError } from './reader.js'

/** Elements of anything that a model declares, at most: 1 GiB of float32. */
export const LIMIT_ELEMENTS = 2 ** 28

/** Of small constants that say how a model sees its input. */
const READ_ELEMENTS = 4096

/** @throws OnnxFormatError where the data are not those that shape and type ask for */
export function checkTensor(tensor: TensorProto): void {
  const where = `tensor "${tensor.name ?? ''}"`
  const fail = (problem: string): never => {
    throw new OnnxFormatError(`ONNX model (${where}): ${problem}`)
  }
  const type = elementTypeOf(tensor.dataType)
  if (type === undefined) return fail(`got element type ${tensor.dataType ?? 0}, expected one of ONNX`)
  if (tensor.segment !== undefined) fail('got a segment, expected a whole tensor')
  const elements = elementCount(tensor.dims, where)
  const { rawData } = tensor
  if (rawData !== undefined) {
    const expected = Math.ceil((elements * type.bits) / 8)
    if (type.name === 'string') fail('got raw data, expected texts')
    if (rawData.length !== expected)
      fail(`got ${rawData.length} bytes, expected ${expected} for ${type.name} [${tensor.dims.join(', ')}]`)
    return
  }
  const { found, expected } = typedCount(tensor, type, elements)
  if (found !== expected)
    fail(`got ${found} numbers, expected ${expected} for ${type.name} [${tensor.dims.join(', ')}]`)
}

/** @throws OnnxFormatError for negative extents, and for more elements than anything may have */
export function elementCount(dims: readonly bigint[], where: string): number {
  const count = dims.reduce((product, extent) => product * Number(extent), 1)
  const negative = dims.some((extent) => extent < 0n)
  if (!negative && Number.isSafeInteger(count)) return count
  throw new OnnxFormatError(
    `ONNX model (${where}): got the shape [${dims.join(', ')}], expected whole numbers of at least 0 that fit into memory`,
  )
}

function typedCount(
  tensor: TensorProto,
  { name, bits }: { readonly name: string; readonly bits: number },
  elements: number,
): { found: number; expected: number } {
  if (name === 'string') return { found: tensor.stringData.length, expected: elements }
  if (name === 'float32') return { found: tensor.floatData.length, expected: elements }
  if (name === 'complex64') return { found: tensor.floatData.length, expected: 2 * elements }
  if (name === 'float64') return { found: tensor.doubleData.length, expected: elements }
  if (name === 'complex128') return { found: tensor.doubleData.length, expected: 2 * elements }
  if (name === 'int64') return { found: tensor.int64Data.length, expected: elements }
  if (name === 'uint64' || name === 'uint32') return { found: tensor.uint64Data.length, expected: elements }
  const expected = bits < 8 ? Math.ceil((elements * bits) / 8) : elements
  return { found: tensor.int32Data.length, expected }
}

/** The numbers of a small tensor, undefined for a large one or another kind of elements. */
export function tensorNumbers(tensor: TensorProto): number[] | undefined {
  const type = elementTypeOf(tensor.dataType)?.name ?? ''
  const count = tensor.dims.reduce((product, extent) => product * Number(extent), 1)
  if (!(count <= READ_ELEMENTS)) return undefined
  const { rawData } = tensor
  if (rawData === undefined) {
    if (type === 'float32') return tensor.floatData
    if (type === 'float64') return tensor.doubleData
    if (type === 'int64') return tensor.int64Data.map(Number)
    return /^u?int(8|16|32)$/.test(type) && type !== 'uint32' ? tensor.int32Data : undefined
  }
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength)
  const read = READERS[type]
  return read && Array.from({ length: count }, (_, i) => read(view, i))
}

const READERS: Readonly<Record<string, ((view: DataView, i: number) => number) | undefined>> = {
  float32: (view, i) => view.getFloat32(4 * i, true),
  float64: (view, i) => view.getFloat64(8 * i, true),
  float16: (view, i) => halfToNumber(view.getUint16(2 * i, true)),
  uint8: (view, i) => view.getUint8(i),
  int8: (view, i) => view.getInt8(i),
  int32: (view, i) => view.getInt32(4 * i, true),
  int64: (view, i) => Number(view.getBigInt64(8 * i, true)),
}

/** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
