/** Metrics of predictions, as functions of plain arrays. Definitions and edge cases are scikit-learn's. */
import type { NamedArray } from '../arrays.js'

type Labels = ArrayLike<number>

function checkLengths(metric: string, a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(
      `${metric} (length): got ${a.length} and ${b.length}, expected as many on both sides, at least one`,
    )
}

/** The most probable class of each row of logits or probabilities [rows, classes]; the first of equal ones. */
export function predictedClasses({ shape, data }: NamedArray): Int32Array {
  const [rows, classes] = shape
  if (shape.length !== 2 || classes < 1)
    throw new RangeError(`predictedClasses (shape): got [${shape.join(', ')}], expected [rows, classes]`)
  return Int32Array.from({ length: rows }, (_, i) => {
    let best = 0
    for (let j = 1; j < classes; j++) if (data[i * classes + j] > data[i * classes + best]) best = j
    return best
  })
}

/** Counts [true class][predicted class]. @throws RangeError for a class outside 0 .. classes - 1 */
export function confusionMatrix(labels: Labels, predicted: Labels, classes: number): number[][] {
  checkLengths('confusionMatrix', labels, predicted)
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < labels.length; i++) {
    const [row, column] = [labels[i], predicted[i]]
    if (counts[row]?.[column] === undefined)
      throw new RangeError(
        `confusionMatrix (class): got ${row} and ${column} at ${i}, expected whole numbers from 0 to ${classes - 1}`,
      )
    counts[row][column]++
  }
  return counts
}

/** The share of right predictions. */
export function accuracy(labels: Labels, predicted: Labels): number {
  checkLengths('accuracy', labels, predicted)
  let right = 0
  for (let i = 0; i < labels.length; i++) right += Number(labels[i] === predicted[i])
  return right / labels.length
}

/** Precision, recall and their harmonic mean, each from 0 to 1, higher is better. */
export interface F1 {
  /** Of each class; 0 for one that is neither there nor predicted. */
  readonly perClass: readonly number[]
  /** The plain mean over the classes that are there or predicted. */
  readonly macro: number
  /** The mean weighted by how often each class is there. */
  readonly weighted: number
  readonly precision: readonly number[]
  readonly recall: readonly number[]
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** F1, the harmonic mean of precision and recall, class by class. */
export function f1Score(labels: Labels, predicted: Labels, classes: number): F1 {
  const counts = confusionMatrix(labels, predicted, classes)
  const there = counts.map((row) => row.reduce((a, b) => a + b, 0))
  const said = counts.map((_, k) => counts.reduce((total, row) => total + row[k], 0))
  const perClass = counts.map((row, k) => ratio(2 * row[k], there[k] + said[k]))
  const met = counts.filter((_, k) => there[k] + said[k] > 0).length
  return {
    perClass,
    macro: perClass.reduce((a, b) => a + b, 0) / met,
    weighted: perClass.reduce((total, f1, k) => total + f1 * there[k], 0) / labels.length,
    precision: counts.map((row, k) => ratio(row[k], said[k])),
    recall: counts.map((row, k) => ratio(row[k], there[k])),
  }
}

/**
 * Area under the ROC curve: how probable it is that a positive has a higher score than a negative, ties counting half.
 *
 * @param positive 1 or true for positives, 0 or false for negatives
 * @throws RangeError where there are only positives or only negatives
 */
export function rocAuc(positive: ArrayLike<number | boolean>, scores: ArrayLike<number>): number {
  checkLengths('rocAuc', positive, scores)
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b])
  let [ranks, positives] = [0, 0]
  for (let start = 0; start < order.length;) {
    let end = start + 1
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++
    for (let i = start; i < end; i++) {
      if (!positive[order[i]]) continue
      positives++
      // The mean rank of equal scores, counted from 1.
      ranks += (start + 1 + end) / 2
    }
    start = end
  }
  const negatives = order.length - positives
  if (positives === 0 || negatives === 0)
    throw new RangeError(
      `rocAuc (positive): got ${positives} positives and ${negatives} negatives, expected some of both`,
    )
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/** Predictions whose probabilities lie in one interval. */
export interface CalibrationBin {
  readonly count: number
  /** Mean probability of the predictions in it. */
  readonly confidence: number
  /** Share of them that are right. */
  readonly accuracy: number
}

/** How well probabilities agree with how often predictions are right. */
export interface Calibration {
  /** The reliability diagram: bins of equal width, those of no prediction with zeros. */
  readonly bins: readonly CalibrationBin[]
  /** Expected calibration error (Naeini et al., AAAI 2015). */
  readonly error: number
}

/**
 * Whether probabilities mean what they say.
 *
 * @param probability of the predicted class, in [0, 1]
 * @param right whether each prediction is
 */
export function calibration(
  probability: ArrayLike<number>,
  right: ArrayLike<number | boolean>,
  bins = 10,
): Calibration {
  checkLengths('calibration', probability, right)
  const totals = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }))
  for (let i = 0; i < probability.length; i++) {
    const p = probability[i]
    if (!(p >= 0 && p <= 1))
      throw new RangeError(`calibration (probability): got ${p} at ${i}, expected a number from 0 to 1`)
    const bin = totals[Math.min(bins - 1, Math.floor(p * bins))]
    bin.count++
    bin.confidence += p
    bin.right += Number(Boolean(right[i]))
  }
  const gap = totals.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0)
  return {
    bins: totals.map(({ count, confidence, right: ok }) => ({
      count,
      confidence: ratio(confidence, count),
      accuracy: ratio(ok, count),
    })),
    error: gap / probability.length,
  }
}
