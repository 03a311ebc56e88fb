/** How well classes are apart in features, as numbers: purity of neighbourhoods and the silhouette. */
import type { Random } from 'onnx-autodiff'
import { HandfulError } from '../errors.js'
import type { Neighbours } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { pause } from '../numerics/pause.js'

/** How much of a class stands together. */
export interface Purity {
  /** Share of a point's nearest neighbours that are of its class, averaged over points, 0 to 1. */
  readonly purity: number
  /** What neighbours drawn at random would give. */
  readonly byChance: number
}

/**
 * Points without a label (-1) count neither as points nor as neighbours; nor does a point without labelled neighbours.
 * @returns undefined where no two labelled points are neighbours
 */
export function neighbourhoodPurity(
  { rows, k, indices }: Neighbours,
  labels: ArrayLike<number>,
): Purity | undefined {
  checkLabelCount(rows, labels)
  let sum = 0
  let points = 0
  const sizes = new Map<number, number>()
  for (let i = 0; i < rows; i++) {
    if (labels[i] < 0) continue
    sizes.set(labels[i], (sizes.get(labels[i]) ?? 0) + 1)
    let same = 0
    let known = 0
    for (let at = i * k; at < (i + 1) * k; at++) {
      const other = labels[indices[at]]
      if (other >= 0) known++
      if (other === labels[i]) same++
    }
    if (known === 0) continue
    sum += same / known
    points++
  }
  if (points === 0) return undefined
  const labelled = [...sizes.values()].reduce((total, size) => total + size, 0)
  const byChance = [...sizes.values()].reduce(
    (total, size) => total + (size / labelled) * ((size - 1) / (labelled - 1)),
    0,
  )
  return { purity: sum / points, byChance }
}

/** Options of `silhouette`. */
export interface SilhouetteOptions {
  /** Draws the points where there are more than `most`. */
  readonly random: Random
  /** Default 4,000: exact up to there, and the same of a random part beyond. */
  readonly most?: number
  readonly signal?: AbortSignal
}

const MOST = 4000

/**
 * Mean silhouette of the classes (Rousseeuw 1987), -1 to 1, by Euclidean distance: `(b - a) / max(a, b)` with a the mean
 * distance to the other points of the class and b the least mean distance to those of another one. A point alone in its
 * class counts 0; points without a label (-1) are left out.
 *
 * @returns undefined with fewer than two classes
 */
export async function silhouette(
  features: FeatureMatrix,
  labels: ArrayLike<number>,
  { random, most = MOST, signal }: SilhouetteOptions,
): Promise<number | undefined> {
  checkLabelCount(features.rows, labels)
  const labelled = Array.from(labels, (_, i) => i).filter((i) => labels[i] >= 0)
  const drawn = labelled.length > most ? random.shuffle(labelled).slice(0, most) : labelled
  const classes = [...new Set(drawn.map((i) => labels[i]))]
  if (classes.length < 2) return undefined
  const classOf = Int32Array.from(drawn, (i) => classes.indexOf(labels[i]))
  const sums = await distanceSums(features, drawn, classOf, classes.length, signal)
  const sizes = new Float64Array(classes.length)
  for (const own of classOf) sizes[own]++
  let total = 0
  for (const [i, own] of classOf.entries()) {
    if (sizes[own] < 2) continue
    const within = sums[i * classes.length + own] / (sizes[own] - 1)
    let beyond = Infinity
    for (let other = 0; other < classes.length; other++) {
      if (other !== own) beyond = Math.min(beyond, sums[i * classes.length + other] / sizes[other])
    }
    const larger = Math.max(within, beyond)
    if (larger > 0) total += (beyond - within) / larger
  }
  return total / drawn.length
}

/** `[points, classes]`: sums of a point's distances to the points of each class. */
async function distanceSums(
  { columns, data }: FeatureMatrix,
  points: readonly number[],
  classOf: Int32Array,
  classes: number,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const sums = new Float64Array(points.length * classes)
  const rest = pause()
  for (let i = 0; i < points.length; i++) {
    const left = points[i] * columns
    for (let j = 0; j < i; j++) {
      const right = points[j] * columns
      let square = 0
      for (let c = 0; c < columns; c++) {
        const difference = data[left + c] - data[right + c]
        square += difference * difference
      }
      const distance = Math.sqrt(square)
      sums[i * classes + classOf[j]] += distance
      sums[j * classes + classOf[i]] += distance
    }
    signal?.throwIfAborted()
    await rest()
  }
  return sums
}

function checkLabelCount(rows: number, labels: ArrayLike<number>): void {
  if (labels.length === rows) return
  throw new HandfulError({
    what: 'labels',
    where: 'measuring neighbourhoods',
    got: `${labels.length}`,
    expected: `${rows}, one for each row of features`,
  })
}
