/** What a new head costs: one file with its entry, and its line in a table of entries. Here both stand in the test. */
import { expect, test } from 'vitest'
import { compactEntry } from '../../src/heads/compact.js'
import { labelledRows, type RowHead } from '../../src/heads/head.js'
import { type HeadEntry, plainSeconds } from '../../src/heads/head-entry.js'
import { linearHead } from '../../src/heads/linear-form.js'
import { smoothedEntry } from '../../src/heads/smoothed.js'
import { argmaxRows, featureMatrix } from '../../src/numerics/matrix.js'
import { blobs, firstLabels, problem, share } from './problem.js'

/** Logits are inner products with the sums of each class's labelled rows. */
function classSums(): RowHead {
  const name = 'class sums'
  return {
    name,
    fit: async (given) => {
      const labelled = labelledRows(given)
      const { features, targets, classes } = labelled
      const weight = featureMatrix(features.columns, classes.length)
      for (let i = 0; i < features.rows; i++) {
        for (let j = 0; j < features.columns; j++) {
          weight.data[j * classes.length + targets[i]] += features.data[i * features.columns + j]
        }
      }
      const bias = new Float64Array(classes.length)
      return linearHead({ name, chosen: {}, weight, bias }, given, labelled)
    },
  }
}

const sumsEntry: HeadEntry<RowHead> = { worksOn: 'rows', make: classSums, seconds: plainSeconds }

const entries: Readonly<Record<string, HeadEntry>> = {
  sums: sumsEntry,
  'compact-sums': compactEntry(sumsEntry),
  'smoothed-sums': smoothedEntry(sumsEntry),
}

test.each(Object.entries(entries))('%s predicts rows given at fit and new ones', async (_, entry) => {
  const { features, truth } = blobs(120, 3, 8, 0.25)
  const fitted = await entry.make().fit(problem(features, firstLabels(truth, 4), 3))
  expect(share(argmaxRows(await fitted.probabilities()), truth)).toBeGreaterThan(0.95)
  expect(share(argmaxRows(await fitted.predict(features)), truth)).toBeGreaterThan(0.95)
  const size = { labelled: 12, trainImages: 120, components: 8, classCount: 3, epochs: 0 }
  expect(entry.seconds(size)).toBeGreaterThan(0)
})
