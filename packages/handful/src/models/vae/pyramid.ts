/**
 * A VAE's residual network that starts from squares of pixels as channels, for photographs on a CPU:
 *
 *   squares -> conv -> level 1 -> pool -> level 2 -> pool -> level 3 -> (mean, log variance)
 *   z -> linear -> upsample conv -> upsample conv -> conv -> squares
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
  slice,
  type Tensor,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import { type Patching, patching, sizeKeeping, squaresIn, squaresOut } from '../patching.js'
import type { PatchedEncoder, VaeConfigOf, VaeNetwork } from './config.js'

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

/** Sizes that are no multiple of four squares get a margin at the bottom and right. */
const cutOf = (image: ImageShape, patch: number): Patching => patching(image, patch, 4)

/** The network's first half, which can be had without the second. */
export function pyramidEncoder(
  p: Parameters,
  { width, blocks, latent, patch = 2 }: VaeConfigOf<'pyramid'>,
  image: ImageShape,
): PatchedEncoder {
  const cut = cutOf(image, patch)
  const side = cut.side / 4
  const e = p.scope('encoder')
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
  const posterior = linear(e.scope('posterior'), { inputs: side * side * 4 * width, outputs: 2 * latent })
  return {
    patching: cut,
    encode(x) {
      const half = level1(relu(stem(x)))
      const quarter = level2(averagePool(half, 2))
      const eighth = level3(averagePool(quarter, 2))
      const pooled = mean(eighth, [0, 1])
      const code = posterior(flattenImage(eighth))
      return {
        layers: {
          'encoder.level1': half,
          'encoder.level2': quarter,
          'encoder.level3': eighth,
          'encoder.pooled': pooled,
        },
        mean: slice(code, 1, 0, latent),
        logVariance: slice(code, 1, latent, 2 * latent),
        summary: pooled,
      }
    },
  }
}

export function pyramidNetwork(p: Parameters, config: VaeConfigOf<'pyramid'>, image: ImageShape): VaeNetwork {
  const { decoderWidth, latent, patch = 2 } = config
  const side = cutOf(image, patch).side / 4
  const encoder = pyramidEncoder(p, config, image)
  const d = p.scope('decoder')
  const spread = linear(d.scope('spread'), { inputs: latent, outputs: side * side * 4 * decoderWidth })
  const up1 = sizeKeeping(d.scope('up1'), 4 * decoderWidth, 2 * decoderWidth)
  const up2 = sizeKeeping(d.scope('up2'), 2 * decoderWidth, decoderWidth)
  const last = squaresOut(d.scope('last'), { channels: image.channels, patch, width: decoderWidth })
  return {
    ...encoder,
    decode(z) {
      const coarse = unflattenImage(relu(spread(z)), [side, side, 4 * decoderWidth])
      const quarter = relu(up1(upsampleNearest(coarse, 2)))
      const half = relu(up2(upsampleNearest(quarter, 2)))
      return {
        layers: { 'decoder.level3': coarse, 'decoder.level2': quarter, 'decoder.level1': half },
        output: last(half),
      }
    },
  }
}
