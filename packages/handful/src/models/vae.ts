/**
 * A convolutional variational autoencoder (Kingma and Welling, arXiv 1312.6114) whose input may be an augmented version
 * of the image that it reconstructs: the code then has to say what the augmentation leaves alone.
 *
 *   image -> [2x2 pixels to channels] -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv conv -> upsample -> conv conv -> [channels to 2x2 pixels] -> image
 *
 * Two levels at a half and a quarter of the resolution: large images with few channels are what a CPU is slowest at.
 */
import {
  adamW, add, averagePool, binaryCrossEntropyElements, BATCH_MARKER, cast, compile, convolution, cosineDecay, ema, exp, exportProgram,
  flattenImage, fromBatchFirst, gradients, input, type Layer, linear, mul, type NamedArray, padImage, Parameters, pixelShuffle,
  pixelUnshuffle, type Program, relu, sequence, sigmoid, slice, sub, sum, type Tensor, toBatchFirst, unflattenImage, upsampleNearest,
  warmUp,
} from 'onnx-autodiff'

/** Size of the images in pixels, and 1 channel for grey or 3 for colour. */
export interface ImageShape {
  readonly size: number
  readonly channels: 1 | 3
}

export interface VaeConfig {
  /** Channels at half resolution; twice as many at a quarter. */
  readonly width: number
  /** Units of the layer before the latent: the features. */
  readonly hidden: number
  readonly latent: number
  /** Weight of the divergence from the prior (beta-VAE). */
  readonly beta: number
  readonly batch: number
  readonly learningRate: number
  readonly weightDecay: number
  readonly warmUpSteps: number
  /** Half-life of the averaged weights, as a share of all steps. */
  readonly emaHalfLife: number
}

/** Minutes on two cores: narrow, two levels, a short schedule. */
export const fastVae: VaeConfig = {
  width: 32,
  hidden: 256,
  latent: 24,
  beta: 1,
  batch: 128,
  learningRate: 2e-3,
  weightDecay: 1e-4,
  warmUpSteps: 50,
  emaHalfLife: 0.02,
}

const quarter = (size: number): number => Math.ceil(size / 4)

/** [h, w, n, channels] in 0..1 -> the hidden layer and the posterior. */
function encoder(p: Parameters, config: VaeConfig, { size, channels }: ImageShape): (x: Tensor) => { hidden: Tensor; mean: Tensor; logVariance: Tensor } {
  const { width, hidden, latent } = config
  const side = quarter(size)
  const conv = (name: string, inChannels: number, outChannels: number): Layer => {
    const layer = convolution(p.scope(name), { inChannels, outChannels, kernel: 3, padding: 1 })
    return (x) => relu(layer(x))
  }
  const fine = sequence(conv('fine1', 4 * channels, width), conv('fine2', width, width))
  const coarse = sequence(conv('coarse1', width, 2 * width), conv('coarse2', 2 * width, 2 * width))
  const dense = linear(p.scope('hidden'), { inputs: side * side * 2 * width, outputs: hidden })
  const posterior = linear(p.scope('posterior'), { inputs: hidden, outputs: 2 * latent })
  return (x) => {
    const whole = padImage(x, [0, 4 * side - size, 0, 4 * side - size])
    const h = relu(dense(flattenImage(coarse(averagePool(fine(pixelUnshuffle(whole, 2)), 2)))))
    const code = posterior(h)
    return { hidden: h, mean: slice(code, 1, 0, latent), logVariance: slice(code, 1, latent, 2 * latent) }
  }
}

/** z [n, latent] -> logits [h, w, n, channels]. */
function decoder(p: Parameters, config: VaeConfig, { size, channels }: ImageShape): (z: Tensor) => Tensor {
  const { width, hidden, latent } = config
  const side = quarter(size)
  const conv = (name: string, inChannels: number, outChannels: number): Layer =>
    convolution(p.scope(name), { inChannels, outChannels, kernel: 3, padding: 1 })
  const expand = linear(p.scope('hidden'), { inputs: latent, outputs: hidden })
  const spread = linear(p.scope('spread'), { inputs: hidden, outputs: side * side * 2 * width })
  const coarse = conv('coarse', 2 * width, 2 * width)
  const fine = conv('fine', 2 * width, width)
  const last = conv('last', width, 4 * channels)
  return (z) => {
    const h = unflattenImage(relu(spread(relu(expand(z)))), [side, side, 2 * width])
    const pixels = pixelShuffle(last(relu(fine(upsampleNearest(relu(coarse(h)), 2)))), 2)
    return padImage(pixels, [0, size - 4 * side, 0, size - 4 * side])
  }
}

