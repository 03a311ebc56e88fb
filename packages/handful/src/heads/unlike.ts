/**
 * "None of these": how unlike an image is to all classes. Two things are looked at, for either alone misses what the other
 * sees:
 *
 *     closeness  2 s(x) - mean of s over its neighbours,  s: mean cosine to the ten nearest images, labelled or not
 *     reach      log of the labels that reach its neighbours by propagation (Zhou et al., NIPS 2003), of all classes together
 *
 * An image of a kind that is nowhere among the training images lies apart from them (Sun et al., "Out-of-distribution
 * detection with deep nearest neighbors", ICML 2022; less its neighbours' own, as Breunig et al., "LOF", SIGMOD 2000). One of
 * a kind that is among them but was never labelled lies close to its like, and no label reaches it. How much reach weighs is
 * how much further labels reach labelled images, each left out, than the others: not at all where all are of the classes.
 *
 * What is common is told by the labelled images, each as if it were new: a score of 0.95 says that of images of the classes
 * 95 in 100 would be less unlike (Student's prediction interval).
 */
import { z } from 'zod'
import { graphWeights } from '../features/neighbour-graph.js'
import { solveDiffusion } from '../numerics/conjugate-gradients.js'
import type { Neighbours } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { degrees, symmetricNormalised } from '../numerics/sparse.js'
import { average, studentShare } from '../numerics/statistics.js'
import type { HeadProblem } from './head.js'
import type { Search } from './predictor.js'

/** A score from which an image counts as none of the classes, unless said otherwise: 1 in 20 that are of them pass it. */
export const UNLIKE_THRESHOLD = 0.95

const K = 10
const KERNEL = 'cosine cubed'
/** Labels reach some edges far: by all of a cluster reach would say nothing but which clusters have labels. */
const ALPHA = 0.8
const TOLERANCE = 1e-3
/** Of what no label reaches at all. */
const SMALLEST_REACH = 1e-9
/** Labelled images that are looked at as if they were new, at most. */
const MOST_JUDGED = 40
/** Below so many there is nothing to tell the common by. */
const FEWEST_JUDGED = 3

/** How much further labels reach labelled images is expected to be so much, as if as many labels had said so; */
const EXPECTED_AHEAD = 0.3
const EXPECTED_LABELS = 12
/** deviations that closeness is less for each that reach is, for one deviation that labelled images are ahead. */
const REACH_WEIGHT = 8

export const unlikeSettingsSchema = z.object({
  k: z.int().min(1),
  /** Mean and deviation of closeness and reach, */
  closeness: z.object({ mean: z.number(), deviation: z.number().positive() }),
  reach: z.object({ mean: z.number(), deviation: z.number().positive(), weight: z.number().min(0) }),
  /** and of both together over the labelled images that were looked at. */
  common: z.object({ mean: z.number(), deviation: z.number().positive(), images: z.int().min(2) }),
})

/** A fitted score as plain data. */
export interface UnlikeParameters {
  readonly settings: z.infer<typeof unlikeSettingsSchema>
  /** `[rows]` mean cosine of each training image to its nearest. */
  readonly closeness: Float32Array
  /** `[rows]` */
  readonly reach: Float32Array
}

/** Scores of rows, `[rows]` in 0 to 1: the share of images of the classes that are less unlike. */
export type Unlikeness = (rows: FeatureMatrix) => Promise<Float32Array>

/**
 * Fits the score to the training rows of a problem. Nothing where there are too few labels or images to tell.
 * @returns what new rows are scored by, and the scores of the training rows
 */
export async function fitUnlike(
  problem: HeadProblem,
): Promise<{ readonly parameters: UnlikeParameters; readonly ofTrain: Float32Array } | undefined> {
  const { labels, random, accepted } = problem
  const graph = await problem.graph()
  const labelled = [...labels.keys()].filter((row) => labels[row] >= 0)
  const k = Math.min(K, graph.k)
  // Images whose labels were accepted for being sure are more like their classes than others are, and so tell nothing of these.
  const given = labelled.filter((row) => accepted?.has(row) !== true)
  if (given.length < FEWEST_JUDGED || k < 1 || graph.rows <= labelled.length) return undefined
  const judged = random.child('labelled images judged as new').shuffle(given).slice(0, MOST_JUDGED)

  const weights = graphWeights(graph, K, KERNEL)
  const sources = sourcesOf(graph.rows, labelled, judged)
  const width = 1 + judged.length
  const normalised = symmetricNormalised(weights)
  const { solution } = await solveDiffusion(normalised, ALPHA, sources, width, { tolerance: TOLERANCE })
  const roots = degrees(weights).map((degree) => Math.sqrt(Math.max(degree, SMALLEST_REACH)))
  /** How much of the labels comes to a row, without those of one judged image. */
  const reachAt = (row: number, without?: number): number => {
    const own = without === undefined ? 0 : solution[row * width + 1 + without]
    return Math.log(Math.max((solution[row * width] - own) / roots[row], SMALLEST_REACH))
  }
  const near = new Float32Array(graph.rows)
  for (let row = 0; row < graph.rows; row++) near[row] = meanSimilarity(graph, row, k)
  const reached = Float32Array.from(near, (_, row) => reachAt(row))

  const known = { k, near: (row: number) => near[row] }
  const ofRow = (row: number, reach: (row: number) => number): Seen => look(graph, row, { ...known, reach })
  const unlabelled = [...labels.keys()].filter((row) => labels[row] < 0)
  const others = unlabelled.map((row) => ofRow(row, (each) => reached[each]))
  const own = judged.map((row, i) => ofRow(row, (each) => reachAt(each, i)))
  const settings = settingsFrom(own, others, k)
  const parameters = { settings, closeness: near, reach: reached }

  const ofTrain = new Float32Array(graph.rows)
  unlabelled.forEach((row, i) => (ofTrain[row] = shareBelow(others[i], settings)))
  // A labelled image is of its class, whatever it looks like.
  return { parameters, ofTrain }
}

