/**
 * Label propagation and Poisson learning on one graph, combined by the geometric mean of their calibrated probabilities.
 * Poisson learning is better at one and two labels per class, propagation at eight; which one wins cannot be told from so
 * few labels, and the mean of both stays within a few tenths of the better one.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { softmaxRows, type FittedHead, type Head, type HeadProblem } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { poissonLearning } from './poisson.js'
import { neighbourHead } from './predictor.js'
import { graphSeconds, type HeadEntry } from './head-entry.js'

export interface CombinedOptions {
  /** Neighbours of each image that make the graph. Default 10. */
  readonly k?: number
  /** Labels left out in turn at most, for the temperatures and `leaveOneOut`. Default 20. */
  readonly leaveOut?: number
}

/**
 * The head `graph`: label propagation and Poisson learning on one graph, by the geometric mean of their calibrated
 * probabilities.
 */
export function combinedPropagation(options: CombinedOptions = {}): Head {
  const name = 'propagation and Poisson learning'
  const { k = 10 } = options
  const heads = [labelPropagation(options), poissonLearning(options)]
  return {
    name,
    async fit(problem: HeadProblem): Promise<FittedHead> {
      const fitted: FittedHead[] = []
      for (const head of heads) fitted.push(await head.fit(problem))
      const [propagation, poisson] = fitted
      const probabilities = geometricMean(await propagation.probabilities(), await poisson.probabilities())
      return neighbourHead(
        {
          name,
          chosen: {
            ...propagation.chosen,
            'logit scale of Poisson learning': poisson.chosen['logit scale'],
          },
          k,
          kernel: 'cosine cubed',
          probabilities,
          leaveOneOut:
            propagation.leaveOneOut &&
            poisson.leaveOneOut &&
            geometricMean(propagation.leaveOneOut, poisson.leaveOneOut),
        },
        problem,
      )
    },
  }
}

/** Less than any class that was possible to either head can end with; keeps a class that one of them rules out. */
const SMALLEST_PROBABILITY = 1e-30

/** Rows are scaled to sum 1 again; a class that has no label stays at 0, NaN stays NaN. */
function geometricMean(a: FeatureMatrix, b: FeatureMatrix): FeatureMatrix {
  const logits = featureMatrix(a.rows, a.columns)
  for (let at = 0; at < logits.data.length; at++) {
    const [p, q] = [a.data[at], b.data[at]]
    const impossible = p === 0 && q === 0
    logits.data[at] = impossible
      ? -Infinity
      : (Math.log(Math.max(p, SMALLEST_PROBABILITY)) + Math.log(Math.max(q, SMALLEST_PROBABILITY))) / 2
  }
  softmaxRows(logits)
  return logits
}

export const combinedEntry: HeadEntry = {
  worksOn: 'graph',
  make: () => combinedPropagation(),
  seconds: graphSeconds(1.2),
}
