/**
 * Squares of pixels as channels: what keeps a step on large images about as cheap as one on small ones. A network sees an
 * image as a grid of squares whose number hardly depends on the image's size; only its first and last layers, which
 * squares enter and leave by, grow with it.
 *
 *   [n, h, w, c] -> [h / patch, w / patch, n, c patch patch]
 */
import {
  add,
  type BlockOrder,
  cast,
  constant,
  conv2d,
  convolution,
  type Initializer,
  type Layer,
  matmul,
  padImage,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  type Tensor,
  torchDefault,
  transpose,
  zeros,
} from 'onnx-autodiff'
import { greyLevels } from './common.js'
import type { ImageShape } from './model.js'

/** How an image is cut into squares. */
export interface Patching {
  /** Pixels a side of a square. */
  readonly patch: number
  /** Squares a side of the image with its margin. */
  readonly side: number
  /** Pixels added at the bottom and right, of value 0 in the network's range. */
  readonly margin: number
  /** Of a square's numbers; left out, that of `squareOrder`. */
  readonly order?: BlockOrder
}

/** Squares a side that the networks' sizes were measured for. */
const GRID = 16
/** Up to here squares stay at 2x2 pixels, as in the data sets of 28 and 32 that the networks were made for. */
const SMALL = 40

/** The side of squares that leaves about 16 of them a side: 2 pixels up to a size of 40, 4 at 64, 8 at 128, 14 at 224. */
export const patchFor = ({ size }: ImageShape): number =>
  size <= SMALL ? 2 : Math.max(3, Math.round(size / GRID))

/** The preset's setting: nothing where it is 2 pixels, so that a run's settings are those of older ones. */
export function patchSetting(image: ImageShape): { readonly patch?: number } {
  const patch = patchFor(image)
  return patch === 2 ? {} : { patch }
}

/**
 * Side of the blocks of pixels that a decoder need give one value for, where images are larger than what its code can say of
 * them: 2 where squares divide by it into more than one block a side, and undefined where that is not so.
 */
export const blockFor = ({ size }: ImageShape, patch: number): 2 | undefined =>
  patch > 2 && patch % 2 === 0 && size % 2 === 0 ? 2 : undefined

/** Above a square of so many pixels a side neighbours say little that the layers behind the first would not see as cheaply. */
const OVERLAPPING = 4

/** Kernel of the convolutions that squares enter and leave by. */
export const patchKernel = (patch: number): { kernel: number; padding: number } =>
  patch <= OVERLAPPING ? { kernel: 3, padding: 1 } : { kernel: 1, padding: 0 }

/** The same as a setting: 3, which is left out, or 1. */
export const patchKernelSetting = (patch: number): { readonly patchKernel?: 1 } =>
  patch <= OVERLAPPING ? {} : { patchKernel: 1 }

/**
 * The order of a square's numbers. Bytes move in runs of a row of a square; squares of 2x2 pixels keep the order that they
 * had before there were larger ones, and with it every bit of their results.
 */
export const squareOrder = (patch: number): BlockOrder => (patch > 2 ? 'channelLast' : 'channelFirst')

/** An axis of weights, stored by channels first, in the order of the squares' numbers. */
function inSquareOrder(weights: Tensor, axis: number, patch: number): Tensor {
  if (squareOrder(patch) === 'channelFirst') return weights
  const { shape } = weights
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)]
  const apart = reshape(weights, [...before, shape[axis] / (patch * patch), patch, patch, ...after])
  const order = [...before.keys(), axis + 1, axis + 2, axis, ...after.map((_, i) => axis + 3 + i)]
  return reshape(transpose(apart, order), shape)
}

/** Numbers that each belong to a channel of the image, once for each of a square's numbers. */
export function perSquareNumber(ofChannels: readonly number[], patch: number): number[] {
  const pixels = Array.from({ length: patch * patch })
  return squareOrder(patch) === 'channelFirst'
    ? ofChannels.flatMap((value) => pixels.map(() => value))
    : pixels.flatMap(() => ofChannels)
}

/** What a layer between squares and channels is made of. */
export interface SquareLayerOptions {
  /** Channels of the image. */
  readonly channels: number
  readonly patch: number
  /** Channels on the other side. */
  readonly width: number
  /** Left out, that of `patchKernel`. */
  readonly kernel?: number
  /** Of the weight, the bias being 0 then. */
  readonly initialize?: Initializer
}

/**
 * The convolution that squares enter by: [side, side, n, channels patch patch] -> [side, side, n, width]. Its parameters are
 * those of `convolution`, stored by channels first whatever the order of the squares: weights of older runs fit.
 */
