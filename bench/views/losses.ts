/** What the encoder of `contrastive` can learn by instead of comparing views by what tells them apart, for benchmarks alone. */
import {
  add,
  concat,
  constant,
  input,
  linear,
  matmul,
  mean,
  mul,
  Parameters,
  sizeOf,
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
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
import { unitProjection } from '../../packages/handful/src/models/view-disagreement.js'

export type EncoderLoss = 'soda' | 'coding-rate'

type Train = (config: ViewsConfig, image: ImageShape, steps: number, seed: number) => Trainable

export const encoderLosses: Readonly<Record<EncoderLoss, Train>> = { soda, 'coding-rate': codingRate }

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

/** Squared distance up to which two numbers of a code count as one, and weight of likeness, of EMP-SSL. */
const [DISTORTION, LIKENESS] = [0.2, 200]
/** Newton's steps to an inverse whose condition is below a thousand. */
const NEWTON_STEPS = 18

/**
 * Views of an image are to be alike, and all of a batch to take as much room as they can: the total coding rate
 * R = log det(I + d / (n e) Z'Z) / 2 of each view (Tong et al., EMP-SSL, arXiv 2304.03977), by the gradient of which, A^-1 of A = I + ..., it is
 * followed without a determinant.
 */
function codingRate(config: ViewsConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, projection } = config
  const size = viewSize(config, image)
  const p = new Parameters('train')
  const trunk = pyramidTrunk(p.scope('encoder'), config, { ...image, size })
  const views = ['image', 'second'].map((name) =>
    input(name, imageDimensions(batch, { ...image, size }), 'uint8'),
  )
  const { summary } = trunk.see(
    concat(
      views.map((view) => toPatches(view, trunk.patching, signedRange)),
      2,
    ),
  )
  const unit = unitProjection(p.scope('projection'), summary, projection)
  const codes = [slice(unit, 0, 0, batch), slice(unit, 0, batch, 2 * batch)]
  const rates = codes.map((code) => followedRate(code, projection / (batch * DISTORTION)))
  const alike = mul(sum(mul(codes[0], codes[1])), 1 / batch)
  const loss = sub(mul(add(rates[0], rates[1]), -0.5), mul(alike, LIKENESS))
  return {
    ...trainingStep({ parameters: p, inputs: views, loss, metrics: {} }, config, steps, seed),
    batch,
    hasTarget: false,
    hasSecondView: true,
    viewSize: size,
    drawInputs: () => ({}),
  }
}

/** A number whose gradient is that of log det(I + factor Z'Z) / 2. */
function followedRate(z: Tensor, factor: number): Tensor {
  const [rows, numbers] = z.shape
  const identity = constant(
    Float64Array.from({ length: numbers * numbers }, (_, i) => (i % (numbers + 1) === 0 ? 1 : 0)),
    [numbers, numbers],
  )
  const a = add(mul(matmul(transpose(z, [1, 0]), z), factor), identity)
  const fixed = stopGradient(a)
  let inverse = mul(identity, 2 / (2 + factor * rows))
  for (let i = 0; i < NEWTON_STEPS; i++)
    inverse = sub(mul(inverse, 2), matmul(matmul(inverse, fixed), inverse))
  return mul(sum(mul(stopGradient(inverse), a)), 0.5)
}
