/**
 * The network that is fast on a CPU:
 *
 *   image -> [2x2 pixels to channels] -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv -> upsample -> conv -> conv -> [channels to 2x2 pixels] -> image
 */
import {
  averagePool,
  convolution,
  flattenImage,
  type Layer,
  linear,
  padImage,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  slice,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import type { VaeConfigOf, VaeNetwork } from './config.js'

export function patchedNetwork(p: Parameters, config: VaeConfigOf<'patched'>, image: ImageShape): VaeNetwork {
  const { width, hidden, latent } = config
  const { size, channels } = image
  const side = Math.ceil(size / 4)
  const margin = 4 * side - size
  const conv = (own: Parameters, inChannels: number, outChannels: number): Layer =>
    convolution(own, { inChannels, outChannels, kernel: 3, padding: 1 })
  const e = p.scope('encoder')
  const [fine1, fine2] = [conv(e.scope('fine1'), 4 * channels, width), conv(e.scope('fine2'), width, width)]
  const coarse1 = conv(e.scope('coarse1'), width, 2 * width)
  const coarse2 = conv(e.scope('coarse2'), 2 * width, 2 * width)
  const gather = linear(e.scope('hidden'), { inputs: side * side * 2 * width, outputs: hidden })
  const posterior = linear(e.scope('posterior'), { inputs: hidden, outputs: 2 * latent })

  const d = p.scope('decoder')
  const expand = linear(d.scope('hidden'), { inputs: latent, outputs: hidden })
  const spread = linear(d.scope('spread'), { inputs: hidden, outputs: side * side * 2 * width })
  const coarseUp = conv(d.scope('coarse'), 2 * width, 2 * width)
  const fineUp = conv(d.scope('fine'), 2 * width, width)
  const last = conv(d.scope('last'), width, 4 * channels)
  return {
    encode(x) {
      const whole = padImage(x, [0, margin, 0, margin])
      const fine = relu(fine2(relu(fine1(pixelUnshuffle(whole, 2)))))
      const coarse = relu(coarse2(relu(coarse1(averagePool(fine, 2)))))
      const h = relu(gather(flattenImage(coarse)))
      const code = posterior(h)
      return {
        layers: { fine, coarse, hidden: h },
        mean: slice(code, 1, 0, latent),
        logVariance: slice(code, 1, latent, 2 * latent),
        summary: h,
      }
    },
    decode(z) {
      const h = relu(expand(z))
      const coarse = relu(coarseUp(unflattenImage(relu(spread(h)), [side, side, 2 * width])))
      const fine = relu(fineUp(upsampleNearest(coarse, 2)))
      const pixels = pixelShuffle(last(fine), 2)
      return {
        layers: { 'decoder.hidden': h, 'decoder.coarse': coarse, 'decoder.fine': fine },
        output: padImage(pixels, [0, -margin, 0, -margin]),
      }
    },
  }
}