export function squaresIn(p: Parameters, options: SquareLayerOptions): Layer {
  const { channels, patch, width, kernel = patchKernel(patch).kernel, initialize } = options
  const numbers = channels * patch * patch
  const drawn = torchDefault(kernel * kernel * numbers)
  const weight = p.get('weight', [kernel, kernel, numbers, width], initialize ?? drawn)
  const bias = p.get('bias', [width], initialize ? zeros : drawn)
  const padding = (kernel - 1) / 2
  return (x) => add(conv2d(x, inSquareOrder(weight, 2, patch), { padding }), bias)
}

/** The convolution that squares leave by: [side, side, n, width] -> [side, side, n, channels patch patch]. */
export function squaresOut(p: Parameters, options: SquareLayerOptions): Layer {
  const { channels, patch, width, kernel = patchKernel(patch).kernel, initialize } = options
  const numbers = channels * patch * patch
  const drawn = torchDefault(kernel * kernel * width)
  const weight = p.get('weight', [kernel, kernel, width, numbers], initialize ?? drawn)
  const bias = p.get('bias', [numbers], initialize ? zeros : drawn)
  const padding = (kernel - 1) / 2
  return (x) => add(conv2d(x, inSquareOrder(weight, 3, patch), { padding }), inSquareOrder(bias, 0, patch))
}

/** A 3x3 convolution that keeps the size of what it sees. */
export const sizeKeeping = (p: Parameters, inputs: number, outputs: number): Layer =>
  convolution(p, { inputs, outputs, kernel: 3, padding: 1 })

/** @param multiple what the number of squares a side has to divide by */
export function patching({ size }: ImageShape, patch: number, multiple: number): Patching {
  const side = multiple * Math.ceil(size / (patch * multiple))
  return { patch, side, margin: patch * side - size }
}

/**
 * uint8 [n, h, w, c] -> [side, side, n, c patch patch] in the network's range, a square's numbers in the order of
 * `squareOrder`. Without a margin pixels move as bytes: a quarter of what floats would be.
 * @param range floats 0..255 to the network's range, of pixels and of squares alike
 */
export function toPatches(
  pixels: Tensor,
  { patch, side, margin, order = squareOrder(patch) }: Patching,
  range: (x: Tensor) => Tensor,
): Tensor {
  if (margin > 0) return imagePatches(range(greyLevels(pixels)), { patch, margin, order })
  const [n, , , c] = pixels.shape
  const moved =
    order === 'channelFirst'
      ? transpose(reshape(pixels, [n, side, patch, side, patch, c]), [1, 3, 0, 5, 2, 4])
      : transpose(reshape(pixels, [n, side, patch, side, patch * c]), [1, 3, 0, 2, 4])
  return range(cast(reshape(moved, [side, side, n, c * patch * patch]), 'float32'))
}

/** [h, w, n, c] in the network's range -> [side, side, n, c patch patch]. */
export function imagePatches(
  x: Tensor,
  { patch, margin, order = squareOrder(patch) }: Omit<Patching, 'side'>,
): Tensor {
  return pixelUnshuffle(margin > 0 ? padImage(x, [0, margin, 0, margin]) : x, patch, order)
}

/** [side, side, n, c patch patch] -> [h, w, n, c], the margin cut off. */
export function fromPatches(
  x: Tensor,
  { patch, margin, order = squareOrder(patch) }: Omit<Patching, 'side'>,
): Tensor {
  const pixels = pixelShuffle(x, patch, order)
  return margin === 0 ? pixels : padImage(pixels, [0, -margin, 0, -margin])
}

/**
 * Means over blocks of pixels: squares of `patch` pixels a side, [..., c patch patch], to squares of patch / block, in the
 * order of those. One product with a matrix.
 */
export function blockMeans(squares: Tensor, channels: number, patch: number, block: number): Tensor {
  const side = patch / block
  const [from, to] = [channels * patch * patch, channels * side * side]
  const means = new Float32Array(from * to)
  for (let row = 0; row < patch; row++)
    for (let column = 0; column < patch; column++)
      for (let channel = 0; channel < channels; channel++) {
        const own = numberOf(patch, channels, { row, column, channel })
        const place = { row: Math.floor(row / block), column: Math.floor(column / block), channel }
        means[own * to + numberOf(side, channels, place)] = 1 / (block * block)
      }
  return matmul(squares, constant(means, [from, to]))
}

interface Place {
  readonly row: number
  readonly column: number
  readonly channel: number
}

/** Where a square holds what stands at a place of it. */
const numberOf = (patch: number, channels: number, { row, column, channel }: Place): number =>
  squareOrder(patch) === 'channelFirst'
    ? (channel * patch + row) * patch + column
    : (row * patch + column) * channels + channel
