/**
 * Multinomial logistic regression with a squared penalty on the weights (not the biases):
 * `sum_i -log p(y_i | x_i) + strength / 2 |W|^2`. The strength is chosen on the labelled few by cross-validated
 * likelihood, one label left out at a time where there are few.
 */
import { featureMatrix, selectRows, type FeatureMatrix } from '../features/matrix.js'
import { pause } from '../features/pause.js'
import { labelledRows, softmaxRows, type Head, type LabelledRows } from './head.js'
import { lbfgs, type Objective } from './lbfgs.js'
import { linearHead } from './linear-form.js'
import { stratifiedFolds } from './folds.js'

export interface LogisticRegressionOptions {
  /** Strengths to choose from, strongest first. */
  readonly strengths?: readonly number[]
}

/** For rows of length 1. */
const STRENGTHS = [3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
/** With one label per class there is nothing to choose by. */
const DEFAULT_STRENGTH = 0.01
const CLOSE_ENOUGH = 1e-4

export function logisticRegression({ strengths = STRENGTHS }: LogisticRegressionOptions = {}): Head {
  const name = 'logistic regression'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const balanced = problem.classProportions === 'balanced'
      const weights = rowWeights(labelled, balanced)
      const { strength, leaveOneOut } = await chooseStrength(
        labelled,
        weights,
        strengths,
        stratifiedFolds(labelled, problem.random.child('logistic regression folds')),
      )
      const { weight, bias } = solve(
        labelled.features,
        labelled.targets,
        labelled.classes.length,
        weights,
        strength,
      )
      return linearHead({ name, chosen: { strength }, weight, bias, leaveOneOut }, problem, labelled)
    },
  }
}

/** All classes weigh the same where balance is asserted, whatever the labelled few look like. */
function rowWeights({ targets, counts, rows, classes }: LabelledRows, balanced: boolean): Float64Array {
  return Float64Array.from(targets, (target) =>
    balanced ? rows.length / (classes.length * counts[target]) : 1,
  )
}

interface Solution {
  readonly weight: FeatureMatrix
  readonly bias: Float64Array
  /** Both, to start the next strength from. */
  readonly flat: Float64Array
}

/** Fits at one strength. */
export function solve(
  features: FeatureMatrix,
  targets: Int32Array,
  classCount: number,
  rowWeight: Float64Array,
  strength: number,
  start?: Float64Array,
  tolerance = 1e-6,
): Solution {
  const { columns } = features
  const first = start ?? new Float64Array((columns + 1) * classCount)
  const objective = penalisedLikelihood(features, targets, classCount, rowWeight, strength)
  const flat = lbfgs(objective, first, { tolerance })
  const split = columns * classCount
  return {
    weight: featureMatrix(columns, classCount, Float32Array.from(flat.subarray(0, split))),
    bias: flat.slice(split),
    flat,
  }
}

/** Parameters are the weights `[columns, classes]`, then the biases. */
function penalisedLikelihood(
  { rows, columns, data }: FeatureMatrix,
  targets: Int32Array,
  classCount: number,
  rowWeight: Float64Array,
  strength: number,
): Objective {
  const split = columns * classCount
  const logits = new Float64Array(classCount)
  return (parameters, gradient) => {
    let value = 0
    gradient.fill(0)
    for (let k = 0; k < split; k++) {
      value += (strength / 2) * parameters[k] * parameters[k]
      gradient[k] = strength * parameters[k]
    }
    for (let i = 0; i < rows; i++) {
      const row = i * columns
      for (let c = 0; c < classCount; c++) logits[c] = parameters[split + c]
      for (let j = 0; j < columns; j++) {
        const x = data[row + j]
        for (let c = 0, at = j * classCount; c < classCount; c++) logits[c] += x * parameters[at + c]
      }
      value += rowWeight[i] * crossEntropy(logits, targets[i])
      for (let c = 0; c < classCount; c++) gradient[split + c] += rowWeight[i] * logits[c]
      for (let j = 0; j < columns; j++) {
        const x = rowWeight[i] * data[row + j]
        for (let c = 0, at = j * classCount; c < classCount; c++) gradient[at + c] += x * logits[c]
      }
    }
    return value
  }
}

/** Returns -log softmax(logits)[target] and leaves the gradient by the logits in their place. */
function crossEntropy(logits: Float64Array, target: number): number {
  let largest = -Infinity
  for (const logit of logits) if (logit > largest) largest = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - largest)
  const loss = largest + Math.log(sum) - logits[target]
  for (let c = 0; c < logits.length; c++) logits[c] = Math.exp(logits[c] - largest) / sum
  logits[target] -= 1
  return loss
}

async function chooseStrength(
  labelled: LabelledRows,
  weights: Float64Array,
  strengths: readonly number[],
  folds: readonly Int32Array[],
): Promise<{ strength: number; leaveOneOut?: FeatureMatrix }> {
  const { features, targets, classes, counts } = labelled
  if (counts.every((count) => count < 2)) return { strength: DEFAULT_STRENGTH }
  const classCount = classes.length
  const likelihoods = strengths.map(() => 0)
  const outside = strengths.map(() => featureMatrix(targets.length, classCount))
  for (const matrix of outside) matrix.data.fill(NaN)
  const rest = pause()
  for (const fold of folds) {
    const held = new Set(fold)
    const kept = Int32Array.from(targets.keys()).filter((i) => !held.has(i))
    const keptFeatures = selectRows(features, kept)
    const keptTargets = Int32Array.from(kept, (i) => targets[i])
    const keptWeights = Float64Array.from(kept, (i) => weights[i])
    let start: Float64Array | undefined
    for (const [s, strength] of strengths.entries()) {
      const fit = solve(keptFeatures, keptTargets, classCount, keptWeights, strength, start, CLOSE_ENOUGH)
      start = fit.flat
      for (const i of fold) {
        // A class whose only label is held out cannot be predicted at any strength.
        if (counts[targets[i]] < 2) continue
        const probabilities = predictRow(features, i, fit)
        outside[s].data.set(probabilities.data, i * classCount)
        likelihoods[s] += weights[i] * Math.log(Math.max(probabilities.data[targets[i]], 1e-12))
      }
      await rest()
    }
  }
  const best = likelihoods.indexOf(Math.max(...likelihoods))
  return { strength: strengths[best], leaveOneOut: outside[best] }
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
