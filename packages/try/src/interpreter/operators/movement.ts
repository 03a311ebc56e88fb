/** Operators that move elements and change none. */
import { type Operator, type Operators, given, wholeNumbers } from '../operator.js'
import {
  axisOf,
  broadcastShape,
  broadcastStrides,
  emptyData,
  gathered,
  ModelError,
  sizeOf,
  stridesOf,
  type Tensor,
  Unsupported,
  walk,
} from '../tensor.js'

const withShape = ({ dtype, data }: Tensor, shape: readonly number[]): Tensor => {
  if (sizeOf(shape) !== data.length)
    throw new ModelError(`${data.length} elements for a shape [${shape.join()}]`)
  return { dtype, shape, data }
}

const reshape: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const wanted = wholeNumbers(inputs, 1, attributes, 'shape') ?? []
  const zero = attributes.int('allowzero', 0) === 1
  const shape = wanted.map((extent, axis) => (extent === 0 && !zero ? x.shape[axis] : extent))
  const open = shape.indexOf(-1)
  if (open >= 0)
    shape[open] = x.data.length / shape.reduce((size, extent) => (extent < 0 ? size : size * extent), 1)
  return [withShape(x, shape)]
}

const flatten: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const axis = attributes.int('axis', 1)
  const first = sizeOf(x.shape.slice(0, axis < 0 ? axis + x.shape.length : axis))
  return [withShape(x, [first, first === 0 ? 0 : x.data.length / first])]
}

const squeeze: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const axes = wholeNumbers(inputs, 1, attributes, 'axes')?.map((axis) => axisOf(axis, x.shape.length))
  return [
    withShape(
      x,
      x.shape.filter((extent, axis) => (axes === undefined ? extent !== 1 : !axes.includes(axis))),
    ),
  ]
}

const unsqueeze: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const listed = wholeNumbers(inputs, 1, attributes, 'axes') ?? []
  const rank = x.shape.length + listed.length
  const axes = listed.map((axis) => axisOf(axis, rank))
  let next = 0
  return [
    withShape(
      x,
      Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : x.shape[next++])),
    ),
  ]
}

const transpose: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const order = attributes.ints('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis)
  const strides = stridesOf(x.shape)
  return [
    gathered(
      x,
      order.map((axis) => x.shape[axis]),
      order.map((axis) => strides[axis]),
    ),
  ]
}

const expand: Operator = (inputs) => {
  const x = given(inputs, 0)
  const shape = broadcastShape(x.shape, wholeNumbers(inputs, 1) ?? [])
  return [gathered(x, shape, broadcastStrides(x.shape, shape))]
}

const concat: Operator = (inputs, attributes) => {
  const parts = inputs.map((_, place) => given(inputs, place))
  const [first] = parts
  const axis = axisOf(attributes.int('axis', 0), first.shape.length)
  const along = parts.reduce((sum, { shape }) => sum + shape[axis], 0)
  const shape = first.shape.with(axis, along)
  const outer = sizeOf(shape.slice(0, axis))
  const result = emptyData(first.dtype, sizeOf(shape))
  const width = sizeOf(shape.slice(axis))
  let left = 0
  for (const { shape: own, data } of parts) {
    const length = sizeOf(own.slice(axis))
    if (sizeOf(own) !== outer * length) throw new ModelError(`Concat of shapes that differ`)
    for (let o = 0; o < outer; o++) result.set(data.subarray(o * length, (o + 1) * length), o * width + left)
    left += length
  }
  return [{ dtype: first.dtype, shape, data: result }]
}

const slice: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const starts = wholeNumbers(inputs, 1, attributes, 'starts') ?? []
  const ends = wholeNumbers(inputs, 2, attributes, 'ends') ?? []
  const axes = wholeNumbers(inputs, 3, attributes, 'axes') ?? starts.map((_, i) => i)
  const steps = wholeNumbers(inputs, 4) ?? starts.map(() => 1)
  const shape = [...x.shape]
  const strides = stridesOf(x.shape)
  let start = 0
  axes.forEach((listed, i) => {
    const axis = axisOf(listed, x.shape.length)
    const extent = x.shape[axis]
    const [step, backwards] = [steps[i], steps[i] < 0]
    const within = (place: number): number =>
      Math.min(
        backwards ? extent - 1 : extent,
        Math.max(backwards ? -1 : 0, place < 0 ? place + extent : place),
      )
    const [from, to] = [within(starts[i]), backwards && ends[i] < -extent ? -1 : within(ends[i])]
    shape[axis] = Math.max(0, Math.ceil((to - from) / step))
    start += from * strides[axis]
    strides[axis] *= step
  })
  return [gathered(x, shape, strides, start)]
}

const split: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const axis = axisOf(attributes.int('axis', 0), x.shape.length)
  const sizes = wholeNumbers(inputs, 1, attributes, 'split')
  const parts = attributes.int('num_outputs', 0)
  if (sizes === undefined && parts === 0) throw new Unsupported('Split without sizes')
  const each = Math.ceil(x.shape[axis] / parts)
  const lengths = sizes ?? Array.from({ length: parts }, (_, i) => Math.min(each, x.shape[axis] - i * each))
  const strides = stridesOf(x.shape)
  let from = 0
  return lengths.map((length) => {
    const part = gathered(x, x.shape.with(axis, length), strides, from * strides[axis])
    from += length
    return part
  })
}

/** Which element of an axis stands at a place outside of it; -1 for none. */
function padded(place: number, extent: number, mode: string): number {
  if (place >= 0 && place < extent) return place
  if (mode === 'edge') return place < 0 ? 0 : extent - 1
  if (mode === 'reflect') {
    const period = Math.max(1, 2 * (extent - 1))
    const within = ((place % period) + period) % period
    return within < extent ? within : period - within
  }
  return -1
}

