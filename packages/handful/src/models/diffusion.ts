/**
 * A denoising diffusion model (Ho et al., arXiv 2006.11239) in three forms, all of one configuration: the study's
 * (continuous levels, v-prediction), the standard DDPM (1000 steps, noise prediction), and one that is fast on a CPU.
 *
 *   x_t = alpha x + sigma noise;  loss = w mean (network(x_t, level) - target)^2;  target: noise, x, or alpha noise - sigma x
 *
 * The network is in diffusion-unet.ts, the schedules in diffusion-schedule.ts, sampling in diffusion-sampler.ts.
 */
import {
  adamW, add, type Arrays, BATCH_MARKER, clipByGlobalNorm, compile, constant, constantRate, cosineDecay, ema, exportProgram, flipImage,
  gradients, greater, input, inputName, mean, mul, type NamedArray, openSession, Parameters, Random, slice, sub, sum, type Tensor, type Update,
  warmUp, where,
} from 'onnx-autodiff'
import { usageError } from '../errors.js'
import { imageDimensions, pooledRows, toBytes, toUnitRange } from './common.js'
import { type DiffusionConfig, diffusionPresets, diffusionSchema } from './diffusion-config.js'
import { type Predict, removeNoise, samplingNoises } from './diffusion-sampler.js'
import { drawNoise, HIGHEST_LEVEL, type Noise, noiseSchedule } from './diffusion-schedule.js'
import { denoiser, embeddingSize, embedNoise, FOURIER_FREQUENCIES, noDropout, planBlocks } from './diffusion-unet.js'
import type {
  FeatureNetwork, FeatureRequest, ImageShape, ModelDefinition, RunOptions, SampleOptions, Streams, Trainable, Weights,
} from './model.js'

/** uint8 [n, h, w, c] -> [h, w, n, c] as the network sees it. */
const standardised = (pixels: Tensor, { mean: centre, deviation }: DiffusionConfig): Tensor =>
  mul(sub(toUnitRange(pixels), centre), 1 / deviation)

const floats = (shape: readonly number[], data: Float32Array): NamedArray => ({ dtype: 'float32', shape, data })

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
    parameterisation === 'v' ? sub(mul(noise, alpha), mul(clean, sigma))
    : parameterisation === 'epsilon' ? noise
    : clean
  const error = sub(prediction, target)
  const errors = mean(mul(error, error), [0, 1, 3])
  const loss = mul(sum(mul(errors, weight)), 1 / batch)

  const { updates, initialState } = optimise(p, loss, config, steps, seed)
  return {
    program: compile({
      inputs: [pixels, noise, alpha, sigma, embedding, weight, ...masks],
      state: updates,
      outputs: { loss, ...byThirds(errors) },
    }),
    initialState,
    // The study counts its frequencies, which stay as they are here.
    parameterCount: p.count + (network === 'study' ? FOURIER_FREQUENCIES.length : 0),
    batch,
    hasTarget: false,
    loss: 'loss',
    drawInputs: (streams) => ({
      noise: floats(noise.shape, streams('noise').fillNormal(new Float32Array(batch * image.size ** 2 * image.channels))),
      ...levelInputs(config, drawNoise(noiseSchedule(config.schedule), config.noise, streams('noise level'), batch)),
      ...maskInputs(masks, dropout, streams),
    }),
  }
}

interface Optimisation {
  readonly updates: readonly Update[]
  readonly initialState: Arrays
}

/** One step of AdamW, and the averaged weights behind it. */
function optimise(p: Parameters, loss: Tensor, config: DiffusionConfig, steps: number, seed: number): Optimisation {
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
    initialState: { step: floats([], new Float32Array(1)), ...initial, ...optimised.initialState, ...averaged.initialState },
  }
}

/** Levels rise along the batch, so its thirds are those of least and most noise. */
function byThirds(errors: Tensor): Record<string, Tensor> {
  const [batch] = errors.shape
  if (batch < 3) return {}
  const at = [0, 1, 2, 3].map((i) => Math.round((i * batch) / 3))
  return Object.fromEntries(
    ['lowNoise', 'middleNoise', 'highNoise'].map((name, i) => [name, mean(slice(errors, 0, at[i], at[i + 1]))]),
  )
}

/** What the step is told of the noise of each image. */
export function levelInputs(config: DiffusionConfig, noises: readonly Noise[]): Arrays {
  const weight = ({ alpha }: Noise): number => (config.lossWeight === 'alpha squared' ? alpha * alpha : 1)
  const column = (of: (noise: Noise) => number): Float32Array => Float32Array.from(noises, of)
  return {
    alpha: floats([noises.length, 1], column(({ alpha }) => alpha)),
    sigma: floats([noises.length, 1], column(({ sigma }) => sigma)),
    embedding: floats([noises.length, embeddingSize(config)], Float32Array.from(noises.flatMap((noise) => embedNoise(config, noise)))),
    weight: floats([noises.length], column(weight)),
  }
}

