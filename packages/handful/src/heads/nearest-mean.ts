/**
 * Nearest class mean (Snell et al., "Prototypical networks", arXiv 1703.05175, without the network): the logit of a class
 * is minus half the squared distance to the mean of its labelled rows, times one temperature.
 */
import { featureMatrix, type FeatureMatrix } from '../features/matrix.js'
import { logitScale } from './calibrate.js'
import { labelledRows, softmaxRows, type Head, type LabelledRows } from './head.js'
import { linearHead } from './linear-form.js'

/** For rows of length 1: distances squared run from 0 to 4. */
const EXPECTED_SCALE = 10

export function nearestMean(): Head {
  const name = 'nearest class mean'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const means = classMeans(labelled)
      const outside = leaveOneOutLogits(labelled, means)
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

/** A row's own class has the mean of the others: the difference to it grows by n / (n - 1). */
function leaveOneOutLogits(labelled: LabelledRows, means: FeatureMatrix): FeatureMatrix {
  const { features, targets, counts } = labelled
  const { rows: classes, columns } = means
  const logits = featureMatrix(features.rows, classes)
  for (let i = 0; i < features.rows; i++) {
    const count = counts[targets[i]]
    for (let c = 0; c < classes; c++) {
      let square = 0
      for (let j = 0; j < columns; j++) {
        square += (features.data[i * columns + j] - means.data[c * columns + j]) ** 2
      }
      const growth = c === targets[i] ? (count / (count - 1)) ** 2 : 1
      logits.data[i * classes + c] = count < 2 ? NaN : (-square * growth) / 2
    }
  }
  return logits
}
