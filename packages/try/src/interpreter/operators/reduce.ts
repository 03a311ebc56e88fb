/** Reductions along axes, softmax, and what selects by value or place. */
import {
  type Attributes,
  given,
  type Inputs,
  type Operator,
  type Operators,
  wholeNumbers,
} from '../operator.js'
import {
  axisOf,
  type Data,
  emptyData,
  floats,
  ModelError,
  sizeOf,
  stridesOf,
  type Tensor,
} from '../tensor.js'

interface Fold {
  readonly start: number
  readonly add: (total: number, value: number) => number
  readonly end?: (total: number, count: number) => number
}

const reduced =
  ({ start, add, end = (total) => total }: Fold): Operator =>
  (inputs, attributes) => {
    const x = given(inputs, 0)
    const rank = x.shape.length
    const listed = wholeNumbers(inputs, 1, attributes, 'axes')
    if ((listed === undefined || listed.length === 0) && attributes.int('noop_with_empty_axes', 0) === 1)
      return [x]
    const axes =
      listed === undefined || listed.length === 0
        ? x.shape.map((_, i) => i)
        : listed.map((axis) => axisOf(axis, rank))
    const keep = attributes.int('keepdims', 1) === 1
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    const totals = new Float64Array(sizeOf(kept)).fill(start)
    const own = stridesOf(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride))
    const index = x.shape.map(() => 0)
    for (let i = 0, at = 0; i < x.data.length; i++) {
      totals[at] = add(totals[at], x.data[i])
      for (let axis = rank - 1; axis >= 0; axis--) {
        at += own[axis]
        if (++index[axis] < x.shape[axis]) break
        at -= own[axis] * x.shape[axis]
        index[axis] = 0
      }
    }
    const count = x.data.length / Math.max(1, totals.length)
    const data: Data = emptyData(x.dtype, totals.length)
    for (let i = 0; i < data.length; i++) data[i] = end(totals[i], count)
    return [{ dtype: x.dtype, shape: keep ? kept : kept.filter((_, axis) => !axes.includes(axis)), data }]
  }

/** An axis of a tensor as lines: where each starts, and the step along it. */
function linesAlong({ shape }: Tensor, axis: number) {
  const extent = shape[axis]
  const inner = sizeOf(shape.slice(axis + 1))
  const count = sizeOf(shape) / Math.max(1, extent)
  const startOf = (line: number): number => Math.floor(line / inner) * extent * inner + (line % inner)
  return { extent, inner, count, startOf }
}

const softmaxOf =
  (isLogarithm: boolean): Operator =>
  (inputs, attributes) => {
    const x = given(inputs, 0)
    const axis = axisOf(attributes.int('axis', -1), x.shape.length)
    const { extent, inner, count, startOf } = linesAlong(x, axis)
    const result = new Float32Array(x.data.length)
    for (let line = 0; line < count; line++) {
      const start = startOf(line)
      let most = -Infinity
      for (let k = 0; k < extent; k++) most = Math.max(most, x.data[start + k * inner])
      let sum = 0
      for (let k = 0; k < extent; k++) sum += Math.exp(x.data[start + k * inner] - most)
      for (let k = 0; k < extent; k++) {
        const behind = x.data[start + k * inner] - most
        result[start + k * inner] = isLogarithm ? behind - Math.log(sum) : Math.exp(behind) / sum
      }
    }
    return [floats(x.shape, result)]
  }

