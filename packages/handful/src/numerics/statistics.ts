/** Means with 95 % intervals, and when there is too little to give one. */

export interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** Below so many labels a class, accuracies that are measured on these labels say nothing. */
export const FEWEST_LABELS_TO_JUDGE = 3

/** 97.5 % quantiles, of the normal distribution and of Student's t with 1 to 9 degrees of freedom. */
const NORMAL_QUANTILE = 1.959964
const FIRST_T_QUANTILES = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622]

/** From 10 degrees of freedom on by the expansion in their inverse (Abramowitz and Stegun 26.7.5), to 0.0002. */
function studentQuantile(degreesOfFreedom: number): number {
  const known = FIRST_T_QUANTILES[degreesOfFreedom - 1]
  if (known !== undefined) return known
  const [z, v] = [NORMAL_QUANTILE, degreesOfFreedom]
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  return z + first / v + second / v ** 2 + third / v ** 3
}

/**
 * Share of Student's t distribution below a value: by the regularised incomplete beta function (Abramowitz and Stegun 26.7.1),
 * whose continued fraction (26.5.8) is evaluated by Lentz's method.
 */
export function studentShare(value: number, degreesOfFreedom: number): number {
  const tail = incompleteBeta(degreesOfFreedom / (degreesOfFreedom + value * value), degreesOfFreedom / 2) / 2
  return value < 0 ? tail : 1 - tail
}

/** I_x(a, 1/2) */
function incompleteBeta(x: number, a: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1
  const b = 0.5
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x))
  // The fraction converges fast on one side of its mean; the other side is its mirror image.
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b
}

const FRACTION_STEPS = 200
const TINY = 1e-300

function betaFraction(x: number, a: number, b: number): number {
  const safe = (value: number): number => (Math.abs(value) < TINY ? TINY : value)
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1))
  let c = 1
  let result = d
  for (let m = 1; m <= FRACTION_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    let change = 1
    for (const term of [even, odd]) {
      d = 1 / safe(1 + term * d)
      c = safe(1 + term / c)
      change = d * c
      result *= change
    }
    if (Math.abs(change - 1) < 1e-12) break
  }
  return result
}

/** Stirling's series, after the argument is raised to where it is exact to twelve digits. */
function logGamma(x: number): number {
  let [shift, at] = [0, x]
  for (; at < 10; at++) shift += Math.log(at)
  const inverse = 1 / (at * at)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / at
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - shift
}

/** Mean of independent shares in [0, 1] and Student's interval for it, cut to [0, 1]. Needs two at least. */
export function studentInterval(values: readonly number[]): Estimate {
  const n = values.length
  if (n < 2) throw new RangeError(`internal: studentInterval: got ${n} values, expected at least 2`)
  const mean = average(values)
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const half = studentQuantile(n - 1) * Math.sqrt(variance / n)
  return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half) }
}

/**
 * Mean of a table of shares whose rows and columns are both drawn at random, such as trainings of a model and draws of the
 * labelled images, with an interval that holds both. With `y_ij = mean + row_i + column_j + rest_ij`, I rows and J columns,
 *
 *     var(mean) = (MS_rows + MS_columns - MS_rest) / (I J)
 *
 * by the mean squares of the two-way analysis of variance (Searle, Casella, McCulloch, "Variance Components", 1992, chapter
 * 4), and degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946):
 *
 *     (MS_rows + MS_columns - MS_rest)^2 / (MS_rows^2/(I-1) + MS_columns^2/(J-1) + MS_rest^2/((I-1)(J-1)))
 *
 * The sum is never taken for less than the larger of MS_rows and MS_columns: what both share in is no evidence against either.
 * With one column, or one row, Student's interval over the other.
 */
export function crossedInterval(table: readonly (readonly number[])[]): Estimate {
  const [rows, columns] = [table.length, table[0].length]
  const rowMeans = table.map(average)
  if (columns < 2) return studentInterval(rowMeans)
  if (rows < 2) return studentInterval(table[0])
  const columnMeans = table[0].map((_, j) => average(table.map((row) => row[j])))
  const mean = average(rowMeans)
  const squares = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const ofRows = (columns * squares(rowMeans)) / (rows - 1)
  const ofColumns = (rows * squares(columnMeans)) / (columns - 1)
  const rests = table.flatMap((row, i) => row.map((value, j) => value - rowMeans[i] - columnMeans[j] + mean))
  const freedom = (rows - 1) * (columns - 1)
  const ofRest = rests.reduce((sum, rest) => sum + rest ** 2, 0) / freedom
  const sum = Math.max(ofRows + ofColumns - ofRest, ofRows, ofColumns)
  if (sum === 0) return { mean, low: mean, high: mean }
  const degrees =
    sum ** 2 / (ofRows ** 2 / (rows - 1) + ofColumns ** 2 / (columns - 1) + ofRest ** 2 / freedom)
  // The next smaller whole number: an interval that is rather too wide.
  const half = studentQuantile(Math.max(1, Math.floor(degrees))) * Math.sqrt(sum / (rows * columns))
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

/** What judged all results of a report, and how many images. */
export interface Evaluation {
  readonly kind: string
  readonly images: number
}

export interface JudgedResult {
  /** One for each draw of the labelled images. */
  readonly accuracies: readonly number[]
  readonly images?: number
}

/**
 * Images that a result was judged by, each counted once. Results of older reports have no count of their own, and images that
 * judged by their labels were counted anew in each draw.
 */
export const imagesBehind = (
  { kind, images }: Evaluation,
  { accuracies, images: own }: JudgedResult,
): number => own ?? (kind === 'test set' ? images : Math.round(images / accuracies.length))

/**
 * A result's accuracy with its interval. Draws of labelled images that judge themselves overlap, so that how much they differ
 * says too little: there it comes from the number of images that judge.
 */
export const estimateResult = (evaluation: Evaluation, result: JudgedResult): Estimate =>
  evaluation.kind === 'test set'
    ? estimateAccuracy(result.accuracies, evaluation.images)
    : wilsonInterval(average(result.accuracies), imagesBehind(evaluation, result))

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Share of pairs of which the first is the higher one, equals by half: the area under the ROC curve. NaN without pairs. */
export function areaUnderCurve(higher: readonly number[], lower: readonly number[]): number {
  const all = [
    ...higher.map((value) => ({ value, wins: true })),
    ...lower.map((value) => ({ value, wins: false })),
  ]
  all.sort((a, b) => a.value - b.value)
  let [below, sum] = [0, 0]
  for (let i = 0; i < all.length;) {
    let [won, lost] = [0, 0]
    const { value } = all[i]
    for (; i < all.length && all[i].value === value; i++) {
      if (all[i].wins) won++
      else lost++
    }
    sum += won * (below + lost / 2)
    below += lost
  }
  return sum / (higher.length * lower.length)
}
