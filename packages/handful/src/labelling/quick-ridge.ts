/**
 * Ridge regression on one-hot targets (`heads/ridge.ts`) in the time of a key press: Cholesky factors of a few strengths
 * in the place of all eigenvectors. What each label is by the others is exact, as there: residual / (1 - leverage) (Allen's
 * PRESS, Technometrics 1974).
 */
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { columnMeans, featureMatrix, type FeatureMatrix, selectRows } from '../numerics/matrix.js'
import { rowSpace } from '../numerics/row-space.js'

/** For rows of length 1, strongest first; of equals the first is taken. */
const STRENGTHS = [3, 1, 0.3, 0.1]
/** Where no label can be left out. */
const DEFAULT_STRENGTH = 0.3

/** Labels as the regression takes them. */
export interface RidgeLabels {
  /** Rows of the features. */
  readonly images: Int32Array
  /** `[images]` positions of their classes. */
  readonly targets: Int32Array
  /** How many there are. */
  readonly classCount: number
}

/** Scores that run from 0 to 1 over the classes. */
export interface QuickRidge {
  readonly strength: number
  /** `[rows, classes]` of all rows of the features. */
  readonly scores: FeatureMatrix
  /** `[left, classes]` of the labels that were left out in turn. */
  readonly left: FeatureMatrix
}

/**
 * Fits the strength that is best at labels which are left out.
 *
 * @param left positions in the labels, each left out in turn; those of a class's only label are not to be among them
 */
export async function quickRidge(
  features: FeatureMatrix,
  { images, targets, classCount }: RidgeLabels,
  left: Int32Array,
  linearAlgebra: LinearAlgebra,
  strengths: readonly number[] = left.length > 0 ? STRENGTHS : [DEFAULT_STRENGTH],
): Promise<QuickRidge> {
  const space = rowSpace(selectRows(features, images))
  const { columns } = space.features
  const mean = columnMeans(space.features)
  const shares = new Float64Array(classCount)
  for (const target of targets) shares[target] += 1 / targets.length
  const centred = centredRows(space.features, mean)
  const gram = await linearAlgebra.matmul(centred, centred, { transposeA: true })
  const moments = momentsOf(centred, targets, shares)
  let best: Solved | undefined
  for (const strength of strengths) {
    const solved = solveAt(strength, gram, moments, { centred, targets, shares }, left)
    if (best === undefined || solved.error < best.error) best = solved
  }
  if (best === undefined) throw new Error('internal: quickRidge: got no strength, expected some')
  const weight = featureMatrix(columns, classCount, Float32Array.from(best.weight))
  const scores = await linearAlgebra.matmul(features, space.weightOf(weight))
  const bias = Float64Array.from(shares, (share, c) =>
    mean.reduce((sum, value, j) => sum - value * weight.data[j * classCount + c], share),
  )
  for (let at = 0; at < scores.data.length; at++) scores.data[at] += bias[at % classCount]
  return { strength: best.strength, scores, left: best.left }
}

interface Centred {
  readonly centred: FeatureMatrix
  readonly targets: Int32Array
  readonly shares: Float64Array
}

interface Solved {
  readonly strength: number
  /** `[columns, classes]` */
  readonly weight: Float64Array
  readonly left: FeatureMatrix
  /** Squares of what the labels that are left out are missed by, in sum. */
  readonly error: number
}

function solveAt(
  strength: number,
  gram: FeatureMatrix,
  moments: Float64Array,
  { centred, targets, shares }: Centred,
  positions: Int32Array,
): Solved {
  const size = gram.rows
  const classCount = shares.length
  const factor = choleskyFactor(gram, strength)
  const weight = moments.slice()
  const column = new Float64Array(size)
  for (let c = 0; c < classCount; c++) {
    for (let j = 0; j < size; j++) column[j] = weight[j * classCount + c]
    forward(factor, column)
    backward(factor, column)
    for (let j = 0; j < size; j++) weight[j * classCount + c] = column[j]
  }
  const left = featureMatrix(positions.length, classCount)
  let error = 0
  positions.forEach((i, at) => {
    const row = centred.data.subarray(i * size, (i + 1) * size)
    column.set(row)
    forward(factor, column)
    // The mean that was taken away is itself a regressor, with leverage 1 / rows.
    const leverage = column.reduce((sum, value) => sum + value * value, 1 / centred.rows)
    const rest = Math.max(1 - leverage, 1e-12)
    for (let c = 0; c < classCount; c++) {
      let fitted = shares[c]
      for (let j = 0; j < size; j++) fitted += row[j] * weight[j * classCount + c]
      const target = Number(targets[i] === c)
      const missed = (target - fitted) / rest
      left.data[at * classCount + c] = target - missed
      error += missed * missed
    }
  })
  return { strength, weight, left, error }
}

function centredRows({ rows, columns, data }: FeatureMatrix, mean: Float64Array): FeatureMatrix {
  const centred = featureMatrix(rows, columns)
  for (let at = 0; at < data.length; at++) centred.data[at] = data[at] - mean[at % columns]
  return centred
}

/** `X' Y` of centred X; Y may stay as it is. `[columns, classes]` */
function momentsOf(
  { rows, columns, data }: FeatureMatrix,
  targets: Int32Array,
  shares: Float64Array,
): Float64Array {
  const classCount = shares.length
  const moments = new Float64Array(columns * classCount)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) moments[j * classCount + targets[i]] += data[i * columns + j]
  return moments
}

/** The lower factor of `A + strength I`, row after row. */
function choleskyFactor({ rows: size, data }: FeatureMatrix, strength: number): Float64Array {
  const factor = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    const row = i * size
    for (let j = 0; j <= i; j++) {
      const other = j * size
      let rest = data[row + j] + (i === j ? strength : 0)
      for (let k = 0; k < j; k++) rest -= factor[row + k] * factor[other + k]
      factor[row + j] = i === j ? Math.sqrt(rest) : rest / factor[other + j]
    }
  }
  return factor
}

/** Solves `L x = b` in place. */
function forward(factor: Float64Array, x: Float64Array): void {
  const size = x.length
  for (let i = 0; i < size; i++) {
    let rest = x[i]
    for (let k = 0, at = i * size; k < i; k++, at++) rest -= factor[at] * x[k]
    x[i] = rest / factor[i * size + i]
  }
}

/** Solves `L' x = b` in place. */
function backward(factor: Float64Array, x: Float64Array): void {
  const size = x.length
  for (let i = size - 1; i >= 0; i--) {
    const value = (x[i] /= factor[i * size + i])
    for (let k = 0, at = i * size; k < i; k++, at++) x[k] -= factor[at] * value
  }
}
