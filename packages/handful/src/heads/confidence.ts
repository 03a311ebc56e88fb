/**
 * Probabilities that mean something: of the images that are given 0.7, about 70 % are right. How far the classes lie behind
 * the most probable one is stretched and bent, by two numbers that the likelihood of labels decides which the head has not
 * seen:
 *
 *     p_c ~ exp(-exponent z_c^bend),   z_c = log(p_max / p_c)
 *
 * and then mixed with what knows nothing, for nobody can be surer than the labels are many: by the rule of succession (Laplace)
 * n labels of which all are right still leave a doubt of 1 / (n + 2).
 *
 * With a bend of 1 this is a temperature (Guo et al., "On calibration of modern neural networks", ICML 2017). Label
 * propagation needs more: it is too sure of the classes that lie in clusters of their own and too little of all others. The
 * order of the classes stays, and with it every prediction.
 */
import { z } from 'zod'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'

export interface Confidence {
  readonly exponent: number
  readonly bend: number
  /** Share of the uniform distribution over the classes that can be. */
  readonly doubt: number
}

/** Says as much as the head does. */
export const AS_SAID: Confidence = { exponent: 1, bend: 1, doubt: 0 }

/** What so many labels leave open. */
export const doubtOf = (labels: number): number => 1 / (labels + 2)

/** The settings of a stored predictor that hold it; without them, as in older runs, it is `AS_SAID`. */
const EXPONENT = 'confidence exponent'
const BEND = 'confidence bend'
const DOUBT = 'confidence doubt'

export const confidenceSettings = ({
  exponent,
  bend,
  doubt,
}: Confidence): Readonly<Record<string, number>> => ({
  [EXPONENT]: exponent,
  [BEND]: bend,
  [DOUBT]: doubt,
})

const settingsSchema = z.object({
  [EXPONENT]: z.number().positive().default(1),
  [BEND]: z.number().positive().default(1),
  [DOUBT]: z.number().min(0).max(1).default(0),
})

/** @throws ZodError for numbers that are none */
export function confidenceOf(settings: Readonly<Record<string, number | string>>): Confidence {
  const found = settingsSchema.parse(settings)
  return { exponent: found[EXPONENT], bend: found[BEND], doubt: found[DOUBT] }
}

/** Deviations of the priors on the logarithms of both: few labels move them little. */
const PRIOR_DEVIATION = { exponent: 0.7, bend: 0.5 }
/** What is tried: logarithms from -range to range. */
const RANGE = { exponent: 2.5, bend: 1 }
const STEPS = { exponent: 100, bend: 20 }
/** No class is ever ruled out altogether: one mistake would decide everything. */
const SMALLEST_LOG_PROBABILITY = -12
const SMALLEST = 1e-12

/** `[rows, classes]`; classes at 0 stay there. */
export function sharpened(
  probabilities: FeatureMatrix,
  { exponent, bend, doubt }: Confidence,
): FeatureMatrix {
  if (exponent === 1 && bend === 1 && doubt === 0) return probabilities
  const { rows, columns, data } = probabilities
  const result = featureMatrix(rows, columns)
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns)
    const largest = Math.max(...row)
    let sum = 0
    for (let c = 0; c < columns; c++) {
      const behind = row[c] > 0 ? Math.log(largest / row[c]) : Infinity
      sum += result.data[i * columns + c] = Math.exp(-exponent * behind ** bend)
    }
    const possible = row.reduce((count, p) => count + Number(p > 0), 0)
    for (let c = 0; c < columns; c++) {
      const own = result.data[i * columns + c] / sum
      result.data[i * columns + c] = (1 - doubt) * own + (row[c] > 0 ? doubt / possible : 0)
    }
  }
  return result
}

/** How far each class lies behind the most probable one, in nats. */
function distances({ rows, columns, data }: FeatureMatrix): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => {
    const row = data.subarray(i * columns, (i + 1) * columns)
    const largest = Math.log(Math.max(...row, SMALLEST))
    return Float64Array.from(row, (p) => largest - Math.log(Math.max(p, SMALLEST)))
  })
}

/** How far behind classes lie once they are bent: the same for all exponents. */
const bent = (rows: readonly Float64Array[], bend: number): Float64Array[] =>
  rows.map((row) => row.map((behind) => behind ** bend))

/** Log-probability of a label. @param row as `bent` gives it */
function likelihoodOf(row: Float64Array, label: number, exponent: number): number {
  let sum = 0
  for (const behind of row) sum += Math.exp(-exponent * behind)
  return Math.max(-exponent * row[label] - Math.log(sum), SMALLEST_LOG_PROBABILITY)
}

/** @param rows as `bent` gives them */
function likelihood(rows: readonly Float64Array[], truth: Int32Array, exponent: number): number {
  let total = 0
  for (const [i, row] of rows.entries()) total += likelihoodOf(row, truth[i], exponent)
  return total
}

/** Sum of the log-probabilities of left-out labels. */
export const leftOutLikelihood = (
  probabilities: FeatureMatrix,
  truth: Int32Array,
  confidence: Confidence,
): number => likelihood(bent(distances(probabilities), confidence.bend), truth, confidence.exponent)

const tried = (of: 'exponent' | 'bend'): number[] =>
  Array.from({ length: STEPS[of] + 1 }, (_, step) => RANGE[of] * ((2 * step) / STEPS[of] - 1))

/**
 * What left-out labels speak for; without any the head's own word, but for the doubt.
 * @param labels of the fit, left out or not
 */
export function confidenceFrom(probabilities: FeatureMatrix, truth: Int32Array, labels: number): Confidence {
  const doubt = doubtOf(labels)
  if (truth.length === 0) return { ...AS_SAID, doubt }
  const rows = distances(probabilities)
  let best = { confidence: AS_SAID, value: -Infinity }
  for (const logBend of tried('bend')) {
    const here = bent(rows, Math.exp(logBend))
    for (const logExponent of tried('exponent')) {
      const confidence = { exponent: Math.exp(logExponent), bend: Math.exp(logBend), doubt }
      const prior = (logExponent / PRIOR_DEVIATION.exponent) ** 2 + (logBend / PRIOR_DEVIATION.bend) ** 2
      const value = likelihood(here, truth, confidence.exponent) - prior / 2
      if (value > best.value) best = { confidence, value }
    }
  }
  return best.confidence
}

/**
 * Products of probabilities, each to the power of its weight: `p ~ prod p_i^w_i`, rows scaled to sum 1. A class that one of
 * them rules out is only very unlikely; one at 0 in all of them stays there.
 */
export function weightedProduct(parts: readonly FeatureMatrix[], weights: readonly number[]): FeatureMatrix {
  const [{ rows, columns }] = parts
  const result = featureMatrix(rows, columns)
  const logits = new Float64Array(columns)
  for (let i = 0; i < rows; i++) {
    let largest = -Infinity
    for (let c = 0; c < columns; c++) {
      const at = i * columns + c
      const impossible = parts.every(({ data }) => data[at] === 0)
      logits[c] = impossible
        ? -Infinity
        : parts.reduce((sum, { data }, k) => sum + weights[k] * Math.log(Math.max(data[at], SMALLEST)), 0)
      largest = Math.max(largest, logits[c])
    }
    let sum = 0
    for (let c = 0; c < columns; c++) sum += result.data[i * columns + c] = Math.exp(logits[c] - largest)
    for (let c = 0; c < columns; c++) result.data[i * columns + c] /= sum
  }
  return result
}
