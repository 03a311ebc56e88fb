/**
 * Pooling, resampling, padding and filtering of images [height, width, ...]. Each is one spatial map, so that beside a
 * convolution or beside each other they cost nothing extra; max pooling is a maximum of shifted selections.
 */
import { attributeError, GraphError, pair, type Pair, shapeError, shapeText } from '../graph/shape.js'
import { checkImageOrder, type Composite, compose, type Tensor } from '../graph/tensor.js'
import { maximum } from '../graph/elementwise.js'
import type { Padding } from './convolution.js'
import { spatialMap } from './map.js'
import { identity, matrix, type SpatialMatrix } from './matrix.js'

function image(operator: string, x: Tensor): readonly [number, number] {
  const { shape } = x
  checkImageOrder(operator, x)
  if (shape.length < 3) shapeError(operator, [shape], 'an image [height, width, ...]')
  return [shape[0], shape[1]]
}

const perAxis = (x: Tensor, operator: string, make: (size: number, axis: 0 | 1) => SpatialMatrix): Tensor => {
  const [height, width] = image(operator, x)
  return spatialMap(x, make(height, 0), make(width, 1))
}

/** Rows that take whole input rows; -1 gives zeros. */
const selection = (size: number, sources: readonly number[]): SpatialMatrix =>
  matrix(sources.length, size, (i, j) => (sources[i] === j ? 1 : 0))

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** Zeros around the image; negative amounts crop. */
export function padImage(x: Tensor, padding: Padding): Tensor {
  const sides =
    typeof padding === 'number'
      ? [padding, padding, padding, padding]
      : padding.length === 4
        ? padding
        : [padding[0], padding[0], padding[1], padding[1]]
  return perAxis(x, 'padImage', (size, axis) => {
    const [before, after] = [sides[2 * axis], sides[2 * axis + 1]]
    if (size + before + after < 1)
      attributeError('padImage', 'padding', padding, `amounts that leave something of ${size}`)
    return selection(
      size,
      range(size + before + after).map((i) => i - before),
    )
  })
}

/** Mirrors the image along the height, the width, or both. */
export function flipImage(x: Tensor, along: { height?: boolean; width?: boolean }): Tensor {
  return perAxis(x, 'flipImage', (size, axis) =>
    (axis === 0 ? along.height : along.width) ? selection(size, range(size).reverse()) : identity(size),
  )
}

/** Every stride-th pixel, from the first. */
export const strideImage = (x: Tensor, stride: Pair): Tensor =>
  perAxis(x, 'strideImage', (size, axis) => {
    const step = pair(stride)[axis]
    return selection(
      size,
      range(Math.ceil(size / step)).map((i) => i * step),
    )
  })

/**
 * Where pooling windows lie, in pixels: `stride` from one to the next, the kernel's size unless said otherwise, and how far
 * they reach beyond the image at each side (`padding`, 0 unless said otherwise, at most half the kernel).
 */
export interface PoolOptions {
  readonly stride?: Pair
  readonly padding?: Pair
}

function windows(
  operator: string,
  size: number,
  axis: 0 | 1,
  kernel: Pair,
  { stride = kernel, padding = 0 }: PoolOptions,
): { kernel: number; stride: number; padding: number; out: number } {
  const geometry = { kernel: pair(kernel)[axis], stride: pair(stride)[axis], padding: pair(padding)[axis] }
  const out = Math.floor((size + 2 * geometry.padding - geometry.kernel) / geometry.stride) + 1
  if (out < 1 || geometry.padding > geometry.kernel / 2) {
    attributeError(
      operator,
      `kernel on an axis of ${size}`,
      geometry.kernel,
      `at most ${size + 2 * geometry.padding}, with padding of at most half of it`,
    )
  }
  return { ...geometry, out }
}

/** Means over windows; padding counts as zeros (PyTorch's count_include_pad). */
export const averagePool = (x: Tensor, kernel: Pair, options: PoolOptions = {}): Tensor =>
  perAxis(x, 'averagePool', (size, axis) => {
    const { kernel: k, stride, padding, out } = windows('averagePool', size, axis, kernel, options)
    return matrix(out, size, (i, j) =>
      j >= i * stride - padding && j < i * stride - padding + k ? 1 / k : 0,
    )
  })

/** Means over out x out windows that cover the image, of sizes that differ by at most one. */
export const adaptiveAveragePool = (x: Tensor, out: Pair): Tensor =>
  perAxis(x, 'adaptiveAveragePool', (size, axis) => {
    const count = pair(out)[axis]
    if (!Number.isInteger(count) || count < 1)
      attributeError('adaptiveAveragePool', 'out', count, 'an integer of at least 1')
    return matrix(count, size, (i, j) => {
      const [start, end] = [Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count)]
      return j >= start && j < end ? 1 / (end - start) : 0
    })
  })

/** A pooling window with everything filled in, each as [height, width] in pixels. */
export interface WindowAttributes {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
}

