/**
 * The head that chooses by itself: label propagation, logistic regression and a mixture of directions, each made to mean what
 * it says, multiplied. Where features lie in clusters the first is far better, where they are clouds the last, with many labels
 * the second, and they err on different images. How much each weighs is what labels speak for that none has seen; without any
 * it is propagation alone, or with the mixture where that follows the neighbour graph as well.
 */
import type { FeatureMatrix } from '../numerics/matrix.js'
import { fitCalibrated } from './calibrated.js'
import { confidenceFrom, leftOutLikelihood, weightedProduct } from './confidence.js'
import { graphSeconds, type HeadEntry, plainSeconds } from './head-entry.js'
import type { FittedHead, Head, HeadProblem, LeftOut } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { logisticRegression } from './logistic-regression.js'
import { directionMixture } from './mixture.js'
import { graphModularity } from './modularity.js'

/** A head of a product; weights of all of them sum 1. */
export interface ProductPart {
  readonly head: Head
  /** Its weight as long as labels do not speak against it. */
  readonly expected: number
}

/** Weights where there is no label to judge by, as with one a class. @param fits of the parts, in their order */
export type Unjudged = (fits: readonly FittedHead[], problem: HeadProblem) => Promise<readonly number[]>

/** Weights are tried in quarters. */
const QUARTERS = 4
/** Nats that weights have to gain for each quarter that is elsewhere than expected: noise of a few labels is less. */
const CAUTION = 1

export function chosenProduct(parts: readonly ProductPart[], unjudged: Unjudged, name: string): Head {
  return {
    name,
    async fit(problem: HeadProblem): Promise<FittedHead> {
      const fits = []
      for (const { head } of parts) fits.push(await fitCalibrated(head, problem))
      const lefts = fits.map(({ left }) => left)
      const fitted = fits.map((fit) => fit.fitted)
      const judged = lefts[0].truth.length > 0
      const weights = judged ? chosenWeights(parts, lefts) : await unjudged(fitted, problem)
      const product = async (of: (head: FittedHead) => Promise<FeatureMatrix>): Promise<FeatureMatrix> => {
        const found: FeatureMatrix[] = []
        for (const head of fitted) found.push(await of(head))
        return weightedProduct(found, weights)
      }
      return {
        name,
        chosen: Object.fromEntries(parts.map(({ head }, i) => [`share of ${head.name}`, weights[i]])),
        weights: Object.fromEntries(parts.map(({ head }, i) => [head.name, weights[i]])),
        probabilities: () => product((head) => head.probabilities()),
        predict: (features) => product((head) => head.predict(features)),
        parameters: {
          kind: 'product',
          classCount: problem.classCount,
          settings: {},
          arrays: {},
          factors: fitted.map(({ parameters }, i) => ({ weight: weights[i], parameters })),
        },
        leftOut: productOf(lefts, weights),
      }
    },
  }
}

function productOf(lefts: readonly LeftOut[], weights: readonly number[]): LeftOut {
  const [{ rows, truth }] = lefts
  const of = (kind: 'transductive' | 'inductive'): FeatureMatrix =>
    weightedProduct(
      lefts.map((left) => left[kind]),
      weights,
    )
  return { rows, truth, transductive: of('transductive'), inductive: of('inductive') }
}

function chosenWeights(parts: readonly ProductPart[], lefts: readonly LeftOut[]): number[] {
  const [{ truth }] = lefts
  const value = (weights: readonly number[]): number => {
    const { inductive } = productOf(lefts, weights)
    const likelihood = leftOutLikelihood(inductive, truth, confidenceFrom(inductive, truth, truth.length))
    const elsewhere = parts.reduce((sum, { expected }, i) => sum + Math.abs(weights[i] - expected) / 2, 0)
    return likelihood - CAUTION * QUARTERS * elsewhere
  }
  let best = { weights: parts.map(({ expected }) => expected), value: -Infinity }
  for (const quarters of compositions(QUARTERS, parts.length)) {
    const weights = quarters.map((count) => count / QUARTERS)
    const own = value(weights)
    if (own > best.value) best = { weights, value: own }
  }
  return best.weights
}

/** All ways to write a number as a sum of so many, in order. */
function compositions(sum: number, terms: number): number[][] {
  if (terms === 1) return [[sum]]
  return Array.from({ length: sum + 1 }, (_, first) => first).flatMap((first) =>
    compositions(sum - first, terms - 1).map((rest) => [first, ...rest]),
  )
}

/** How nearly the mixture has to follow the graph as propagation does, whose classes are made to follow it. */
const AS_WELL = 0.99

/** Where the mixture, which knows nothing of the graph, follows it as propagation does, classes are clouds and it is right. */
const propagationUnlessMixture: Unjudged = async ([propagation, , mixture], problem) => {
  const [spread, mixed] = [
    await graphModularity(propagation, problem),
    await graphModularity(mixture, problem),
  ]
  return mixed >= AS_WELL * spread ? [0.5, 0, 0.5] : [1, 0, 0]
}

export const autoEntry: HeadEntry = {
  worksOn: 'graph',
  // 2: with the mixture.
  version: 2,
  make: () =>
    chosenProduct(
      [
        { head: labelPropagation(), expected: 0.5 },
        { head: logisticRegression(), expected: 0.25 },
        { head: directionMixture(), expected: 0.25 },
      ],
      propagationUnlessMixture,
      'auto',
    ),
  seconds: (fit) => 5 * (graphSeconds(0.5)(fit) + 2 * plainSeconds(fit)),
}
