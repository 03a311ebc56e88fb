/** How often a network of FixMatch is right: by test images, or by the labelled ones that it was trained without. */
import { z } from 'zod'
import type { TestSet } from '../../data/test-set.js'
import { AS_SAID, type Confidence, doubtOf } from '../../heads/confidence.js'
import { type JudgedRows, type Judges, judgingRows, verdictOf } from '../../heads/judges.js'
import { featureMatrix, type FeatureMatrix, mostProbable } from '../../numerics/matrix.js'
import { confidenceBinSchema } from '../../numerics/reliability.js'

/** What is known of how often a network is right. */
export const judgedSchema = z.object({
  accuracy: z.number().min(0).max(1),
  images: z.int().nonnegative(),
  confusion: z.array(z.array(z.number())),
  reliability: z.array(confidenceBinSchema),
})

export type Judged = z.infer<typeof judgedSchema>

/** Of labels that nothing was left out of: as sure as the network, but for what so many labels leave open. */
export const unjudged = (labels: Int32Array): Confidence => ({
  ...AS_SAID,
  doubt: doubtOf(labels.filter((label) => label >= 0).length),
})

/** Predictions of test images, counted. */
export function judgedOnTest(test: TestSet, probabilities: FeatureMatrix): Judged {
  const { predicted, probability } = mostProbable(probabilities)
  const { accuracy, confusion } = test.score(predicted)
  return {
    accuracy,
    images: test.count,
    confusion: confusion.map((row) => [...row]),
    reliability: test.reliability(predicted, probability),
  }
}

/** Of all parts together; undefined without any. */
export function leftOutOf(
  parts: readonly {
    readonly rows: readonly number[]
    readonly truth: readonly number[]
    readonly probabilities: readonly number[]
  }[],
  classCount: number,
): JudgedRows | undefined {
  if (parts.length === 0) return undefined
  const truth = Int32Array.from(parts.flatMap((part) => part.truth))
  const data = Float32Array.from(parts.flatMap(({ probabilities }) => probabilities))
  return {
    rows: Int32Array.from(parts.flatMap((part) => part.rows)),
    truth,
    probabilities: featureMatrix(truth.length, classCount, data),
  }
}

/** Labels that the network was not trained on; undefined where there are none. */
export function judgedOnLabels(
  { rows, truth, probabilities }: JudgedRows,
  judges: Judges,
): Judged | undefined {
  const judging = judgingRows({ rows, truth, inductive: probabilities }, judges)
  const verdict = verdictOf([judging], judges, probabilities.columns)
  if (verdict === undefined) return undefined
  const { accuracy, confusion, reliability } = verdict
  return { accuracy, images: verdict.rows.length + judges.ofNone, confusion, reliability }
}
