/**
 * The feature space that generated images are scored in without outside weights: the penultimate layer of a small
 * convolutional classifier that the project trains itself, on the labelled training images of the data set, from a seed.
 * Scores of two models compare only within one network: its description goes into every report beside them.
 *
 *   image -> [2x2 pixels to channels] -> conv conv -> pool -> conv conv -> dense: features -> relu -> logits
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  averagePool,
  convolution,
  decodeSafetensors,
  flattenImage,
  heNormal,
  type Layer,
  linear,
  padImage,
  pixelUnshuffle,
  relu,
} from 'onnx-autodiff'
import { z } from 'zod'
import { writeArrays } from '../files/array-file.js'
import { writeFileAtomic } from '../files/atomic.js'
import type { ImageSet } from '../data/image-set.js'
import { HandfulError, systemError } from '../errors.js'
import type { FeatureNetwork, ImageShape, Weights } from '../models/model.js'
import { supervisedFeatures, type SupervisedNetwork } from '../models/supervised-network.js'
import type { Progress } from '../training/progress.js'
import { trainSupervised } from '../training/supervised.js'

/** What is known of a network. */
export const scoreNetworkSchema = z.strictObject({
  version: z.literal(1),
  /** In words, for reports. */
  title: z.string(),
  dataset: z.string(),
  /** Labelled images that it was trained on. */
  images: z.int().positive(),
  classNames: z.array(z.string()).min(2),
  size: z.int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  width: z.int().positive(),
  /** Numbers of the feature space. */
  features: z.int().positive(),
  seed: z.int().min(0),
  steps: z.int().positive(),
})

export type ScoreNetworkDescription = z.infer<typeof scoreNetworkSchema>

export interface ScoreNetwork {
  readonly description: ScoreNetworkDescription
  readonly weights: Weights
  /** Outputs `features` and `probabilities`. */
  readonly network: FeatureNetwork
}

/** Name of the output that distances are measured in. */
export const SCORE_FEATURES = 'features'
/** And of the one that says which class an image is of. */
export const CLASS_PROBABILITIES = 'probabilities'

export interface ScoreNetworkOptions {
  /** Channels at half resolution; twice as many at a quarter. Default 32. */
  readonly width?: number
  /** Default 64: so few that a thousand images tell their covariance. */
  readonly features?: number
  /** Default 600. */
  readonly steps?: number
  readonly seed: number
  readonly threads?: number
  readonly device?: string
  readonly signal: AbortSignal
  readonly progress: Progress
}

const BATCH = 128

/** @throws HandfulError if fewer than two images are labelled, or training diverges */
export async function trainScoreNetwork(
  images: ImageSet,
  { width = 32, features = 64, steps = 600, seed, threads, device, signal, progress }: ScoreNetworkOptions,
): Promise<ScoreNetwork> {
  const { classNames, labels, name: dataset, height: size, channels } = images
  const trained = await trainSupervised({
    images,
    labels,
    classCount: classNames.length,
    options: {
      network: scoreClassifier(width, features),
      augmentation: null,
      batch: BATCH,
      epochs: 0,
      fewestSteps: steps,
      optimiser: 'adam',
      learningRate: 2e-3,
      weightDecay: 0,
      warmUpSteps: 20,
    },
    seed,
    threads,
    device,
    signal,
    progress,
    stage: 'train the network that scores images',
  })
  const description: ScoreNetworkDescription = {
    version: 1,
    title: `${features} penultimate features of a small convolutional classifier of ${dataset}, trained for ${steps} steps from seed ${seed}`,
    dataset,
    images: labels.filter((label) => label >= 0).length,
    classNames: [...classNames],
    size,
    channels,
    width,
    features,
    seed,
    steps,
  }
  return restore(description, trained.weights)
}

function scoreClassifier(width: number, features: number): SupervisedNetwork {
  return {
    title: 'small convolutional classifier',
    layers: [SCORE_FEATURES],
    build: (p, { size, channels }, classCount) => {
      const side = Math.ceil(size / 4)
      const conv = (name: string, inChannels: number, outChannels: number): Layer => {
        const initialize = heNormal(9 * inChannels)
        const layer = convolution(p.scope(name), {
          inputs: inChannels,
          outputs: outChannels,
          kernel: 3,
          padding: 1,
          initialize,
        })
        return (x) => relu(layer(x))
      }
      const [fine1, fine2] = [conv('fine1', 4 * channels, width), conv('fine2', width, width)]
      const [coarse1, coarse2] = [conv('coarse1', width, 2 * width), conv('coarse2', 2 * width, 2 * width)]
      const dense = linear(p.scope('dense'), { inputs: side * side * 2 * width, outputs: features })
      const classify = linear(p.scope('classes'), { inputs: features, outputs: classCount })
      return (x) => {
        const margin = 4 * side - size
        const fine = fine2(fine1(pixelUnshuffle(padImage(x, [0, margin, 0, margin]), 2)))
        const found = dense(flattenImage(coarse2(coarse1(averagePool(fine, 2)))))
        return { layers: { [SCORE_FEATURES]: found }, logits: classify(relu(found)) }
      }
    },
  }
}

function restore(description: ScoreNetworkDescription, weights: Weights): ScoreNetwork {
  const { size, channels, width, features, classNames } = description
  const image: ImageShape = { size, channels }
  const network = supervisedFeatures(scoreClassifier(width, features), image, classNames.length, weights, {
    layers: [SCORE_FEATURES],
    pooling: 'none',
  })
  return { description, weights, network }
}

const WEIGHTS = 'score-network.safetensors'
export const SCORE_DESCRIPTION = 'score-network.json'

/** Writes both files into a folder that is there. */
export async function saveScoreNetwork(
  folder: string,
  { description, weights }: ScoreNetwork,
): Promise<void> {
  await writeArrays(path.join(folder, WEIGHTS), weights)
  await writeFileAtomic(path.join(folder, SCORE_DESCRIPTION), `${JSON.stringify(description, null, 2)}\n`)
}

/** @throws HandfulError if the folder has no such network or its files are damaged */
export async function loadScoreNetwork(folder: string): Promise<ScoreNetwork> {
  const read = (name: string): Promise<Buffer> =>
    readFile(path.join(folder, name)).catch((error: unknown) => {
      throw systemError('reading the network that scores images', path.join(folder, name), error)
    })
  const [json, bytes] = [await read(SCORE_DESCRIPTION), await read(WEIGHTS)]
  try {
    return restore(scoreNetworkSchema.parse(JSON.parse(json.toString())), decodeSafetensors(bytes).arrays)
  } catch (error) {
    throw new HandfulError({
      what: 'network that scores images',
      where: folder,
      got: 'damaged files',
      expected: `${SCORE_DESCRIPTION} and ${WEIGHTS} as they were written`,
      hint: 'delete them and train it again',
      cause: error,
    })
  }
}
