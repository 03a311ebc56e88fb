/** Means with 95 % intervals, and when there is too little to give one. */

export interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** Below so many labels a class, accuracies that are measured on these labels say nothing. */
export const FEWEST_LABELS_TO_JUDGE = 3

/** 97.5 % quantiles of Student's t with 1 to 30 degrees of freedom; further ones are near the normal's 1.960. */
const T_QUANTILES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]
const NORMAL_QUANTILE = 1.96

/** Mean of independent results and Student's interval for it, cut to [0, 1]. Needs two results at least. */
export function studentInterval(values: readonly number[]): Estimate {
  const n = values.length
  if (n < 2) throw new RangeError(`internal: studentInterval: got ${n} values, expected at least 2`)
  const mean = average(values)
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const half = (T_QUANTILES[n - 2] ?? NORMAL_QUANTILE) * Math.sqrt(variance / n)
  return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half) }
}

/** Wilson's interval for a share of `total` trials (JASA 22, 1927): sound for few trials and near 0 and 1. */
export function wilsonInterval(share: number, total: number): Estimate {
  if (total <= 0) return { mean: share, low: 0, high: 1 }
  const z2 = NORMAL_QUANTILE ** 2
  const centre = (share + z2 / (2 * total)) / (1 + z2 / total)
  const spread = Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total))
  const half = (NORMAL_QUANTILE * spread) / (1 + z2 / total)
  return { mean: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

/**
 * An accuracy with its interval: over the draws where there are several, else from the number of images checked.
 *
 * @param images number of images behind each accuracy
 */
export function estimateAccuracy(accuracies: readonly number[], images: number): Estimate {
  return accuracies.length > 1 ? studentInterval(accuracies) : wilsonInterval(accuracies[0], images)
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
