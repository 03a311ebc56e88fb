/** Products and convolutions. Sums are doubles: no less exact than any runtime's, and as fast here. */
import { type Attributes, floatInput, given, type Operator, type Operators } from '../operator.js'
import {
  broadcastShape,
  broadcastStrides,
  floats,
  ModelError,
  sizeOf,
  stridesOf,
  Unsupported,
} from '../tensor.js'

/** `c[i, j] = sum_k a[i, k] b[k, j]`, row-major parts of larger arrays. */
function multiply(
  a: Float32Array,
  atA: number,
  b: Float32Array,
  atB: number,
  c: Float32Array,
  atC: number,
  [rows, inner, columns]: readonly [number, number, number],
): void {
  const sums = new Float64Array(columns)
  for (let i = 0; i < rows; i++) {
    sums.fill(0)
    for (let k = 0; k < inner; k++) {
      const factor = a[atA + i * inner + k]
      if (factor === 0) continue
      for (let j = 0, at = atB + k * columns; j < columns; j++, at++) sums[j] += factor * b[at]
    }
    c.set(sums, atC + i * columns)
  }
}

const matMul: Operator = (inputs) => {
  const [a, b] = [floatInput(inputs, 0), floatInput(inputs, 1)]
  const [shapeA, shapeB] = [
    a.shape.length === 1 ? [1, ...a.shape] : a.shape,
    b.shape.length === 1 ? [...b.shape, 1] : b.shape,
  ]
  const [rows, inner] = shapeA.slice(-2)
  const [innerB, columns] = shapeB.slice(-2)
  if (inner !== innerB) throw new ModelError(`MatMul of [${a.shape.join()}] and [${b.shape.join()}]`)
  const batch = broadcastShape(shapeA.slice(0, -2), shapeB.slice(0, -2))
  const count = sizeOf(batch)
  const result = new Float32Array(count * rows * columns)
  const own = stridesOf(batch)
  const [stepsA, stepsB] = [shapeA, shapeB].map((shape) => broadcastStrides(shape.slice(0, -2), batch))
  for (let index = 0; index < count; index++) {
    let [placeA, placeB] = [0, 0]
    for (let axis = 0; axis < batch.length; axis++) {
      const at = Math.floor(index / own[axis]) % batch[axis]
      placeA += at * stepsA[axis]
      placeB += at * stepsB[axis]
    }
    const extents = [rows, inner, columns] as const
    multiply(
      a.data,
      placeA * rows * inner,
      b.data,
      placeB * inner * columns,
      result,
      index * rows * columns,
      extents,
    )
  }
  const shape = [
    ...batch,
    ...(a.shape.length === 1 ? [] : [rows]),
    ...(b.shape.length === 1 ? [] : [columns]),
  ]
  return [floats(shape, result)]
}

const transposed = (data: Float32Array, rows: number, columns: number): Float32Array => {
  const result = new Float32Array(data.length)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]
  return result
}

const gemm: Operator = (inputs, attributes) => {
  const [a, b] = [floatInput(inputs, 0), floatInput(inputs, 1)]
  const [flipA, flipB] = [attributes.int('transA', 0) === 1, attributes.int('transB', 0) === 1]
  const [alpha, beta] = [attributes.float('alpha', 1), attributes.float('beta', 1)]
  const left = flipA ? transposed(a.data, a.shape[0], a.shape[1]) : a.data
  const right = flipB ? transposed(b.data, b.shape[0], b.shape[1]) : b.data
  const [rows, inner] = flipA ? a.shape.toReversed() : a.shape
  const columns = flipB ? b.shape[0] : b.shape[1]
  const shape = [rows, columns]
  const result = new Float32Array(rows * columns)
  multiply(left, 0, right, 0, result, 0, [rows, inner, columns])
  const bias = inputs[2]
  const [down, across] = bias === undefined ? [0, 0] : broadcastStrides(bias.shape, shape)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      result[i * columns + j] =
        alpha * result[i * columns + j] + (bias === undefined ? 0 : beta * bias.data[i * down + j * across])
  return [floats(shape, result)]
}

export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Top, left, bottom, right. */
  readonly pads: readonly number[]
}

/** How a window goes over an image. */
export function windowOf(
  attributes: Attributes,
  kernel: readonly number[],
  image: readonly number[],
): Window {
  const strides = attributes.ints('strides') ?? [1, 1]
  const dilations = attributes.ints('dilations') ?? [1, 1]
  const auto = attributes.string('auto_pad', 'NOTSET')
  if (kernel.length !== 2) throw new Unsupported(`windows of ${kernel.length} axes`)
  if (auto === 'NOTSET') return { kernel, strides, dilations, pads: attributes.ints('pads') ?? [0, 0, 0, 0] }
  if (auto === 'VALID') return { kernel, strides, dilations, pads: [0, 0, 0, 0] }
  const needed = kernel.map((side, axis) => {
    const out = Math.ceil(image[axis] / strides[axis])
    return Math.max(0, (out - 1) * strides[axis] + (side - 1) * dilations[axis] + 1 - image[axis])
  })
  const less = needed.map((each) => Math.floor(each / 2))
  const more = needed.map((each, axis) => each - less[axis])
  const pads = auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less]
  return { kernel, strides, dilations, pads }
}

