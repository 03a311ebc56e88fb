/**
 * A variational autoencoder (Kingma and Welling, arXiv 1312.6114) whose input may be an augmented version of the image
 * that it reconstructs: the code then has to say what the augmentation leaves alone.
 *
 *   loss = -log p(image | z) + beta KL(q(z | seen) || N(0, 1)),  z = mean + exp(log variance / 2) noise
 *
 * Four networks: patched.ts and pyramid.ts, for minutes on a CPU, and the study's two, in paper.ts.
 */
import {
  add,
  averagePool,
  binaryCrossEntropyElements,
  BATCH_MARKER,
  concat,
  exp,
  input,
  mul,
  Parameters,
  Random,
  resizeBilinear,
  sigmoid,
  slice,
  sub,
  sum,
  type Tensor,
  toBatchFirst,
} from 'onnx-autodiff'
import { HandfulError } from '../../errors.js'
import {
  describeLayers,
  greyLevels,
  imageDimensions,
  imageInput,
  layerNetwork,
  signedRange,
  straightWay,
  suitedAugmentation,
  viewAugmentation,
  toBytes,
  unitRange,
} from '../common.js'
import { defineModel } from '../define-model.js'
import type { FeatureRequest } from '../feature-request.js'
import type { FeatureNetwork, ImageShape, RunOptions, Trainable, Weights } from '../model.js'
import { trainingStep } from '../optimise.js'
import { blockMeans, fromPatches, imagePatches, type Patching, toPatches } from '../patching.js'
import { rowsOf, runInBatches, runOverImages } from '../run-network.js'
import type { Layers } from '../trunks.js'
import {
  contrastive,
  fast,
  paper,
  type PatchedEncoder,
  type VaeConfig,
  type VaeConfigOf,
  type VaeNetwork,
  vaeSchema,
} from './config.js'
import { denseNetwork, paddedSize, residualNetwork } from './paper.js'
import { patchedEncoder, patchedNetwork } from './patched.js'
import { pyramidEncoder, pyramidNetwork } from './pyramid.js'
import { viewDisagreement } from '../view-disagreement.js'

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

type QuickConfig = VaeConfigOf<'patched' | 'pyramid'>

/** The half that sees images, of the networks made for minutes. */
const encoderOf = (p: Parameters, config: QuickConfig, image: ImageShape): PatchedEncoder =>
  config.network === 'patched' ? patchedEncoder(p, config, image) : pyramidEncoder(p, config, image)

/** Grey levels 0..255 as the likelihood wants them. */
const rangeOf = ({ likelihood }: VaeConfig) => (likelihood === 'bernoulli' ? unitRange : signedRange)

/** uint8 [n, h, w, c] -> float [h, w, n, c] as the likelihood wants it, or its squares where the network sees those. */
function toRange(config: VaeConfig, pixels: Tensor, patching?: Patching): Tensor {
  const range = rangeOf(config)
  return patching === undefined ? range(greyLevels(pixels)) : toPatches(pixels, patching, range)
}

/** The decoder's output and what it is compared with, in the likelihood's range: squares or images, of pixels or of blocks. */
function comparedImages(
  config: VaeConfig,
  { patching, blocks }: Pick<VaeNetwork, 'patching' | 'blocks'>,
  output: Tensor,
  target: Tensor,
): { readonly output: Tensor; readonly target: Tensor } {
  if (patching === undefined) return { output, target: toRange(config, target) }
  // A margin is nothing to reconstruct: it is cut off first.
  if (patching.margin > 0) {
    const image = toRange(config, target)
    return {
      output: fromPatches(output, blocks?.patching ?? patching),
      target: blocks ? averagePool(image, blocks.block) : image,
    }
  }
  if (blocks === undefined) return { output, target: toRange(config, target, patching) }
  const squares = toPatches(target, patching, (levels) => levels)
  const means = blockMeans(squares, target.shape[3], patching.patch, blocks.block)
  return { output, target: rangeOf(config)(means) }
}

/** -log p(target | z) of the whole batch in nats, as densities of pixels in the likelihood's range. */
function negativeLogLikelihood({ likelihood }: VaeConfig, output: Tensor, target: Tensor): Tensor {
  if (likelihood === 'bernoulli') return sum(binaryCrossEntropyElements(output, target))
  const difference = sub(output, target)
  return sum(mul(add(mul(difference, difference), Math.log(2 * Math.PI)), 0.5))
}

/** What tells ten images apart is log 10 = 2.3 nats. */
const FEWEST_NATS = 2

