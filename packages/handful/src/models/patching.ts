/**
 * Squares of pixels as channels: what keeps a step on large images about as cheap as one on small ones. A network sees an
 * image as a grid of squares whose number hardly depends on the image's size; only its first and last layers, which
 * squares enter and leave by, grow with it.
 *
 *   [n, h, w, c] -> [h / patch, w / patch, n, c patch patch]
 */
import {
  cast,
  convolution,
  type Layer,
  padImage,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  type Tensor,
  transpose,
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

/** Above a square of so many pixels a side neighbours say little that the layers behind the first would not see as cheaply. */
const OVERLAPPING = 4

/** Kernel of the convolutions that squares enter and leave by. */
export const patchKernel = (patch: number): { kernel: number; padding: number } =>
  patch <= OVERLAPPING ? { kernel: 3, padding: 1 } : { kernel: 1, padding: 0 }

/** The same as a setting: 3, which is left out, or 1. */
export const patchKernelSetting = (patch: number): { readonly patchKernel?: 1 } =>
  patch <= OVERLAPPING ? {} : { patchKernel: 1 }

/** A convolution that keeps the size of what it sees. */
export const sizeKeeping = (
  p: Parameters,
  inputs: number,
  outputs: number,
  size = { kernel: 3, padding: 1 },
): Layer => convolution(p, { inputs, outputs, ...size })

/** @param multiple what the number of squares a side has to divide by */
export function patching({ size }: ImageShape, patch: number, multiple: number): Patching {
  const side = multiple * Math.ceil(size / (patch * multiple))
  return { patch, side, margin: patch * side - size }
}

/**
 * uint8 [n, h, w, c] -> [side, side, n, c patch patch] in the network's range, channels in the order of `pixelUnshuffle`.
 * Without a margin pixels move as bytes: a quarter of what floats would be.
 * @param range floats 0..255 to the network's range
 */
export function toPatches(
  pixels: Tensor,
  { patch, side, margin }: Patching,
  range: (x: Tensor) => Tensor,
): Tensor {
  if (margin > 0) return imagePatches(range(greyLevels(pixels)), { patch, margin })
  const [n, , , c] = pixels.shape
  const blocks = reshape(pixels, [n, side, patch, side, patch, c])
  const moved = reshape(transpose(blocks, [1, 3, 0, 5, 2, 4]), [side, side, n, c * patch * patch])
  return range(cast(moved, 'float32'))
}

/** [h, w, n, c] in the network's range -> [side, side, n, c patch patch]. */
export function imagePatches(x: Tensor, { patch, margin }: Pick<Patching, 'patch' | 'margin'>): Tensor {
  return pixelUnshuffle(margin > 0 ? padImage(x, [0, margin, 0, margin]) : x, patch)
}

/** [side, side, n, c patch patch] -> [h, w, n, c], the margin cut off. */
export function fromPatches(x: Tensor, { patch, margin }: Patching): Tensor {
  const pixels = pixelShuffle(x, patch)
  return margin === 0 ? pixels : padImage(pixels, [0, -margin, 0, -margin])
}