const pad: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const mode = attributes.string('mode', 'constant')
  if (!['constant', 'edge', 'reflect'].includes(mode)) throw new Unsupported(`Pad by ${mode}`)
  const listed = wholeNumbers(inputs, 1, attributes, 'pads') ?? []
  const value = inputs[2]?.data[0] ?? attributes.float('value', 0)
  const axes =
    wholeNumbers(inputs, 3)?.map((axis) => axisOf(axis, x.shape.length)) ?? x.shape.map((_, i) => i)
  let result = x
  axes.forEach((axis, i) => {
    const [before, after] = [listed[i], listed[i + axes.length]]
    if (before !== 0 || after !== 0) result = padAxis(result, axis, before, after, mode, value)
  })
  return [result]
}

function padAxis(
  { dtype, shape, data }: Tensor,
  axis: number,
  before: number,
  after: number,
  mode: string,
  value: number,
): Tensor {
  const extent = shape[axis]
  const wide = shape.with(axis, extent + before + after)
  const outer = sizeOf(shape.slice(0, axis))
  const inner = sizeOf(shape.slice(axis + 1))
  const result = emptyData(dtype, sizeOf(wide))
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < wide[axis]; k++) {
      const at = (o * wide[axis] + k) * inner
      const from = padded(k - before, extent, mode)
      if (from < 0) result.fill(value, at, at + inner)
      else result.set(data.subarray((o * extent + from) * inner, (o * extent + from + 1) * inner), at)
    }
  }
  return { dtype, shape: wide, data: result }
}

const depthToSpace: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const [n, channels, height, width] = x.shape
  const block = attributes.int('blocksize', 1)
  const rest = channels / block ** 2
  const crd = attributes.string('mode', 'DCR') === 'CRD'
  const split = {
    ...x,
    shape: crd ? [n, rest, block, block, height, width] : [n, block, block, rest, height, width],
  }
  const order = crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
  const strides = stridesOf(split.shape)
  const moved = gathered(
    split,
    order.map((axis) => split.shape[axis]),
    order.map((axis) => strides[axis]),
  )
  return [withShape(moved, [n, rest, height * block, width * block])]
}

/** The nearest element; what is between two is not asked for by what is exported. */
const resize: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const mode = attributes.string('mode', 'nearest')
  if (mode !== 'nearest') throw new Unsupported(`Resize by ${mode}`)
  const scales = inputs[2]?.data
  const sizes = wholeNumbers(inputs, 3)
  const shape = x.shape.map((extent, axis) => sizes?.[axis] ?? Math.floor(extent * (scales?.[axis] ?? 1)))
  const transform = attributes.string('coordinate_transformation_mode', 'half_pixel')
  const rounding = attributes.string('nearest_mode', 'round_prefer_floor')
  const places = shape.map((extent, axis) => {
    const scale = sizes === undefined ? (scales?.[axis] ?? 1) : extent / x.shape[axis]
    return Array.from({ length: extent }, (_, k) => {
      const at = sourcePlace(transform, k, scale, extent, x.shape[axis])
      return Math.min(x.shape[axis] - 1, Math.max(0, rounded(rounding, at)))
    })
  })
  const strides = stridesOf(x.shape)
  const result = emptyData(x.dtype, sizeOf(shape))
  const index = shape.map(() => 0)
  for (let at = 0; at < result.length; at++) {
    result[at] = x.data[index.reduce((sum, k, axis) => sum + places[axis][k] * strides[axis], 0)]
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
  return [{ dtype: x.dtype, shape, data: result }]
}

function sourcePlace(transform: string, k: number, scale: number, to: number, from: number): number {
  if (transform === 'asymmetric') return k / scale
  if (transform === 'half_pixel') return (k + 0.5) / scale - 0.5
  if (transform === 'pytorch_half_pixel') return to > 1 ? (k + 0.5) / scale - 0.5 : 0
  if (transform === 'align_corners') return to > 1 ? (k * (from - 1)) / (to - 1) : 0
  throw new Unsupported(`Resize by ${transform}`)
}

function rounded(rounding: string, at: number): number {
  if (rounding === 'floor') return Math.floor(at)
  if (rounding === 'ceil') return Math.ceil(at)
  return rounding === 'round_prefer_ceil' ? Math.floor(at + 0.5) : Math.ceil(at - 0.5)
}

const shapeOf: Operator = (inputs, attributes) => {
  const { shape } = given(inputs, 0)
  const end = attributes.has('end') ? attributes.int('end', 0) : undefined
  const part = shape.slice(attributes.int('start', 0), end)
  return [{ dtype: 'int64', shape: [part.length], data: Float64Array.from(part) }]
}

const tile: Operator = (inputs) => {
  const x = given(inputs, 0)
  const repeats = wholeNumbers(inputs, 1) ?? []
  const shape = x.shape.map((extent, axis) => extent * repeats[axis])
  const result = emptyData(x.dtype, sizeOf(shape))
  const strides = stridesOf(x.shape)
  const paired = x.shape.flatMap((extent, axis) => [repeats[axis], extent])
  const steps = strides.flatMap((stride) => [0, stride])
  walk(paired, [steps], [0], (at, [from], length, [step]) => {
    for (let i = 0; i < length; i++) result[at + i] = x.data[from + i * step]
  })
  return [{ dtype: x.dtype, shape, data: result }]
}

export const movement: Operators = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Concat: concat,
  Slice: slice,
  Split: split,
  Pad: pad,
  DepthToSpace: depthToSpace,
  Resize: resize,
  Shape: shapeOf,
  Tile: tile,
}
