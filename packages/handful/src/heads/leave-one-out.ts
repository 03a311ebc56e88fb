/**
 * What the labelled few themselves say about a head: each is predicted from the others, by the head's own shortcut where
 * it has one, else by fitting it again without.
 */
import { argmaxRows, featureMatrix, type FeatureMatrix, selectRows } from '../numerics/matrix.js'
import { stratifiedFolds } from './folds.js'
import { type FittedHead, type Head, type HeadProblem, labelledRows } from './head.js'

/** Classes of the labelled rows that could be judged, in the order of the rows. */
export interface LeftOut {
  readonly truth: Int32Array
  readonly predicted: Int32Array
}

/**
 * Rows whose class has no other label cannot be judged, nor those that the head has no prediction for. The share of right
 * answers errs on the low side, since each has a label less to go by; labels that were chosen actively bias it either way.
 */
export async function leaveOneOut(head: Head, fitted: FittedHead, problem: HeadProblem): Promise<LeftOut> {
  const { rows, classes, targets, counts } = labelledRows(problem)
  if (counts.every((count) => count < 2)) return { truth: new Int32Array(), predicted: new Int32Array() }
  const probabilities = fitted.leaveOneOut ?? (await refitted(head, problem))
  const predicted = argmaxRows(probabilities)
  const judged = Int32Array.from(rows.keys()).filter(
    (i) => counts[targets[i]] > 1 && !Number.isNaN(probabilities.data[i * probabilities.columns]),
  )
  return { truth: judged.map((i) => classes[targets[i]]), predicted: judged.map((i) => predicted[i]) }
}

/** `[labelled, classCount]` probabilities of each fold from a fit without its labels. */
async function refitted(head: Head, problem: HeadProblem): Promise<FeatureMatrix> {
  const labelled = labelledRows(problem)
  const result = featureMatrix(labelled.rows.length, problem.classCount)
  result.data.fill(NaN)
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