const maxPoolComposite: Composite<WindowAttributes> = {
  name: 'maxPool',
  ordinary: (emitter, node) => {
    const { kernel, stride, padding } = node.attributes
    if (node.inputs[0].shape.length !== 4)
      throw new GraphError(`export (maxPool): got ${shapeText(node.inputs[0].shape)}, expected an image`)
    const y = emitter.node('MaxPool', [emitter.get(node.inputs[0], 'nchw')], {
      kernel_shape: kernel,
      strides: stride,
      pads: [...padding, ...padding],
    })
    return [y, 'nchw']
  },
  expand: ([x], { kernel, ...options }) => {
    const [height, width] = image('maxPool', x)
    // A window that reaches over the edge takes its edge pixel again instead of padding: the maximum is the same.
    const shifts = (size: number, axis: 0 | 1): SpatialMatrix[] => {
      const { kernel: k, stride, padding, out } = windows('maxPool', size, axis, kernel, options)
      return range(k).map((offset) =>
        selection(
          size,
          range(out).map((i) => Math.min(Math.max(i * stride + offset - padding, 0), size - 1)),
        ),
      )
    }
    const unchanged = identity(height)
    const rows = shifts(width, 1)
      .map((shift) => spatialMap(x, unchanged, shift))
      .reduce((a, b) => maximum(a, b))
    const same = identity(rows.shape[1])
    return shifts(height, 0)
      .map((shift) => spatialMap(rows, shift, same))
      .reduce((a, b) => maximum(a, b))
  },
}

/** Maxima over windows. Where equal values compete, one of them gets the gradient. */
export function maxPool(x: Tensor, kernel: Pair, { stride = kernel, padding = 0 }: PoolOptions = {}): Tensor {
  return compose(maxPoolComposite, [x], {
    kernel: pair(kernel),
    stride: pair(stride),
    padding: pair(padding),
  })
}

function checkPositive(name: string, what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) attributeError(name, what, value, 'an integer of at least 1')
}

/** Output pixel i takes input pixel floor(i from / to). */
const nearest = (from: number, to: number): SpatialMatrix =>
  selection(
    from,
    range(to).map((i) => Math.floor((i * from) / to)),
  )

/** Each pixel repeated. */
export const upsampleNearest = (x: Tensor, factor: Pair): Tensor =>
  perAxis(x, 'upsampleNearest', (size, axis) => {
    const times = pair(factor)[axis]
    checkPositive('upsampleNearest', 'factor', times)
    return nearest(size, size * times)
  })

/** Nearest resampling to a size, as PyTorch's `nearest`. */
export const resizeNearest = (x: Tensor, size: Pair): Tensor =>
  perAxis(x, 'resizeNearest', (from, axis) => {
    const to = pair(size)[axis]
    checkPositive('resizeNearest', 'size', to)
    return nearest(from, to)
  })

/** Bilinear resampling to a size, by pixel centres (PyTorch's align_corners=False). */
export const resizeBilinear = (x: Tensor, size: Pair): Tensor =>
  perAxis(x, 'resizeBilinear', (from, axis) => {
    const to = pair(size)[axis]
    if (!Number.isInteger(to) || to < 1)
      attributeError('resizeBilinear', 'size', to, 'an integer of at least 1')
    return matrix(to, from, (i, j) => {
      const centre = Math.max(((i + 0.5) * from) / to - 0.5, 0)
      const low = Math.min(Math.floor(centre), from - 1)
      const high = Math.min(low + 1, from - 1)
      const share = centre - low
      return (j === low ? 1 - share : 0) + (j === high ? share : 0)
    })
  })

/**
 * What `blurImage` does around its filter; 1, 1 and no padding unless said otherwise. Padding is [before, after]
 * along both axes, in pixels after `up`.
 */
export interface FilterOptions {
  /** Zeros between pixels first: `up` - 1 of them. */
  readonly up?: number
  /** Every `down`-th pixel last. */
  readonly down?: number
  readonly padding?: readonly [number, number]
}

/**
 * A separable filter between up- and downsampling, as StyleGAN2 has it (upfirdn): zeros inserted, padded, filtered by
 * `taps` normalised to sum 1 (times `up` per axis), every `down`-th pixel kept.
 */
export const blurImage = (
  x: Tensor,
  taps: readonly number[],
  { up = 1, down = 1, padding = [0, 0] }: FilterOptions = {},
): Tensor =>
  perAxis(x, 'blurImage', (size) => {
    const total = taps.reduce((a, b) => a + b, 0)
    const length = size * up + padding[0] + padding[1] - taps.length + 1
    if (length < 1)
      attributeError('blurImage', `taps on an axis of ${size}`, taps.length, 'fewer than the padded pixels')
    return matrix(Math.ceil(length / down), size, (i, j) => {
      const tap = j * up + padding[0] - i * down
      return ((taps[taps.length - 1 - tap] ?? 0) * up) / total
    })
  })
