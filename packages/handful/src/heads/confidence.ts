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
  const stretched = new Float64Array(columns)
  for (let start = 0; start < data.length; start += columns) {
    const largest = largestOf(data, start, columns)
    let sum = 0
    let possible = 0
    for (let c = 0; c < columns; c++) {
      const own = data[start + c]
      stretched[c] = own > 0 ? Math.exp(-exponent * power(Math.log(largest / own), bend)) : 0
      sum += stretched[c]
      possible += Number(own > 0)
    }
    for (let c = 0; c < columns; c++) {
      const left = data[start + c] > 0 ? doubt / possible : 0
      result.data[start + c] = ((1 - doubt) * stretched[c]) / sum + left
    }
  }
  return result
}

function largestOf(data: Float32Array, start: number, count: number): number {
  let largest = 0
  for (let at = start; at < start + count; at++) if (data[at] > largest) largest = data[at]
  return largest
}

const power = (value: number, exponent: number): number => (exponent === 1 ? value : value ** exponent)

/** `[rows, classes]` how far each class lies behind the row's most probable one, in nats, bent. */
function behind({ columns, data }: FeatureMatrix, bend = 1): Float64Array {
  const result = new Float64Array(data.length)
  for (let start = 0; start < data.length; start += columns) {
    const largest = Math.log(Math.max(largestOf(data, start, columns), SMALLEST))
    for (let at = start; at < start + columns; at++)
      result[at] = power(largest - Math.log(Math.max(data[at], SMALLEST)), bend)
  }
  return result
}

/** Sum of the log-probabilities of labels. @param distances as `behind` gives them */
function likelihood(distances: Float64Array, columns: number, truth: Int32Array, exponent: number): number {
  let total = 0
  for (let i = 0, start = 0; i < truth.length; i++, start += columns) {
    let sum = 0
    for (let at = start; at < start + columns; at++) sum += Math.exp(-exponent * distances[at])
    const own = -exponent * distances[start + truth[i]] - Math.log(sum)
    total += Math.max(own, SMALLEST_LOG_PROBABILITY)
  }
  return total
}

/** Sum of the log-probabilities of left-out labels. */
export const leftOutLikelihood = (
  probabilities: FeatureMatrix,
  truth: Int32Array,
  confidence: Confidence,
): number =>
  likelihood(behind(probabilities, confidence.bend), probabilities.columns, truth, confidence.exponent)

const tried = (of: 'exponent' | 'bend'): number[] =>
  Array.from({ length: STEPS[of] + 1 }, (_, step) => RANGE[of] * ((2 * step) / STEPS[of] - 1))

/**
 * What left-out labels speak for; without any the head's own word, but for the doubt.
 * @param labels of the fit that are evidence, left out or not
 */
export function confidenceFrom(probabilities: FeatureMatrix, truth: Int32Array, labels: number): Confidence {
  const doubt = doubtOf(labels)
  if (truth.length === 0) return { ...AS_SAID, doubt }
  const { columns } = probabilities
  const plain = behind(probabilities)
  let best = { confidence: AS_SAID, value: -Infinity }
  let at = STEPS.exponent / 2
  for (const logBend of tried('bend')) {
    const bend = Math.exp(logBend)
    const here = plain.map((distance) => power(distance, bend))
    const value = (step: number): number => {
      const logExponent = EXPONENTS[step]
      const prior = (logExponent / PRIOR_DEVIATION.exponent) ** 2 + (logBend / PRIOR_DEVIATION.bend) ** 2
      return likelihood(here, columns, truth, Math.exp(logExponent)) - prior / 2
    }
    const top = summit(value, at)
    at = top.step
    if (top.value > best.value)
      best = { confidence: { exponent: Math.exp(EXPONENTS[at]), bend, doubt }, value: top.value }
  }
  return best.confidence
}

const EXPONENTS = tried('exponent')
/** Of the walk to the best exponent: long ones first. */
const STRIDES = [9, 3, 1]

/**
 * The step whose value is highest, by a walk from one near it: a bend's best exponent lies near the last one's, and the
 * likelihood, a concave function of the exponent but for the labels that are cut off, has one summit.
 */
function summit(value: (step: number) => number, start: number): { step: number; value: number } {
  let best = { step: start, value: value(start) }
  for (const stride of STRIDES) {
    for (const way of [stride, -stride]) {
      for (let step = best.step + way; step >= 0 && step <= STEPS.exponent; step += way) {
        const here = value(step)
        if (here <= best.value) break
        best = { step, value: here }
      }
    }
  }
  return best
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
      let possible = false
      let logit = 0
      for (let k = 0; k < parts.length; k++) {
        const own = parts[k].data[at]
        possible ||= own > 0
        logit += weights[k] * Math.log(Math.max(own, SMALLEST))
      }
      logits[c] = possible ? logit : -Infinity
      if (logits[c] > largest) largest = logits[c]
    }
    let sum = 0
    for (let c = 0; c < columns; c++) sum += result.data[i * columns + c] = Math.exp(logits[c] - largest)
    for (let c = 0; c < columns; c++) result.data[i * columns + c] /= sum
  }
  return result
}
