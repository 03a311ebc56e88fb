/**
 * Probabilities made to agree with how often each class is known to come. Heads treat classes alike, whatever their labels are
 * as many; where images are not as many of each class, that costs more than most choices of a head (docs/results.md). Class
 * weights, found by the iteration of Sinkhorn and Knopp (1967), make each class's probabilities of the images at hand sum to its
 * share (Hu et al., PT-MAP, arXiv 2006.03806); new images are weighed by the same.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import type { FittedHead, LeftOut, PredictorParameters } from './head.js'

/** Sharp probabilities take many: where a dozen are enough it ends with these. */
const ITERATIONS = 2000
const TOLERANCE = 1e-3
/** Of more rows so many say what the weights are. */
const MOST_ROWS = 20_000

/** As `weightedProduct` has it, which stored predictors are weighed by; what is ruled out stays so. */
const SMALLEST = 1e-12
const possible = (probability: number): number => (probability > 0 ? Math.max(probability, SMALLEST) : 0)

/** Sums of each class's probabilities times its weight, of rows scaled to sum 1, over every so manieth row. */
function massOf({ rows, columns, data }: FeatureMatrix, weights: Float64Array, stride: number): Float64Array {
  const mass = new Float64Array(columns)
  for (let i = 0; i < rows; i += stride) {
    let sum = 0
    for (let c = 0; c < columns; c++) sum += weights[c] * possible(data[i * columns + c])
    if (sum > 0)
      for (let c = 0; c < columns; c++) mass[c] += (weights[c] * possible(data[i * columns + c])) / sum
  }
  return mass
}

export interface WeightSearch {
  /** At most. Default 2,000. */
  readonly iterations?: number
  /** It ends where no class is further from its share, relative to that; 0 takes all iterations. Default 0.001. */
  readonly tolerance?: number
  /** Rows that are looked at, at most, evenly spread. Default 20,000. */
  readonly mostRows?: number
}

/**
 * `[classes]` what probabilities `[rows, classes]` are multiplied by to sum to the shares of the rows.
 * @param shares above 0, in any unit; those of classes whose column is all 0 have no say
 */
export function classWeights(
  probabilities: FeatureMatrix,
  shares: ArrayLike<number>,
  { iterations = ITERATIONS, tolerance = TOLERANCE, mostRows = MOST_ROWS }: WeightSearch = {},
): Float64Array {
  const { rows, columns } = probabilities
  const stride = Math.max(1, Math.ceil(rows / mostRows))
  const weights = new Float64Array(columns).fill(1)
  for (let iteration = 0; iteration < iterations; iteration++) {
    const mass = massOf(probabilities, weights, stride)
    const total = mass.reduce((sum, own) => sum + own, 0)
    const present = mass.reduce((sum, own, c) => sum + (own > 0 ? shares[c] : 0), 0)
    let largest = 0
    for (let c = 0; c < columns; c++) {
      if (mass[c] === 0) continue
      const wanted = (total * shares[c]) / present
      weights[c] *= wanted / mass[c]
      largest = Math.max(largest, Math.abs(mass[c] / wanted - 1))
    }
    if (largest < tolerance) break
  }
  return weights
}

/** `[rows, classes]` each class times its weight, rows scaled to sum 1. */
export function weighed({ rows, columns, data }: FeatureMatrix, weights: Float64Array): FeatureMatrix {
  const result = featureMatrix(rows, columns)
  for (let i = 0; i < rows; i++) {
    let sum = 0
    for (let c = 0; c < columns; c++) sum += weights[c] * possible(data[i * columns + c])
    for (let c = 0; c < columns && sum > 0; c++)
      result.data[i * columns + c] = (weights[c] * possible(data[i * columns + c])) / sum
  }
  return result
}

export interface Proportioned {
  readonly fitted: FittedHead
  /** What labels that were left out get: the weights of the whole fit. */
  readonly ofLeftOut: (left: LeftOut) => LeftOut
  readonly ofRows: (probabilities: FeatureMatrix) => FeatureMatrix
}

/**
 * A fitted head whose probabilities of its own rows sum to the classes' shares.
 * @param columns of the rows that it predicts
 */
export async function inProportion(
  fitted: FittedHead,
  shares: readonly number[],
  columns: number,
): Promise<Proportioned> {
  const weights = classWeights(await fitted.probabilities(), shares)
  const ofRows = (probabilities: FeatureMatrix): FeatureMatrix => weighed(probabilities, weights)
  return {
    fitted: {
      ...fitted,
      probabilities: async () => ofRows(await fitted.probabilities()),
      predict: async (features) => ofRows(await fitted.predict(features)),
      parameters: weighedParameters(fitted.parameters, weights, columns),
      leaveOneOut: undefined,
      leftOut: undefined,
      settled: undefined,
    },
    ofRows,
    ofLeftOut: (left) => ({
      ...left,
      transductive: ofRows(left.transductive),
      inductive: ofRows(left.inductive),
    }),
  }
}

/** The head times one that says the weights of any row. */
function weighedParameters(
  parameters: PredictorParameters,
  weights: Float64Array,
  columns: number,
): PredictorParameters {
  const { classCount } = parameters
  const bias = featureMatrix(1, classCount, Float32Array.from(weights, Math.log))
  const always: PredictorParameters = {
    kind: 'linear',
    classCount,
    settings: {},
    arrays: { weight: featureMatrix(columns, classCount), bias },
  }
  const factors = [parameters, always].map((each) => ({ weight: 1, parameters: each }))
  return { kind: 'product', classCount, settings: {}, arrays: {}, factors }
}
