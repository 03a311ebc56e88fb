/** What a GAN with an encoder can be told: every setting with its meaning, the two presets, and the sizes that follow. */
import { z } from 'zod'
import { HandfulError } from '../../errors.js'
import type { ImageShape } from '../model.js'
import { patchFor } from '../patching.js'

const augmentationSchema = z.strictObject({
  /** Greatest shift either way, as a share of the size. */
  translation: z.number().min(0).max(1),
  /** Shifts are by multiples of so many pixels, a divisor of the size; left out, 1. */
  shiftUnit: z.int().min(1).optional(),
  /** Greatest change of brightness (in the range -1..1), of contrast and, twice that, of saturation (as shares). */
  colour: z.number().min(0).max(1),
  /** Side of the square that is blacked out, as a share of the size. */
  cutout: z.number().min(0).max(1),
  /** Share of images that each of the three is applied to; where it adapts, at the start. */
  strength: z.number().min(0).max(1),
  /** Share of real images told as real, less those told as fake, that the strength adapts to (ADA); null keeps it. */
  target: z.number().min(-1).max(1).nullable(),
  /** Images over which the strength can go from 0 to 1. */
  rampImages: z.int().min(1),
})

export type GanAugmentation = z.infer<typeof augmentationSchema>

export const ganSchema = z.strictObject({
  /** Side of the images that the networks see, in pixels; smaller images get a black margin. */
  size: z.int().min(4),
  /** Grey images are tripled to three channels, and generated ones averaged. */
  tripleGrey: z.boolean(),
  /** Blocks of this many pixels a side become channels before the encoder, and channels become blocks after the generator. */
  patch: z.int().min(1),
  /** Channels at each resolution, the coarsest first; each next one is twice as fine. The finest is `size` / `patch`. */
  channels: z.array(z.int().min(1)).min(1).max(9),
  /** Numbers of z and of the style w, the feature. */
  latent: z.int().min(1),
  mappingLayers: z.int().min(1),
  /** Learning rate of the mapping, as a share of the others'. */
  mappingRate: z.number().positive(),
  /** Layers of the discriminator on w, the last one included. */
  discriminatorLayers: z.int().min(1),
  /** Units of the encoder's layer before w. */
  hidden: z.int().min(1),
  /** Random noise is added in the generator, so that w need not hold what is mere chance. */
  noise: z.boolean(),
  /** Share of batches generated from two styles, one for the coarse layers and one for the fine. */
  styleMixing: z.number().min(0).max(1),
  /**
   * The encoder sees how much the images of a group of this many differ (Karras et al., arXiv 1710.10196); null leaves
   * it out. At extraction it is the average over training, so that a feature never depends on the other images.
   */
  deviationGroup: z.int().min(2).nullable(),
  batch: z.int().min(2),
  learningRate: z.number().positive(),
  /** Decay of Adam's second moment; the first has none. */
  beta2: z.number().min(0).max(1),
  /** R1 penalty (Mescheder et al., arXiv 1801.04406): its weight gamma, and every how many steps. Null leaves it out. */
  r1: z.strictObject({ gamma: z.number().min(0), every: z.int().min(1) }).nullable(),
  /** Path length regularisation (Karras et al., arXiv 1912.04958). Null leaves it out. */
  pathLength: z.strictObject({ weight: z.number().min(0), every: z.int().min(1) }).nullable(),
  /**
   * Weight of |w - E(G(w))|^2, and whether it is taken on the augmented images of the generator's step (`joint`: half
   * the work, and an encoder that learns to see past the augmentation) or in a step of its own.
   */
  latentReconstruction: z.strictObject({ weight: z.number().min(0), joint: z.boolean() }),
  /** Null for none. */
  augmentation: augmentationSchema.nullable(),
  /** Half-life of the averaged weights, in images. */
  emaHalfLifeImages: z.number().positive(),
  /** Encoder and mapping are averaged as the generator is; otherwise features are taken from them as they are. */
  averageEncoder: z.boolean(),
  /** How far sampled styles lie from their mean: 1 as drawn. */
  truncation: z.number().min(0),
})

export type GanConfig = z.infer<typeof ganSchema>

/**
 * StyleALAE at 32x32 as REFERENCE.md 1.5 has it, but for what that names as a fault (the encoder's statistic at
 * extraction) and for the adaptive augmentation, whose operations are those of augment-in-graph.ts.
 */