/** Places that the window takes along each axis. */
export const windowPlaces = (
  { kernel, strides, dilations, pads }: Window,
  image: readonly number[],
  isCeil = false,
): number[] =>
  [0, 1].map((axis) => {
    const span = image[axis] + pads[axis] + pads[axis + 2] - (kernel[axis] - 1) * dilations[axis] - 1
    if (!isCeil) return Math.floor(span / strides[axis]) + 1
    const places = Math.ceil(span / strides[axis]) + 1
    // The last one has to begin inside.
    return (places - 1) * strides[axis] >= image[axis] + pads[axis] ? places - 1 : places
  })

/** Columns of the output whose input column `at + shift` lies inside: from, to. */
function inside(shift: number, stride: number, width: number, places: number): readonly [number, number] {
  const from = Math.max(0, Math.ceil(-shift / stride))
  return [from, Math.min(places, Math.floor((width - 1 - shift) / stride) + 1)]
}

const conv: Operator = (inputs, attributes) => {
  const [x, w] = [floatInput(inputs, 0), floatInput(inputs, 1)]
  const bias = inputs[2]?.data
  const [n, channels, height, width] = x.shape
  const [outs, ins, ...kernel] = w.shape
  const window = windowOf(attributes, kernel, [height, width])
  const { strides, dilations, pads } = window
  const groups = attributes.int('group', 1)
  if (ins * groups !== channels)
    throw new ModelError(`Conv of ${channels} channels, expected ${ins * groups}`)
  const [high, wide] = windowPlaces(window, [height, width])
  const result = new Float32Array(n * outs * high * wide)
  const sums = new Float64Array(high * wide)
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < outs; out++) {
      sums.fill(bias?.[out] ?? 0)
      const group = Math.floor(out / (outs / groups))
      for (let k = 0; k < ins; k++) {
        const plane = (image * channels + group * ins + k) * height * width
        for (let dy = 0; dy < kernel[0]; dy++) {
          for (let dx = 0; dx < kernel[1]; dx++) {
            const weight = w.data[((out * ins + k) * kernel[0] + dy) * kernel[1] + dx]
            const shift = dx * dilations[1] - pads[1]
            const [from, to] = inside(shift, strides[1], width, wide)
            for (let y = 0; y < high; y++) {
              const row = y * strides[0] + dy * dilations[0] - pads[0]
              if (row < 0 || row >= height) continue
              const line = plane + row * width + shift
              for (
                let at = y * wide + from, source = line + from * strides[1];
                at < y * wide + to;
                at++, source += strides[1]
              )
                sums[at] += weight * x.data[source]
            }
          }
        }
      }
      result.set(sums, (image * outs + out) * high * wide)
    }
  }
  return [floats([n, outs, high, wide], result)]
}

const convTranspose: Operator = (inputs, attributes) => {
  const [x, w] = [floatInput(inputs, 0), floatInput(inputs, 1)]
  const bias = inputs[2]?.data
  const [n, channels, height, width] = x.shape
  const [, outsOfGroup, ...kernel] = w.shape
  const auto = attributes.string('auto_pad', 'NOTSET')
  if (auto !== 'NOTSET' || attributes.has('output_shape') || kernel.length !== 2)
    throw new Unsupported(`ConvTranspose with ${auto === 'NOTSET' ? 'an output shape' : auto}`)
  const strides = attributes.ints('strides') ?? [1, 1]
  const dilations = attributes.ints('dilations') ?? [1, 1]
  const pads = attributes.ints('pads') ?? [0, 0, 0, 0]
  const more = attributes.ints('output_padding') ?? [0, 0]
  const groups = attributes.int('group', 1)
  const [ins, outs] = [channels / groups, outsOfGroup * groups]
  const [high, wide] = [height, width].map(
    (extent, axis) =>
      (extent - 1) * strides[axis] +
      more[axis] +
      (kernel[axis] - 1) * dilations[axis] +
      1 -
      pads[axis] -
      pads[axis + 2],
  )
  const result = new Float32Array(n * outs * high * wide)
  const sums = new Float64Array(high * wide)
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < outs; out++) {
      sums.fill(bias?.[out] ?? 0)
      const group = Math.floor(out / outsOfGroup)
      for (let k = 0; k < ins; k++) {
        const channel = group * ins + k
        const plane = (image * channels + channel) * height * width
        for (let dy = 0; dy < kernel[0]; dy++) {
          for (let dx = 0; dx < kernel[1]; dx++) {
            const weight =
              w.data[((channel * outsOfGroup + (out % outsOfGroup)) * kernel[0] + dy) * kernel[1] + dx]
            for (let y = 0; y < height; y++) {
              const row = y * strides[0] + dy * dilations[0] - pads[0]
              if (row < 0 || row >= high) continue
              for (let column = 0; column < width; column++) {
                const at = column * strides[1] + dx * dilations[1] - pads[1]
                if (at >= 0 && at < wide) sums[row * wide + at] += weight * x.data[plane + y * width + column]
              }
            }
          }
        }
      }
      result.set(sums, (image * outs + out) * high * wide)
    }
  }
  return [floats([n, outs, high, wide], result)]
}

