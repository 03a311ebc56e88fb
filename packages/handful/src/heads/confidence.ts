/**
 * Probabilities that mean something: of the images that are given 0.7, about 70 % are right. What a head says is sharpened
 * or flattened by one exponent, p^s / sum p^s (a temperature; Guo et al., "On calibration of modern neural networks",
 * ICML 2017), which the likelihood of labels that the head has not seen decides. The order of the classes stays, and with
 * it every prediction.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'

/** The setting of a stored predictor that holds its exponent; 1 where there is none, as in older runs. */
export const EXPONENT = 'confidence exponent'

/** Deviation of the prior on the logarithm of the exponent: few labels move it little. */
const PRIOR_DEVIATION = 0.7
/** Of 1, the exponent without evidence, on the scale of logarithms. */
const RANGE = 3
const STEPS = 300
/** No class is ever ruled out altogether: one mistake would decide everything. */
const SMALLEST_LOG_PROBABILITY = -12
const SMALLEST = 1e-12

/** What probabilities are taken to, `[rows, classes]`; classes at 0 stay there. */
export function sharpened(probabilities: FeatureMatrix, exponent: number): FeatureMatrix {
  if (exponent === 1) return probabilities
  const { rows, columns, data } = probabilities
  const result = featureMatrix(rows, columns)
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns)
    const largest = Math.max(...row)
    let sum = 0
    for (let c = 0; c < columns; c++) {
      sum += result.data[i * columns + c] = row[c] > 0 ? (row[c] / largest) ** exponent : 0
    }
    for (let c = 0; c < columns; c++) result.data[i * columns + c] /= sum
  }
  return result
}

/** Sum of the log-probabilities that left-out labels have once they are taken to a power. */
export function leftOutLikelihood(
  { rows, columns, data }: FeatureMatrix,
  truth: Int32Array,
  exponent: number,
): number {
  let total = 0
  for (let i = 0; i < rows; i++) {
    const logits = Array.from(
      data.subarray(i * columns, (i + 1) * columns),
      (p) => exponent * Math.log(Math.max(p, SMALLEST)),
    )
    const largest = Math.max(...logits)
    const sum = logits.reduce((so, logit) => so + Math.exp(logit - largest), 0)
    total += Math.max(logits[truth[i]] - largest - Math.log(sum), SMALLEST_LOG_PROBABILITY)
  }
  return total
}

/** The exponent that the left-out labels speak for. */
export function confidenceExponent(probabilities: FeatureMatrix, truth: Int32Array): number {
  let best = { log: 0, value: -Infinity }
  for (let step = 0; step <= STEPS; step++) {
    const log = RANGE * ((2 * step) / STEPS - 1)
    const value = leftOutLikelihood(probabilities, truth, Math.exp(log)) - (log / PRIOR_DEVIATION) ** 2 / 2
    if (value > best.value) best = { log, value }
  }
  return Math.exp(best.log)
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
