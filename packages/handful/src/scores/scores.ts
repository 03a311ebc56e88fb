/**
 * How good generated images are, in numbers: Frechet and kernel distance, precision and recall in the feature space of
 * the score network and in that of an encoder where one is given, and
 * the distance to the nearest training image in pixels. The reference is real images that were held out, so that copies of
 * training images gain nothing; beside each score stands what the training images themselves score against it: the floor
 * that no model is expected to pass.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { type Images, imagesAt } from '../data/image-set.js'
import { HandfulError, printable } from '../errors.js'
import { extractFeatures } from '../features/extract.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../numerics/matrix.js'
import type { RunOptions } from '../models/model.js'
import type { EncoderSpace } from './encoder-space.js'
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

const spaceScoresSchema = z.object({
  /** The feature space, in words. */
  space: z.string(),
  generated: setScoresSchema,
  /** Training images in the place of the generated ones. */
  floor: setScoresSchema,
})

export type SpaceScores = z.infer<typeof spaceScoresSchema>

export const scoresSchema = spaceScoresSchema.extend({
  /**
   * Share of held-out images that the network which scores classifies right, where their labels are known: how much its
   * space has to say.
   */
  networkAccuracy: z.number().min(0).max(1).optional(),
  /** Images of each of the three sets. */
  images: z.int().positive(),
  memorisation: memorisationSchema,
  /** The same in the space of an encoder made elsewhere, where one is given beside the network that scores. */
  encoder: spaceScoresSchema.optional(),
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
  /** Whose space the scores are in; where left out, and there is an encoder, they are in that one's alone. */
  readonly network?: ScoreNetwork
  readonly linearAlgebra: LinearAlgebra
  readonly seed: number
  /** Images of each set that are compared, at most. Default 5,000; fewer where a set has fewer. */
  readonly most?: number
  readonly inception?: InceptionOptions
  /** A second, published space. */
  readonly encoder?: EncoderSpace
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
    encoder,
    accuracyOf,
    onPart,
    ...run
  } = options
  const sets = { generated, training, heldOut }
  if (network !== undefined) checkSizes(Object.values(sets), network)
  const images = Math.min(scoredImages(most, training, heldOut), generated.count)
  if (images < FEWEST) {
    throw new HandfulError({
      what: 'generation scores',
      where: printable(training.name),
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
  const [main, second] = spacesOf(network, encoder, { seed, ...run })
  if (main === undefined)
    throw new Error('internal: scoreGeneration: got neither network nor encoder, expected a space')
  const parts = { done: 0, total: 4 + (second ? 3 : 0) + (inception ? 1 : 0) }
  const finished = <T>(result: T): T => {
    onPart?.(++parts.done, parts.total)
    return result
  }
  const comparing = { sets: drawn, seed, linearAlgebra, finished }
  return {
    ...(await scoresIn(main, comparing)),
    networkAccuracy:
      network && accuracyOf && (await networkAccuracy(heldOut, network, accuracyOf, { seed, ...run })),
    images,
    memorisation: finished(
      await memorisation({
        generated: drawn.generated,
        training,
        heldOut: drawn.heldOut,
        linearAlgebra,
        signal: run.signal,
      }),
    ),
    ...(second && { encoder: await scoresIn(second, comparing) }),
    ...(inception ? { fid: finished(await inceptionDistances(drawn, inception, run)) } : {}),
  }
}

type ScoredSets = Readonly<Record<'generated' | 'training' | 'heldOut', Images>>

interface Space {
  readonly title: string
  /** Of the seed. */
  readonly stream: string
  readonly rows: (set: Images) => Promise<FeatureMatrix>
}

/** That of the score network first, where there is one. */
function spacesOf(
  own: ScoreNetwork | undefined,
  encoder: EncoderSpace | undefined,
  run: Omit<RunOptions, 'onProgress'> & { readonly seed: number },
): Space[] {
  const published = encoder && {
    title: encoder.title,
    stream: 'kernel distance/encoder',
    rows: (set: Images) => encoder.rows(set, run),
  }
  const trained = own && {
    title: own.description.title,
    stream: 'kernel distance',
    rows: async (set: Images) =>
      (await extractFeatures(own.network, set, [SCORE_FEATURES], run))[SCORE_FEATURES],
  }
  return [trained, published].filter((space) => space !== undefined)
}

interface Comparing {
  readonly sets: ScoredSets
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  /** Told of each set that is done. */
  readonly finished: <T>(result: T) => T
}

/** Samples, and training images in their place, against the held-out ones. */
async function scoresIn(
  { title, stream, rows }: Space,
  { sets, seed, linearAlgebra, finished }: Comparing,
): Promise<SpaceScores> {
  const reference = finished(await rows(sets.heldOut))
  const scored = async (name: 'generated' | 'training'): Promise<SetScores> => {
    const features = await rows(sets[name])
    const random = new Random(seed, `${stream}/${name}`)
    return finished({
      frechet: frechetDistanceOfFeatures(features, reference),
      kernel: await kernelDistance(features, reference, { random, linearAlgebra }),
      ...(await precisionAndRecall(features, reference, linearAlgebra)),
    })
  }
  return { space: title, generated: await scored('generated'), floor: await scored('training') }
}

async function inceptionDistances(
  sets: ScoredSets,
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
