/**
 * A vector-quantised autoencoder (van den Oord et al., arXiv 1711.00937). Its input may be an augmented version of the
 * image that it reconstructs.
 *
 *   image -> stem, to a quarter of the resolution -> residual blocks -> conv1 -> z
 *   z -> q, the nearest vector of the codebook -> conv3 -> residual blocks -> twice the resolution, twice -> image
 *
 *   loss = MSE(decoder(q), image) + MSE(q, sg(z)) + commitment MSE(sg(q), z)
 *
 * Means over all elements; sg stops the gradient, and the decoder's goes straight through q to z. With a codebook of
 * running means (codebook.ts) the second term is reported, not trained.
 *
 * A residual block is x + conv1(ReLU(conv3(ReLU(x)))). (In the study's code its first ReLU overwrites x, so that what is
 * added is ReLU(x); the text says x.) Layers are tapped after the activation; z and q have none.
 */
import {
  add,
  type Arrays,
  BATCH_MARKER,
  cast,
  exp,
  fromBatchFirst,
  gather,
  greater,
  input,
  less,
  log,
  mean,
  meanSquaredError,
  mul,
  oneHot,
  Parameters,
  Random,
  reshape,
  stopGradient,
  straightThrough,
  sub,
  sum,
  type Tensor,
  transpose,
  type Update,
} from 'onnx-autodiff'
import {
  chosenRows,
  describeLayers,
  imageDimensions,
  imageInput,
  layerNetwork,
  straightWay,
  suitedAugmentation,
  toBytes,
} from '../common.js'
import { defineModel } from '../define-model.js'
import type { FeatureRequest } from '../feature-request.js'
import {
  AVERAGED,
  type FeatureNetwork,
  type ImageShape,
  type InterpolationOptions,
  type RunOptions,
  type Trainable,
  type Weights,
} from '../model.js'
import { trainingStep } from '../optimise.js'
import { fromPatches } from '../patching.js'
import { rowsOf, runInBatches, runOverImages } from '../run-network.js'
import { averagedCodebook } from './codebook.js'
import { fast, paper, type VqVaeConfig, vqVaeSchema } from './config.js'
import { codeSide, type Layers, network, normalised, shown } from './network.js'

/** Kept among the averaged weights, with which it is saved. */
const MARGINALS = `${AVERAGED}marginals`
/** Share of the old in the running use of the codes at each position, and the steps in which a used code counts as in use. */
const MARGINALS_DECAY = 0.98
const USAGE_STEPS = 100

/**
 * How the codes are used, from one-hot rows [h w n, codes]: perplexity in this batch (the number of codes that would
 * give it if evenly used), the share used over the last steps, and the running use per position, which samples are
 * drawn from.
 */
function codeUse(
  chosen: Tensor,
  batch: number,
): { perplexity: Tensor; usage: Tensor; updates: Update[]; initialState: Trainable['initialState'] } {
  const [rows, codes] = chosen.shape
  const positions = rows / batch
  const share = mean(chosen, 0)
  const unused = input('codebook/unused steps', [codes])
  const nextUnused = mul(add(unused, 1), sub(1, cast(greater(share, 0), 'float32')))
  const marginals = input(MARGINALS, [positions, codes])
  const now = mean(reshape(chosen, [positions, batch, codes]), 1)
  return {
    perplexity: exp(mul(sum(mul(share, log(add(share, 1e-10)))), -1)),
    usage: mean(cast(less(nextUnused, USAGE_STEPS), 'float32')),
    updates: [
      { variable: unused, next: nextUnused },
      { variable: marginals, next: add(now, mul(sub(marginals, now), MARGINALS_DECAY)) },
    ],
    initialState: {
      'codebook/unused steps': {
        dtype: 'float32',
        shape: [codes],
        data: new Float32Array(codes).fill(USAGE_STEPS),
      },
      [MARGINALS]: {
        dtype: 'float32',
        shape: [positions, codes],
        data: new Float32Array(positions * codes).fill(1 / codes),
      },
    },
  }
}

/** Steps before a codebook may be called collapsed, and what its perplexity has to stay above. */
const LAID_OUT_STEPS = 500
const collapsedBelow = (codes: number): number => Math.min(1.5, 1 + codes / 16)

/**
 * Outputs: `loss`, `reconstruction`, `codebook`, `commitment` (means over elements, unweighted), `perplexity` of the
 * codes in a batch, `usage`, the share of codes used in the last 100 steps.
 */
