/**
 * Flow matching on the straight path, or rectified flow (Lipman et al., arXiv 2210.02747; Liu et al., arXiv 2209.03003):
 * a network learns the velocity from an image to noise, and following it backwards makes images.
 *
 *   x_t = (1 - t) x + t noise;  loss = mean (network(x_t, t) - (noise - x))^2
 *
 * The path and its solvers are in path.ts; the network and all that models of noise do alike is in ../denoising.
 */
import { sub } from 'onnx-autodiff'
import { defineModel } from '../define-model.js'
import {
  RECONSTRUCTION_LEVEL,
  reconstructFromNoise,
  reconstructionSteps,
  sampleFromNoise,
} from '../denoising/from-noise.js'
import { type DenoisingModel, HIGHEST_LEVEL } from '../denoising/inputs.js'
import { blockLayers, levelFeatures } from '../denoising/level-features.js'
import { denoisingStep } from '../denoising/training-step.js'
import type { UNetConfig } from '../denoising/unet.js'
import type { ImageShape } from '../model.js'
import { fast, type FlowConfig, flowSchema, networkOf } from './config.js'
import { drawTimes, followFlow, pathAt } from './path.js'

const denoising = (
  config: FlowConfig,
  image: ImageShape,
): DenoisingModel & { readonly config: FlowConfig & UNetConfig } => ({
  config: networkOf(config),
  image,
  noiseAt: pathAt,
})

export const flow = defineModel<FlowConfig>({
  name: 'flow',
  shortTitle: 'flow matching',
  title: ({ width }) => `flow matching UNet of width ${width}, velocity prediction`,
  configSchema: flowSchema,
  presets: { fast },
  defaultSteps: ({ steps }) => steps,
  cost: { stepSeconds: 0.5, imagesPerSecond: 300, samplesPerSecond: 24 },
  train: (config, image, steps, seed) =>
    denoisingStep(
      {
        config: networkOf(config),
        target: ({ clean, noise }) => sub(noise, clean),
        drawNoise: (streams) => drawTimes(config.time, streams('noise level'), config.batch),
        optimisation: config,
      },
      image,
      steps,
      seed,
    ),
  layers: (config, image) => blockLayers(denoising(config, image)),
  // Those of the diffusion model: the bottleneck, and the first way up where they are pooled.
  defaultFeatures: ({ blocks, multipliers, featurePooling, featureLevel }) => {
    const bottleneck = `middle.${2 * blocks - 1}`
    const layers = featurePooling === 'none' ? [bottleneck] : [bottleneck, `up${multipliers.length - 2}.0`]
    return { layers, pooling: featurePooling, noiseLevel: featureLevel }
  },
  noiseAt: ({ mean, deviation }, level) => ({ ...pathAt(level), mean, deviation }),
  features: (config, image, weights, request) =>
    levelFeatures(denoising(config, image), 'flow features', weights, request),
  samplerOptions: ['steps'],
  sample: (config, image, weights, { steps = config.samplingSteps, ...options }) =>
    sampleFromNoise(
      denoising(config, image),
      weights,
      followFlow(HIGHEST_LEVEL, steps, config.solver),
      options,
    ),
  // At level 300 0.7 of the image is left.
  reconstruct: (config, image, weights, pixels, options) =>
    reconstructFromNoise(
      denoising(config, image),
      weights,
      followFlow(RECONSTRUCTION_LEVEL, reconstructionSteps(config.samplingSteps), config.solver),
      pixels,
      options,
    ),
})