const topK: Operator = (inputs, attributes) => {
  const x = given(inputs, 0)
  const axis = axisOf(attributes.int('axis', -1), x.shape.length)
  const [k] = wholeNumbers(inputs, 1) ?? [attributes.int('k', 1)]
  const sign = attributes.int('largest', 1) === 1 ? 1 : -1
  const { extent, inner, count, startOf } = linesAlong(x, axis)
  if (k > extent) throw new ModelError(`TopK of ${k} among ${extent}`)
  const shape = x.shape.with(axis, k)
  const values = emptyData(x.dtype, sizeOf(shape))
  const places = new Float64Array(values.length)
  const best = new Float64Array(k)
  const at = new Float64Array(k)
  for (let line = 0; line < count; line++) {
    const start = startOf(line)
    best.fill(-Infinity)
    for (let i = 0, held = 0; i < extent; i++) {
      const value = sign * x.data[start + i * inner]
      if (held === k && value <= best[k - 1]) continue
      // Equal ones stay in the order of their places.
      let slot = held < k ? held++ : k - 1
      for (; slot > 0 && best[slot - 1] < value; slot--) {
        best[slot] = best[slot - 1]
        at[slot] = at[slot - 1]
      }
      best[slot] = value
      at[slot] = i
    }
    const to = Math.floor(line / inner) * k * inner + (line % inner)
    for (let i = 0; i < k; i++) {
      values[to + i * inner] = sign * best[i]
      places[to + i * inner] = at[i]
    }
  }
  return [
    { dtype: x.dtype, shape, data: values },
    { dtype: 'int64', shape, data: places },
  ]
}

const extremePlace =
  (sign: 1 | -1): Operator =>
  (inputs: Inputs, attributes: Attributes) => {
    const x = given(inputs, 0)
    const axis = axisOf(attributes.int('axis', 0), x.shape.length)
    const last = attributes.int('select_last_index', 0) === 1
    const { extent, inner, count, startOf } = linesAlong(x, axis)
    const places = new Float64Array(count)
    for (let line = 0; line < count; line++) {
      const start = startOf(line)
      let best = 0
      for (let k = 1; k < extent; k++) {
        const more = sign * (x.data[start + k * inner] - x.data[start + best * inner])
        if (more > 0 || (last && more === 0)) best = k
      }
      places[line] = best
    }
    const keep = attributes.int('keepdims', 1) === 1
    const shape = keep ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1)
    return [{ dtype: 'int64', shape, data: places }]
  }

const gather: Operator = (inputs, attributes) => {
  const [x, indices] = [given(inputs, 0), given(inputs, 1)]
  const axis = axisOf(attributes.int('axis', 0), x.shape.length)
  const extent = x.shape[axis]
  const outer = sizeOf(x.shape.slice(0, axis))
  const inner = sizeOf(x.shape.slice(axis + 1))
  const count = indices.data.length
  const result = emptyData(x.dtype, outer * count * inner)
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const place = indices.data[i] < 0 ? indices.data[i] + extent : indices.data[i]
      if (!(place >= 0 && place < extent)) throw new ModelError(`Gather of entry ${place} among ${extent}`)
      const from = (o * extent + place) * inner
      result.set(x.data.subarray(from, from + inner), (o * count + i) * inner)
    }
  }
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
  return [{ dtype: x.dtype, shape, data: result }]
}

const globalAveragePool: Operator = (inputs) => {
  const x = given(inputs, 0)
  const [n, channels] = x.shape
  const size = sizeOf(x.shape.slice(2))
  const result = new Float32Array(n * channels)
  for (let plane = 0; plane < result.length; plane++) {
    let sum = 0
    for (let i = plane * size; i < (plane + 1) * size; i++) sum += x.data[i]
    result[plane] = sum / size
  }
  return [floats([n, channels, ...x.shape.slice(2).map(() => 1)], result)]
}

const sum: Fold = { start: 0, add: (a, b) => a + b }

export const reduce: Operators = {
  ReduceSum: reduced(sum),
  ReduceMean: reduced({ ...sum, end: (total, count) => total / count }),
  ReduceMax: reduced({ start: -Infinity, add: Math.max }),
  ReduceMin: reduced({ start: Infinity, add: Math.min }),
  ReduceL2: reduced({ start: 0, add: (a, b) => a + b * b, end: Math.sqrt }),
  GlobalAveragePool: globalAveragePool,
  Softmax: softmaxOf(false),
  LogSoftmax: softmaxOf(true),
  TopK: topK,
  ArgMax: extremePlace(1),
  ArgMin: extremePlace(-1),
  Gather: gather,
}
