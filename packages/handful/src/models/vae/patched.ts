/**
 * The network that is fast on a CPU:
 *
 *   squares -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv -> upsample -> conv -> conv -> squares
 */
import {
  averagePool,
  convolution,
  flattenImage,
  type Layer,
  linear,
  type Parameters,
  relu,
  slice,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import { patching, patchKernel } from '../patching.js'
import type { VaeConfigOf, VaeNetwork } from './config.js'

export function patchedNetwork(p: Parameters, config: VaeConfigOf<'patched'>, image: ImageShape): VaeNetwork {
  const { width, hidden, latent, patch = 2 } = config
  const cut = patching(image, patch, 2)
  const side = cut.side / 2
  const numbers = image.channels * patch * patch
  const same = { kernel: 3, padding: 1 }
  const conv = (own: Parameters, inChannels: number, outChannels: number, size = same): Layer =>
    convolution(own, { inputs: inChannels, outputs: outChannels, ...size })
  const e = p.scope('encoder')
  const fine1 = conv(e.scope('fine1'), numbers, width, patchKernel(patch))
  const fine2 = conv(e.scope('fine2'), width, width)
  const coarse1 = conv(e.scope('coarse1'), width, 2 * width)
  const coarse2 = conv(e.scope('coarse2'), 2 * width, 2 * width)
  const gather = linear(e.scope('hidden'), { inputs: side * side * 2 * width, outputs: hidden })
  const posterior = linear(e.scope('posterior'), { inputs: hidden, outputs: 2 * latent })

  const d = p.scope('decoder')
  const expand = linear(d.scope('hidden'), { inputs: latent, outputs: hidden })
  const spread = linear(d.scope('spread'), { inputs: hidden, outputs: side * side * 2 * width })
  const coarseUp = conv(d.scope('coarse'), 2 * width, 2 * width)
  const fineUp = conv(d.scope('fine'), 2 * width, width)
  const last = conv(d.scope('last'), width, numbers, patchKernel(patch))
  return {
    patching: cut,
    encode(x) {
      const fine = relu(fine2(relu(fine1(x))))
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
      return {
        layers: { 'decoder.hidden': h, 'decoder.coarse': coarse, 'decoder.fine': fine },
        output: last(fine),
      }
    },
  }
}