/** Planes of an image through a window, by what it makes of the elements that it sees. */
function pooled(
  inputs: Parameters<Operator>[0],
  attributes: Attributes,
  pool: (sees: readonly number[], whole: number) => number,
): ReturnType<Operator> {
  const x = floatInput(inputs, 0)
  const [n, channels, height, width] = x.shape
  const window = windowOf(attributes, attributes.ints('kernel_shape') ?? [], [height, width])
  const { kernel, strides, dilations, pads } = window
  const [high, wide] = windowPlaces(window, [height, width], attributes.int('ceil_mode', 0) === 1)
  const result = new Float32Array(n * channels * high * wide)
  const seen: number[] = []
  for (let plane = 0, at = 0; plane < n * channels; plane++) {
    for (let y = 0; y < high; y++) {
      for (let column = 0; column < wide; column++, at++) {
        seen.length = 0
        // Of a window that reaches over the padding, only what lies on it counts.
        let whole = 0
        for (let dy = 0; dy < kernel[0]; dy++) {
          const row = y * strides[0] + dy * dilations[0] - pads[0]
          for (let dx = 0; dx < kernel[1]; dx++) {
            const place = column * strides[1] + dx * dilations[1] - pads[1]
            if (row < height + pads[2] && place < width + pads[3]) whole++
            if (row >= 0 && row < height && place >= 0 && place < width)
              seen.push(x.data[(plane * height + row) * width + place])
          }
        }
        result[at] = pool(seen, whole)
      }
    }
  }
  return [floats([n, channels, high, wide], result)]
}

const averagePool: Operator = (inputs, attributes) => {
  const withPads = attributes.int('count_include_pad', 0) === 1
  return pooled(inputs, attributes, (seen, whole) => {
    let sum = 0
    for (const value of seen) sum += value
    return sum / (withPads ? whole : seen.length)
  })
}

const maxPool: Operator = (inputs, attributes) => pooled(inputs, attributes, (seen) => Math.max(...seen))

/** Means and variances of the planes of an image, or of all images' planes of a channel where these are given. */
const instanceNormalization: Operator = (inputs, attributes) => {
  const x = floatInput(inputs, 0)
  const [scale, offset] = [given(inputs, 1).data, given(inputs, 2).data]
  const epsilon = attributes.float('epsilon', 1e-5)
  const [n, channels] = x.shape
  const size = sizeOf(x.shape.slice(2))
  const result = new Float32Array(x.data.length)
  for (let plane = 0; plane < n * channels; plane++) {
    const part = x.data.subarray(plane * size, (plane + 1) * size)
    let mean = 0
    for (const value of part) mean += value / size
    let variance = 0
    for (const value of part) variance += (value - mean) ** 2 / size
    const channel = plane % channels
    const gain = scale[channel] / Math.sqrt(variance + epsilon)
    for (let i = 0; i < size; i++) result[plane * size + i] = (part[i] - mean) * gain + offset[channel]
  }
  return [floats(x.shape, result)]
}

const batchNormalization: Operator = (inputs, attributes) => {
  const x = floatInput(inputs, 0)
  const [scale, offset, mean, variance] = [1, 2, 3, 4].map((place) => given(inputs, place).data)
  if (attributes.int('training_mode', 0) === 1) throw new Unsupported('BatchNormalization in training')
  const epsilon = attributes.float('epsilon', 1e-5)
  const channels = x.shape[1]
  const size = sizeOf(x.shape.slice(2))
  const result = new Float32Array(x.data.length)
  for (let i = 0; i < result.length; i++) {
    const channel = Math.floor(i / size) % channels
    result[i] =
      ((x.data[i] - mean[channel]) / Math.sqrt(variance[channel] + epsilon)) * scale[channel] +
      offset[channel]
  }
  return [floats(x.shape, result)]
}

const layerNormalization: Operator = (inputs, attributes) => {
  const x = floatInput(inputs, 0)
  const [scale, offset] = [given(inputs, 1).data, inputs[2]?.data]
  const epsilon = attributes.float('epsilon', 1e-5)
  const axis = attributes.int('axis', -1)
  const size = sizeOf(x.shape.slice(axis < 0 ? axis + x.shape.length : axis))
  const result = new Float32Array(x.data.length)
  for (let start = 0; start < result.length; start += size) {
    const part = x.data.subarray(start, start + size)
    let mean = 0
    for (const value of part) mean += value / size
    let variance = 0
    for (const value of part) variance += (value - mean) ** 2 / size
    const gain = 1 / Math.sqrt(variance + epsilon)
    for (let i = 0; i < size; i++) result[start + i] = (part[i] - mean) * gain * scale[i] + (offset?.[i] ?? 0)
  }
  return [floats(x.shape, result)]
}

export const products: Operators = {
  MatMul: matMul,
  Gemm: gemm,
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: averagePool,
  MaxPool: maxPool,
  InstanceNormalization: instanceNormalization,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
}