/** Kept channels are scaled up by what is lost (Srivastava et al., JMLR 2014). */
function maskInputs(masks: readonly Tensor[], rate: number, streams: Streams): Arrays {
  const random = streams('dropout')
  return Object.fromEntries(
    masks.map((mask) => {
      const [batch, channels] = mask.shape
      const kept = Float32Array.from({ length: batch * channels }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)))
      return [inputName(mask), floats(mask.shape, kept)]
    }),
  )
}

/** Features of images with noise of the level asked for; the noise of an image comes from its place in the set alone. */
function features(config: DiffusionConfig, image: ImageShape, weights: Weights, request: FeatureRequest): FeatureNetwork {
  const { layers, pooling, noiseLevel = config.featureLevel, draws = 1, mirror = false } = request
  checkRequest(config, image, { layers, noiseLevel, draws })
  const { alpha, sigma, ...told } = noiseSchedule(config.schedule).at(noiseLevel)
  const denoise = denoiser(new Parameters('evaluate'), config, image)
  const embedding = constant(embedNoise(config, { alpha, sigma, ...told }), [1, embeddingSize(config)])
  const pixels = input('image', imageDimensions(BATCH_MARKER, image), 'uint8')
  const noises = Array.from({ length: draws }, (_, i) => input(`noise ${i}`, [image.size, image.size, BATCH_MARKER, image.channels]))
  const clean = mul(standardised(pixels, config), alpha)
  const flipped = (x: Tensor): Tensor => flipImage(x, { width: true })
  const seen = noises.flatMap((noise): Record<string, Tensor>[] => {
    const added = mul(noise, sigma)
    const own = denoise(add(clean, added), embedding).layers
    if (!mirror) return [own]
    const mirrored = denoise(add(flipped(clean), added), embedding).layers
    return [own, Object.fromEntries(layers.map((name) => [name, flipped(mirrored[name])]))]
  })
  const averaged = (name: string): Tensor =>
    mul(seen.map((each) => pooledRows(each[name], pooling)).reduce((a, b) => add(a, b)), 1 / seen.length)
  const numbers = image.size ** 2 * image.channels
  return {
    program: exportProgram({
      inputs: [pixels, ...noises],
      outputs: Object.fromEntries(layers.map((name) => [name, averaged(name)])),
      parameters: weights,
    }),
    drawInputs: (streams, indices) =>
      Object.fromEntries(
        noises.map((noise, draw) => {
          const data = new Float32Array(indices.length * numbers)
          for (let i = 0; i < indices.length; i++) {
            streams(`noise/${indices[i]}/${draw}`).fillNormal(data.subarray(i * numbers, (i + 1) * numbers))
          }
          return [inputName(noise), floats(noiseShape(indices.length, image), data)]
        }),
      ),
  }
}

function checkRequest(config: DiffusionConfig, image: ImageShape, { layers, noiseLevel, draws }: { layers: readonly string[]; noiseLevel: number; draws: number }): void {
  const known = planBlocks(config, image).map(({ name }) => name)
  const unknown = layers.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw usageError({ what: 'layer', where: 'diffusion features', got: `"${unknown}"`, expected: `one of ${known.join(', ')}` })
  }
  if (!(noiseLevel >= 0 && noiseLevel <= HIGHEST_LEVEL)) {
    throw usageError({ what: 'noise level', where: 'diffusion features', got: String(noiseLevel), expected: `a number from 0 (clean) to ${HIGHEST_LEVEL} (noise)` })
  }
  if (!Number.isInteger(draws) || draws < 1) {
    throw usageError({ what: 'draws', where: 'diffusion features', got: String(draws), expected: 'a whole number of at least 1' })
  }
}

/** Exported networks take and give images with channels before rows. */
const noiseShape = (count: number, { size, channels }: ImageShape): number[] => [count, channels, size, size]

/** Images that are sampled together: what fits into memory with any network. */
const SAMPLED_TOGETHER = 50
/** Reconstruction starts from this level: enough noise to hide the details, not the shape. */
const RECONSTRUCTION_LEVEL = 300

interface Start {
  /** Numbers of an image, [channels, size, size], at the level. */
  readonly startOf: (index: number, random: Random) => Float32Array
  readonly level: number
  readonly count: number
  readonly seed: number
  /** Each image has a stream of this name and its place. */
  readonly stream: string
  readonly steps: number
  readonly eta: number
}

