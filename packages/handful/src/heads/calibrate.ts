/**
 * One temperature for a head's scores, from the labelled few alone: the scale of the logits that maximises the
 * leave-one-out likelihood times a log-normal prior (Guo et al., "On calibration of modern neural networks", ICML 2017;
 * the prior keeps three labels from claiming certainty).
 */
import type { FeatureMatrix } from '../numerics/matrix.js'

/** Standard deviation of the prior on the logarithm of the scale. */
const PRIOR_DEVIATION = 0.5
const SEARCH_STEPS = 40
const SEARCH_RANGE = 5

/**
 * The scale that logits are multiplied by before the softmax.
 *
 * @param logits `[labelled, classes]` leave-one-out logits; rows with NaN say nothing; -Infinity is an impossible class
 * @param targets `[labelled]` true columns
 * @param expected what the scale is without evidence
 */
export function logitScale(logits: FeatureMatrix, targets: Int32Array, expected: number): number {
  const objective = (logScale: number) => {
    const deviation = (logScale - Math.log(expected)) / PRIOR_DEVIATION
    return logLikelihood(logits, targets, Math.exp(logScale)) - (deviation * deviation) / 2
  }
  // The likelihood is concave in the scale but not in its logarithm: a coarse scan first, then golden sections.
  let best = Math.log(expected)
  let width = SEARCH_RANGE / 10
  for (let step = -10; step <= 10; step++) {
    const candidate = Math.log(expected) + (SEARCH_RANGE * step) / 10
    if (objective(candidate) > objective(best)) best = candidate
  }
  for (let step = 0; step < SEARCH_STEPS; step++) {
    width *= 0.7
    for (const candidate of [best - width, best + width]) {
      if (objective(candidate) > objective(best)) best = candidate
    }
  }
  return Math.exp(best)
}

/** Sum of the log-probabilities of the targets under softmax(scale * logits); rows with NaN are left out. */
export function logLikelihood(
  { rows, columns, data }: FeatureMatrix,
  targets: Int32Array,
  scale: number,
): number {
  let total = 0
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns)
    if (row.some(Number.isNaN)) continue
    let largest = -Infinity
    for (const logit of row) if (logit > largest) largest = logit
    let sum = 0
    for (const logit of row) sum += Math.exp(scale * (logit - largest))
    // No class is ever ruled out altogether: one mistake would decide everything.
    total += Math.max(scale * (row[targets[i]] - largest) - Math.log(sum), SMALLEST_LOG_PROBABILITY)
  }
  return total
}

const SMALLEST_LOG_PROBABILITY = -12
