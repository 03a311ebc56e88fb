/**
 * The network that is fast on a CPU:
 *
 *   squares -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv -> upsample -> conv -> conv -> squares, of pixels or of blocks of pixels
 */
import { linear, type Parameters, relu, slice, unflattenImage, upsampleNearest } from 'onnx-autodiff'
import { HandfulError } from '../../errors.js'
import type { ImageShape } from '../model.js'
import { sizeKeeping, squaresOut } from '../patching.js'
import { patchedTrunk } from '../trunks.js'
import type { PatchedEncoder, VaeConfigOf, VaeNetwork } from './config.js'

/** The network's first half, which can be had without the second. */
export function patchedEncoder(
  p: Parameters,
  { latent, ...config }: VaeConfigOf<'patched'>,
  image: ImageShape,
): PatchedEncoder {
  const e = p.scope('encoder')
  const trunk = patchedTrunk(e, config, image)
  const posterior = linear(e.scope('posterior'), { inputs: trunk.numbers, outputs: 2 * latent })
  return {
    patching: trunk.patching,
    encode(x) {
      const { layers, summary } = trunk.see(x)
      const code = posterior(summary)
      return {
        layers,
        mean: slice(code, 1, 0, latent),
        logVariance: slice(code, 1, latent, 2 * latent),
        summary,
      }
    },
  }
}

export function patchedNetwork(p: Parameters, config: VaeConfigOf<'patched'>, image: ImageShape): VaeNetwork {
  const { width, hidden, latent, patch = 2, block = 1 } = config
  checkBlock(block, patch, image)
  const encoder = patchedEncoder(p, config, image)
  const cut = encoder.patching
  const side = cut.side / 2
  const d = p.scope('decoder')
  const expand = linear(d.scope('hidden'), { inputs: latent, outputs: hidden })
  const spread = linear(d.scope('spread'), { inputs: hidden, outputs: side * side * 2 * width })
  const coarseUp = sizeKeeping(d.scope('coarse'), 2 * width, 2 * width)
  const fineUp = sizeKeeping(d.scope('fine'), 2 * width, width)
  const last = squaresOut(d.scope('last'), { channels: image.channels, patch: patch / block, width })
  const small = { ...cut, patch: patch / block, margin: cut.margin / block }
  return {
    ...encoder,
    ...(block > 1 ? { blocks: { block, patching: small } } : {}),
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

/** @throws HandfulError for blocks that squares, or the image, do not divide into */
function checkBlock(block: number, patch: number, { size }: ImageShape): void {
  if (patch % block === 0 && size % block === 0) return
  throw new HandfulError({
    what: 'block',
    where: 'VAE configuration',
    got: `${block} pixels a side`,
    expected: `a divisor of the patch, ${patch}, and of the image's size, ${size}`,
    hint: 'leave block out: then every pixel has a value of its own',
  })
}
