/**
 * A convolutional variational autoencoder (Kingma and Welling, arXiv 1312.6114) whose input may be an augmented version
 * of the image that it reconstructs: the code then has to say what the augmentation leaves alone.
 *
 *   image -> [2x2 pixels to channels] -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv -> upsample -> conv -> conv -> [channels to 2x2 pixels] -> image
 *
 * Two levels at a half and a quarter of the resolution: large images with few channels are what a CPU is slowest at.
 */
import {
  adamW, add, averagePool, binaryCrossEntropyElements, BATCH_MARKER, compile, convolution, cosineDecay, ema, exp, exportProgram,
  flattenImage, gradients, input, type Layer, linear, mul, padImage, Parameters, pixelShuffle, pixelUnshuffle, Random, relu,
  sigmoid, slice, sub, sum, type Tensor, toBatchFirst, unflattenImage, upsampleNearest, warmUp,
} from 'onnx-autodiff'
import { z } from 'zod'
import { imageDimensions, pooledRows, runOnce, toBytes, toUnitRange } from './common.js'
import type { FeatureNetwork, FeatureRequest, ImageShape, ModelDefinition, RunOptions, Trainable, Weights } from './model.js'

const vaeSchema = z.strictObject({
  /** Channels at half resolution; twice as many at a quarter. */
  width: z.int().min(1),
  /** Units of the layer before the latent: the best features. */
  hidden: z.int().min(1),
  latent: z.int().min(1),
  /** Weight of the divergence from the prior (beta-VAE, Higgins et al., ICLR 2017). */
  beta: z.number().min(0),
  batch: z.int().min(1),
  learningRate: z.number().positive(),
  weightDecay: z.number().min(0),
  warmUpSteps: z.int().min(0),
  /** Half-life of the averaged weights, as a share of all steps. */
  emaHalfLife: z.number().min(0),
})

export type VaeConfig = z.infer<typeof vaeSchema>

const fast: VaeConfig = {
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

interface Encoded {
  readonly layers: Readonly<Record<'fine' | 'coarse' | 'hidden', Tensor>>
  readonly mean: Tensor
  readonly logVariance: Tensor
}

/** [h, w, n, channels] in 0..1 -> the hidden layers and the posterior. */
function encoder(p: Parameters, config: VaeConfig, { size, channels }: ImageShape): (x: Tensor) => Encoded {
  const { width, hidden, latent } = config
  const side = quarter(size)
  const conv = (name: string, inChannels: number, outChannels: number): Layer => {
    const layer = convolution(p.scope(name), { inChannels, outChannels, kernel: 3, padding: 1 })
    return (x) => relu(layer(x))
  }
  const [fine1, fine2] = [conv('fine1', 4 * channels, width), conv('fine2', width, width)]
  const [coarse1, coarse2] = [conv('coarse1', width, 2 * width), conv('coarse2', 2 * width, 2 * width)]
  const dense = linear(p.scope('hidden'), { inputs: side * side * 2 * width, outputs: hidden })
  const posterior = linear(p.scope('posterior'), { inputs: hidden, outputs: 2 * latent })
  return (x) => {
    const whole = padImage(x, [0, 4 * side - size, 0, 4 * side - size])
    const fine = fine2(fine1(pixelUnshuffle(whole, 2)))
    const coarse = coarse2(coarse1(averagePool(fine, 2)))
    const h = relu(dense(flattenImage(coarse)))
    const code = posterior(h)
    return {
      layers: { fine, coarse, hidden: h },
      mean: slice(code, 1, 0, latent),
      logVariance: slice(code, 1, latent, 2 * latent),
    }
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
  const [coarse, fine, last] = [conv('coarse', 2 * width, 2 * width), conv('fine', 2 * width, width), conv('last', width, 4 * channels)]
  return (code) => {
    const h = unflattenImage(relu(spread(relu(expand(code)))), [side, side, 2 * width])
    const pixels = pixelShuffle(last(relu(fine(upsampleNearest(relu(coarse(h)), 2)))), 2)
    return padImage(pixels, [0, size - 4 * side, 0, size - 4 * side])
  }
}

/** Outputs, means per image in nats: `loss`, `reconstruction`, `divergence`. */
function train(config: VaeConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, latent, beta, learningRate, warmUpSteps, weightDecay, emaHalfLife } = config
  const p = new Parameters('train')
  const encode = encoder(p.scope('encoder'), config, image)
  const decode = decoder(p.scope('decoder'), config, image)
  const shape = imageDimensions(batch, image)
  const [seen, target] = [input('image', shape, 'uint8'), input('target', shape, 'uint8')]
  const noise = input('noise', [batch, latent])

  const { mean, logVariance } = encode(toUnitRange(seen))
  const code = add(mean, mul(exp(mul(logVariance, 0.5)), noise))
  const reconstruction = mul(sum(binaryCrossEntropyElements(decode(code), toUnitRange(target))), 1 / batch)
  const divergence = mul(sum(sub(add(mul(mean, mean), exp(logVariance)), add(logVariance, 1))), 0.5 / batch)
  const loss = add(reconstruction, mul(divergence, beta))

  const parameters = p.trained()
  const step = input('step', [])
  const now = add(step, 1)
  const rate = warmUp(learningRate, warmUpSteps, cosineDecay(learningRate, steps))(now)
  const initial = p.initialize(seed)
  const optimised = adamW({ parameters, gradients: gradients(loss, parameters) }, { rate, weightDecay, step: now })
  const averaged = ema(optimised.updates, initial, { decay: 0.5 ** (1 / Math.max(emaHalfLife * steps, 1)) })
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
    batch,
    hasTarget: true,
    loss: 'loss',
    drawInputs: (streams) => ({
      noise: {
        dtype: 'float32', shape: [batch, latent],
        data: streams('latent noise').fillNormal(new Float32Array(batch * latent)),
      },
    }),
  }
}