/** Takes the noise out of images, a group at a time, with one network that stays open. */
async function denoiseAll(config: DiffusionConfig, image: ImageShape, weights: Weights, start: Start, { onProgress, signal, ...options }: RunOptions): Promise<Uint8Array> {
  const { startOf, level, count, seed, stream, steps, eta } = start
  const schedule = noiseSchedule(config.schedule)
  const numbers = image.size ** 2 * image.channels
  const { mean: centre, deviation } = config
  const sampler = {
    schedule, parameterisation: config.parameterisation, from: level, steps, spacing: config.spacing, eta, signal,
    // Dividing by a small alpha makes much of a small error in the noise, so early clean images are kept in range.
    range: config.parameterisation === 'epsilon' ? ([-centre / deviation, (1 - centre) / deviation] as const) : undefined,
  }
  const total = Math.ceil(count / SAMPLED_TOGETHER) * samplingNoises(sampler).length
  const result = new Uint8Array(count * numbers)
  const network = await openNetwork(config, image, weights, options)
  try {
    let done = 0
    for (let from = 0; from < count; from += SAMPLED_TOGETHER) {
      const streams = Array.from({ length: Math.min(SAMPLED_TOGETHER, count - from) }, (_, i) => new Random(seed, `${stream}/${from + i}`))
      const x = new Float32Array(streams.length * numbers)
      streams.forEach((random, i) => x.set(startOf(from + i, random), i * numbers))
      const clean = await removeNoise(x, network.predict, {
        ...sampler,
        fillNoise: (target) => streams.forEach((random, i) => random.fillNormal(target.subarray(i * numbers, (i + 1) * numbers))),
        onStep: () => onProgress?.(++done, total),
      })
      result.set(toBytes(channelsLast(clean.map((value) => value * deviation + centre), image)), from * numbers)
    }
    return result
  } finally {
    await network.close()
  }
}

async function openNetwork(config: DiffusionConfig, image: ImageShape, weights: Weights, options: RunOptions): Promise<{ predict: Predict; close: () => Promise<void> }> {
  const noisy = input('noisy', [image.size, image.size, BATCH_MARKER, image.channels])
  const embedding = input('embedding', [1, embeddingSize(config)])
  const { prediction } = denoiser(new Parameters('evaluate'), config, image)(noisy, embedding)
  const session = await openSession(exportProgram({ inputs: [noisy, embedding], outputs: { prediction }, parameters: weights }), options)
  const numbers = image.size ** 2 * image.channels
  return {
    async predict(x, noise) {
      const told = Float32Array.from(embedNoise(config, noise))
      // A session takes its inputs' memory away: it gets a copy.
      const inputs = { noisy: floats(noiseShape(x.length / numbers, image), x.slice()), embedding: floats([1, told.length], told) }
      return (await session.run(inputs)).prediction.data as Float32Array
    },
    close: () => session.close(),
  }
}

/** [n, channels, size, size] -> [n, size, size, channels]. */
function channelsLast(x: Float32Array, { size, channels }: ImageShape): Float32Array {
  const area = size * size
  return x.map((_, at) => {
    const [i, within] = [Math.floor(at / (area * channels)), at % (area * channels)]
    return x[i * area * channels + (within % channels) * area + Math.floor(within / channels)]
  })
}

function sample(config: DiffusionConfig, image: ImageShape, weights: Weights, options: SampleOptions): Promise<Uint8Array> {
  const { count, seed, steps = config.samplingSteps, eta = config.eta, ...run } = options
  const startOf = (_: number, random: Random): Float32Array => random.fillNormal(new Float32Array(image.size ** 2 * image.channels))
  return denoiseAll(config, image, weights, { startOf, level: HIGHEST_LEVEL, count, seed, stream: 'samples', steps, eta }, run)
}

/** Noise of level 300 is put on the images (0.64 of the image is left in the study's schedule) and taken out again by DDIM. */
function reconstruct(config: DiffusionConfig, image: ImageShape, weights: Weights, pixels: Uint8Array, options: RunOptions): Promise<Uint8Array> {
  const { size, channels } = image
  const numbers = size * size * channels
  const { alpha, sigma } = noiseSchedule(config.schedule).at(RECONSTRUCTION_LEVEL)
  const startOf = (index: number, random: Random): Float32Array =>
    random.fillNormal(new Float32Array(numbers)).map((noise, at) => {
      const pixel = pixels[index * numbers + (at % (size * size)) * channels + Math.floor(at / (size * size))] / 255
      return (alpha * (pixel - config.mean)) / config.deviation + sigma * noise
    })
  const steps = Math.max(1, Math.round((config.samplingSteps * RECONSTRUCTION_LEVEL) / HIGHEST_LEVEL))
  const start = { startOf, level: RECONSTRUCTION_LEVEL, count: pixels.length / numbers, seed: 0, stream: 'reconstruction', steps, eta: 0 }
  return denoiseAll(config, image, weights, start, options)
}

const lastOf = (name: string, count: number): string => `${name}.${count - 1}`

/** The study's four layers, or the two that serve best after little training: the bottleneck and the first way up. */
function defaultLayers({ network, multipliers, blocks }: DiffusionConfig): string[] {
  const bottleneck = lastOf('middle', 2 * blocks)
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
  layers: (config, image) => planBlocks(config, image).map(({ name, side, outChannels }) => ({ name, shape: [side, side, outChannels] })),
  defaultFeatures: (config) => ({
    layers: defaultLayers(config),
    pooling: config.network === 'study' ? 'mean' : '2x2',
    noiseLevel: config.featureLevel,
  }),
  features,
  sample,
  reconstruct,
}