/** Where the decoder draws the same for all images, as early in training, or for good where the prior outweighs what pixels say. */
const emptyCode = ({ divergence }: Readonly<Record<string, number>>): string | undefined =>
  divergence < FEWEST_NATS
    ? `its code holds ${divergence.toPrecision(2)} nats of an image, so that it hardly tells images apart; more training helps, or a smaller beta, or comparing views in its place (contrastive)`
    : undefined

/** Outputs, means per image in nats: `loss`, `reconstruction`, `divergence`, and `invariance` where it has a weight. */
function train(config: VaeConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, latent, beta } = config
  const { weight } = config.invariance
  const parameters = new Parameters('train')
  const { encode, decode, patching, blocks } = vaeNetwork(parameters, config, image)
  const shape = imageDimensions(batch, image)
  const [seen, target] = [input('image', shape, 'uint8'), input('target', shape, 'uint8')]
  const second = weight > 0 ? input('second', shape, 'uint8') : undefined
  const noise = input('noise', [batch, latent])

  const x = toRange(config, seen, patching)
  const encoded = encode(second === undefined ? x : concat([x, toRange(config, second, patching)], 2))
  const [mean, logVariance] = [encoded.mean, encoded.logVariance].map((both) => slice(both, 0, 0, batch))
  const code = add(mean, mul(exp(mul(logVariance, 0.5)), noise))
  const { output } = decode(code)
  const compared = comparedImages(config, { patching, blocks }, output, target)
  // Of a block of pixels with one value this is the likelihood of each, but for what a normal distribution says of how they
  // differ among each other, which no decoder changes.
  const pixels = (blocks?.block ?? 1) ** 2
  const nats = negativeLogLikelihood(config, compared.output, compared.target)
  const reconstruction = mul(nats, pixels / batch)
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
    ...(second ? { hasSecondView: true } : { remark: emptyCode }),
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
  const { encode, decode, patching } = vaeNetwork(new Parameters('evaluate'), config, image)
  const { layers, mean } = encode(toRange(config, pixels, patching))
  return { ...layers, mean, ...decode(mean).layers }
}

const features = (
  config: VaeConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork =>
  layerNetwork('VAE features', (pixels) => allLayers(config, image, pixels), { image, weights, request })

/** uint8 [n, size, size, channels] -> the means of their codes, [n, latent]. */
function encodeMeans(
  config: VaeConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Float32Array> {
  const seen = imageInput(image)
  const { encode, patching } = vaeNetwork(new Parameters('evaluate'), config, image)
  const { mean } = encode(toRange(config, seen, patching))
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
  const { decode, patching, blocks } = vaeNetwork(new Parameters('evaluate'), config, image)
  const { output: own } = decode(code)
  const output = patching === undefined ? own : fromPatches(own, blocks?.patching ?? patching)
  const means = likelihood === 'bernoulli' ? sigmoid(output) : add(mul(output, 0.5), 0.5)
  // Between the middles of blocks, a straight way.
  const shown = blocks ? resizeBilinear(means, [image.size, image.size]) : means
  const program = { inputs: [code], outputs: { y: toBatchFirst(shown) }, parameters: weights }
  const rows = (from: number, to: number) => ({ z: rowsOf(codes, [latent], from, to) })
  return toBytes(await runInBatches(program, codes.length / latent, rows, options))
}

export const vae = defineModel<VaeConfig>({
  name: 'vae',
  shortTitle: 'VAE',
  title: ({ latent, network }) =>
    `${network === 'residual' ? 'residual' : 'convolutional'} VAE, ${latent} latent dimensions`,
  configSchema: vaeSchema,
  presets: { fast, paper, contrastive },
  isContrastive: ({ invariance }) => invariance.weight > 0,
  // Two views that are compared should differ in more. The study's networks learned the images as they are.
  augmentation: ({ network, invariance }, image) =>
    network === 'dense' || network === 'residual'
      ? 'none'
      : (invariance.weight > 0 ? viewAugmentation : suitedAugmentation)(image),
  // The study's epochs over its data sets: 10 of MNIST, 100 of CIFAR.
  defaultSteps: ({ network }) => ({ patched: 2000, pyramid: 4000, dense: 9380, residual: 39_100 })[network],
  cost: { stepSeconds: 0.12, imagesPerSecond: 3000, samplesPerSecond: 2000 },
  train,
  decoderInput: 'mean',
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
  encoder(config, image) {
    if (config.network !== 'patched' && config.network !== 'pyramid') return undefined
    const numbers = config.network === 'patched' ? config.hidden : 4 * config.width
    return (p) => {
      const { encode, patching } = encoderOf(p, config, image)
      const range = (x: Tensor): Tensor => (config.likelihood === 'gaussian' ? x : mul(add(x, 1), 0.5))
      return { numbers, rows: (x) => encode(imagePatches(range(x), patching)).summary }
    }
  },
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
})
