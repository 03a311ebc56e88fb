/** Configuration of the diffusion model: one schema for the study's form, the standard DDPM and what is fast on a CPU. */
import { z } from 'zod'
import { POOLINGS } from '../../names.js'
import { unetFields } from '../denoising/config.js'
import type { ImageShape } from '../model.js'
import { patchFor, patchKernelSetting } from '../patching.js'

const positive = z.number().positive()
const share = z.number().min(0).max(1)

export const diffusionSchema = z
  .strictObject({
    /** `study`: no normalisation, noise level as constant planes. `residual`: group norm, SiLU, sinusoidal embedding. */
    network: z.enum(['study', 'residual']),
    ...unetFields,
    /** Share of channels set to zero in training, image by image. */
    dropout: z.number().min(0).lt(1),
    /** What the network predicts: v = alpha noise - sigma image (arXiv 2202.00512), the noise, or the image. */
    parameterisation: z.enum(['v', 'epsilon', 'x0']),
    schedule: z.enum(['study', 'linear', 'cosine']),
    /** How training spreads over the noise levels; the logistic is of log(sigma / alpha). */
    noise: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('uniform') }),
      z.strictObject({ kind: z.literal('logistic'), mean: z.number(), deviation: positive }),
    ]),
    /** Weight of the squared error. With `v`, alpha squared weighs the levels as noise prediction does. */
    lossWeight: z.enum(['constant', 'alpha squared']),
    /** The network sees (pixel - mean) / deviation, pixels in 0..1; one half twice is the range -1..1. */
    mean: share,
    deviation: positive,
    batch: z.int().min(1),
    learningRate: positive,
    weightDecay: z.number().min(0),
    warmUpSteps: z.int().min(0),
    /** After the warm-up: along half a cosine to zero, or constant. */
    decay: z.enum(['cosine', 'none']),
    /** Largest norm of all gradients together; 0 leaves them alone. */
    clipNorm: z.number().min(0),
    /** Averaged weights: their half-life as a share of all steps, or fixed decays, the early one for so many steps. */
    ema: z.union([
      z.strictObject({ halfLife: z.number().min(0) }),
      z.strictObject({ earlyDecay: share, earlySteps: z.int().min(0), decay: share }),
    ]),
    /** A number of steps worth taking where none is asked for. */
    steps: z.int().min(1),
    samplingSteps: z.int().min(1),
    /** Levels of the sampling steps: evenly spaced, or closer towards the clean end, which few steps gain by. */
    spacing: z.enum(['even', 'quadratic']),
    /** Fresh noise in each sampling step: 1 is ancestral sampling, 0 the deterministic DDIM (arXiv 2010.02502). */
    eta: share,
    /** Where features are taken when nothing else is asked for, on the scale 0..1000. */
    featureLevel: z.number().min(0).max(1000),
    /**
     * How they are pooled then; with `none` they are the bottleneck's alone. Left out, as in older runs: the mean of the
     * study's network, 2x2 cells of the other.
     */
    featurePooling: z.enum(POOLINGS).optional(),
  })
  .refine(({ network, patch, attention }) => network === 'residual' || (patch === 1 && attention === 0), {
    path: ['network'],
    message: 'the study network has no patches and no attention; expected patch 1 and attention 0',
  })
  .refine(({ network, width, groups }) => network === 'study' || width % groups === 0, {
    path: ['groups'],
    message: 'expected a divisor of the width',
  })
  .refine(({ attention, multipliers }) => attention <= multipliers.length, {
    path: ['attention'],
    message: 'expected at most as many levels as there are multipliers',
  })

export type DiffusionConfig = z.infer<typeof diffusionSchema>

/**
 * The study's model. Its `mean` and `deviation` are those it used for MNIST (grey) and CIFAR-10 (colour); its averaging
 * changed after 20 epochs, which are so many steps of those sets; its dropout after the second convolution was left out
 * for CIFAR-10 alone and is kept here for all.
 */
