/** What flow matching can be told: every setting with its meaning, and what is fast on a CPU. */
import { z } from 'zod'
import { POOLINGS } from '../../names.js'
import { unetFields } from '../denoising/config.js'
import type { UNetConfig } from '../denoising/unet.js'
import type { ImageShape } from '../model.js'
import { patchFor, patchKernelSetting } from '../patching.js'
import { optimiserFields } from '../optimise.js'

export const flowSchema = z
  .strictObject({
    ...unetFields,
    /** Log-odds of the times that training sees, a normal distribution (arXiv 2403.03206): where between image and noise. */
    time: z.strictObject({ mean: z.number(), deviation: z.number().positive() }),
    /** The network sees (pixel - mean) / deviation, pixels in 0..1; one half twice is the range -1..1. */
    mean: z.number().min(0).max(1),
    deviation: z.number().positive(),
    ...optimiserFields,
    /** Largest norm of all gradients together; 0 leaves them alone. */
    clipNorm: z.number().min(0),
    /** A number of steps worth taking where none is asked for. */
    steps: z.int().min(1),
    samplingSteps: z.int().min(1),
    /** Heun's steps ask the network twice, and need fewer steps for it. */
    solver: z.enum(['euler', 'heun']),
    /** Where features are taken when nothing else is asked for, on the scale 0..1000. */
    featureLevel: z.number().min(0).max(1000),
    /** How they are pooled then; with `none` they are the bottleneck's alone. */
    featurePooling: z.enum(POOLINGS),
  })
  .refine(({ width, groups }) => width % groups === 0, {
    path: ['groups'],
    message: 'expected a divisor of the width',
  })
  .refine(({ attention, multipliers }) => attention <= multipliers.length, {
    path: ['attention'],
    message: 'expected at most as many levels as there are multipliers',
  })

export type FlowConfig = z.infer<typeof flowSchema>

/** Minutes on two cores: the network of the diffusion model, whose measurements its sizes come from. */
export function fast(image: ImageShape): FlowConfig {
  const grey = image.channels === 1
  const patch = patchFor(image)
  return {
    width: grey ? 64 : 96,
    multipliers: grey ? [1, 2] : [1, 2, 2],
    blocks: grey ? 2 : 1,
    patch,
    ...patchKernelSetting(patch),
    groups: 8,
    attention: 0,
    // Half of the time near the clean end, where features are taken.
    time: { mean: grey ? -0.4 : -1, deviation: 1.4 },
    mean: 0.5,
    deviation: 0.5,
    batch: grey ? 128 : 64,
    learningRate: 1e-3,
    schedule: 'cosine',
    weightDecay: 1e-4,
    warmUpSteps: 100,
    emaHalfLife: 0.04,
    clipNorm: 1,
    steps: grey ? 1200 : 4000,
    samplingSteps: 25,
    solver: 'heun',
    // As much noise beside the image as diffusion's features have: sigma / alpha of 0.70 and 0.16.
    featureLevel: grey ? 400 : 140,
    featurePooling: grey ? 'none' : '2x2',
  }
}

/** Its network, which flow shares with diffusion. */
export const networkOf = <C extends FlowConfig>(config: C): C & UNetConfig => ({
  ...config,
  network: 'residual',
})
