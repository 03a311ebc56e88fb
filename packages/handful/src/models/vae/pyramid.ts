/**
 * A VAE's residual network that starts from squares of pixels as channels, for photographs on a CPU:
 *
 *   squares -> conv -> level 1 -> pool -> level 2 -> pool -> level 3 -> (mean, log variance)
 *   z -> linear -> upsample conv -> upsample conv -> conv -> squares
 *
 * The first half is the trunk of that name (trunks.ts).
 */
import {
  flattenImage,
  linear,
  type Parameters,
  relu,
  slice,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import { sizeKeeping, squaresOut } from '../patching.js'
import { pyramidTrunk } from '../trunks.js'
import type { PatchedEncoder, VaeConfigOf, VaeNetwork } from './config.js'

/** The network's first half, which can be had without the second. */
export function pyramidEncoder(
  p: Parameters,
  { latent, ...config }: VaeConfigOf<'pyramid'>,
  image: ImageShape,
): PatchedEncoder {
  const e = p.scope('encoder')
  const trunk = pyramidTrunk(e, config, image)
  const side = trunk.patching.side / 4
  const posterior = linear(e.scope('posterior'), {
    inputs: side * side * trunk.channels,
    outputs: 2 * latent,
  })
  return {
    patching: trunk.patching,
    encode(x) {
      const { layers, coarsest, summary } = trunk.see(x)
      const code = posterior(flattenImage(coarsest))
      return {
        layers: Object.fromEntries(Object.entries(layers).map(([name, layer]) => [`encoder.${name}`, layer])),
        mean: slice(code, 1, 0, latent),
        logVariance: slice(code, 1, latent, 2 * latent),
        summary,
      }
    },
  }
}

export function pyramidNetwork(p: Parameters, config: VaeConfigOf<'pyramid'>, image: ImageShape): VaeNetwork {
  const { decoderWidth, latent, patch = 2 } = config
  const encoder = pyramidEncoder(p, config, image)
  const side = encoder.patching.side / 4
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