/** uint8 [n, h, w, c] -> float [h, w, n, c] in 0..1. */
const scaled = (pixels: Tensor): Tensor => mul(fromBatchFirst(cast(pixels, 'float32')), 1 / 255)

export interface Trainable {
  readonly program: Program
  readonly initialState: Readonly<Record<string, NamedArray>>
  readonly parameterCount: number
}

/**
 * One training step. Inputs: `image` and `target` uint8 [batch, size, size, channels], `noise` [batch, latent].
 * Outputs, means per image in nats: `loss`, `reconstruction`, `divergence`.
 */
export function trainVae(config: VaeConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, latent } = config
  const p = new Parameters('train')
  const encode = encoder(p.scope('encoder'), config, image)
  const decode = decoder(p.scope('decoder'), config, image)
  const shape = [batch, image.size, image.size, image.channels]
  const [seen, target] = [input('image', shape, 'uint8'), input('target', shape, 'uint8')]
  const noise = input('noise', [batch, latent])

  const { mean, logVariance } = encode(scaled(seen))
  const z = add(mean, mul(exp(mul(logVariance, 0.5)), noise))
  const reconstruction = mul(sum(binaryCrossEntropyElements(decode(z), scaled(target))), 1 / batch)
  const divergence = mul(sum(sub(add(mul(mean, mean), exp(logVariance)), add(logVariance, 1))), 0.5 / batch)
  const loss = add(reconstruction, mul(divergence, config.beta))

  const parameters = p.trained()
  const step = input('step', [])
  const now = add(step, 1)
  const rate = warmUp(config.learningRate, config.warmUpSteps, cosineDecay(config.learningRate, steps))(now)
  const { weightDecay } = config
  const initial = p.initialize(seed)
  const optimised = adamW({ parameters, gradients: gradients(loss, parameters) }, { rate, weightDecay, step: now })
  const averaged = ema(optimised.updates, initial, { decay: 0.5 ** (1 / Math.max(config.emaHalfLife * steps, 1)) })
  return {
    program: compile({
      inputs: [seen, target, noise],
      state: [{ variable: step, next: now }, ...optimised.updates, ...averaged.updates],
      outputs: { loss, reconstruction, divergence },
    }),
    initialState: {
      step: { dtype: 'float32', shape: [], data: new Float32Array(1) },
      ...initial,
      ...optimised.initialState,
      ...averaged.initialState,
    },
    parameterCount: p.count,
  }
}

/** uint8 [n, size, size, channels] -> `hidden` [n, hidden], `mean` [n, latent], as an ordinary ONNX network. */
export function vaeEncoder(config: VaeConfig, image: ImageShape, weights: Readonly<Record<string, NamedArray>>): Program {
  const pixels = input('image', [BATCH_MARKER, image.size, image.size, image.channels], 'uint8')
  const encode = encoder(new Parameters('evaluate').scope('encoder'), config, image)
  const { hidden, mean } = encode(scaled(pixels))
  return exportProgram({ inputs: [pixels], outputs: { hidden, mean }, parameters: weights })
}

/** z [n, latent] -> `image` [n, size, size, channels] in 0..1, as an ordinary ONNX network. */
export function vaeDecoder(config: VaeConfig, image: ImageShape, weights: Readonly<Record<string, NamedArray>>): Program {
  const z = input('z', [BATCH_MARKER, config.latent])
  const decode = decoder(new Parameters('evaluate').scope('decoder'), config, image)
  return exportProgram({ inputs: [z], outputs: { image: toBatchFirst(sigmoid(decode(z))) }, parameters: weights })
}
