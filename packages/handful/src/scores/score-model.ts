/** Draws images from a trained model, with the time it takes, and scores them against the images that it is a model of. */
import type { Images } from '../data/image-set.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { BoundModel, SampleOptions, WeightedModel } from '../models/model.js'
import type { EncoderSpace } from './encoder-space.js'
import type { InceptionOptions } from './inception.js'
import type { ScoreNetwork } from './score-network.js'
import { type GenerationScores, scoredImages, scoreGeneration } from './scores.js'

export interface DrawnImages {
  readonly images: Images
  /** Of sampling, opening the network included. */
  readonly imagesPerSecond: number
}

/** `count` new images. Undefined where the model offers none. */
export async function drawSamples(
  { model, weights }: WeightedModel,
  options: SampleOptions,
): Promise<DrawnImages | undefined> {
  if (model.sample === undefined) return undefined
  const { count } = options
  const started = performance.now()
  const pixels = await model.sample(weights, options)
  const seconds = Math.max((performance.now() - started) / 1000, 1e-3)
  return { images: sampledImages(model, pixels), imagesPerSecond: count / seconds }
}

/** What a model drew, as a set of images. */
export function sampledImages({ name, image: { size, channels } }: BoundModel, pixels: Uint8Array): Images {
  const count = pixels.length / (size * size * channels)
  const paths = Array.from({ length: count }, (_, i) => `sample/${String(i).padStart(5, '0')}`)
  return { name: `samples of the ${name}`, count, height: size, width: size, channels, pixels, paths }
}

export interface ScoreModelOptions extends Omit<SampleOptions, 'count'> {
  readonly training: Images
  /** Images that the model was not trained on. */
  readonly heldOut: Images
  readonly network: ScoreNetwork
  readonly linearAlgebra: LinearAlgebra
  /** Images to draw and of each set to compare, at most. Default 5,000; fewer where there are fewer held-out images. */
  readonly most?: number
  readonly inception?: InceptionOptions
  readonly encoder?: EncoderSpace
  /** As of `scoreGeneration`. */
  readonly accuracyOf?: (predicted: Int32Array) => number
  /** Told after each part of the scoring; `onProgress` is told of sampling. */
  readonly onPart?: (done: number, total: number) => void
}

export interface ScoredModel extends DrawnImages {
  readonly scores: GenerationScores
}

/**
 * Draws as many images as can be compared, and scores them. Undefined where the model offers no samples.
 * @throws HandfulError as scoreGeneration
 */
export async function scoreModel(
  trained: WeightedModel,
  {
    training,
    heldOut,
    network,
    linearAlgebra,
    most = 5000,
    inception,
    encoder,
    accuracyOf,
    onPart,
    ...sampling
  }: ScoreModelOptions,
): Promise<ScoredModel | undefined> {
  const count = Math.max(1, scoredImages(most, training, heldOut))
  const drawn = await drawSamples(trained, { ...sampling, count })
  if (drawn === undefined) return undefined
  const { seed, threads, device, signal } = sampling
  const scores = await scoreGeneration({
    generated: drawn.images,
    training,
    heldOut,
    network,
    linearAlgebra,
    seed,
    most,
    inception,
    encoder,
    accuracyOf,
    threads,
    device,
    signal,
    onPart,
  })
  return { ...drawn, scores }
}
