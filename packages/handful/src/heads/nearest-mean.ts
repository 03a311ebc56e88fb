/**
 * Nearest class mean (Snell et al., "Prototypical networks", arXiv 1703.05175, without the network): the logit of a class
 * is minus half the squared distance to its mean, times one temperature. A mean of n rows lies off the true one by v / n
 * on average (v the variance within classes), which is taken off the distance: it matters where classes have unlike
 * numbers of labels, and to leave-one-out, where the own class has one less.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { logitScale } from './calibrate.js'
import { canJudge, labelledRows, softmaxRows, type LabelledRows, type RowHead } from './head.js'
import { linearHead } from './linear-form.js'
import { type HeadEntry, plainSeconds } from './head-entry.js'

/** For rows of length 1: distances squared run from 0 to 4. */
const EXPECTED_SCALE = 10

/**
 * The head `prototypes`: the nearest class mean (Snell et al., arXiv 1703.05175), with one temperature fitted to the
 * labelled rows.
 */
export function nearestMean(): RowHead {
  const name = 'nearest class mean'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const means = classMeans(labelled)
      const variance = varianceWithin(labelled, means)
      const outside = leaveOneOutLogits(labelled, means, variance)
      const scale = logitScale(outside, labelled.targets, EXPECTED_SCALE)
      softmaxRows(outside, scale)
      const { rows: classes, columns } = means
      const weight = featureMatrix(columns, classes)
      const bias = new Float64Array(classes)
      for (let c = 0; c < classes; c++) {
        for (let j = 0; j < columns; j++) {
          const value = means.data[c * columns + j]
          weight.data[j * classes + c] = scale * value
          bias[c] -= (scale / 2) * value * value
        }
        bias[c] += ((scale / 2) * variance) / labelled.counts[c]
      }
      const chosen = { 'logit scale': scale }
      return linearHead({ name, chosen, weight, bias, leaveOneOut: outside }, problem, labelled)
    },
  }
}

/** `[classes, columns]` */
function classMeans({ features, targets, classes, counts }: LabelledRows): FeatureMatrix {
  const { rows, columns, data } = features
  const sums = new Float64Array(classes.length * columns)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) sums[targets[i] * columns + j] += data[i * columns + j]
  }
  return featureMatrix(
    classes.length,
    columns,
    Float32Array.from(sums, (sum, at) => sum / counts[Math.floor(at / columns)]),
  )
}

/** Variance of rows about their class's mean, all dimensions together; 0 where no class has two labels. */
function varianceWithin({ features, targets, classes }: LabelledRows, means: FeatureMatrix): number {
  const freedom = features.rows - classes.length
  let sum = 0
  for (let i = 0; i < features.rows; i++) sum += squaredDistance(features, i, means, targets[i])
  return freedom > 0 ? sum / freedom : 0
}

function squaredDistance(a: FeatureMatrix, row: number, b: FeatureMatrix, other: number): number {
  let sum = 0
  for (let j = 0; j < a.columns; j++)
    sum += (a.data[row * a.columns + j] - b.data[other * a.columns + j]) ** 2
  return sum
}

/** A row's own class has the mean of the others: the difference to it grows by n / (n - 1). */
function leaveOneOutLogits(labelled: LabelledRows, means: FeatureMatrix, variance: number): FeatureMatrix {
  const { features, targets, counts } = labelled
  const classes = means.rows
  const logits = featureMatrix(features.rows, classes)
  for (let i = 0; i < features.rows; i++) {
    for (let c = 0; c < classes; c++) {
      const square = squaredDistance(features, i, means, c)
      const own = c === targets[i]
      const growth = own ? (counts[c] / (counts[c] - 1)) ** 2 : 1
      const excess = variance / (own ? counts[c] - 1 : counts[c])
      logits.data[i * classes + c] = canJudge(labelled, i) ? (excess - square * growth) / 2 : NaN
    }
  }
  return logits
}

export const prototypesEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  make: () => nearestMean(),
  seconds: plainSeconds,
}
