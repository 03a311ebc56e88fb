/** Static shapes: text for errors, broadcasting, axes. */

export type Shape = readonly number[]

/** An error in how the graph was put together: `what (where): got X, expected Y; hint`. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
}

/** A shape as messages show it: `[2, 3]`, and `[]` of a scalar. */
export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`

/** Throws a GraphError that names the operator and all shapes it was given. */
export function shapeError(
  operator: string,
  shapes: readonly Shape[],
  expected: string,
  hint?: string,
): never {
  const got = shapes.map(shapeText).join(' and ') || 'nothing'
  throw new GraphError(`${operator} (shape): got ${got}, expected ${expected}${hint ? `; ${hint}` : ''}`)
}

/**
 * Refuses an operator's attribute.
 *
 * @throws GraphError `operator (what): got ..., expected ...`, always
 */
export function attributeError(operator: string, what: string, got: unknown, expected: string): never {
  throw new GraphError(`${operator} (${what}): got ${String(got)}, expected ${expected}`)
}

/** Throws unless every extent is a whole number of at least 0. */
export function checkExtents(operator: string, shape: Shape): void {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    shapeError(operator, [shape], 'whole numbers of at least 0')
  }
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1
  for (const extent of shape) size *= extent
  return size
}

/** Whether both have the same number of axes, and the same extent along each; nothing is broadcast. */
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i])

/** The shape that both broadcast to, aligned at the last axis as in NumPy. */
export function broadcastShapes(operator: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) {
      shapeError(operator, [a, b], 'extents that are equal or 1, aligned at the last axis')
    }
    return x === 1 ? y : x
  })
}

/** The axes (of `to`, ascending) along which `from` was repeated to reach `to`. */
export function broadcastAxes(from: Shape, to: Shape): number[] {
  const offset = to.length - from.length
  return to.map((_, i) => i).filter((i) => i < offset || (from[i - offset] === 1 && to[i] !== 1))
}

/** An axis counted from the front; negative ones count from the back. */
export function resolveAxis(operator: string, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= rank) {
    attributeError(
      operator,
      'axis',
      axis,
      `an integer from ${-rank} to ${rank - 1} for a tensor of rank ${rank}`,
    )
  }
  return resolved
}

/** Elements between neighbours along each axis, row-major. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]
  }
  return strides
}

/** One number for both axes, or one for the height and one for the width. */
export type Pair = number | readonly [number, number]

/** A value for each of both axes: [height, width]. */
export const pair = (value: Pair): readonly [number, number] =>
  typeof value === 'number' ? [value, value] : value
