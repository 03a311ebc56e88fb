/** Checks of what goes into a session, and which buffers may be handed to another thread instead of copied. */

import { arrayProblem, type Arrays, type ArraySpec, ELEMENTS, type NamedArray } from '../arrays.js'

/**
 * Throws unless `arrays` has exactly the names of `specs`, each with its type and shape (-1 takes any size).
 *
 * @param where what is being checked and by whom, such as `inputs (session.run)`
 */
export function checkArrays(specs: Readonly<Record<string, ArraySpec>>, arrays: Arrays, where: string): void {
  for (const name in specs) {
    const array: NamedArray | undefined = arrays[name]
    if (array === undefined) {
      throw new Error(`${where}: got ${list(arrays)}, expected ${list(specs)}; "${name}" is missing`)
    }
    const { dtype, shape } = specs[name]
    if (!Array.isArray(array.shape) || !ArrayBuffer.isView(array.data))
      throw new Error(
        `"${name}" of ${where}: got ${ownText(array)}, expected ${ELEMENTS[dtype].array(new ArrayBuffer(0)).constructor.name} data with its dtype and shape: { dtype: '${dtype}', shape: [${shape.join(', ')}], data }`,
      )
    const fits =
      array.dtype === dtype &&
      array.shape.length === shape.length &&
      shape.every((size, axis) => size === -1 || size === array.shape[axis])
    if (!fits) {
      throw new Error(
        `"${name}" of ${where}: got ${array.dtype} [${array.shape.join(', ')}], expected ${dtype} [${shape.join(', ')}]`,
      )
    }
    const problem = arrayProblem(dtype, array.shape, array.data)
    if (problem !== undefined) {
      const hint =
        array.data.buffer.byteLength === 0 ? '; an array that a run was given cannot be used again' : ''
      throw new Error(`"${name}" of ${where}: ${problem}${hint}`)
    }
  }
  for (const name in arrays) {
    if (!Object.hasOwn(specs, name)) {
      throw new Error(`${where}: got ${list(arrays)}, expected ${list(specs)}; "${name}" is not among them`)
    }
  }
}

/** What was given where a named array should be: what its data is, or itself. */
function ownText(given: unknown): string {
  const kind = (value: unknown): string =>
    Array.isArray(value)
      ? 'a plain array'
      : typeof value === 'object' && value !== null
        ? value.constructor.name
        : String(value)
  if (typeof given !== 'object' || given === null || !('data' in given) || !('shape' in given))
    return kind(given)
  return Array.isArray(given.shape) ? `${kind(given.data)} as data` : `${kind(given.shape)} as shape`
}

function list(named: Readonly<Record<string, unknown>>): string {
  return Object.keys(named).join(', ') || 'nothing'
}

/**
 * The same arrays, each covering the whole of a buffer: what is a part of a larger one is copied. Posting a part to
 * another thread would copy, or take away, the whole buffer that it lies in.
 */
export function wholeBuffers(arrays: Arrays): Arrays {
  const whole = ({ data }: NamedArray): boolean =>
    data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength
  return mapArrays(arrays, (array) => (whole(array) ? array : copyArray(array)))
}

/** The buffers to transfer when `arrays`, from `wholeBuffers`, is posted to another thread. */
export function transferList(arrays: Arrays): ArrayBuffer[] {
  return [...new Set(Object.values(arrays).map(({ data }) => data.buffer as ArrayBuffer))]
}

/** Not `slice`, which for a Node Buffer, a legal `uint8` array, gives another view of the same bytes. */
export function copyArray(array: NamedArray): NamedArray {
  const { buffer, byteOffset, byteLength } = array.data
  const bytes = new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength))
  return { ...array, data: ELEMENTS[array.dtype].array(bytes.buffer) }
}

/** Arrays of their own, sharing no buffer with the given ones. */
export function copyArrays(arrays: Arrays): Arrays {
  return mapArrays(arrays, copyArray)
}

function mapArrays(arrays: Arrays, change: (array: NamedArray) => NamedArray): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, change(array)]))
}
