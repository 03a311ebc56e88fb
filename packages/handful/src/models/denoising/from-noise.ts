/** New images and reconstructions from a model of noise, through one network that stays open for all steps. */
import { BATCH_MARKER, input, openSession, Parameters, Random } from 'onnx-autodiff'
import { toBytes } from '../common.js'
import type { ImageShape, RunOptions, Weights } from '../model.js'
import { type DenoisingModel, exportedShape, floats, HIGHEST_LEVEL, imageNumbers } from './inputs.js'
import { denoiser, embeddingSize, embedNoise, type Noise } from './unet.js'

/** Images that are sampled together: what fits into memory with any network. */
const SAMPLED_TOGETHER = 50
/** Reconstruction starts from this level: enough noise to hide the details, not the shape. */
export const RECONSTRUCTION_LEVEL = 300

/** Steps of a reconstruction, in the proportion of its level. */
export const reconstructionSteps = (samplingSteps: number): number =>
  Math.max(1, Math.round((samplingSteps * RECONSTRUCTION_LEVEL) / HIGHEST_LEVEL))

/** What the network predicts of noisy numbers x at this noise. */
export type Predict = (x: Float32Array, noise: Noise) => Promise<Float32Array>

export interface Removing {
  readonly predict: Predict
  /** Fills with standard normals. */
  readonly fillNoise: (target: Float32Array) => void
  readonly signal?: AbortSignal
  /** Told after each time that the network has been asked. */
  readonly onStep?: () => void
}

/** A way from noisy images at a level to clean ones. */
export interface NoiseRemoval {
  /** Times that the network is asked. */
  readonly evaluations: number
  readonly remove: (x: Float32Array, removing: Removing) => Promise<Float32Array>
}

interface Start {
  /** Numbers of an image, [channels, size, size], with noise. */
  readonly startOf: (index: number, random: Random) => Float32Array
  readonly count: number
  readonly seed: number
  /** Each image has a stream of this name and its place. */
  readonly stream: string
}

/** Takes the noise out of images, a group at a time, with one network that stays open. */
async function denoiseAll(
  model: DenoisingModel,
  weights: Weights,
  { evaluations, remove }: NoiseRemoval,
  { startOf, count, seed, stream }: Start,
  { onProgress, signal, ...options }: RunOptions,
): Promise<Uint8Array> {
  const { config, image } = model
  const numbers = imageNumbers(image)
  const total = Math.ceil(count / SAMPLED_TOGETHER) * evaluations
  const result = new Uint8Array(count * numbers)
  const network = await openNetwork(model, weights, options)
  try {
    let done = 0
    for (let from = 0; from < count; from += SAMPLED_TOGETHER) {
      const streams = Array.from(
        { length: Math.min(SAMPLED_TOGETHER, count - from) },
        (_, i) => new Random(seed, `${stream}/${from + i}`),
      )
      const x = new Float32Array(streams.length * numbers)
      streams.forEach((random, i) => x.set(startOf(from + i, random), i * numbers))
      const clean = await remove(x, {
        predict: network.predict,
        fillNoise: (target) =>
          streams.forEach((random, i) => random.fillNormal(target.subarray(i * numbers, (i + 1) * numbers))),
        signal,
        onStep: () => onProgress?.(++done, total),
      })
      const shown = clean.map((value) => value * config.deviation + config.mean)
      result.set(toBytes(channelsLast(shown, image)), from * numbers)
    }
    return result
  } finally {
    await network.close()
  }
}

async function openNetwork(
  { config, image }: DenoisingModel,
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

/** Images out of pure noise. */
export function sampleFromNoise(
  model: DenoisingModel,
  weights: Weights,
  removal: NoiseRemoval,
  { count, seed, ...options }: RunOptions & { readonly count: number; readonly seed: number },
): Promise<Uint8Array> {
  const startOf = (_: number, random: Random): Float32Array =>
    random.fillNormal(new Float32Array(imageNumbers(model.image)))
  return denoiseAll(model, weights, removal, { startOf, count, seed, stream: 'samples' }, options)
}

/** Puts noise of the reconstruction's level on images and has it taken out again. */
export function reconstructFromNoise(
  { config, image, noiseAt }: DenoisingModel,
  weights: Weights,
  removal: NoiseRemoval,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Uint8Array> {
  const { size, channels } = image
  const numbers = imageNumbers(image)
  const { alpha, sigma } = noiseAt(RECONSTRUCTION_LEVEL)
  const startOf = (index: number, random: Random): Float32Array =>
    random.fillNormal(new Float32Array(numbers)).map((noise, at) => {
      const pixel =
        pixels[index * numbers + (at % (size * size)) * channels + Math.floor(at / (size * size))] / 255
      return (alpha * (pixel - config.mean)) / config.deviation + sigma * noise
    })
  const start = { startOf, count: pixels.length / numbers, seed: 0, stream: 'reconstruction' }
  return denoiseAll({ config, image, noiseAt }, weights, removal, start, options)
}