function features(config: VaeConfig, image: ImageShape, weights: Weights, { layers, pooling }: FeatureRequest): FeatureNetwork {
  const pixels = input('image', imageDimensions(BATCH_MARKER, image), 'uint8')
  const { layers: hidden, mean } = encoder(new Parameters('evaluate').scope('encoder'), config, image)(toUnitRange(pixels))
  const all: Readonly<Record<string, Tensor>> = { ...hidden, mean }
  const outputs = Object.fromEntries(layers.map((name) => [name, pooledRows(all[name], pooling)]))
  return { program: exportProgram({ inputs: [pixels], outputs, parameters: weights }) }
}

async function decodeCodes(config: VaeConfig, image: ImageShape, weights: Weights, codes: Float32Array, options: RunOptions): Promise<Uint8Array> {
  const code = input('z', [BATCH_MARKER, config.latent])
  const decode = decoder(new Parameters('evaluate').scope('decoder'), config, image)
  const program = exportProgram({ inputs: [code], outputs: { image: toBatchFirst(sigmoid(decode(code))) }, parameters: weights })
  const shape = [codes.length / config.latent, config.latent]
  const found = await runOnce(program, { z: { dtype: 'float32', shape, data: codes } }, options)
  return toBytes(found.image.data as Float32Array)
}

export const vae: ModelDefinition<VaeConfig> = {
  name: 'vae',
  title: ({ latent }) => `convolutional VAE, ${latent} latent dimensions`,
  configSchema: vaeSchema,
  presets: { fast: () => fast, paper: () => fast },
  defaultSteps: () => 2000,
  train,
  layers: ({ width, hidden, latent }, { size }) => {
    const side = quarter(size)
    return [
      { name: 'fine', shape: [2 * side, 2 * side, width] },
      { name: 'coarse', shape: [side, side, 2 * width] },
      { name: 'hidden', shape: [hidden] },
      { name: 'mean', shape: [latent] },
    ]
  },
  defaultFeatures: () => ({ layers: ['hidden'], pooling: 'none' }),
  features,
  sample: (config, image, weights, { count, seed, ...options }) =>
    decodeCodes(config, image, weights, new Random(seed, 'samples').fillNormal(new Float32Array(count * config.latent)), options),
  async reconstruct(config, image, weights, pixels, options) {
    const { program } = features(config, image, weights, { layers: ['mean'], pooling: 'none' })
    const count = pixels.length / (image.size * image.size * image.channels)
    const inputs = { image: { dtype: 'uint8' as const, shape: imageDimensions(count, image), data: pixels.slice() } }
    const { mean } = await runOnce(program, inputs, options)
    return decodeCodes(config, image, weights, mean.data as Float32Array, options)
  },
}
