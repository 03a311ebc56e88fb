/**
 * The two networks of the study's VAEs.
 *
 * dense, for MNIST (parameters 6.53 M + 6.53 M at 28x28):
 *   image -> conv3 32 -> conv3 64, stride 2 -> conv3 128, stride 2 -> 1024 -> (mean, log variance)
 *   z -> 1024 -> 128 at a quarter -> convT3 64, stride 2 -> convT3 32, stride 2 -> convT3 -> image
 *
 * residual, for CIFAR (parameters 4.99 M + 18.74 M at 32x32), of blocks x -> BN conv3 ReLU BN conv3 x + skip(x):
 *   image -> 3 blocks 32 -> pool -> 2 blocks 64 -> pool -> 2 blocks 128 -> pool -> 2 blocks 256 -> mean -> (mean, log deviation)
 *   z as 1x1x512 -> 5 times [convT2 stride 2, 3 blocks] with 256, 128, 64, 32 channels and the image's
 *
 * The study's text leaves open where the decoder's channels change. Its parameter and operation counts (18.74 M, 310
 * million products) are met exactly by this: in the first of the three blocks, but in the last one at the finest level.
 *
 * Layers are tapped after the activation. (The study's own taps of MNIST's convolutions are before it, where the mean over
 * the image is nearly a function of its brightness alone.) A residual block ends in a sum without one; the encoder's are
 * tapped after the pooling.
 */