function train(config: VqVaeConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, codes, commitment: weight, warmUpSteps } = config
  const parameters = new Parameters('train')
  const { encode, book, decode, cut } = network(parameters, config, image)
  const shape = imageDimensions(batch, image)
  const [seen, target] = [input('image', shape, 'uint8'), input('target', shape, 'uint8')]

  const z = encode(normalised(config, seen, cut))['encoder.code']
  const rows = reshape(z, [-1, config.codeSize])
  const places = book.nearest(stopGradient(rows))
  const q = reshape(book.lookUp(places), z.shape)
  const { output } = decode(straightThrough(z, q))
  // A margin is nothing to reconstruct: it is cut off first.
  const reconstruction =
    cut !== undefined && cut.margin > 0
      ? meanSquaredError(fromPatches(output, cut), normalised(config, target))
      : meanSquaredError(output, normalised(config, target, cut))
  const distance = meanSquaredError(q, stopGradient(z))
  const commitment = meanSquaredError(z, stopGradient(q))
  const committed = add(reconstruction, mul(commitment, weight))
  const chosen = oneHot(places, codes)
  const { perplexity, usage, updates, initialState } = codeUse(chosen, batch)

  const byGradient = config.codebook.update === 'gradient'
  const averaged =
    config.codebook.update === 'average'
      ? averagedCodebook(book.vectors, stopGradient(rows), chosen, config.codebook)
      : undefined
  if (averaged) parameters.update(book.vectors, averaged.nextVectors)
  return {
    ...trainingStep(
      {
        parameters,
        inputs: [seen, target, ...(averaged ? [averaged.restarts] : [])],
        loss: byGradient ? add(committed, distance) : committed,
        metrics: { reconstruction, codebook: distance, commitment, perplexity, usage },
        updates: [...updates, ...(averaged?.updates ?? [])],
        initialState: { ...initialState, ...averaged?.initialState },
      },
      config,
      steps,
      seed,
    ),
    batch,
    hasTarget: true,
    drawInputs: (streams): Arrays => {
      if (!averaged) return {}
      const random = streams('codebook restarts')
      const data = Int32Array.from({ length: codes }, () => random.integer(rows.shape[0]))
      return { restarts: { dtype: 'int32', shape: [codes], data } }
    },
    problem: ({ perplexity: found }, step) => {
      if (step < LAID_OUT_STEPS + warmUpSteps || found >= collapsedBelow(codes)) return undefined
      return {
        got: `a collapsed codebook: all images use about ${found.toFixed(1)} of its ${codes} codes`,
        expected: `at least ${collapsedBelow(codes)}`,
        hint: 'lower the learning rate, or use the codebook of running means with restarts as preset fast does; a checkpoint from before it, where there is one, is kept',
      }
    },
  }
}

interface Used {
  readonly layers: Layers
  /** The reconstruction, [n, h, w, c] in 0..1. */
  readonly output: Tensor
}

/** The network in use; `codes` are the places in the codebook, in the order row, column. */
function use(config: VqVaeConfig, image: ImageShape, pixels: Tensor): Used {
  const { encode, book, decode, cut } = network(new Parameters('evaluate'), config, image)
  const encoded = encode(normalised(config, pixels, cut))
  const z = encoded['encoder.code']
  const places = book.nearest(reshape(z, [-1, config.codeSize]))
  const quantised = reshape(book.lookUp(places), z.shape)
  const { layers, output } = decode(quantised)
  const [h, w, n] = z.shape
  const codes = transpose(reshape(cast(places, 'float32'), [h * w, n]), [1, 0])
  return { layers: { ...encoded, codes, quantised, ...layers }, output: shown(config, output, cut) }
}

