/**
 * Numbers with their uncertainty: means over draws with Student's t, accuracies with Wilson's interval, and the accuracy
 * that the labelled few themselves promise, by leaving each out in turn.
 */
import { HandfulError } from '../errors.js'
import { argmaxRows, selectRows, type FeatureMatrix } from '../features/matrix.js'
import { stratifiedFolds } from '../heads/folds.js'
import { labelledRows, type FittedHead, type Head, type HeadProblem } from '../heads/head.js'

/** A value with the ends of its confidence interval, in the unit of what was put in. */
export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/**
 * Mean over independent draws with a confidence interval by Student's t (n - 1 degrees of freedom). One draw has an
 * interval of the whole line: nothing is known of its spread. Throws HandfulError without any.
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  const n = values.length
  if (n === 0) {
    throw new HandfulError({
      what: 'mean over draws',
      where: 'statistics',
      got: 'no values',
      expected: 'at least one',
      hint: 'run at least one draw of the labelled set',
    })
  }
  const value = values.reduce((sum, v) => sum + v, 0) / n
  if (n === 1) return { value, low: -Infinity, high: Infinity }
  const variance = values.reduce((sum, v) => sum + (v - value) ** 2, 0) / (n - 1)
  const half = studentQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(variance / n)
  return { value, low: value - half, high: value + half }
}

/** Wilson's score interval (JASA 1927) of a proportion: 8 of 10 right is 49-94 %, and 3 of 3 is not 100 %. */
export function wilsonInterval(right: number, total: number, confidence = 0.95): Interval {
  if (total === 0) return { value: NaN, low: 0, high: 1 }
  const z = studentQuantile((1 + confidence) / 2, Infinity)
  const value = right / total
  const denominator = 1 + (z * z) / total
  const centre = (value + (z * z) / (2 * total)) / denominator
  const half = (z / denominator) * Math.sqrt((value * (1 - value)) / total + (z * z) / (4 * total * total))
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

/** What leaving labels out says about a head. */
export interface LeaveOneOutEstimate {
  /** Shares between 0 and 1; the value is NaN where no row could be judged. */
  readonly accuracy: Interval
  readonly right: number
  /** Labelled rows that were left out and judged. */
  readonly judged: number
  /** `too few to judge` below three labels in some labelled class: show the interval, claim nothing. */
  readonly verdict: 'estimate' | 'too few to judge'
}

const FEWEST_LABELS_A_CLASS = 3

/**
 * Accuracy of a head from the labelled few alone: each label (or fold of them, where the head has no shortcut and has to
 * be fitted again) is left out and predicted. Rows whose class has no other label cannot be judged. It errs on the low
 * side, since each prediction has a label less to go by; labels that were chosen actively bias it either way.
 */
export async function leaveOneOutAccuracy(
  head: Head,
  fitted: FittedHead,
  problem: HeadProblem,
): Promise<LeaveOneOutEstimate> {
  const { rows, classes, targets, counts } = labelledRows(problem)
  const probabilities = fitted.leaveOneOut ?? (await refitted(head, problem))
  const predicted = argmaxRows(probabilities)
  let right = 0
  let judged = 0
  for (let i = 0; i < rows.length; i++) {
    const sole = counts[targets[i]] < 2
    if (sole || Number.isNaN(probabilities.data[i * probabilities.columns])) continue
    judged++
    right += Number(predicted[i] === classes[targets[i]])
  }
  const tooFew = counts.some((count) => count < FEWEST_LABELS_A_CLASS)
  return {
    accuracy: wilsonInterval(right, judged),
    right,
    judged,
    verdict: tooFew ? 'too few to judge' : 'estimate',
  }
}

/** `[labelled, classCount]` probabilities of each fold from a fit without its labels. */
async function refitted(head: Head, problem: HeadProblem): Promise<FeatureMatrix> {
  const labelled = labelledRows(problem)
  const result = {
    rows: labelled.rows.length,
    columns: problem.classCount,
    data: new Float32Array(labelled.rows.length * problem.classCount).fill(NaN),
  }
  for (const fold of stratifiedFolds(labelled, problem.random.child('leave-one-out folds'))) {
    const labels = problem.labels.slice()
    for (const i of fold) labels[labelled.rows[i]] = -1
    // Two classes with one label each leave nothing to tell apart.
    if (new Set(labels.filter((label) => label >= 0)).size < 2) continue
    const without = await head.fit({ ...problem, labels })
    const predicted = await without.predict(selectRows(labelled.features, fold))
    fold.forEach((i, position) =>
      result.data.set(
        predicted.data.subarray(position * result.columns, (position + 1) * result.columns),
        i * result.columns,
      ),
    )
  }
  return result
}

/** The t with `P(T <= t) = probability` for a probability of at least 0.5; infinite degrees of freedom are the normal's. */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  let low = 0
  let high = 1
  while (studentCumulative(high, degreesOfFreedom) < probability && high < 1e12) high *= 2
  for (let step = 0; step < 200 && high - low > 1e-12 * high; step++) {
    const middle = (low + high) / 2
    if (studentCumulative(middle, degreesOfFreedom) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The normal distribution is Student's with so many degrees of freedom that the eighth digit no longer moves. */
const NEARLY_NORMAL = 1e9

/** P(T <= t), t >= 0, by the incomplete beta function. */
function studentCumulative(t: number, degreesOfFreedom: number): number {
  const v = Math.min(degreesOfFreedom, NEARLY_NORMAL)
  return 1 - incompleteBeta(v / 2, 0.5, v / (v + t * t), (t * t) / (v + t * t)) / 2
}

/** Regularised incomplete beta function I_x(a, b), with 1 - x given apart because x may be very near 1. */
function incompleteBeta(a: number, b: number, x: number, complement: number): number {
  if (complement <= 0) return 1
  if (x <= 0) return 0
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, complement, x)
  const logFront = a * Math.log1p(-complement) + b * Math.log(complement) - logBeta(a, b) - Math.log(a)
  return Math.exp(logFront) * betaFraction(a, b, x)
}

/** Continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1), tiny)
  let fraction = d
  for (let m = 1; m <= 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / notZero(1 + even * d, tiny)
    c = notZero(1 + even / c, tiny)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / notZero(1 + odd * d, tiny)
    c = notZero(1 + odd / c, tiny)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return fraction
}

function notZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value
}

/** log B(a, b); for large arguments the difference of log-gammas is taken where it does not cancel. */
function logBeta(a: number, b: number): number {
  const large = Math.max(a, b)
  const small = Math.min(a, b)
  // Gamma(large) / Gamma(large + small) tends to large^-small, with the first correction of Stirling's series.
  if (large > 1e5) return logGamma(small) - small * Math.log(large) - (small * (small - 1)) / (2 * large)
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/** log Gamma(x), x > 0: Stirling's series (DLMF 5.11.1) after shifting x above 15. */
function logGamma(x: number): number {
  let shift = 0
  let z = x
  for (; z < 15; z++) shift += Math.log(z)
  const inverse = 1 / (z * z)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift
}
