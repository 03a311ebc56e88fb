/** Arrays with a type and a shape: what goes into a session, comes out of it, and lies in a file. */

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool' | 'uint8'

/** The arrays that hold each element type; `bool` is a Uint8Array of 0 and 1. */
export type Elements = Float32Array | Int32Array | BigInt64Array | Uint8Array

/** A type and a shape; an extent of -1 is open. */
export interface ArraySpec {
  readonly dtype: ElementType
  readonly shape: readonly number[]
}

export interface NamedArray extends ArraySpec {
  /** Row-major elements. */
  readonly data: Elements
}

/** Arrays by name: inputs, outputs or state. */
export type Arrays = Readonly<Record<string, NamedArray>>

export const specText = ({ dtype, shape }: ArraySpec): string => `${dtype} [${shape.join(', ')}]`

/** Bytes of one element, and an array over `buffer` (all hosts that onnxruntime runs on are little-endian, as ONNX is). */
export const ELEMENTS: Readonly<
  Record<ElementType, { readonly bytes: number; readonly array: (buffer: ArrayBuffer) => Elements }>
> = {
  float32: { bytes: 4, array: (buffer) => new Float32Array(buffer) },
  uint8: { bytes: 1, array: (buffer) => new Uint8Array(buffer) },
  int32: { bytes: 4, array: (buffer) => new Int32Array(buffer) },
  int64: { bytes: 8, array: (buffer) => new BigInt64Array(buffer) },
  bool: { bytes: 1, array: (buffer) => new Uint8Array(buffer) },
}

export const ELEMENT_TYPES = Object.keys(ELEMENTS) as readonly ElementType[]

/** What is wrong with an array of this type and shape, or undefined: its class and its number of elements. */
export function arrayProblem(
  dtype: ElementType,
  shape: readonly number[],
  data: Elements,
): string | undefined {
  const expected = ELEMENTS[dtype]?.array(new ArrayBuffer(0)).constructor
  if (expected === undefined)
    return `got element type "${dtype}", expected one of ${ELEMENT_TYPES.join(', ')}`
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
