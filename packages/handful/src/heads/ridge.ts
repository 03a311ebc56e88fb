/**
 * Ridge regression on one-hot targets in closed form, `W = (X^T X + strength I)^-1 X^T Y` on centred X and Y. The strength
 * minimises the leave-one-out error, exact from one eigenvalue decomposition: residual / (1 - leverage) (Allen's PRESS,
 * Technometrics 1974). One temperature makes probabilities of the scores.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { logitScale } from './calibrate.js'
import { canJudge, labelledRows, softmaxRows, type LabelledRows, type RowHead } from './head.js'
import { linearHead } from './linear-form.js'
import { type HeadEntry, plainSeconds } from './head-entry.js'

export interface RidgeOptions {
  /** Strengths to choose from. */
  readonly strengths?: readonly number[]
}

/** For rows of length 1, whose Gram matrix has a trace of the number of rows. */
const STRENGTHS = [30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01]
const DEFAULT_STRENGTH = 0.3
/** Scores run from 0 to 1 over the classes. */
const EXPECTED_SCALE = 12

/**
 * The head `ridge`: ridge regression on one-hot targets, its strength chosen by the exact leave-one-out error
 * (Allen's PRESS).
 */
export function ridgeRegression({ strengths = STRENGTHS }: RidgeOptions = {}): RowHead {
  const name = 'ridge regression'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const centred = centre(labelled)
      const spectrum = decompose(centred.x)
      const choosable = labelled.targets.some((_, i) => canJudge(labelled, i))
      const candidates = (choosable ? strengths : [DEFAULT_STRENGTH]).map((strength) =>
        solve(centred, spectrum, strength, labelled.accepted),
      )
      const best = candidates.reduce((a, b) => (b.error < a.error ? b : a))
      const outside = leaveOneOutScores(best, labelled)
      const scale = logitScale(outside, labelled.targets, EXPECTED_SCALE)
      softmaxRows(outside, scale)
      const weight = featureMatrix(centred.x.columns, labelled.classes.length)
      const bias = centred.yMean.map((mean) => scale * mean)
      for (let j = 0; j < weight.rows; j++) {
        for (let c = 0; c < weight.columns; c++) {
          const value = scale * best.weight.get(j, c)
          weight.data[j * weight.columns + c] = value
          bias[c] -= value * centred.xMean[j]
        }
      }
      const chosen = { strength: best.strength, 'logit scale': scale }
      return linearHead({ name, chosen, weight, bias, leaveOneOut: outside }, problem, labelled)
    },
  }
}

interface Centred {
  readonly x: Matrix
  readonly y: Matrix
  readonly xMean: number[]
  readonly yMean: number[]
}

function centre({ features, targets, classes }: LabelledRows): Centred {
  const { rows, columns, data } = features
  const x = new Matrix(rows, columns)
  const y = Matrix.zeros(rows, classes.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) x.set(i, j, data[i * columns + j])
    y.set(i, targets[i], 1)
  }
  const [xMean, yMean] = [x.mean('column'), y.mean('column')]
  x.subRowVector(xMean)
  y.subRowVector(yMean)
  return { x, y, xMean, yMean }
}

interface Spectrum {
  readonly eigenvalues: number[]
  /** `[rows, rank]` left singular vectors of X times singular values: X in its own axes. */
  readonly rotated: Matrix
  /** `[columns, rank]` */
  readonly axes: Matrix
}

/** Axes of X from the smaller of its two Gram matrices; rounding noise is left out. */
function decompose(x: Matrix): Spectrum {
  const wide = x.rows < x.columns
  const gram = wide ? x.mmul(x.transpose()) : x.transpose().mmul(x)
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true })
  const largest = Math.max(...realEigenvalues)
  const kept = realEigenvalues.map((_, i) => i).filter((i) => realEigenvalues[i] > 1e-10 * largest)
  const eigenvalues = kept.map((i) => realEigenvalues[i])
  if (kept.length === 0)
    return { eigenvalues, rotated: new Matrix(x.rows, 0), axes: new Matrix(x.columns, 0) }
  const vectors = eigenvectorMatrix.subMatrixColumn(kept)
  const axes = wide ? x.transpose().mmul(vectors) : vectors
  if (wide) kept.forEach((_, r) => axes.mulColumn(r, 1 / Math.sqrt(eigenvalues[r])))
  return { eigenvalues, rotated: x.mmul(axes), axes }
}

interface Candidate {
  readonly strength: number
  readonly weight: Matrix
  /** `[rows, classes]` predictions for each row without it, less the mean of Y. */
  readonly outside: Matrix
  /** Sum of squared leave-one-out errors, over all that is summed in every candidate. */
  readonly error: number
}

/** @param accepted `[rows]` 1 where a label says nothing of the error */
function solve(
  { x, y }: Centred,
  { eigenvalues, rotated, axes }: Spectrum,
  strength: number,
  accepted?: Uint8Array,
): Candidate {
  if (eigenvalues.length === 0) {
    return { strength, weight: Matrix.zeros(x.columns, y.columns), outside: y.clone().mul(0), error: 0 }
  }
  const projected = rotated.transpose().mmul(y)
  eigenvalues.forEach((eigenvalue, r) => projected.mulRow(r, 1 / (eigenvalue + strength)))
  const fitted = rotated.mmul(projected)
  const outside = new Matrix(y.rows, y.columns)
  let error = 0
  for (let i = 0; i < y.rows; i++) {
    // The mean that was taken away is itself a regressor, with leverage 1 / rows.
    let leverage = 1 / y.rows
    eigenvalues.forEach((eigenvalue, r) => (leverage += rotated.get(i, r) ** 2 / (eigenvalue + strength)))
    for (let c = 0; c < y.columns; c++) {
      const residual = (y.get(i, c) - fitted.get(i, c)) / Math.max(1 - leverage, 1e-12)
      outside.set(i, c, y.get(i, c) - residual)
      if (accepted?.[i] !== 1) error += residual * residual
    }
  }
  return { strength, weight: axes.mmul(projected), outside, error }
}

function leaveOneOutScores({ outside }: Candidate, labelled: LabelledRows): FeatureMatrix {
  const scores = featureMatrix(outside.rows, outside.columns)
  for (let i = 0; i < outside.rows; i++) {
    for (let c = 0; c < outside.columns; c++) {
      scores.data[i * outside.columns + c] = canJudge(labelled, i)
        ? outside.get(i, c) + labelled.counts[c] / outside.rows
        : NaN
    }
  }
  return scores
}

export const ridgeEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  make: () => ridgeRegression(),
  seconds: plainSeconds,
}
