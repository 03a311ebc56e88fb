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

/** Weights of a product's heads, in their order; they sum 1. */
type Weights = readonly number[]

/** What is expected of the heads before any label has judged them. */
export interface ExpectedWeights {
  /** As long as labels do not speak against them. */
  readonly judged: Weights
  /** Where there is no label to judge by, as with one a class. */
  readonly unjudged: Weights
}

/** @param fits of the heads, in their order */
export type Expectation = (fits: readonly FittedHead[], problem: HeadProblem) => Promise<ExpectedWeights>

/** Weights are tried in quarters. */
const QUARTERS = 4
/** Nats that weights have to gain for each quarter that is elsewhere than expected: noise of a few labels is less. */
const CAUTION = 1

export function chosenProduct(heads: readonly Head[], expectation: Expectation, name: string): Head {
  return {
    name,
    async fit(problem: HeadProblem): Promise<FittedHead> {
      const fits = []
      for (const head of heads) fits.push(await fitCalibrated(head, problem))
      const lefts = fits.map(({ left }) => left)
      const fitted = fits.map((fit) => fit.fitted)
      const expected = await expectation(fitted, problem)
      const weights = lefts[0].truth.length > 0 ? chosenWeights(expected.judged, lefts) : expected.unjudged
      const product = async (of: (head: FittedHead) => Promise<FeatureMatrix>): Promise<FeatureMatrix> => {
        const found: FeatureMatrix[] = []
        for (const head of fitted) found.push(await of(head))
        return weightedProduct(found, weights)
      }
      return {
        name,
        chosen: Object.fromEntries(heads.map((head, i) => [`share of ${head.name}`, weights[i]])),
        weights: Object.fromEntries(heads.map((head, i) => [head.name, weights[i]])),
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

function chosenWeights(expected: Weights, lefts: readonly LeftOut[]): Weights {
  const [{ truth }] = lefts
  const value = (weights: Weights): number => {
    const { inductive } = productOf(lefts, weights)
    const likelihood = leftOutLikelihood(inductive, truth, confidenceFrom(inductive, truth, truth.length))
    const elsewhere = expected.reduce((sum, weight, i) => sum + Math.abs(weights[i] - weight) / 2, 0)
    return likelihood - CAUTION * QUARTERS * elsewhere
  }
  let best = { weights: expected, value: -Infinity }
  for (const quarters of compositions(QUARTERS, expected.length)) {
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

/**
 * Where the mixture, which knows nothing of the graph, follows it as propagation does, classes are clouds and it is right;
 * elsewhere they are clusters, and heads that cut through them have to be spoken for (docs/decisions/0026).
 */
const byTheGraph: Expectation = async ([propagation, , mixture], problem) => {
  const [spread, mixed] = [
    await graphModularity(propagation, problem),
    await graphModularity(mixture, problem),
  ]
  return mixed >= AS_WELL * spread
    ? { judged: [0.5, 0.25, 0.25], unjudged: [0.5, 0, 0.5] }
    : { judged: [0.75, 0, 0.25], unjudged: [1, 0, 0] }
}

export const autoEntry: HeadEntry = {
  worksOn: 'graph',
  // 2: with the mixture; 3: what is expected of the heads goes by the graph.
  version: 3,
  make: () =>
    chosenProduct([labelPropagation(), logisticRegression(), directionMixture()], byTheGraph, 'auto'),
  seconds: (fit) => 5 * (graphSeconds(0.5)(fit) + 2 * plainSeconds(fit)),
}
