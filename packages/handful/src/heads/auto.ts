/**
 * The head that chooses by itself: label propagation and logistic regression, each made to mean what it says, multiplied.
 * Where features lie in clusters the one is far better, where they do not the other is, and they err on different images.
 * How much each weighs is what labels speak for that neither has seen; without any it is propagation alone.
 */
import type { FeatureMatrix } from '../numerics/matrix.js'
import { fitCalibrated } from './calibrated.js'
import { confidenceFrom, leftOutLikelihood, weightedProduct } from './confidence.js'
import { graphSeconds, type HeadEntry, plainSeconds } from './head-entry.js'
import type { FittedHead, Head, HeadProblem, LeftOut } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { logisticRegression } from './logistic-regression.js'
import { balanceClasses } from './proportions.js'

/** A head of a product; weights of all of them sum 1. */
export interface ProductPart {
  readonly head: Head
  /** Its weight with one label a class, when there is no evidence: propagation alone is nearly always the best then; */
  readonly unjudged: number
  /** what is expected of it with a few more. */
  readonly expected: number
}

/** Weights are tried in quarters. */
const QUARTERS = 4
/** Nats that weights have to gain for each quarter that is elsewhere than expected: noise of a few labels is less. */
const CAUTION = 1

export function chosenProduct(parts: readonly ProductPart[], name: string): Head {
  return {
    name,
    async fit(problem: HeadProblem): Promise<FittedHead> {
      const fits = []
      for (const { head } of parts) fits.push(await fitCalibrated(head, problem))
      const lefts = fits.map(({ left }) => left)
      const weights = chosenWeights(parts, lefts)
      const fitted = fits.map((fit) => fit.fitted)
      const product = async (of: (head: FittedHead) => Promise<FeatureMatrix>): Promise<FeatureMatrix> => {
        const found: FeatureMatrix[] = []
        for (const head of fitted) found.push(await of(head))
        return weightedProduct(found, weights)
      }
      return {
        name,
        chosen: Object.fromEntries(parts.map(({ head }, i) => [`share of ${head.name}`, weights[i]])),
        async probabilities() {
          const result = await product((head) => head.probabilities())
          if (problem.classProportions === 'balanced') balanceClasses(result)
          return result
        },
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
  if (truth.length === 0) return parts.map(({ unjudged }) => unjudged)
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

export const autoEntry: HeadEntry = {
  worksOn: 'graph',
  make: () =>
    chosenProduct(
      [
        { head: labelPropagation(), unjudged: 1, expected: 0.75 },
        { head: logisticRegression(), unjudged: 0, expected: 0.25 },
      ],
      'propagation and logistic regression',
    ),
  seconds: (fit) => 5 * (graphSeconds(0.5)(fit) + plainSeconds(fit)),
}