function paper({ channels }: ImageShape): DiffusionConfig {
  const grey = channels === 1
  return {
    network: 'study',
    width: 64,
    multipliers: [1, 2, 4, 8],
    blocks: 2,
    patch: 1,
    groups: 1,
    attention: 0,
    dropout: 0.1,
    parameterisation: 'v',
    schedule: 'study',
    noise: { kind: 'uniform' },
    lossWeight: 'alpha squared',
    mean: grey ? 0.1307 : 0.5,
    deviation: grey ? 0.3081 : 0.5,
    batch: grey ? 100 : 32,
    learningRate: grey ? 2e-4 : 1e-4,
    weightDecay: 0,
    warmUpSteps: 0,
    decay: 'none',
    clipNorm: 0,
    ema: { earlyDecay: 0.95, earlySteps: grey ? 12_000 : 31_250, decay: 0.998 },
    steps: grey ? 27_000 : 46_875,
    samplingSteps: 500,
    spacing: 'even',
    eta: 1,
    featureLevel: grey ? 350 : 50,
    featurePooling: 'mean',
  }
}

/**
 * The standard form (Ho et al., arXiv 2006.11239, its CIFAR-10 network), with one skip connection per level and attention
 * at the lowest level only.
 */
function ddpm(): DiffusionConfig {
  return {
    network: 'residual',
    width: 128,
    multipliers: [1, 2, 2, 2],
    blocks: 2,
    patch: 1,
    groups: 32,
    attention: 1,
    dropout: 0.1,
    parameterisation: 'epsilon',
    schedule: 'linear',
    noise: { kind: 'uniform' },
    lossWeight: 'constant',
    mean: 0.5,
    deviation: 0.5,
    batch: 128,
    learningRate: 2e-4,
    weightDecay: 0,
    warmUpSteps: 5000,
    decay: 'none',
    clipNorm: 1,
    // The paper's decay of 0.9999 suits its 800,000 steps, not shorter runs.
    ema: { halfLife: 0.03 },
    steps: 100_000,
    samplingSteps: 1000,
    spacing: 'even',
    eta: 1,
    featureLevel: 20,
    featurePooling: '2x2',
  }
}

/**
 * Minutes on two cores: squares of pixels as channels, so that all work is on 14 to 20 pixels a side with the channels a
 * CPU likes. Colour gets a third level, more channels, and less noise: its classes show in details.
 */
function fast(image: ImageShape): DiffusionConfig {
  const grey = image.channels === 1
  const patch = patchFor(image)
  return {
    network: 'residual',
    width: grey ? 64 : 96,
    multipliers: grey ? [1, 2] : [1, 2, 2],
    blocks: grey ? 2 : 1,
    patch,
    ...patchKernelSetting(patch),
    groups: 8,
    attention: 0,
    dropout: 0,
    parameterisation: 'v',
    schedule: 'study',
    noise: { kind: 'logistic', mean: grey ? -0.4 : -1, deviation: grey ? 1.6 : 1.4 },
    lossWeight: 'constant',
    mean: 0.5,
    deviation: 0.5,
    batch: grey ? 128 : 64,
    learningRate: 1e-3,
    weightDecay: 1e-4,
    warmUpSteps: 100,
    decay: 'cosine',
    clipNorm: 1,
    ema: { halfLife: 0.04 },
    steps: grey ? 1200 : 4000,
    samplingSteps: 50,
    spacing: 'quadratic',
    eta: 0,
    // Of training images alone: 10 to 50 are best on CIFAR-10. On MNIST, where a stroke is says as much as what it is, every
    // number of the bottleneck at 200 gains 21 points of propagation at 2 labels per class over 2x2 cells at 100.
    featureLevel: grey ? 200 : 50,
    featurePooling: grey ? 'none' : '2x2',
  }
}

export const diffusionPresets = { paper, fast, ddpm }
