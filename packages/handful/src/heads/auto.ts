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

/** Shares of the first head; the second has the rest. */
const SHARES = [0, 0.25, 0.5, 0.75, 1]
/** With one label a class there is no evidence, and propagation alone is nearly always the better one. */
const UNJUDGED_SHARE = 1
/** With a few more, most of it still is. */
const EXPECTED_SHARE = 0.75
/** Nats that a share has to gain for each quarter that it is away from that: noise of a few labels is less. */
const CAUTION = 1

/** @param heads two */
export function chosenProduct(heads: readonly [Head, Head], name: string): Head {
  return {
    name,
    async fit(problem: HeadProblem): Promise<FittedHead> {
      const parts = [await fitCalibrated(heads[0], problem), await fitCalibrated(heads[1], problem)]
      const lefts = parts.map(({ left }) => left)
      const share = chosenShare(lefts)
      const weights = [share, 1 - share]
      const fitted = parts.map((part) => part.fitted)
      const product = async (of: (head: FittedHead) => Promise<FeatureMatrix>): Promise<FeatureMatrix> =>
        weightedProduct([await of(fitted[0]), await of(fitted[1])], weights)
      return {
        name,
        chosen: { 'share of label propagation': share },
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

function chosenShare(lefts: readonly LeftOut[]): number {
  const [{ truth }] = lefts
  if (truth.length === 0) return UNJUDGED_SHARE
  const value = (share: number): number => {
    const { inductive } = productOf(lefts, [share, 1 - share])
    const likelihood = leftOutLikelihood(inductive, truth, confidenceFrom(inductive, truth, truth.length))
    return likelihood - CAUTION * 4 * Math.abs(share - EXPECTED_SHARE)
  }
  return SHARES.reduce((best, share) => (value(share) > value(best) ? share : best))
}

export const autoEntry: HeadEntry = {
  worksOn: 'graph',
  make: () =>
    chosenProduct([labelPropagation(), logisticRegression()], 'propagation and logistic regression'),
  seconds: (fit) => 5 * (graphSeconds(0.5)(fit) + plainSeconds(fit)),
}
