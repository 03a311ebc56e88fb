/**
 * Multinomial logistic regression with a squared penalty on the weights (not the biases):
 * `sum_i -log p(y_i | x_i) + strength / 2 |W|^2`. The strength is chosen on the labelled few by cross-validated
 * likelihood, one label left out at a time where there are few.
 */
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { featureMatrix, selectRows, type FeatureMatrix } from '../numerics/matrix.js'
import { pause } from '../numerics/pause.js'
import { canJudge, labelledRows, softmaxRows, type LabelledRows, type RowHead } from './head.js'
import { lbfgs, type Objective } from '../numerics/lbfgs.js'
import { linearHead } from './linear-form.js'
import { rowSpace } from '../numerics/row-space.js'
import { stratifiedFolds } from './folds.js'
import type { HeadEntry } from './head-entry.js'

export interface LogisticRegressionOptions {
  /** Strengths to choose from, strongest first. */
  readonly strengths?: readonly number[]
  /** Whether `leaveOneOut` is wanted, which with one strength is all that folds are for. Default true. */
  readonly leaveOneOut?: boolean
}

/** For rows of length 1. */
const STRENGTHS = [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
/** With one label per class there is nothing to choose by. */
const DEFAULT_STRENGTH = 0.01
/** Weaker strengths are no longer tried once so many in a row have made the likelihood worse: they are the slowest to fit. */
const WORSE_IN_A_ROW = 2
/** Where a fit ends. */
interface Accuracy {
  /** Largest element of the gradient, for each labelled row: the gradient is a sum over them. */
  readonly tolerance: number
  /** Share of the likelihood that a step has to promise. */
  readonly precision: number
}

/** At the strength chosen; products in float32 cannot tell more. */
const exact = (large: boolean): Accuracy => ({ tolerance: 1e-7, precision: large ? 1e-8 : 0 })
/** While strengths are compared: what is left makes no difference between them. */
const CLOSE_ENOUGH: Accuracy = { tolerance: 3e-6, precision: 1e-5 }
/** Multiplications of one product from which it pays to hand it to the linear algebra. */
const LARGE_PRODUCT = 100_000

/**
 * The head `linear`: multinomial logistic regression whose penalty is chosen on the labelled rows by cross-validated
 * likelihood.
 */
export function logisticRegression({
  strengths = STRENGTHS,
  leaveOneOut: wanted = true,
}: LogisticRegressionOptions = {}): RowHead {
  const name = 'logistic regression'
  return {
    name,
    async fit(problem) {
      const found = labelledRows(problem)
      const { linearAlgebra } = problem
      const space = rowSpace(found.features)
      const labelled = { ...found, features: space.features }
      const folds = stratifiedFolds(labelled, problem.random.child('logistic regression folds'))
      const { strength, leaveOneOut } = await chooseStrength(
        { labelled, strengths, folds, wanted },
        linearAlgebra,
      )
      const { features, targets, classes } = labelled
      const whole = { features, targets, classCount: classes.length }
      const { weight, bias } = await solve(whole, strength, exact(isLarge(whole)), linearAlgebra)
      const fit = { name, chosen: { strength }, weight: space.weightOf(weight), bias, leaveOneOut }
      return {
        ...linearHead(fit, problem, labelled),
        settled:
          strengths.length > 1
            ? logisticRegression({ strengths: [strength], leaveOneOut: false })
            : undefined,
      }
    },
  }
}

interface Problem {
  readonly features: FeatureMatrix
  readonly targets: Int32Array
  readonly classCount: number
}

interface Solution {
  readonly weight: FeatureMatrix
  readonly bias: Float64Array
  /** Both, to start the next strength from. */
  readonly flat: Float64Array
}

const isLarge = ({ features: { rows, columns }, classCount }: Problem): boolean =>
  rows * columns * classCount >= LARGE_PRODUCT

/** Fits at one strength. */
export async function solve(
  problem: Problem,
  strength: number,
  { tolerance, precision }: Accuracy,
  linearAlgebra: LinearAlgebra,
  start?: Float64Array,
): Promise<Solution> {
  const { features, classCount } = problem
  const { rows, columns } = features
  const first = start ?? new Float64Array((columns + 1) * classCount)
  const objective = isLarge(problem)
    ? likelihoodByProducts(problem, strength, linearAlgebra)
    : penalisedLikelihood(problem, strength)
  const flat = await lbfgs(objective, first, { tolerance: tolerance * Math.max(rows, 30), precision })
  const split = columns * classCount
  return {
    weight: featureMatrix(columns, classCount, Float32Array.from(flat.subarray(0, split))),
    bias: flat.slice(split),
    flat,
  }
}

/** Parameters are the weights `[columns, classes]`, then the biases. */
function penalisedLikelihood(
  { features: { rows, columns, data }, targets, classCount }: Problem,
  strength: number,
): Objective {
  const split = columns * classCount
  const logits = new Float64Array(classCount)
  return (parameters, gradient) => {
    let value = penalty(parameters, gradient, split, strength)
    for (let i = 0; i < rows; i++) {
      const row = i * columns
      for (let c = 0; c < classCount; c++) logits[c] = parameters[split + c]
      for (let j = 0; j < columns; j++) {
        const x = data[row + j]
        for (let c = 0, at = j * classCount; c < classCount; c++) logits[c] += x * parameters[at + c]
      }
      value += crossEntropy(logits, targets[i])
      for (let c = 0; c < classCount; c++) gradient[split + c] += logits[c]
      for (let j = 0; j < columns; j++) {
        const x = data[row + j]
        for (let c = 0, at = j * classCount; c < classCount; c++) gradient[at + c] += x * logits[c]
      }
    }
    return value
  }
}

/** The same with its two products in float32 through the linear algebra: tens of times faster with many classes or labels. */
function likelihoodByProducts(
  { features, targets, classCount }: Problem,
  strength: number,
  linearAlgebra: LinearAlgebra,
): Objective {
  const { rows, columns } = features
  const split = columns * classCount
  const residuals = featureMatrix(rows, classCount)
  const logits = new Float64Array(classCount)
  return async (parameters, gradient) => {
    let value = penalty(parameters, gradient, split, strength)
    const weight = featureMatrix(columns, classCount, Float32Array.from(parameters.subarray(0, split)))
    const products = await linearAlgebra.matmul(features, weight)
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < classCount; c++)
        logits[c] = products.data[i * classCount + c] + parameters[split + c]
      value += crossEntropy(logits, targets[i])
      for (let c = 0; c < classCount; c++) {
        const residual = logits[c]
        residuals.data[i * classCount + c] = residual
        gradient[split + c] += residual
      }
    }
    const slopes = await linearAlgebra.matmul(features, residuals, { transposeA: true })
    for (let k = 0; k < split; k++) gradient[k] += slopes.data[k]
    return value
  }
}