/** All labels together, then each judged one alone: `[rows, 1 + judged]`. */
function sourcesOf(rows: number, labelled: readonly number[], judged: readonly number[]): Float64Array {
  const width = 1 + judged.length
  const sources = new Float64Array(rows * width)
  for (const row of labelled) sources[row * width] = 1
  judged.forEach((row, i) => (sources[row * width + 1 + i] = 1))
  return sources
}

/** What is seen of an image. */
interface Seen {
  readonly closeness: number
  readonly reach: number
}

function meanSimilarity({ k: stride, similarities }: Neighbours, row: number, k: number): number {
  let sum = 0
  for (let j = 0; j < k; j++) sum += similarities[row * stride + j]
  return sum / k
}

/** An image by its neighbours. @param of what is known of these */
function look(
  neighbours: Neighbours,
  row: number,
  of: { readonly k: number; near(row: number): number; reach(row: number): number },
): Seen {
  const { k: stride, indices, similarities } = neighbours
  const k = Math.min(of.k, stride)
  let [theirs, reach, total] = [0, 0, 0]
  for (let j = 0; j < k; j++) {
    const at = row * stride + j
    const weight = Math.max(0, similarities[at]) ** 3
    theirs += of.near(indices[at]) / k
    reach += weight * of.reach(indices[at])
    total += weight
  }
  return {
    closeness: 2 * meanSimilarity(neighbours, row, k) - theirs,
    reach: total > 0 ? reach / total : Math.log(SMALLEST_REACH),
  }
}

function settingsFrom(
  own: readonly Seen[],
  others: readonly Seen[],
  k: number,
): UnlikeParameters['settings'] {
  const of = (key: keyof Seen) => ({
    mean: meanOf(own, key),
    deviation: deviationOf(others, key),
  })
  const reach = of('reach')
  const ahead = (reach.mean - meanOf(others, 'reach')) / reach.deviation
  const believed = (own.length * ahead + EXPECTED_LABELS * EXPECTED_AHEAD) / (own.length + EXPECTED_LABELS)
  const weight = Math.max(0, REACH_WEIGHT * believed)
  const closeness = of('closeness')
  const parts = { closeness, reach: { ...reach, weight } }
  const typical = own.map((seen) => typicality(seen, parts))
  const mean = average(typical)
  const square = typical.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (own.length - 1)
  const common = { mean, deviation: Math.max(Math.sqrt(square), SMALLEST_DEVIATION), images: own.length }
  return { k, ...parts, common }
}

/** Of numbers that are all alike. */
const SMALLEST_DEVIATION = 1e-6

const meanOf = (seen: readonly Seen[], key: keyof Seen): number => average(seen.map((each) => each[key]))

function deviationOf(seen: readonly Seen[], key: keyof Seen): number {
  const mean = meanOf(seen, key)
  const square = seen.reduce((sum, each) => sum + (each[key] - mean) ** 2, 0) / seen.length
  return Math.max(Math.sqrt(square), SMALLEST_DEVIATION)
}

/** Deviations that closeness and reach are above those of labelled images: low is unlike. */
const typicality = (
  seen: Seen,
  { closeness, reach }: Pick<UnlikeParameters['settings'], 'closeness' | 'reach'>,
): number =>
  (seen.closeness - closeness.mean) / closeness.deviation +
  (reach.weight * (seen.reach - reach.mean)) / reach.deviation

function shareBelow(seen: Seen, settings: UnlikeParameters['settings']): number {
  const { mean, deviation, images } = settings.common
  const behind = (mean - typicality(seen, settings)) / (deviation * Math.sqrt(1 + 1 / images))
  return studentShare(behind, images - 1)
}

/**
 * The score of new rows from stored parameters.
 * @param search among the training rows
 */
export function restoreUnlike({ settings, closeness, reach }: UnlikeParameters, search: Search): Unlikeness {
  const of = {
    k: settings.k,
    near: (row: number) => closeness[row],
    reach: (row: number) => reach[row],
  }
  return async (rows) => {
    const neighbours = await search(rows, settings.k)
    return Float32Array.from({ length: rows.rows }, (_, row) =>
      shareBelow(look(neighbours, row, of), settings),
    )
  }
}
