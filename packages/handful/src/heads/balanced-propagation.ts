/**
 * Label propagation again and again, each time from what the last one said of all images, with every class held to its share of
 * them (equal ones unless others are known): labels are spread, classes brought to their size (Sinkhorn and Knopp 1967), and what
 * is then said is sharpened and spread in turn over a shorter way. Spreading from all images in place of the few labelled ones
 * makes a result depend on where clusters end and hardly on which images were labelled; without shares one class would take over
 * with every round. Of the kind of iterative label cleaning (Lazarou et al., arXiv 2012.07962) and of volume-constrained diffusion
 * (Calder et al., arXiv 2006.11184).
 */
import { graphWeights } from '../features/neighbour-graph.js'
import { solveDiffusion } from '../numerics/conjugate-gradients.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { symmetricNormalised } from '../numerics/sparse.js'
import { connectComponents } from './graph.js'
import { graphSeconds, type HeadEntry } from './head-entry.js'
import { type Head, labelledRows, type LabelledRows, overAllClasses, setLabels, softmaxRows } from './head.js'
import { propagationLogits } from './label-propagation.js'
import { neighbourHead } from './predictor.js'
import { classWeights, weighed } from './proportions.js'

export interface BalancedPropagationOptions {
  /** Neighbours of each image that make the graph. Default 10. */
  readonly k?: number
  /** Times that what is said of all images is spread again. Default 10. */
  readonly rounds?: number
  /** How far labels spread at first, in [0, 1). Default 0.99. */
  readonly firstAlpha?: number
  /** How far what is said of all images spreads. Default 0.9. */
  readonly alpha?: number
  /** The power that probabilities are raised to before they spread again. Default 3. */
  readonly sharpness?: number
}

const KERNEL = 'cosine cubed'
/** Of all rows, and no longer in a hard round than in an easy one. */
const BALANCING = { iterations: 30, tolerance: 0, mostRows: Infinity }

export function balancedPropagation({
  k = 10,
  rounds = 10,
  firstAlpha = 0.99,
  alpha = 0.9,
  sharpness = 3,
}: BalancedPropagationOptions = {}): Head {
  const name = 'balanced propagation'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const { features, classCount } = problem
      const graph = await problem.graph()
      const weights = connectComponents(graphWeights(graph, k, KERNEL), features, labelled.rows)
      const normalised = symmetricNormalised(weights)
      const classes = labelled.classes.length
      const shares = sharesOf(labelled, problem.shares)
      const spread = async (sources: Float64Array, reach: number) => {
        const { solution } = await solveDiffusion(normalised, reach, sources, classes)
        return probabilitiesOf(solution, shares, sharpness)
      }
      let said = await spread(onlyLabels(features.rows, labelled), firstAlpha)
      for (let round = 0; round < rounds; round++) {
        const balanced = balance(said, shares)
        setLabels(balanced, labelled)
        said = await spread(Float64Array.from(balanced.data), alpha)
      }
      return neighbourHead(
        {
          name,
          chosen: { k, rounds, alpha, sharpness, kernel: KERNEL },
          k,
          kernel: KERNEL,
          probabilities: overAllClasses(said, labelled.classes, classCount),
        },
        problem,
      )
    },
  }
}

/** `[rows, classes]` 1 where a label says so. */
function onlyLabels(rows: number, labelled: LabelledRows): Float64Array {
  const classes = labelled.classes.length
  const sources = new Float64Array(rows * classes)
  labelled.rows.forEach((row, i) => (sources[row * classes + labelled.targets[i]] = 1))
  return sources
}

/** `[classes]` of the labelled classes, which sum 1: alike unless it is known how often each comes. */
function sharesOf({ classes }: LabelledRows, known?: readonly number[]): Float64Array {
  const given = Float64Array.from(classes, (c) => known?.[c] ?? 1)
  const total = given.reduce((sum, share) => sum + share, 0)
  return given.map((share) => share / total)
}

/** Of solutions each divided by its sum over all rows, in shares of the classes. */
function probabilitiesOf(solution: Float64Array, shares: Float64Array, sharpness: number): FeatureMatrix {
  const classes = shares.length
  const sums = new Float64Array(classes)
  for (let at = 0; at < solution.length; at++) sums[at % classes] += solution[at] / shares[at % classes]
  const probabilities = propagationLogits(solution, sums)
  softmaxRows(probabilities, sharpness)
  return probabilities
}

/**
 * Columns made to sum to their shares of the rows, and each row to 1: the nearest such table in relative entropy (Cuturi, arXiv
 * 1306.0895).
 * @param probabilities `[rows, classes]`
 * @param shares `[classes]`
 */
export const balance = (probabilities: FeatureMatrix, shares: Float64Array): FeatureMatrix =>
  weighed(probabilities, classWeights(probabilities, shares, BALANCING))

export const balancedPropagationEntry: HeadEntry = {
  worksOn: 'graph',
  make: () => balancedPropagation(),
  seconds: graphSeconds(4),
}