/** The layer `codes` are places in the codebook, as numbers: good for looking at, not for a classifier. */
const features = (
  config: VqVaeConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork =>
  layerNetwork('VQ-VAE features', (pixels) => use(config, image, pixels).layers, { image, weights, request })

/** uint8 [n, size, size, channels] -> places in the codebook, [n, h w] in the order row, column. */
export async function encodeCodes(
  config: VqVaeConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Int32Array> {
  const seen = imageInput(image)
  const outputs = { y: use(config, image, seen).layers.codes }
  return Int32Array.from(
    await runOverImages({ inputs: [seen], outputs, parameters: weights }, image, pixels, options),
  )
}

/** Places in the codebook [n, h w] -> uint8 [n, size, size, channels]. */
export async function decodeCodes(
  config: VqVaeConfig,
  image: ImageShape,
  weights: Weights,
  codes: Int32Array,
  options: RunOptions,
): Promise<Uint8Array> {
  const side = codeSide(config, image)
  const positions = side * side
  const places = input('codes', [BATCH_MARKER, positions], 'int32')
  const { book, decode, cut } = network(new Parameters('evaluate'), config, image)
  const vectors = gather(book.vectors, reshape(places, [-1]))
  const q = fromBatchFirst(reshape(vectors, [BATCH_MARKER, side, side, config.codeSize]))
  const program = {
    inputs: [places],
    outputs: { y: shown(config, decode(q).output, cut) },
    parameters: weights,
  }
  const rows = (from: number, to: number) => ({ codes: rowsOf(codes, [positions], from, to) })
  return toBytes(await runInBatches(program, codes.length / positions, rows, options))
}

/**
 * Straight lines between the encoder's outputs, each point then taken to its nearest codes. (Going over from one image's
 * codes to the other's position by position shows pieces of both at once, and on the way things that are neither.)
 */
async function interpolate(
  config: VqVaeConfig,
  image: ImageShape,
  weights: Weights,
  { pair, steps, ...options }: InterpolationOptions,
): Promise<Uint8Array> {
  const request: FeatureRequest = { layers: ['encoder.code'], pooling: 'none' }
  const seen = imageInput(image)
  const { layers } = use(config, image, seen)
  const [z] = Object.values(chosenRows('VQ-VAE interpolation', layers, request))
  const encoder = { inputs: [seen], outputs: { y: z }, parameters: weights }
  const ends = await runOverImages(encoder, image, pair, options)

  const numbers = ends.length / 2
  const side = codeSide(config, image)
  const points = input('z', [BATCH_MARKER, numbers])
  const { book, decode, cut } = network(new Parameters('evaluate'), config, image)
  const places = book.nearest(reshape(points, [-1, config.codeSize]))
  const q = fromBatchFirst(reshape(book.lookUp(places), [BATCH_MARKER, side, side, config.codeSize]))
  const decoder = {
    inputs: [points],
    outputs: { y: shown(config, decode(q).output, cut) },
    parameters: weights,
  }
  const way = straightWay(ends, steps)
  const rows = (from: number, to: number): Arrays => ({ z: rowsOf(way, [numbers], from, to) })
  return toBytes(await runInBatches(decoder, steps, rows, options))
}

/** Codes of new images [count, h w], each position drawn on its own by how often it held each code in training. */
function drawCodes({ marginals }: Weights, count: number, seed: number): Int32Array {
  const [positions, codes] = marginals.shape
  const shares = marginals.data as Float32Array
  const drawn = new Int32Array(count * positions)
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, `samples/${i}`)
    for (let at = 0; at < positions; at++) {
      const own = shares.subarray(at * codes, (at + 1) * codes)
      const total = own.reduce((sum, share) => sum + share, 0)
      let left = random.uniform() * total
      let code = 0
      while (code < codes - 1 && (left -= own[code]) >= 0) code++
      drawn[i * positions + at] = code
    }
  }
  return drawn
}

export const vqVae = defineModel<VqVaeConfig>({
  name: 'vqvae',
  shortTitle: 'VQ-VAE',
  title: ({ codes, codeSize }) => `VQ-VAE, ${codes} codes of ${codeSize} numbers`,
  configSchema: vqVaeSchema,
  presets: { fast, paper },
  // The study's learned the images as they are.
  augmentation: ({ stem }, image) => (stem === 'strided' ? 'none' : suitedAugmentation(image)),
  // The study's 40 epochs over 50,000 images.
  defaultSteps: ({ stem }) => (stem === 'patches' ? 2000 : 31_250),
  cost: { stepSeconds: 0.15, imagesPerSecond: 1500, samplesPerSecond: 200 },
  train,
  decoderInput: 'quantised',
  indexLayers: ['codes'],
  layers: (config, image) => describeLayers(use(config, image, imageInput(image)).layers),
  // Of the study's: all of them, encoder and decoder stacked. Colour images want a finer grid: on CIFAR-10 4x4 gives label
  // propagation 2 to 3 points more than 2x2, and logistic regression 1.
  defaultFeatures: ({ stem, residuals, mean }) => {
    if (stem === 'patches')
      return {
        layers: [residuals > 0 ? `encoder.residual${residuals}` : 'encoder.conv3'],
        pooling: mean.length === 3 ? '4x4' : '2x2',
      }
    const blocks = (network: string): string[] =>
      Array.from({ length: residuals }, (_, i) => `${network}.residual${i + 1}`)
    const encoder = ['encoder.conv1', 'encoder.conv2', 'encoder.conv3', ...blocks('encoder'), 'encoder.code']
    return {
      layers: [...encoder, 'quantised', 'decoder.conv', ...blocks('decoder'), 'decoder.up'],
      pooling: 'mean',
    }
  },
  features,
  /**
   * There is no prior over the codes: each position is drawn on its own, from how often it held each code in training.
   * Such samples show the texture of the images and where what may stand, not whole things.
   */
  sample: (config, image, weights, { count, seed, ...options }) =>
    decodeCodes(config, image, weights, drawCodes(weights, count, seed), options),
  async reconstruct(config, image, weights, pixels, options) {
    const seen = imageInput(image)
    const program = {
      inputs: [seen],
      outputs: { y: use(config, image, seen).output },
      parameters: weights,
    }
    return toBytes(await runOverImages(program, image, pixels, options))
  },
  interpolate,
})
