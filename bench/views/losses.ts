/** What the encoder of `contrastive` can learn by instead of comparing views by what tells them apart, for benchmarks alone. */
import { add, input, linear, mean, mul, Parameters, sizeOf, sub, sum } from 'onnx-autodiff'
import { imageDimensions, signedRange } from '../../packages/handful/src/models/common.js'
import { type ViewsConfig, viewSize } from '../../packages/handful/src/models/contrastive/config.js'
import { floats } from '../../packages/handful/src/models/denoising/inputs.js'
import { levelInputs } from '../../packages/handful/src/models/denoising/training-step.js'
import {
  embeddingSize,
  squareDenoiser,
  squaresOf,
  type UNetConfig,
} from '../../packages/handful/src/models/denoising/unet.js'
import { drawNoise, noiseSchedule } from '../../packages/handful/src/models/diffusion/schedule.js'
import type { ImageShape, Trainable } from '../../packages/handful/src/models/model.js'
import { trainingStep } from '../../packages/handful/src/models/optimise.js'
import { patchFor, toPatches } from '../../packages/handful/src/models/patching.js'
import { pyramidTrunk } from '../../packages/handful/src/models/trunks.js'

export type EncoderLoss = 'soda'

type Train = (config: ViewsConfig, image: ImageShape, steps: number, seed: number) => Trainable

export const encoderLosses: Readonly<Record<EncoderLoss, Train>> = { soda }

/** Numbers that tell the denoiser of the view and of the noise level. */
const TOLD = 128

/**
 * An encoder of a distorted part of an image says to a small denoiser of the whole image what it takes noise from (SODA, Hudson et
 * al., arXiv 2311.17901): v-prediction, the cosine schedule, levels drawn evenly. The code enters as the noise level does.
 */
function soda(config: ViewsConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch } = config
  const size = viewSize(config, image)
  const denoiserConfig: UNetConfig = {
    network: 'residual',
    width: TOLD,
    multipliers: [0.5, 1],
    blocks: 1,
    patch: config.patch ?? patchFor(image),
    groups: 8,
    attention: 0,
  }
  const p = new Parameters('train')
  const trunk = pyramidTrunk(p.scope('encoder'), config, { ...image, size })
  const view = input('image', imageDimensions(batch, { ...image, size }), 'uint8')
  const target = input('target', imageDimensions(batch, image), 'uint8')
  const { summary } = trunk.see(toPatches(view, trunk.patching, signedRange))
  const code = linear(p.scope('code'), { inputs: trunk.numbers, outputs: TOLD })(summary)

  const cut = squaresOf(denoiserConfig, image)
  const clean = toPatches(target, cut, signedRange)
  const noise = input('noise', clean.shape)
  const [alpha, sigma] = [input('alpha', [batch, 1]), input('sigma', [batch, 1])]
  const embedding = input('embedding', [batch, embeddingSize(denoiserConfig)])
  const weight = input('weight', [batch])
  const denoise = squareDenoiser(p.scope('denoiser'), denoiserConfig, image)
  const noisy = add(mul(clean, alpha), mul(noise, sigma))
  const { prediction } = denoise(noisy, add(embedding, code))
  const error = sub(prediction, sub(mul(noise, alpha), mul(clean, sigma)))
  const loss = mul(sum(mul(mean(mul(error, error), [0, 1, 3]), weight)), 1 / batch)
  const schedule = noiseSchedule('cosine')
  return {
    ...trainingStep(
      {
        parameters: p,
        inputs: [view, target, noise, alpha, sigma, embedding, weight],
        loss,
        metrics: {},
      },
      config,
      steps,
      seed,
    ),
    batch,
    hasTarget: true,
    viewSize: size,
    drawInputs: (streams) => ({
      noise: floats(noise.shape, streams('noise').fillNormal(new Float32Array(sizeOf(noise.shape)))),
      ...levelInputs(
        denoiserConfig,
        drawNoise(schedule, { kind: 'uniform' }, streams('noise level'), batch),
        () => 1,
      ),
    }),
  }
}
