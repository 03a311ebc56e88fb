/** New images and reconstructions from a diffusion model, through one exported network that stays open for all steps. */
import { BATCH_MARKER, input, openSession, Parameters, Random } from 'onnx-autodiff'
import { toBytes } from '../common.js'
import type { DiffusionConfig } from './config.js'
import { exportedShape, floats, imageNumbers } from './inputs.js'
import { type Predict, removeNoise, samplingNoises } from './sampler.js'
import { HIGHEST_LEVEL, noiseSchedule } from './schedule.js'
import { denoiser, embeddingSize, embedNoise } from './unet.js'
import type { ImageShape, RunOptions, SampleOptions, Weights } from '../model.js'

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
async function denoiseAll(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  start: Start,
  { onProgress, signal, ...options }: RunOptions,
): Promise<Uint8Array> {
  const { startOf, level, count, seed, stream, steps, eta } = start
  const schedule = noiseSchedule(config.schedule)
  const numbers = imageNumbers(image)
  const { mean: centre, deviation } = config
  const sampler = {
    schedule,
    parameterisation: config.parameterisation,
    from: level,
    steps,
    spacing: config.spacing,
    eta,
    signal,
    // Dividing by a small alpha makes much of a small error in the noise, so early clean images are kept in range.
    range:
      config.parameterisation === 'epsilon'
        ? ([-centre / deviation, (1 - centre) / deviation] as const)
        : undefined,
  }
  const total = Math.ceil(count / SAMPLED_TOGETHER) * samplingNoises(sampler).length
  const result = new Uint8Array(count * numbers)
  const network = await openNetwork(config, image, weights, options)
  try {
    let done = 0
    for (let from = 0; from < count; from += SAMPLED_TOGETHER) {
      const streams = Array.from(
        { length: Math.min(SAMPLED_TOGETHER, count - from) },
        (_, i) => new Random(seed, `${stream}/${from + i}`),
      )
      const x = new Float32Array(streams.length * numbers)
      streams.forEach((random, i) => x.set(startOf(from + i, random), i * numbers))
      const clean = await removeNoise(x, network.predict, {
        ...sampler,
        fillNoise: (target) =>
          streams.forEach((random, i) => random.fillNormal(target.subarray(i * numbers, (i + 1) * numbers))),
        onStep: () => onProgress?.(++done, total),
      })
      result.set(
        toBytes(
          channelsLast(
            clean.map((value) => value * deviation + centre),
            image,
          ),
        ),
        from * numbers,
      )
    }
    return result
  } finally {
    await network.close()
  }
}

async function openNetwork(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  options: RunOptions,
): Promise<{ predict: Predict; close: () => Promise<void> }> {
  const noisy = input('noisy', [image.size, image.size, BATCH_MARKER, image.channels])
  const embedding = input('embedding', [1, embeddingSize(config)])
  const { prediction } = denoiser(new Parameters('evaluate'), config, image)(noisy, embedding)
  const session = await openSession(
    { inputs: [noisy, embedding], outputs: { prediction }, parameters: weights },
    options,
  )
  const numbers = imageNumbers(image)
  return {
    async predict(x, noise) {
      const told = Float32Array.from(embedNoise(config, noise))
      // A session takes its inputs' memory away: it gets a copy.
      const inputs = {
        noisy: floats(exportedShape(x.length / numbers, image), x.slice()),
        embedding: floats([1, told.length], told),
      }
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

export function sample(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  options: SampleOptions,
): Promise<Uint8Array> {
  const { count, seed, steps = config.samplingSteps, eta = config.eta, ...run } = options
  const startOf = (_: number, random: Random): Float32Array =>
    random.fillNormal(new Float32Array(imageNumbers(image)))
  return denoiseAll(
    config,
    image,
    weights,
    { startOf, level: HIGHEST_LEVEL, count, seed, stream: 'samples', steps, eta },
    run,
  )
}

/** Noise of level 300 is put on the images (0.64 of the image is left in the study's schedule) and taken out again by DDIM. */
export function reconstruct(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Uint8Array> {
  const { size, channels } = image
  const numbers = size * size * channels
  const { alpha, sigma } = noiseSchedule(config.schedule).at(RECONSTRUCTION_LEVEL)
  const startOf = (index: number, random: Random): Float32Array =>
    random.fillNormal(new Float32Array(numbers)).map((noise, at) => {
      const pixel =
        pixels[index * numbers + (at % (size * size)) * channels + Math.floor(at / (size * size))] / 255
      return (alpha * (pixel - config.mean)) / config.deviation + sigma * noise
    })
  const steps = Math.max(1, Math.round((config.samplingSteps * RECONSTRUCTION_LEVEL) / HIGHEST_LEVEL))
  const start = {
    startOf,
    level: RECONSTRUCTION_LEVEL,
    count: pixels.length / numbers,
    seed: 0,
    stream: 'reconstruction',
    steps,
    eta: 0,
  }
  return denoiseAll(config, image, weights, start, options)
}
