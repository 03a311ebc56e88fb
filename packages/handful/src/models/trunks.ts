/**
 * Networks from squares of pixels to a row of numbers that are fast on a CPU, as several models begin:
 *
 *   patched:  squares -> conv conv -> pool -> conv conv -> hidden                      where things are matters: written characters
 *   pyramid:  squares -> conv -> level 1 -> pool -> level 2 -> pool -> level 3 -> mean     photographs
 *
 * A level is `blocks` residual blocks of relu(norm(conv(relu(norm(conv(x))))) + x), twice as wide as the level before.
 */
import {
  add,
  averagePool,
  batchNorm,
  convolution,
  flattenImage,
  type Layer,
  linear,
  mean,
  type Parameters,
  relu,
  sequence,
  type Tensor,
} from 'onnx-autodiff'
import type { ImageShape } from './model.js'
import { type Patching, patching, sizeKeeping, squaresIn } from './patching.js'

/** Layers by name, in the order of the network. [h, w, n, channels] or [n, numbers]. */
export type Layers = Readonly<Record<string, Tensor>>

/** What a trunk makes of squares of pixels. */
export interface Seen {
  readonly layers: Layers
  /** The last level, [h, w, n, channels]. */
  readonly coarsest: Tensor
  /** [n, numbers]: the best features. */
  readonly summary: Tensor
}

/** A network from squares of pixels, [side, side, n, channels patch patch], to a summary of the image. */
export interface Trunk {
  /** How images are cut into squares. */
  readonly patching: Patching
  /** Channels of the last level. */
  readonly channels: number
  /** Numbers of the summary. */
  readonly numbers: number
  readonly see: (x: Tensor) => Seen
}

/** Two levels, of patches and of half their resolution, and a wide layer. */
export interface PatchedTrunkConfig {
  /** Channels at the patches' resolution; twice as many at half of it. */
  readonly width: number
  /** Units of the layer that sees the whole image. */
  readonly hidden: number
  /** Side of the squares of pixels; 2 where left out. */
  readonly patch?: number
}

/** @param e the scope that its parameters are named in */
export function patchedTrunk(
  e: Parameters,
  { width, hidden, patch = 2 }: PatchedTrunkConfig,
  image: ImageShape,
): Trunk {
  const cut = patching(image, patch, 2)
  const side = cut.side / 2
  const fine1 = squaresIn(e.scope('fine1'), { channels: image.channels, patch, width })
  const fine2 = sizeKeeping(e.scope('fine2'), width, width)
  const coarse1 = sizeKeeping(e.scope('coarse1'), width, 2 * width)
  const coarse2 = sizeKeeping(e.scope('coarse2'), 2 * width, 2 * width)
  const gather = linear(e.scope('hidden'), { inputs: side * side * 2 * width, outputs: hidden })
  return {
    patching: cut,
    channels: 2 * width,
    numbers: hidden,
    see(x) {
      const fine = relu(fine2(relu(fine1(x))))
      const coarse = relu(coarse2(relu(coarse1(averagePool(fine, 2)))))
      const summary = relu(gather(flattenImage(coarse)))
      return { layers: { fine, coarse, hidden: summary }, coarsest: coarse, summary }
    },
  }
}

/** Residual blocks with batch norm at the resolution of patches, at a half and at a quarter of it. */
export interface PyramidTrunkConfig {
  /** Channels at the patches' resolution; twice and four times as many below. */
  readonly width: number
  /** Residual blocks of each level. */
  readonly blocks: number
  /** Side of the squares of pixels; 2 where left out. */
  readonly patch?: number
}

/** Sizes that are no multiple of four squares get a margin at the bottom and right. */
const PYRAMID_MULTIPLE = 4

/**
 * Its parameters do not depend on the image's size.
 * @param e the scope that its parameters are named in
 */
export function pyramidTrunk(
  e: Parameters,
  { width, blocks, patch = 2 }: PyramidTrunkConfig,
  image: ImageShape,
): Trunk {
  const stem = squaresIn(e.scope('stem'), { channels: image.channels, patch, width })
  const [level1, level2, level3] = [1, 2, 4].map((factor, level) =>
    sequence(
      ...Array.from({ length: blocks }, (_, i) =>
        block(
          e.scope(`level${level + 1}.${i + 1}`),
          i === 0 && level > 0 ? (factor * width) / 2 : factor * width,
          factor * width,
        ),
      ),
    ),
  )
  return {
    patching: patching(image, patch, PYRAMID_MULTIPLE),
    channels: 4 * width,
    numbers: 4 * width,
    see(x) {
      const half = level1(relu(stem(x)))
      const quarter = level2(averagePool(half, 2))
      const eighth = level3(averagePool(quarter, 2))
      const pooled = mean(eighth, [0, 1])
      const layers = { level1: half, level2: quarter, level3: eighth, pooled }
      return { layers, coarsest: eighth, summary: pooled }
    },
  }
}

function block(p: Parameters, inChannels: number, outChannels: number): Layer {
  const conv = (name: string, from: number, kernel: number): Layer =>
    convolution(p.scope(name), {
      inputs: from,
      outputs: outChannels,
      kernel,
      padding: (kernel - 1) / 2,
      bias: false,
    })
  const [conv1, conv2] = [conv('conv1', inChannels, 3), conv('conv2', outChannels, 3)]
  const [norm1, norm2] = [batchNorm(p.scope('norm1'), outChannels), batchNorm(p.scope('norm2'), outChannels)]
  const skip = inChannels === outChannels ? (x: Tensor): Tensor => x : conv('skip', inChannels, 1)
  return (x) => relu(add(norm2(conv2(relu(norm1(conv1(x))))), skip(x)))
}
