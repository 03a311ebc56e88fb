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
  constant,
  input,
  inputName,
  mean,
  mul,
  Parameters,
  sizeOf,
  slice,
  sub,
  sum,
  type Tensor,
} from 'onnx-autodiff'
import { imageDimensions } from '../common.js'
import type { ImageShape, Streams, Trainable } from '../model.js'
import { type Optimisation, trainingStep } from '../optimise.js'
import { imagePatches, squareOrder, toPatches } from '../patching.js'
import { floats, imageNumbers, type PixelRange, standardise, standardised } from './inputs.js'
import {
  type Denoiser,
  denoiser,
  type Dropout,
  embeddingSize,
  embedNoise,
  FOURIER_FREQUENCIES,
  type Noise,
  noDropout,
  squareDenoiser,
  squaresOf,
  type UNetConfig,
} from './unet.js'

export interface DenoisingStep {
  readonly config: UNetConfig & PixelRange & { readonly batch: number }
  /** Share of channels set to zero in training, image by image. */
  readonly dropout?: number
  /** What the network is to predict, number by number, of images [h, w, n, channels] or their squares, and factors [n, 1]. */
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
  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const { denoise, clean, noise, counted } = trainingImages(
    p,
    pixels,
    config,
    image,
    dropout > 0 ? dropped : noDropout,
  )
  const [alpha, sigma] = [input('alpha', [batch, 1]), input('sigma', [batch, 1])]
  const embedding = input('embedding', [batch, embeddingSize(config)])
  const weight = input('weight', [batch])

  const noisy = add(mul(clean, alpha), mul(noise, sigma))
  const { prediction } = denoise(noisy, embedding)
  const error = counted(sub(prediction, target({ clean, noise, alpha, sigma })))
  const numbers = sizeOf(noise.shape) / batch
  const squares = mean(mul(error, error), [0, 1, 3])
  // A margin adds nothing to the sum, and is not among what the mean is over.
  const errors = numbers === imageNumbers(image) ? squares : mul(squares, numbers / imageNumbers(image))
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
      noise: floats(noise.shape, streams('noise').fillNormal(new Float32Array(sizeOf(noise.shape)))),
      ...levelInputs(config, drawNoise(streams), weigh),
      ...maskInputs(masks, dropout, streams),
    }),
  }
}

/** The images of a batch and their noise, as they are mixed and predicted. */
interface TrainingImages {
  readonly denoise: Denoiser
  readonly clean: Tensor
  /** An input, of the shape of `clean`. */
  readonly noise: Tensor
  /** Of what is computed of them, what belongs to the images: nothing in a margin. */
  readonly counted: (x: Tensor) => Tensor
}

/**
 * Large images stay squares from the bytes to the loss: noise has no order to be brought into, and factors of whole
 * images are spread over runs of hundreds of numbers instead of three.
 */
function trainingImages(
  p: Parameters,
  pixels: Tensor,
  config: UNetConfig & PixelRange,
  image: ImageShape,
  dropout: Dropout,
): TrainingImages {
  const [batch] = pixels.shape
  if (config.network === 'study' || squareOrder(config.patch) === 'channelFirst')
    return {
      denoise: denoiser(p, config, image, dropout),
      clean: standardised(pixels, config),
      noise: input('noise', [image.size, image.size, batch, image.channels]),
      counted: (x) => x,
    }
  const cut = squaresOf(config, image)
  const onSquares = squareDenoiser(p, config, image, dropout)
  const inside = imagePatches(constantImage(image, 1), cut)
  const counted = (x: Tensor): Tensor => (cut.margin > 0 ? mul(x, inside) : x)
  const clean = toPatches(pixels, cut, (levels) => standardise(levels, config))
  return {
    // What it sees of the margin is 0, as where it is made from whole images.
    denoise: (x, embedding) => onSquares(counted(x), embedding),
    clean,
    noise: input('noise', clean.shape),
    counted,
  }
}

/** One image of one value, [size, size, 1, channels]. */
const constantImage = ({ size, channels }: ImageShape, value: number): Tensor =>
  constant(new Float32Array(size * size * channels).fill(value), [size, size, 1, channels])

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
