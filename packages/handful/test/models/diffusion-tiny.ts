/** Tiny configurations for the tests of the diffusion model: the two of the PyTorch reference, and one that learns quickly. */
import { type DiffusionConfig, diffusionPresets } from '../../src/models/diffusion/config.js'
import { diffusion } from '../../src/models/diffusion/diffusion.js'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'

const shape: ImageShape = { size: 12, channels: 1 }

const study: DiffusionConfig = {
  ...diffusionPresets.paper(shape),
  width: 2,
  batch: 3,
  dropout: 0.2,
  mean: 0.125,
  deviation: 0.25,
}

const ddpm: DiffusionConfig = {
  ...diffusionPresets.ddpm(),
  width: 4,
  multipliers: [1, 2],
  blocks: 1,
  patch: 2,
  groups: 2,
  batch: 3,
  dropout: 0,
  clipNorm: 0,
}

const quick: DiffusionConfig = {
  ...diffusionPresets.fast(shape),
  noise: { kind: 'logistic', mean: 0, deviation: 1.2 },
  width: 32,
  multipliers: [1, 2],
  blocks: 1,
  batch: 32,
  learningRate: 1e-2,
  warmUpSteps: 10,
  samplingSteps: 20,
}

export const tiny = { study, ddpm, quick }

/** Weights before any training, as a trained state would hold them. */
export const untrained = (config: DiffusionConfig, image: ImageShape, seed = 1): Weights =>
  averagedWeights(diffusion.configure(config, image).train(10, seed).initialState)

export const parameterNames = (config: DiffusionConfig, image: ImageShape): string[] =>
  Object.keys(untrained(config, image))
