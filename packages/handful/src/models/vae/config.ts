/** What a variational autoencoder can be told: its settings with their meaning, the presets, and what its network gives. */
import type { Tensor } from 'onnx-autodiff'
import { z } from 'zod'
import type { ImageShape } from '../model.js'
import { optimiserFields, quickOptimiser } from '../optimise.js'
import { blockFor, patchFor, type Patching, patchSetting } from '../patching.js'
import type { Layers } from '../trunks.js'

/** Side of the squares of pixels that become channels before anything else; left out, as in older runs, 2. */
const patch = z.int().min(1).optional()

const shared = {
  ...optimiserFields,
  latent: z.int().min(1),
  /** Weight of the divergence from the prior (beta-VAE, Higgins et al., ICLR 2017). */
  beta: z.number().min(0),
  /**
   * `bernoulli`: pixels 0..1, each the probability of white. `gaussian`: pixels -1..1, each the mean of a normal
   * distribution with deviation 1.
   */
  likelihood: z.enum(['bernoulli', 'gaussian']),
  /**
   * Asks two augmented views of an image for like features, unlike those of the other images of the batch (NT-Xent, Chen et
   * al., arXiv 2002.05709). With any weight on it the model is no longer purely generative.
   */
  invariance: z.strictObject({
    /** Nats of reconstruction that one nat of it is worth; 0 leaves it and the second view out. */
    weight: z.number().min(0),
    temperature: z.number().positive(),
    /** Numbers of the projection that views are compared in. */
    projection: z.int().min(1),
  }),
}

/** Of the network `patched`. */
export const patchedVaeSchema = z.strictObject({
  /** Two levels, of patches and of half their resolution: large images with few channels are what a CPU is slowest at. */
  network: z.literal('patched'),
  patch,
  /**
   * Side of the blocks of pixels that the decoder gives one value for, a divisor of `patch` and of the image's size; left
   * out, as in older runs, 1. The likelihood stays that of all pixels.
   */
  block: z.int().min(2).optional(),
  /** Channels at the patches' resolution; twice as many at half of it. */
  width: z.int().min(1),
  /** Units of the layer before the latent: the best features. */
  hidden: z.int().min(1),
  ...shared,
})

const dense = z.strictObject({
  /** Three convolutions at the whole, a half and a quarter of the resolution, and a wide layer: the study's for MNIST. */
  network: z.literal('dense'),
  /** Channels of the first convolution; twice and four times as many in the next two. */
  width: z.int().min(1),
  /** Units of the layer before the latent. */
  hidden: z.int().min(1),
  ...shared,
})

const residual = z.strictObject({
  /** Residual blocks with batch norm down to one row of numbers and up again: the study's for CIFAR. */
  network: z.literal('residual'),
  /** Channels of the encoder's levels, each at half the resolution of the one before. */
  encoderChannels: z.array(z.int().min(1)).min(1).max(8),
  /** Channels of the decoder's levels: 2x2 pixels, 4x4 and so on; one more level, twice as fine, gives the image. */
  decoderChannels: z.array(z.int().min(1)).min(1).max(9),
  ...shared,
})

const pyramid = z.strictObject({
  /** Residual blocks with batch norm at the resolution of patches, at a half and at a quarter of it. */
  network: z.literal('pyramid'),
  patch,
  /** Channels at the patches' resolution; twice and four times as many below. */
  width: z.int().min(1),
  /** Residual blocks of each level. */
  blocks: z.int().min(1),
  /** Channels of the decoder at the patches' resolution; twice and four times as many below. */
  decoderWidth: z.int().min(1),
  ...shared,
})

export const vaeSchema = z.discriminatedUnion('network', [patchedVaeSchema, dense, residual, pyramid])

export type VaeConfig = z.infer<typeof vaeSchema>
/** The configuration of one kind of network. */
export type VaeConfigOf<K extends VaeConfig['network']> = Extract<VaeConfig, { network: K }>

