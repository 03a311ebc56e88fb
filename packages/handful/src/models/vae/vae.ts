/**
 * A variational autoencoder (Kingma and Welling, arXiv 1312.6114) whose input may be an augmented version of the image
 * that it reconstructs: the code then has to say what the augmentation leaves alone.
 *
 *   loss = -log p(image | z) + beta KL(q(z | seen) || N(0, 1)),  z = mean + exp(log variance / 2) noise
 *
 * Three networks: `patched`, below, and the study's two, in vae-paper.ts:
 *
 *   image -> [2x2 pixels to channels] -> conv conv -> pool -> conv conv -> hidden -> (mean, log variance) -> z
 *   z -> hidden -> conv -> upsample -> conv -> conv -> [channels to 2x2 pixels] -> image
 */
import {
  add,
  averagePool,
  binaryCrossEntropyElements,
  BATCH_MARKER,
  concat,
  convolution,
  exp,
  flattenImage,
  input,
  type Layer,
  linear,
  mul,
  padImage,
  Parameters,
  pixelShuffle,
  pixelUnshuffle,
  Random,
  relu,
  sigmoid,
  slice,
  sub,
  sum,
  type Tensor,
  toBatchFirst,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import { HandfulError } from '../../errors.js'
import {
  chosenRows,
  describeLayers,
  imageDimensions,
  imageInput,
  runInBatches,
  runOverImages,
  straightWay,
  toBytes,
  toSignedRange,
  toUnitRange,
} from '../common.js'
import type {
  FeatureNetwork,
  FeatureRequest,
  ImageShape,
  ModelDefinition,
  RunOptions,
  Trainable,
  Weights,
} from '../model.js'
import { trainingStep } from '../optimise.js'
import {
  fast,
  invariant,
  type Layers,
  paper,
  type VaeConfig,
  type VaeConfigOf,
  type VaeNetwork,
  vaeSchema,
} from './config.js'
import { pyramidNetwork } from './pyramid.js'
import { viewDisagreement } from './view-disagreement.js'
import { denseNetwork, paddedSize, residualNetwork } from './paper.js'

export type { VaeConfig } from './config.js'

function patchedNetwork(p: Parameters, config: VaeConfigOf<'patched'>, image: ImageShape): VaeNetwork {
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

/** @throws HandfulError if the image does not fit the network */
function vaeNetwork(p: Parameters, config: VaeConfig, image: ImageShape): VaeNetwork {
  if (config.network === 'patched') return patchedNetwork(p, config, image)
  if (config.network === 'dense') return denseNetwork(p, config, image)
  if (config.network === 'pyramid') return pyramidNetwork(p, config, image)
  const [smallest, largest] = [2 ** (config.encoderChannels.length - 1), paddedSize(config)]
  if (image.size > largest || largest < smallest) {
    throw new HandfulError({
      what: 'image size',
      where: 'VAE configuration',
      got: `${image.size} pixels`,
      expected: `at most ${largest}, which ${config.decoderChannels.length} levels of the decoder come to, and at least ${smallest} of those`,
      hint: 'add to decoderChannels or take from encoderChannels',
    })
  }
  return residualNetwork(p, config, image)
}

/** uint8 [n, h, w, c] -> float [h, w, n, c] as the likelihood wants it. */
const toRange = ({ likelihood }: VaeConfig, pixels: Tensor): Tensor =>
  likelihood === 'bernoulli' ? toUnitRange(pixels) : toSignedRange(pixels)

/** -log p(target | z) of the whole batch in nats, as densities of pixels in the likelihood's range. */
function negativeLogLikelihood({ likelihood }: VaeConfig, output: Tensor, target: Tensor): Tensor {
  if (likelihood === 'bernoulli') return sum(binaryCrossEntropyElements(output, target))
  const difference = sub(output, target)
  return sum(mul(add(mul(difference, difference), Math.log(2 * Math.PI)), 0.5))
}

/** Outputs, means per image in nats: `loss`, `reconstruction`, `divergence`, and `invariance` where it has a weight. */
function train(config: VaeConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, latent, beta } = config
  const { weight } = config.invariance
  const parameters = new Parameters('train')
  const { encode, decode } = vaeNetwork(parameters, config, image)
  const shape = imageDimensions(batch, image)
  const [seen, target] = [input('image', shape, 'uint8'), input('target', shape, 'uint8')]
  const second = weight > 0 ? input('second', shape, 'uint8') : undefined
  const noise = input('noise', [batch, latent])

  const x = toRange(config, seen)
  const encoded = encode(second === undefined ? x : concat([x, toRange(config, second)], 2))
  const [mean, logVariance] = [encoded.mean, encoded.logVariance].map((both) => slice(both, 0, 0, batch))
  const code = add(mean, mul(exp(mul(logVariance, 0.5)), noise))
  const { output } = decode(code)
  const reconstruction = mul(negativeLogLikelihood(config, output, toRange(config, target)), 1 / batch)
  const divergence = mul(sum(sub(add(mul(mean, mean), exp(logVariance)), add(logVariance, 1))), 0.5 / batch)
  const generative = add(reconstruction, mul(divergence, beta))
  const invariance =
    second && viewDisagreement(parameters.scope('projection'), encoded.summary, config.invariance)
  return {
    ...trainingStep(
      {
        parameters,
        inputs: [seen, target, ...(second ? [second] : []), noise],
        loss: invariance ? add(generative, mul(invariance, weight)) : generative,
        metrics: { reconstruction, divergence, ...(invariance ? { invariance } : {}) },
      },
      config,
      steps,
      seed,
    ),
    ...(second ? { hasSecondView: true } : {}),
    batch,
    hasTarget: true,
    drawInputs: (streams) => ({
      noise: {
        dtype: 'float32',
        shape: [batch, latent],
        data: streams('latent noise').fillNormal(new Float32Array(batch * latent)),
      },
    }),
  }
}

/** Every layer of the network in use, the decoder's from the mean of the code. */
function allLayers(config: VaeConfig, image: ImageShape, pixels: Tensor): Layers {
  const { encode, decode } = vaeNetwork(new Parameters('evaluate'), config, image)
  const { layers, mean } = encode(toRange(config, pixels))
  return { ...layers, mean, ...decode(mean).layers }
}

function features(
  config: VaeConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const pixels = imageInput(image)
  const outputs = chosenRows('VAE features', allLayers(config, image, pixels), request)
  return { program: { inputs: [pixels], outputs, parameters: weights } }
}

/** uint8 [n, size, size, channels] -> the means of their codes, [n, latent]. */
function encodeMeans(
  config: VaeConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Float32Array> {
  const seen = imageInput(image)
  const { mean } = vaeNetwork(new Parameters('evaluate'), config, image).encode(toRange(config, seen))
  const program = { inputs: [seen], outputs: { y: mean }, parameters: weights }
  return runOverImages(program, image, pixels, options)
}

/** Codes [n, latent] -> uint8 [n, size, size, channels]. */
async function decodeCodes(
  config: VaeConfig,
  image: ImageShape,
  weights: Weights,
  codes: Float32Array,
  options: RunOptions,
): Promise<Uint8Array> {
  const { latent, likelihood } = config
  const code = input('z', [BATCH_MARKER, latent])
  const { output } = vaeNetwork(new Parameters('evaluate'), config, image).decode(code)
  const shown = likelihood === 'bernoulli' ? sigmoid(output) : add(mul(output, 0.5), 0.5)
  const program = { inputs: [code], outputs: { y: toBatchFirst(shown) }, parameters: weights }
  const rows = (from: number, to: number) => ({
    z: {
      dtype: 'float32' as const,
      shape: [to - from, latent],
      data: codes.slice(from * latent, to * latent),
    },
  })
  return toBytes(await runInBatches(program, codes.length / latent, rows, options))
}

export const vae: ModelDefinition<VaeConfig> = {
  name: 'vae',
  title: ({ latent, network }) =>
    `${network === 'residual' ? 'residual' : 'convolutional'} VAE, ${latent} latent dimensions`,
  configSchema: vaeSchema,
  presets: { fast, paper, invariant },
  fromAugmented: true,
  comparesViews: ({ invariance }) => invariance.weight > 0,
  // The study's epochs over its data sets: 10 of MNIST, 100 of CIFAR.
  defaultSteps: ({ network }) => ({ patched: 2000, pyramid: 4000, dense: 9380, residual: 39_100 })[network],
  train,
  layers: (config, image) => describeLayers(allLayers(config, image, imageInput(image))),
  // Of the study's, encoder and decoder stacked; without the wide layers, which it does not use.
  defaultFeatures: (config) => {
    if (config.network === 'patched') return { layers: ['hidden'], pooling: 'none' }
    if (config.network === 'pyramid') return { layers: ['encoder.pooled'], pooling: 'mean' }
    const encoder =
      config.network === 'dense'
        ? ['encoder.conv1', 'encoder.conv2', 'encoder.conv3']
        : [...config.encoderChannels.slice(1).map((_, i) => `encoder.level${i + 1}`), 'encoder.pooled']
    const decoder =
      config.network === 'dense'
        ? ['decoder.spread', 'decoder.conv1', 'decoder.conv2']
        : config.decoderChannels.map((_, i) => `decoder.level${i + 1}`)
    return { layers: [...encoder, 'posterior', 'mean', ...decoder], pooling: 'mean' }
  },
  features,
  sample: (config, image, weights, { count, seed, ...options }) => {
    const codes = new Random(seed, 'samples').fillNormal(new Float32Array(count * config.latent))
    return decodeCodes(config, image, weights, codes, options)
  },
  async reconstruct(config, image, weights, pixels, options) {
    const means = await encodeMeans(config, image, weights, pixels, options)
    return decodeCodes(config, image, weights, means, options)
  },
  async interpolate(config, image, weights, { pair, steps, ...options }) {
    const means = await encodeMeans(config, image, weights, pair, options)
    return decodeCodes(config, image, weights, straightWay(means, steps), options)
  },
}
