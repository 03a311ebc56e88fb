/**
 * One training step of a network that is told noisy images and their noise level:
 *
 *   x_t = alpha x + sigma noise;  loss = weight mean (network(x_t, level) - target)^2
 *
 * What it predicts, how the levels of a batch are drawn and what they weigh is the model's own.
 */
import {
  add,
  type Arrays,
  input,
  inputName,
  mean,
  mul,
  Parameters,
  slice,
  sub,
  sum,
  type Tensor,
} from 'onnx-autodiff'
import { imageDimensions } from '../common.js'
import type { ImageShape, Streams, Trainable } from '../model.js'
import { type Optimisation, trainingStep } from '../optimise.js'
import { floats, imageNumbers, type PixelRange, standardised } from './inputs.js'
import {
  denoiser,
  embeddingSize,
  embedNoise,
  FOURIER_FREQUENCIES,
  type Noise,
  noDropout,
  type UNetConfig,
} from './unet.js'

export interface DenoisingStep {
  readonly config: UNetConfig & PixelRange & { readonly batch: number }
  /** Share of channels set to zero in training, image by image. */
  readonly dropout?: number
  /** What the network is to predict, of images [h, w, n, channels] and factors [n, 1]. */
  readonly target: (parts: {
    readonly clean: Tensor
    readonly noise: Tensor
    readonly alpha: Tensor
    readonly sigma: Tensor
  }) => Tensor
  /** The noise of a batch's images, rising. */
  readonly drawNoise: (streams: Streams) => readonly Noise[]
  /** Of an image's squared error. */
  readonly weight?: (noise: Noise) => number
  readonly optimisation: Optimisation
}

/**
 * Outputs: `loss`, and the squared error without its weight, a mean per number, over the thirds of the batch with the least
 * noise, in between, and with the most: `lowNoise`, `middleNoise`, `highNoise`.
 */
export function denoisingStep(
  { config, dropout = 0, target, drawNoise, weight: weigh = () => 1, optimisation }: DenoisingStep,
  image: ImageShape,
  steps: number,
  seed: number,
): Trainable {
  const { batch, network } = config
  const p = new Parameters('train')
  const masks: Tensor[] = []
  const dropped = (name: string, x: Tensor): Tensor => {
    const mask = input(`dropout ${name}`, [batch, x.shape[3]])
    masks.push(mask)
    return mul(x, mask)
  }
  const denoise = denoiser(p, config, image, dropout > 0 ? dropped : noDropout)
  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const noise = input('noise', [image.size, image.size, batch, image.channels])
  const [alpha, sigma] = [input('alpha', [batch, 1]), input('sigma', [batch, 1])]
  const embedding = input('embedding', [batch, embeddingSize(config)])
  const weight = input('weight', [batch])

  const clean = standardised(pixels, config)
  const noisy = add(mul(clean, alpha), mul(noise, sigma))
  const { prediction } = denoise(noisy, embedding)
  const error = sub(prediction, target({ clean, noise, alpha, sigma }))
  const errors = mean(mul(error, error), [0, 1, 3])
  const loss = mul(sum(mul(errors, weight)), 1 / batch)
  const step = trainingStep(
    {
      parameters: p,
      inputs: [pixels, noise, alpha, sigma, embedding, weight, ...masks],
      loss,
      metrics: byThirds(errors),
    },
    optimisation,
    steps,
    seed,
  )
  return {
    ...step,
    // The study counts its frequencies, which stay as they are here.
    parameterCount: step.parameterCount + (network === 'study' ? FOURIER_FREQUENCIES.length : 0),
    batch,
    hasTarget: false,
    drawInputs: (streams) => ({
      noise: floats(noise.shape, streams('noise').fillNormal(new Float32Array(batch * imageNumbers(image)))),
      ...levelInputs(config, drawNoise(streams), weigh),
      ...maskInputs(masks, dropout, streams),
    }),
  }
}

/** What the step is told of the noise of each image. */
export function levelInputs(
  config: UNetConfig,
  noises: readonly Noise[],
  weight: (noise: Noise) => number,
): Arrays {
  const column = (shape: readonly number[], of: (noise: Noise) => number) =>
    floats([noises.length, ...shape], Float32Array.from(noises, of))
  return {
    alpha: column([1], ({ alpha }) => alpha),
    sigma: column([1], ({ sigma }) => sigma),
    embedding: floats(
      [noises.length, embeddingSize(config)],
      Float32Array.from(noises.flatMap((noise) => embedNoise(config, noise))),
    ),
    weight: column([], weight),
  }
}

/** Levels rise along the batch, so its thirds are those of least and most noise. */
function byThirds(errors: Tensor): Record<string, Tensor> {
  const [batch] = errors.shape
  if (batch < 3) return {}
  const at = [0, 1, 2, 3].map((i) => Math.round((i * batch) / 3))
  return Object.fromEntries(
    ['lowNoise', 'middleNoise', 'highNoise'].map((name, i) => [
      name,
      mean(slice(errors, 0, at[i], at[i + 1])),
    ]),
  )
}

/** Kept channels are scaled up by what is lost (Srivastava et al., JMLR 2014). */
function maskInputs(masks: readonly Tensor[], rate: number, streams: Streams): Arrays {
  const random = streams('dropout')
  return Object.fromEntries(
    masks.map((mask) => {
      const [batch, channels] = mask.shape
      const kept = Float32Array.from({ length: batch * channels }, () =>
        random.uniform() < rate ? 0 : 1 / (1 - rate),
      )
      return [inputName(mask), floats(mask.shape, kept)]
    }),
  )
}
