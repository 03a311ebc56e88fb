/**
 * A denoising diffusion model (Ho et al., arXiv 2006.11239) in three forms, all of one configuration: the study's
 * (continuous levels, v-prediction), the standard DDPM (1000 steps, noise prediction), and one that is fast on a CPU.
 *
 *   x_t = alpha x + sigma noise;  loss = w mean (network(x_t, level) - target)^2;  target: noise, x, or alpha noise - sigma x
 *
 * In the order of reading: config.ts (settings), schedule.ts (noise levels), sampler.ts (from noise to images). The network
 * and all that other models of noise do alike is in ../denoising.
 */
import { greater, mul, sub, where } from 'onnx-autodiff'
import { defineModel } from '../define-model.js'
import {
  type NoiseRemoval,
  RECONSTRUCTION_LEVEL,
  reconstructFromNoise,
  reconstructionSteps,
  sampleFromNoise,
} from '../denoising/from-noise.js'
import { type DenoisingModel, HIGHEST_LEVEL } from '../denoising/inputs.js'
import { blockLayers, levelFeatures } from '../denoising/level-features.js'
import { denoisingStep } from '../denoising/training-step.js'
import type { Noise } from '../denoising/unet.js'
import type { ImageShape, Trainable } from '../model.js'
import { halfLifeDecay } from '../optimise.js'
import { type DiffusionConfig, diffusionPresets, diffusionSchema } from './config.js'
import { removeNoise, samplingNoises } from './sampler.js'
import { drawNoise, noiseSchedule } from './schedule.js'

/** A level's weight in the loss. */
export const lossWeight = ({ lossWeight: kind }: DiffusionConfig, { alpha }: Noise): number =>
  kind === 'alpha squared' ? alpha * alpha : 1

function train(config: DiffusionConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, parameterisation, dropout, decay, ema, noise: spread } = config
  const schedule = noiseSchedule(config.schedule)
  return denoisingStep(
    {
      config,
      dropout,
      target: ({ clean, noise, alpha, sigma }) =>
        parameterisation === 'v'
          ? sub(mul(noise, alpha), mul(clean, sigma))
          : parameterisation === 'epsilon'
            ? noise
            : clean,
      drawNoise: (streams) => drawNoise(schedule, spread, streams('noise level'), batch),
      weight: (noise) => lossWeight(config, noise),
      optimisation: {
        ...config,
        schedule: decay === 'cosine' ? 'cosine' : 'constant',
        emaHalfLife: (now) =>
          'halfLife' in ema
            ? halfLifeDecay(ema.halfLife, steps)
            : where(greater(now, ema.earlySteps), ema.decay, ema.earlyDecay),
      },
    },
    image,
    steps,
    seed,
  )
}

const lastOf = (name: string, count: number): string => `${name}.${count - 1}`

/**
 * The study's four layers, or the two that serve best after little training: the bottleneck and the first way up. Of every
 * number, the bottleneck alone.
 */
function defaultLayers({ network, multipliers, blocks, featurePooling }: DiffusionConfig): string[] {
  const bottleneck = lastOf('middle', 2 * blocks)
  if (featurePooling === 'none') return [bottleneck]
  if (network === 'residual') return [bottleneck, `up${multipliers.length - 2}.0`]
  const up = multipliers.slice(1).map((_, level) => (level === 0 ? 'up0.0' : lastOf(`up${level}`, blocks)))
  return [bottleneck, ...up.reverse()]
}

const forms = { v: 'v-prediction', epsilon: 'noise prediction', x0: 'image prediction' }

const noiseAt = ({ schedule }: DiffusionConfig, level: number): Noise => noiseSchedule(schedule).at(level)

const denoising = <C extends DiffusionConfig>(
  config: C,
  image: ImageShape,
): DenoisingModel & { readonly config: C } => ({
  config,
  image,
  noiseAt: (level) => noiseAt(config, level),
})

/** The way of the sampler from a level down. */
function removal(config: DiffusionConfig, from: number, steps: number, eta: number): NoiseRemoval {
  const { parameterisation, spacing, mean: centre, deviation } = config
  const sampler = {
    schedule: noiseSchedule(config.schedule),
    parameterisation,
    from,
    steps,
    spacing,
    eta,
    // Dividing by a small alpha makes much of a small error in the noise, so early clean images are kept in range.
    range:
      parameterisation === 'epsilon' ? ([-centre / deviation, (1 - centre) / deviation] as const) : undefined,
  }
  return {
    evaluations: samplingNoises(sampler).length,
    remove: (x, { predict, ...removing }) => removeNoise(x, predict, { ...sampler, ...removing }),
  }
}

export const diffusion = defineModel<DiffusionConfig>({
  name: 'diffusion',
  shortTitle: 'diffusion',
  title: ({ width, parameterisation }) => `diffusion UNet of width ${width}, ${forms[parameterisation]}`,
  configSchema: diffusionSchema,
  presets: diffusionPresets,
  defaultSteps: ({ steps }) => steps,
  cost: { stepSeconds: 0.5, imagesPerSecond: 300, samplesPerSecond: 12 },
  train,
  layers: (config, image) => blockLayers(denoising(config, image)),
  defaultFeatures: (config) => ({
    layers: defaultLayers(config),
    pooling: config.featurePooling ?? (config.network === 'study' ? 'mean' : '2x2'),
    noiseLevel: config.featureLevel,
  }),
  noiseAt: (config, level) => ({ ...noiseAt(config, level), mean: config.mean, deviation: config.deviation }),
  features: (config, image, weights, request) =>
    levelFeatures(denoising(config, image), 'diffusion features', weights, request),
  samplerOptions: ['steps', 'eta'],
  sample: (config, image, weights, { steps = config.samplingSteps, eta = config.eta, ...options }) =>
    sampleFromNoise(denoising(config, image), weights, removal(config, HIGHEST_LEVEL, steps, eta), options),
  // Of level 300 the study's schedule leaves 0.64 of the image; DDIM takes the noise out again.
  reconstruct: (config, image, weights, pixels, options) =>
    reconstructFromNoise(
      denoising(config, image),
      weights,
      removal(config, RECONSTRUCTION_LEVEL, reconstructionSteps(config.samplingSteps), 0),
      pixels,
      options,
    ),
})