/** Starts the gradient with the penalty's and returns the penalty. */
function penalty(parameters: Float64Array, gradient: Float64Array, split: number, strength: number): number {
  let value = 0
  gradient.fill(0)
  for (let k = 0; k < split; k++) {
    value += (strength / 2) * parameters[k] * parameters[k]
    gradient[k] = strength * parameters[k]
  }
  return value
}

/** Returns -log softmax(logits)[target] and leaves the gradient by the logits in their place. */
function crossEntropy(logits: Float64Array, target: number): number {
  let largest = -Infinity
  for (const logit of logits) if (logit > largest) largest = logit
  const own = logits[target]
  let sum = 0
  for (let c = 0; c < logits.length; c++) sum += logits[c] = Math.exp(logits[c] - largest)
  const loss = largest + Math.log(sum) - own
  for (let c = 0; c < logits.length; c++) logits[c] /= sum
  logits[target] -= 1
  return loss
}

interface Choice {
  readonly labelled: LabelledRows
  readonly strengths: readonly number[]
  readonly folds: readonly Int32Array[]
  /** Whether probabilities of the labels left out are. */
  readonly wanted: boolean
}

/** What is fitted without a fold, and where it has come to at the last strength. */
interface Kept extends Problem {
  readonly fold: Int32Array
  start?: Float64Array
}

async function chooseStrength(
  { labelled, strengths, folds, wanted }: Choice,
  linearAlgebra: LinearAlgebra,
): Promise<{ strength: number; leaveOneOut?: FeatureMatrix }> {
  const { features, targets, classes } = labelled
  if (!targets.some((_, i) => canJudge(labelled, i))) return { strength: DEFAULT_STRENGTH }
  if (strengths.length === 1 && !wanted) return { strength: strengths[0] }
  const classCount = classes.length
  const parts = folds.map((fold): Kept => {
    const held = new Set(fold)
    const kept = Int32Array.from(targets.keys()).filter((i) => !held.has(i))
    return {
      fold,
      features: selectRows(features, kept),
      targets: Int32Array.from(kept, (i) => targets[i]),
      classCount,
    }
  })
  let best: { strength: number; leaveOneOut?: FeatureMatrix } = { strength: strengths[0] }
  let highest = -Infinity
  let worse = 0
  const rest = pause()
  for (const strength of strengths) {
    const outside = featureMatrix(targets.length, classCount)
    outside.data.fill(NaN)
    let likelihood = 0
    for (const part of parts) {
      const fit = await solve(part, strength, CLOSE_ENOUGH, linearAlgebra, part.start)
      part.start = fit.flat
      for (const i of part.fold) {
        // A class whose only label is held out cannot be predicted at any strength.
        if (!canJudge(labelled, i)) continue
        const probabilities = predictRow(features, i, fit)
        outside.data.set(probabilities.data, i * classCount)
        likelihood += Math.log(Math.max(probabilities.data[targets[i]], 1e-12))
      }
      await rest()
    }
    if (likelihood > highest) {
      highest = likelihood
      best = { strength, leaveOneOut: outside }
      worse = 0
    } else if (++worse === WORSE_IN_A_ROW) break
  }
  return best
}

function predictRow(features: FeatureMatrix, row: number, { weight, bias }: Solution): FeatureMatrix {
  const logits = featureMatrix(1, bias.length, Float32Array.from(bias))
  for (let j = 0; j < features.columns; j++) {
    const x = features.data[row * features.columns + j]
    for (let c = 0; c < bias.length; c++) logits.data[c] += x * weight.data[j * bias.length + c]
  }
  softmaxRows(logits)
  return logits
}

export const linearEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  make: () => logisticRegression(),
  seconds: ({ labelled, components, classCount }) =>
    0.5 + Math.min(1, labelled / 160) + labelled * components * classCount * 1e-6,
  alwaysCompared: true,
}