export const paper = ({ size }: ImageShape): GanConfig => {
  const levels = Math.max(Math.ceil(Math.log2(size / 4)), 0)
  return {
    size: 4 * 2 ** levels,
    tripleGrey: true,
    patch: 1,
    channels: Array.from({ length: levels + 1 }, (_, level) => Math.min(512, 2 ** (14 - level))),
    latent: 128,
    mappingLayers: 8,
    mappingRate: 0.01,
    discriminatorLayers: 4,
    hidden: 512,
    noise: true,
    styleMixing: 0.9,
    deviationGroup: 4,
    batch: 32,
    learningRate: 0.002,
    beta2: 0.99,
    r1: { gamma: 10, every: 16 },
    pathLength: { weight: 2, every: 4 },
    latentReconstruction: { weight: 1, joint: false },
    augmentation: {
      translation: 0.125,
      colour: 0.5,
      cutout: 0.5,
      strength: 0,
      target: 0.6,
      rampImages: 500_000,
    },
    emaHalfLifeImages: 10_000,
    averageEncoder: false,
    truncation: 1,
  }
}

/** Two resolutions of few channels, the finer that of squares of pixels: minutes on two cores. */
export const fast = ({ size, channels }: ImageShape): GanConfig => {
  const patch = size >= 16 ? patchFor({ size, channels }) : 1
  let base = Math.ceil(size / patch)
  let levels = 0
  for (; base > 8; levels++) base = Math.ceil(base / 2)
  return {
    ...paper({ size, channels }),
    size: patch * base * 2 ** levels,
    tripleGrey: false,
    patch,
    channels: Array.from({ length: levels + 1 }, (_, level) => (level === levels && levels > 0 ? 64 : 128)),
    mappingLayers: 4,
    hidden: 256,
    styleMixing: 0,
    deviationGroup: null,
    r1: { gamma: 1, every: 16 },
    pathLength: null,
    latentReconstruction: { weight: 1, joint: true },
    augmentation: {
      translation: 0.1,
      // As fine, for the image, as pixels are for one of 32.
      ...(patch > 3 ? { shiftUnit: patch % 2 === 0 ? patch / 2 : patch } : {}),
      colour: channels === 3 ? 0.3 : 0,
      cutout: 0,
      strength: 1,
      target: null,
      rampImages: 500_000,
    },
    averageEncoder: true,
    truncation: 1,
  }
}

export interface Geometry {
  /**
   * Side of the tiles of pixels that images inside the networks consist of: what is shifted together, where it is a part
   * of a larger square that becomes channels; else 1.
   */
  readonly tile: number
  /** Side of the coarsest feature map. */
  readonly base: number
  /** Doublings from there to the finest. */
  readonly levels: number
  /** Channels of the images inside the networks. */
  readonly colours: 1 | 3
  /** Styles that the generator takes: one for each convolution, the last ToRGB one of its own. */
  readonly styles: number
  /** Sides of the noise planes, one for each 3x3 convolution of the generator. */
  readonly noiseSides: readonly number[]
}

/** @throws HandfulError if the sizes do not fit each other or the image */
export function geometry(config: GanConfig, image: ImageShape): Geometry {
  const { size, patch, channels, tripleGrey, augmentation } = config
  const levels = channels.length - 1
  const base = size / patch / 2 ** levels
  if (size < image.size || !Number.isInteger(base)) {
    const step = patch * 2 ** levels
    throw new HandfulError({
      what: 'size',
      where: 'GAN configuration',
      got: String(size),
      expected: `a multiple of ${step} that is at least the image's ${image.size}`,
      hint: `with patch ${patch} and ${levels + 1} resolutions, ${Math.ceil(image.size / step) * step} fits`,
    })
  }
  const sides = Array.from({ length: levels + 1 }, (_, level) => base * 2 ** level)
  const unit = augmentation?.shiftUnit ?? 1
  return {
    tile: patch > 2 && patch % unit === 0 ? unit : 1,
    base,
    levels,
    colours: tripleGrey ? 3 : image.channels,
    styles: 2 * levels + 2,
    noiseSides: sides.flatMap((side, level) => (level === 0 ? [side] : [side, side])),
  }
}
