/**
 * How good generated images are, in numbers: Frechet and kernel distance, precision and recall in one feature space, and
 * the distance to the nearest training image in pixels. The reference is real images that were held out, so that copies of
 * training images gain nothing; beside each score stands what the training images themselves score against it: the floor
 * that no model is expected to pass.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { type Images, imagesAt } from '../data/image-set.js'
import { HandfulError } from '../errors.js'
import { extractFeatures } from '../features/extract.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../numerics/matrix.js'
import type { RunOptions } from '../models/model.js'
import { frechetDistanceOfFeatures } from './frechet.js'
import { type InceptionOptions, inceptionFeatures } from './inception.js'
import { kernelDistance } from './kernel-distance.js'
import { memorisation, memorisationSchema } from './memorisation.js'
import { precisionAndRecall } from './precision-recall.js'
import { CLASS_PROBABILITIES, SCORE_FEATURES, type ScoreNetwork } from './score-network.js'

/** Scores of one set of images against the reference, in one feature space. */
const setScoresSchema = z.object({
  /** Squared Frechet distance. */
  frechet: z.number(),
  kernel: z.object({ distance: z.number(), standardError: z.number() }),
  precision: z.number(),
  recall: z.number(),
})

export type SetScores = z.infer<typeof setScoresSchema>

export const scoresSchema = z.object({
  /** The feature space, in words. */
  space: z.string(),
  /**
   * Share of held-out images that the network which scores classifies right, where their labels are known: how much its
   * space has to say.
   */
  networkAccuracy: z.number().min(0).max(1).optional(),
  /** Images of each of the three sets. */
  images: z.int().positive(),
  generated: setScoresSchema,
  /** Training images in the place of the generated ones. */
  floor: setScoresSchema,
  memorisation: memorisationSchema,
  /** The Frechet distances once more in the space of the user's own network, where one is given. */
  fid: z.object({ generated: z.number(), floor: z.number() }).optional(),
})

export type GenerationScores = z.infer<typeof scoresSchema>

export interface ScoreOptions extends Omit<RunOptions, 'onProgress'> {
  readonly generated: Images
  /** Real images that the model was trained on: the floor, and what copies are looked for in. */
  readonly training: Images
  /** Real images that it was not trained on: the reference. */
  readonly heldOut: Images
  readonly network: ScoreNetwork
  readonly linearAlgebra: LinearAlgebra
  readonly seed: number
  /** Images of each set that are compared, at most. Default 5,000; fewer where a set has fewer. */
  readonly most?: number
  readonly inception?: InceptionOptions
  /** Counts right answers for all held-out images, where their labels are known. */
  readonly accuracyOf?: (predicted: Int32Array) => number
  /** Told after each part of the work. */
  readonly onPart?: (done: number, total: number) => void
}

const FEWEST = 10

/** Images of each set that `scoreGeneration` compares: no more are worth drawing. */
export const scoredImages = (most: number, training: Images, heldOut: Images): number =>
  Math.min(most, training.count, heldOut.count)

async function networkAccuracy(
  heldOut: Images,
  { network }: ScoreNetwork,
  accuracyOf: (predicted: Int32Array) => number,
  run: Omit<RunOptions, 'onProgress'> & { readonly seed: number },
): Promise<number> {
  const { [CLASS_PROBABILITIES]: found } = await extractFeatures(network, heldOut, [CLASS_PROBABILITIES], run)
  return accuracyOf(argmaxRows(found))
}

/**
 * Scores generated images. Sets are cut to one number of images, drawn from the seed, since the Frechet distance depends
 * on it.
 *
 * @throws HandfulError if a set has fewer than ten images or images of another size than the network takes
 */
export async function scoreGeneration(options: ScoreOptions): Promise<GenerationScores> {
  const {
    generated,
    training,
    heldOut,
    network,
    linearAlgebra,
    seed,
    most = 5000,
    inception,
    accuracyOf,
    onPart,
    ...run
  } = options
  const sets = { generated, training, heldOut }
  checkSizes(Object.values(sets), network)
  const images = Math.min(scoredImages(most, training, heldOut), generated.count)
  if (images < FEWEST) {
    throw new HandfulError({
      what: 'generation scores',
      where: network.description.dataset,
      got: `${generated.count} generated, ${training.count} training and ${heldOut.count} held-out images`,
      expected: `at least ${FEWEST} of each, better thousands`,
      hint: 'draw more samples',
    })
  }
  const drawn = Object.fromEntries(
    Object.entries(sets).map(([name, set]) => [
      name,
      someOf(set, images, new Random(seed, `scored images/${name}`)),
    ]),
  ) as Record<keyof typeof sets, Images>
  const parts = { done: 0, total: inception ? 5 : 4 }
  const finished = <T>(result: T): T => {
    onPart?.(++parts.done, parts.total)
    return result
  }
  const inSpace = async (set: Images): Promise<FeatureMatrix> => {
    const found = await extractFeatures(network.network, set, [SCORE_FEATURES], { seed, ...run })
    return found[SCORE_FEATURES]
  }
  const reference = finished(await inSpace(drawn.heldOut))
  const scored = async (set: Images, name: string): Promise<SetScores> => {
    const features = await inSpace(set)
    const random = new Random(seed, `kernel distance/${name}`)
    return {
      frechet: frechetDistanceOfFeatures(features, reference),
      kernel: await kernelDistance(features, reference, { random, linearAlgebra }),
      ...(await precisionAndRecall(features, reference, linearAlgebra)),
    }
  }
  return {
    space: network.description.title,
    networkAccuracy: accuracyOf && (await networkAccuracy(heldOut, network, accuracyOf, { seed, ...run })),
    images,
    generated: finished(await scored(drawn.generated, 'generated')),
    floor: finished(await scored(drawn.training, 'training')),
    memorisation: finished(
      await memorisation({
        generated: drawn.generated,
        training,
        heldOut: drawn.heldOut,
        linearAlgebra,
        signal: run.signal,
      }),
    ),
    ...(inception ? { fid: finished(await inceptionDistances(drawn, inception, run)) } : {}),
  }
}

async function inceptionDistances(
  sets: Readonly<Record<'generated' | 'training' | 'heldOut', Images>>,
  inception: InceptionOptions,
  run: RunOptions,
): Promise<{ generated: number; floor: number }> {
  const reference = await inceptionFeatures(sets.heldOut, inception, run)
  const distance = async (set: Images): Promise<number> =>
    frechetDistanceOfFeatures(await inceptionFeatures(set, inception, run), reference)
  return { generated: await distance(sets.generated), floor: await distance(sets.training) }
}

function checkSizes(
  sets: readonly Images[],
  { description: { size, channels, dataset } }: ScoreNetwork,
): void {
  const wrong = sets.find(
    ({ height, width, channels: own }) => height !== size || width !== size || own !== channels,
  )
  if (wrong === undefined) return
  throw new HandfulError({
    what: 'generation scores',
    where: wrong.name,
    got: `images of ${wrong.width}x${wrong.height}x${wrong.channels}`,
    expected: `${size}x${size}x${channels}, as the network that scores ${dataset} takes them`,
    hint: 'train a network for this data set',
  })
}

function someOf(set: Images, count: number, random: Random): Images {
  if (set.count === count) return set
  return imagesAt(set, random.permutation(set.count).slice(0, count))
}