/** The half of a network that sees images. */
export interface VaeEncoder {
  /** How images are cut into squares, where they are: `x` and `output` are [side, side, n, channels patch patch] then. */
  readonly patching?: Patching
  /** [h, w, n, channels] in the likelihood's range -> hidden layers, and the posterior [n, latent] each. */
  readonly encode: (x: Tensor) => {
    readonly layers: Layers
    readonly mean: Tensor
    readonly logVariance: Tensor
    /** [n, numbers] that two views of an image are to agree in. */
    readonly summary: Tensor
  }
}

/** Of a network that starts from squares of pixels. */
export type PatchedEncoder = VaeEncoder & { readonly patching: Patching }

export interface VaeNetwork extends VaeEncoder {
  /** Where the decoder gives one value for so many pixels a side, how its smaller image is cut into squares. */
  readonly blocks?: { readonly block: number; readonly patching: Patching }
  /** z [n, latent] -> hidden layers, and logits or means [h, w, n, channels], of blocks where there are any. */
  readonly decode: (z: Tensor) => { readonly layers: Layers; readonly output: Tensor }
}

const NO_INVARIANCE = { weight: 0, temperature: 0.2, projection: 128 }

/** A few numbers of code say nothing of single pixels of a large image. */
function blockSetting(image: ImageShape): { readonly block?: number } {
  const block = blockFor(image, patchFor(image))
  return block === undefined ? {} : { block }
}

/** The best in minutes on two cores. */
export const fast = (image: ImageShape): VaeConfigOf<'patched'> => ({
  network: 'patched',
  ...patchSetting(image),
  ...blockSetting(image),
  width: 32,
  hidden: 256,
  latent: 24,
  beta: 1,
  likelihood: 'bernoulli',
  ...quickOptimiser,
  invariance: NO_INVARIANCE,
})

/** Contrastive learning with a decoder attached: two views of an image are to have like features. The best with few labels. */
export const contrastive = (image: ImageShape): VaeConfig =>
  image.channels === 1
    ? { ...fast(image), invariance: { ...NO_INVARIANCE, weight: 30 } }
    : { ...contrastiveColour, ...patchSetting(image) }

const contrastiveColour: VaeConfigOf<'pyramid'> = {
  network: 'pyramid',
  width: 64,
  blocks: 1,
  decoderWidth: 32,
  latent: 128,
  beta: 1,
  likelihood: 'gaussian',
  ...quickOptimiser,
  invariance: { ...NO_INVARIANCE, weight: 200 },
}

const plainAdam = {
  schedule: 'constant',
  weightDecay: 0,
  warmUpSteps: 0,
  emaHalfLife: 0,
  invariance: NO_INVARIANCE,
} as const

/** REFERENCE 1.2: for grey images. Its sums over the batch are means here, which Adam does not tell apart. */
const paperGrey: VaeConfigOf<'dense'> = {
  network: 'dense',
  width: 32,
  hidden: 1024,
  latent: 6,
  beta: 1,
  likelihood: 'bernoulli',
  batch: 64,
  learningRate: 1e-3,
  ...plainAdam,
}

/** Levels between 2x2 pixels and half of 32x32, the study's size. */
const STUDY_CHANNELS = [256, 128, 64, 32]

/** REFERENCE 1.3: for colour images. Larger ones than the study's get more levels at the coarse end, smaller ones fewer. */
const paperColour = (size: number): VaeConfigOf<'residual'> => {
  const levels = Math.max(Math.ceil(Math.log2(size)) - 1, 1)
  const coarse = new Array<number>(Math.max(levels - STUDY_CHANNELS.length, 0)).fill(STUDY_CHANNELS[0])
  return {
    network: 'residual',
    encoderChannels: [32, 64, 128, 256],
    decoderChannels: [...coarse, ...STUDY_CHANNELS.slice(-levels)],
    latent: 512,
    beta: 1,
    likelihood: 'gaussian',
    batch: 128,
    learningRate: 3e-4,
    ...plainAdam,
  }
}

/** The study's two VAEs, by the kind of image. */
export const paper = ({ size, channels }: ImageShape): VaeConfig =>
  channels === 1 ? paperGrey : paperColour(size)