import {
  add,
  batchNorm,
  convolution,
  flattenImage,
  type Layer,
  linear,
  maxPool,
  mean,
  mul,
  padImage,
  type Parameters,
  relu,
  sequence,
  slice,
  type Tensor,
  transposedConvolution,
  unflattenImage,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import type { VaeConfigOf, VaeNetwork } from './config.js'

const KERNEL_3 = { kernel: 3, padding: 1 } as const
const DOUBLING = { ...KERNEL_3, stride: 2, outputPadding: 1 } as const

/** Sizes that are no multiple of 4 get a margin at the bottom and right. */
export function denseNetwork(p: Parameters, config: VaeConfigOf<'dense'>, image: ImageShape): VaeNetwork {
  const { width, hidden, latent } = config
  const { size, channels } = image
  const side = Math.ceil(size / 4)
  const margin = 4 * side - size
  const numbers = side * side * 4 * width
  const e = p.scope('encoder')
  const conv1 = convolution(e.scope('conv1'), { inputs: channels, outputs: width, ...KERNEL_3 })
  const conv2 = convolution(e.scope('conv2'), {
    inputs: width,
    outputs: 2 * width,
    ...KERNEL_3,
    stride: 2,
  })
  const conv3 = convolution(e.scope('conv3'), {
    inputs: 2 * width,
    outputs: 4 * width,
    ...KERNEL_3,
    stride: 2,
  })
  const gather = linear(e.scope('hidden'), { inputs: numbers, outputs: hidden })
  const posterior = linear(e.scope('posterior'), { inputs: hidden, outputs: 2 * latent })

  const d = p.scope('decoder')
  const expand = linear(d.scope('hidden'), { inputs: latent, outputs: hidden })
  const spread = linear(d.scope('spread'), { inputs: hidden, outputs: numbers })
  const up1 = transposedConvolution(d.scope('conv1'), {
    inputs: 4 * width,
    outputs: 2 * width,
    ...DOUBLING,
  })
  const up2 = transposedConvolution(d.scope('conv2'), {
    inputs: 2 * width,
    outputs: width,
    ...DOUBLING,
  })
  const last = transposedConvolution(d.scope('last'), {
    inputs: width,
    outputs: channels,
    ...KERNEL_3,
  })
  return {
    encode(x) {
      const first = relu(conv1(padImage(x, [0, margin, 0, margin])))
      const second = relu(conv2(first))
      const third = relu(conv3(second))
      const h = relu(gather(flattenImage(third)))
      const code = posterior(h)
      return {
        layers: {
          'encoder.conv1': first,
          'encoder.conv2': second,
          'encoder.conv3': third,
          'encoder.hidden': h,
          posterior: code,
        },
        mean: slice(code, 1, 0, latent),
        logVariance: slice(code, 1, latent, 2 * latent),
        summary: h,
      }
    },
    decode(z) {
      const h = relu(expand(z))
      const coarse = unflattenImage(relu(spread(h)), [side, side, 4 * width])
      const half = relu(up1(coarse))
      const whole = relu(up2(half))
      return {
        layers: {
          'decoder.hidden': h,
          'decoder.spread': coarse,
          'decoder.conv1': half,
          'decoder.conv2': whole,
        },
        output: padImage(last(whole), [0, -margin, 0, -margin]),
      }
    },
  }
}

function block(p: Parameters, inChannels: number, outChannels: number): Layer {
  const mid = 2 * inChannels
  const conv1 = convolution(p.scope('conv1'), { inputs: inChannels, outputs: mid, ...KERNEL_3 })
  const norm1 = batchNorm(p.scope('norm1'), mid)
  const conv2 = convolution(p.scope('conv2'), { inputs: mid, outputs: outChannels, ...KERNEL_3 })
  const norm2 = batchNorm(p.scope('norm2'), outChannels)
  const skip =
    inChannels === outChannels
      ? (x: Tensor): Tensor => x
      : convolution(p.scope('skip'), { inputs: inChannels, outputs: outChannels, ...KERNEL_3 })
  return (x) => add(norm2(conv2(relu(norm1(conv1(x))))), skip(x))
}

/** A chain of blocks from the first channel count through the others. */
const blocks = (p: Parameters, channels: readonly number[]): Layer =>
  sequence(...channels.slice(1).map((out, i) => block(p.scope(`block${i + 1}`), channels[i], out)))

/** Images that do not fill the decoder's finest level, a power of two, get a margin at the bottom and right. */
export function residualNetwork(
  p: Parameters,
  config: VaeConfigOf<'residual'>,
  image: ImageShape,
): VaeNetwork {
  const { encoderChannels, decoderChannels, latent } = config
  const margin = paddedSize(config) - image.size
  const e = p.scope('encoder')
  const down = encoderChannels.map((width, level) => {
    const from = level === 0 ? image.channels : encoderChannels[level - 1]
    return blocks(e.scope(`level${level + 1}`), [from, ...new Array<number>(level === 0 ? 3 : 2).fill(width)])
  })
  const posterior = linear(e.scope('posterior'), { inputs: encoderChannels.at(-1) ?? 0, outputs: 2 * latent })

  const d = p.scope('decoder')
  const up = [...decoderChannels, image.channels].map((width, level) => {
    const from = level === 0 ? latent : decoderChannels[level - 1]
    const scope = d.scope(`level${level + 1}`)
    const doubling = transposedConvolution(scope.scope('up'), {
      inputs: from,
      outputs: from,
      kernel: 2,
      stride: 2,
    })
    const finest = level === decoderChannels.length
    return sequence(doubling, blocks(scope, finest ? [from, from, from, width] : [from, width, width, width]))
  })
  return {
    encode(x) {
      const layers: Record<string, Tensor> = {}
      let h = padImage(x, [0, margin, 0, margin])
      down.forEach((level, i) => {
        h = level(h)
        if (i < down.length - 1) layers[`encoder.level${i + 1}`] = h = maxPool(h, 2)
      })
      const pooled = mean(h, [0, 1])
      const code = posterior(pooled)
      return {
        layers: { ...layers, 'encoder.pooled': pooled, posterior: code },
        mean: slice(code, 1, 0, latent),
        // The network gives the logarithm of the deviation.
        logVariance: mul(slice(code, 1, latent, 2 * latent), 2),
        summary: pooled,
      }
    },
    decode(z) {
      const layers: Record<string, Tensor> = {}
      let h = unflattenImage(z, [1, 1, latent])
      up.forEach((level, i) => {
        h = level(h)
        if (i < up.length - 1) layers[`decoder.level${i + 1}`] = h
      })
      return { layers, output: padImage(h, [0, -margin, 0, -margin]) }
    },
  }
}

/** Side of the images inside the residual network. */
export const paddedSize = ({ decoderChannels }: VaeConfigOf<'residual'>): number =>
  2 ** (decoderChannels.length + 1)
