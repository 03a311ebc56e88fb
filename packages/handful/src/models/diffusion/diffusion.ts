/**
 * A denoising diffusion model (Ho et al., arXiv 2006.11239) in three forms, all of one configuration: the study's
 * (continuous levels, v-prediction), the standard DDPM (1000 steps, noise prediction), and one that is fast on a CPU.
 *
 *   x_t = alpha x + sigma noise;  loss = w mean (network(x_t, level) - target)^2;  target: noise, x, or alpha noise - sigma x
 *
 * The configuration is in diffusion-config.ts, the network in diffusion-unet.ts, the schedules in diffusion-schedule.ts,
 * sampling in diffusion-sampler.ts and diffusion-images.ts, features in diffusion-features.ts.
 */
import {
  adamW,
  add,
  type Arrays,
  clipByGlobalNorm,
  constantRate,
  cosineDecay,
  ema,
  gradients,
  greater,
  input,
  inputName,
  mean,
  mul,
  Parameters,
  slice,
  sub,
  sum,
  type Tensor,
  type Update,
  warmUp,
  where,
} from 'onnx-autodiff'
import { imageDimensions } from '../common.js'
import { type DiffusionConfig, diffusionPresets, diffusionSchema } from './config.js'
import { features } from './features.js'
import { reconstruct, sample } from './images.js'
import { floats, imageNumbers, levelInputs, standardised } from './inputs.js'
import { drawNoise, noiseSchedule } from './schedule.js'
import { denoiser, embeddingSize, FOURIER_FREQUENCIES, noDropout, planBlocks } from './unet.js'
import type { ImageShape, ModelDefinition, Streams, Trainable } from '../model.js'

/**
 * Outputs: `loss`, and the squared error without its weight, a mean per number, over the thirds of the batch with the least
 * noise, in between, and with the most: `lowNoise`, `middleNoise`, `highNoise`.
 */
function train(config: DiffusionConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch, network, parameterisation, dropout } = config
  const p = new Parameters('train')
  const masks: Tensor[] = []
  const dropped = (name: string, x: Tensor): Tensor => {
    const mask = input(`dropout ${name}`, [batch, x.shape[3]])
    masks.push(mask)
    return mul(x, mask)
  }
  const denoise = denoiser(p, config, image, dropout > 0 ? dropped : noDropout)
  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const noise = input('noise', [image.size, image.size, batch, image.channels])
  const [alpha, sigma] = [input('alpha', [batch, 1]), input('sigma', [batch, 1])]
  const embedding = input('embedding', [batch, embeddingSize(config)])
  const weight = input('weight', [batch])

  const clean = standardised(pixels, config)
  const noisy = add(mul(clean, alpha), mul(noise, sigma))
  const { prediction } = denoise(noisy, embedding)
  const target =
    parameterisation === 'v'
      ? sub(mul(noise, alpha), mul(clean, sigma))
      : parameterisation === 'epsilon'
        ? noise
        : clean
  const error = sub(prediction, target)
  const errors = mean(mul(error, error), [0, 1, 3])
  const loss = mul(sum(mul(errors, weight)), 1 / batch)

  const { updates, initialState } = optimise(p, loss, config, steps, seed)
  return {
    program: {
      inputs: [pixels, noise, alpha, sigma, embedding, weight, ...masks],
      state: updates,
      outputs: { loss, ...byThirds(errors) },
    },
    initialState,
    // The study counts its frequencies, which stay as they are here.
    parameterCount: p.count + (network === 'study' ? FOURIER_FREQUENCIES.length : 0),
    batch,
    hasTarget: false,
    loss: 'loss',
    drawInputs: (streams) => ({
      noise: floats(noise.shape, streams('noise').fillNormal(new Float32Array(batch * imageNumbers(image)))),
      ...levelInputs(
        config,
        drawNoise(noiseSchedule(config.schedule), config.noise, streams('noise level'), batch),
      ),
      ...maskInputs(masks, dropout, streams),
    }),
  }
}

interface Optimisation {
  readonly updates: readonly Update[]
  readonly initialState: Arrays
}

/** One step of AdamW, and the averaged weights behind it. */
function optimise(
  p: Parameters,
  loss: Tensor,
  config: DiffusionConfig,
  steps: number,
  seed: number,
): Optimisation {
  const { learningRate, warmUpSteps, weightDecay, clipNorm } = config
  const parameters = p.trained()
  const found = gradients(loss, parameters)
  const step = input('step', [])
  const now = add(step, 1)
  const after = config.decay === 'cosine' ? cosineDecay(learningRate, steps) : constantRate(learningRate)
  const optimised = adamW(
    { parameters, gradients: clipNorm > 0 ? clipByGlobalNorm(found, clipNorm).clipped : found },
    { rate: warmUp(learningRate, warmUpSteps, after)(now), weightDecay, step: now },
  )
  const initial = p.initialize(seed)
  const decay =
    'halfLife' in config.ema
      ? 0.5 ** (1 / Math.max(config.ema.halfLife * steps, 1))
      : where(greater(now, config.ema.earlySteps), config.ema.decay, config.ema.earlyDecay)
  const averaged = ema(optimised.updates, initial, { decay })
  return {
    updates: [{ variable: step, next: now }, ...optimised.updates, ...averaged.updates],
    initialState: {
      step: floats([], new Float32Array(1)),
      ...initial,
      ...optimised.initialState,
      ...averaged.initialState,
    },
  }
}

/** Levels rise along the batch, so its thirds are those of least and most noise. */
function byThirds(errors: Tensor): Record<string, Tensor> {
  const [batch] = errors.shape
  if (batch < 3) return {}
  const at = [0, 1, 2, 3].map((i) => Math.round((i * batch) / 3))
  return Object.fromEntries(
    ['lowNoise', 'middleNoise', 'highNoise'].map((name, i) => [
      name,
      mean(slice(errors, 0, at[i], at[i + 1])),
    ]),
  )
}

/** Kept channels are scaled up by what is lost (Srivastava et al., JMLR 2014). */
function maskInputs(masks: readonly Tensor[], rate: number, streams: Streams): Arrays {
  const random = streams('dropout')
  return Object.fromEntries(
    masks.map((mask) => {
      const [batch, channels] = mask.shape
      const kept = Float32Array.from({ length: batch * channels }, () =>
        random.uniform() < rate ? 0 : 1 / (1 - rate),
      )
      return [inputName(mask), floats(mask.shape, kept)]
    }),
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

export const diffusion: ModelDefinition<DiffusionConfig> = {
  name: 'diffusion',
  title: ({ width, parameterisation }) => `diffusion UNet of width ${width}, ${forms[parameterisation]}`,
  configSchema: diffusionSchema,
  presets: diffusionPresets,
  defaultSteps: ({ steps }) => steps,
  train,
  layers: (config, image) =>
    planBlocks(config, image).map(({ name, side, outChannels }) => ({
      name,
      shape: [side, side, outChannels],
    })),
  defaultFeatures: (config) => ({
    layers: defaultLayers(config),
    pooling: config.featurePooling ?? (config.network === 'study' ? 'mean' : '2x2'),
    noiseLevel: config.featureLevel,
  }),
  features,
  sample,
  reconstruct,
}
