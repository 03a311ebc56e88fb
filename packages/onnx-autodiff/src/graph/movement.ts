/** Primitives that move elements and compute nothing: reshape, transpose, slice, pad, concat. */
import {
  attributeError,
  checkExtents,
  GraphError,
  resolveAxis,
  sameShape,
  type Shape,
  shapeError,
  shapeText,
  sizeOf,
  stridesOf,
} from './shape.js'
import {
  apply1,
  constant,
  constantValue,
  type Emitter,
  type Primitive,
  type Tensor,
  useOf,
  type Values,
} from './tensor.js'
import { axisForm, openShape, withinImages } from './ordinary-form.js'

/** Elements of `x` at the places that `source` gives for each output index vector; zero where it gives null. */
export function moved(
  x: Values,
  shape: Shape,
  source: (index: readonly number[]) => readonly number[] | null,
): Float64Array {
  const from = stridesOf(x.shape)
  const to = stridesOf(shape)
  return Float64Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const at = source(shape.map((extent, axis) => Math.floor(flat / to[axis]) % extent))
    return at === null ? 0 : x.data[at.reduce((offset, i, axis) => offset + i * from[axis], 0)]
  })
}

/** Without `allowzero` an extent of 0 means that of the input. */
const emitReshape = (emitter: Emitter, x: string, shape: Shape): string =>
  emitter.node('Reshape', [x, emitter.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {})

const reshapePrimitive: Primitive<{ shape: Shape }> = {
  name: 'reshape',
  shape: ([x], { shape }) => {
    checkExtents('reshape', shape)
    if (sizeOf(x.shape) !== sizeOf(shape))
      shapeError('reshape', [x.shape, shape], 'as many elements on both sides')
    return [{ shape, dtype: x.dtype }]
  },
  emit: (emitter, [x], node) => [emitReshape(emitter, x, node.attributes.shape)],
  ordinary: (emitter, { inputs: [x], attributes: { shape } }) => [
    emitter.node('Reshape', [emitter.get(x), emitter.ints(openShape(shape))]),
    'plain',
  ],
  gradient: ({ inputs: [x] }, [dy]) => [dy ? reshape(dy, x.shape) : null],
  reference: ([x]) => [x.data],
  simplify: ({ inputs: [x], attributes: { shape } }) => {
    if (sameShape(x.shape, shape)) return x
    const data = constantValue(x)
    if (data) return constant(data, shape, x.dtype)
    const inner = useOf(x, reshapePrimitive)
    return inner && reshape(inner.inputs[0], shape)
  },
}

/** The same elements in another shape; one extent may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1)
  if (open < 0) return sameShape(x.shape, shape) ? x : apply1(reshapePrimitive, [x], { shape })
  const rest = shape.reduce((product, extent, i) => (i === open ? product : product * extent), 1)
  const extent = sizeOf(x.shape) / rest
  if (!Number.isInteger(extent) || shape.indexOf(-1, open + 1) >= 0) {
    shapeError('reshape', [x.shape, shape], 'a shape with one -1 that the number of elements divides into')
  }
  return reshape(x, shape.with(open, extent))
}

const transposePrimitive: Primitive<{ order: readonly number[] }> = {
  name: 'transpose',
  shape: ([x], { order }) => {
    if (
      order.length !== x.shape.length ||
      new Set(order).size !== order.length ||
      order.some((a) => !(a >= 0 && a < order.length))
    ) {
      attributeError('transpose', `order for ${shapeText(x.shape)}`, shapeText(order), 'each axis once')
    }
    return [{ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }]
  },
  emit: (emitter, [x], { attributes: { order }, inputs, outputs }) => {
    const { shape, perm } = mergedAxes(inputs[0].shape, order)
    const isMove = perm.some((axis, i) => axis !== i)
    if (!isMove) return [emitReshape(emitter, x, outputs[0].shape)]
    if (shape.length === order.length) return [emitter.node('Transpose', [x], { perm: order })]
    const moved = emitter.node('Transpose', [emitReshape(emitter, x, shape)], { perm })
    return [emitReshape(emitter, moved, outputs[0].shape)]
  },
  ordinary: (emitter, { inputs: [x], attributes: { order } }) => [
    emitter.node('Transpose', [emitter.get(x)], { perm: order }),
    'plain',
  ],
  gradient: ({ attributes: { order } }, [dy]) => [
    dy
      ? transpose(
          dy,
          order.map((_, axis) => order.indexOf(axis)),
        )
      : null,
  ],
  reference: ([x], { attributes: { order }, outputs: [y] }) => [
    moved(x, y.shape, (index) => order.map((_, axis) => index[order.indexOf(axis)])),
  ],
  simplify: ({ inputs: [x], attributes: { order } }) => {
    if (order.every((axis, i) => axis === i)) return x
    const inner = useOf(x, transposePrimitive)
    return (
      inner &&
      transpose(
        inner.inputs[0],
        order.map((axis) => inner.attributes.order[axis]),
      )
    )
  },
}

/**
 * The same move over fewer axes: those of extent 1 left out, those that stay side by side joined. Runtimes are several
 * times faster with few long axes.
 */
function mergedAxes(shape: Shape, order: readonly number[]): { shape: number[]; perm: number[] } {
  const runs: number[][] = []
  for (const axis of order.filter((each) => shape[each] !== 1)) {
    const run = runs.at(-1)
    const between = run ? shape.slice(run[run.length - 1] + 1, axis) : []
    if (run && axis > run[run.length - 1] && between.every((extent) => extent === 1)) run.push(axis)
    else runs.push([axis])
  }
  const inOrder = runs.toSorted((a, b) => a[0] - b[0])
  return {
    shape: inOrder.map((run) => run.reduce((extent, axis) => extent * shape[axis], 1)),
    perm: runs.map((run) => inOrder.indexOf(run)),
  }
}

/** Output axis i is input axis order[i]; by default all axes reversed. */
export const transpose = (
  x: Tensor,
  order: readonly number[] = x.shape.map((_, i) => x.shape.length - 1 - i),
): Tensor => apply1(transposePrimitive, [x], { order })

interface SliceAttributes {
  readonly axis: number
  readonly start: number
  readonly end: number
}

const emitSlice = (
  emitter: Emitter,
  x: string,
  axis: number,
  { start, end }: Omit<SliceAttributes, 'axis'>,
): string => emitter.node('Slice', [x, emitter.ints([start]), emitter.ints([end]), emitter.ints([axis])])

const slicePrimitive: Primitive<SliceAttributes> = {
  name: 'slice',
  shape: ([x], { axis, start, end }) => {
    if (!(
      Number.isInteger(start) &&
      Number.isInteger(end) &&
      start >= 0 &&
      start < end &&
      end <= x.shape[axis]
    )) {
      attributeError(
        'slice',
        `range on axis ${axis} of ${shapeText(x.shape)}`,
        `${start} to ${end}`,
        'a range inside the axis',
      )
    }
    return [{ shape: x.shape.with(axis, end - start), dtype: x.dtype }]
  },
  emit: (emitter, [x], { attributes: { axis, ...range } }) => [emitSlice(emitter, x, axis, range)],
  ordinary: withinImages((emitter, [x], axis, { attributes }) => emitSlice(emitter, x, axis, attributes)),
  gradient: ({ inputs: [x], attributes: { axis, start, end } }, [dy]) => [
    dy ? pad(dy, axis, start, x.shape[axis] - end) : null,
  ],
  reference: ([x], { attributes: { axis, start }, outputs: [y] }) => [
    moved(x, y.shape, (index) => index.with(axis, index[axis] + start)),
  ],
  simplify: ({ inputs: [x], outputs: [y] }) => (sameShape(x.shape, y.shape) ? x : undefined),
}

/** Elements start .. end-1 along an axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  return apply1(slicePrimitive, [x], { axis: resolveAxis('slice', axis, x.shape.length), start, end })
}

interface PadAttributes {
  readonly axis: number
  readonly before: number
  readonly after: number
}

function emitPad(
  emitter: Emitter,
  x: string,
  rank: number,
  axis: number,
  { before, after }: Omit<PadAttributes, 'axis'>,
): string {
  const amounts = (amount: number): number[] => new Array<number>(rank).fill(0).with(axis, amount)
  return emitter.node('Pad', [x, emitter.ints([...amounts(before), ...amounts(after)])])
}

const padPrimitive: Primitive<PadAttributes> = {
  name: 'pad',
  shape: ([x], { axis, before, after }) => {
    if (!(Number.isInteger(before) && Number.isInteger(after) && before >= 0 && after >= 0)) {
      attributeError(
        'pad',
        `amounts for ${shapeText(x.shape)}`,
        `${before} and ${after}`,
        'integers of at least 0',
      )
    }
    return [{ shape: x.shape.with(axis, x.shape[axis] + before + after), dtype: x.dtype }]
  },
  emit: (emitter, [x], { inputs: [{ shape }], attributes: { axis, ...amounts } }) => [
    emitPad(emitter, x, shape.length, axis, amounts),
  ],
  ordinary: withinImages((emitter, [x], axis, { inputs: [{ shape }], attributes }) =>
    emitPad(emitter, x, shape.length, axis, attributes),
  ),
  gradient: ({ inputs: [x], attributes: { axis, before } }, [dy]) => [
    dy ? slice(dy, axis, before, before + x.shape[axis]) : null,
  ],
  reference: ([x], { attributes: { axis, before }, outputs: [y] }) => [
    moved(x, y.shape, (index) => {
      const at = index[axis] - before
      return at >= 0 && at < x.shape[axis] ? index.with(axis, at) : null
    }),
  ],
  simplify: ({ inputs: [x], outputs: [y] }) => (sameShape(x.shape, y.shape) ? x : undefined),
}

/** Zeros before and after along an axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  return apply1(padPrimitive, [x], { axis: resolveAxis('pad', axis, x.shape.length), before, after })
}

const concatPrimitive: Primitive<{ axis: number }> = {
  name: 'concat',
  shape: (inputs, { axis }) => {
    const first = inputs[0]
    for (const x of inputs) {
      const equal =
        x.shape.length === first.shape.length && sameShape(x.shape.with(axis, 1), first.shape.with(axis, 1))
      if (!equal) {
        shapeError(
          'concat',
          inputs.map((each) => each.shape),
          `equal extents on all axes but axis ${axis}`,
        )
      }
      if (x.dtype !== first.dtype)
        throw new GraphError(`concat (dtype): got ${first.dtype} and ${x.dtype}, expected equal ones`)
    }
    return [
      {
        shape: first.shape.with(
          axis,
          inputs.reduce((n, x) => n + x.shape[axis], 0),
        ),
        dtype: first.dtype,
      },
    ]
  },
  emit: (emitter, inputs, node) => [emitter.node('Concat', inputs, { axis: node.attributes.axis })],
  ordinary: axisForm((emitter, names, axis) => emitter.node('Concat', names, { axis })),
  gradient: ({ inputs, attributes: { axis } }, [dy]) => {
    let start = 0
    return inputs.map((x) => {
      const end = start + x.shape[axis]
      const part = dy ? slice(dy, axis, start, end) : null
      start = end
      return part
    })
  },
  reference: (inputs, { attributes: { axis }, outputs: [y] }) => {
    const inner = sizeOf(y.shape.slice(axis + 1))
    const outer = sizeOf(y.shape.slice(0, axis))
    const result = new Float64Array(sizeOf(y.shape))
    let at = 0
    for (let row = 0; row < outer; row++) {
      for (const x of inputs) {
        const length = x.shape[axis] * inner
        result.set(x.data.subarray(row * length, (row + 1) * length), at)
        at += length
      }
    }
    return [result]
  },
  simplify: ({ inputs }) => (inputs.length === 1 ? inputs[0] : undefined),
}

/** Joins tensors along an axis. */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  if (inputs.length === 0) throw new GraphError('concat (inputs): got none, expected at least one tensor')
  return apply1(concatPrimitive, inputs, { axis: resolveAxis('concat', axis, inputs[0].shape.length) })
}

export const primitives: Readonly<Record<string, Primitive<never>>> = {
  reshape: reshapePrimitive,
  transpose: transposePrimitive,
  slice: slicePrimitive,
  pad: padPrimitive,
  concat: concatPrimitive,
}
