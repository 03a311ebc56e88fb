/** How often a network of FixMatch is right: by test images, or by the labelled ones that it was trained without. */
import { z } from 'zod'
import type { TestSet } from '../../data/test-set.js'
import { AS_SAID, type Confidence, doubtOf, sharpened } from '../../heads/confidence.js'
import { featureMatrix, type FeatureMatrix, mostProbable } from '../../numerics/matrix.js'
import { confidenceBins, confidenceBinSchema } from '../../numerics/reliability.js'

/** What is known of how often a network is right. */
export const judgedSchema = z.object({
  accuracy: z.number().min(0).max(1),
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
    confusion: confusion.map((row) => [...row]),
    reliability: test.reliability(predicted, probability),
  }
}

export interface LeftOutLabels {
  readonly truth: Int32Array
  readonly probabilities: FeatureMatrix
}

/** Of all parts together; undefined without any. */
export function leftOutOf(
  parts: readonly { readonly truth: readonly number[]; readonly probabilities: readonly number[] }[],
  classCount: number,
): LeftOutLabels | undefined {
  if (parts.length === 0) return undefined
  const truth = Int32Array.from(parts.flatMap((part) => part.truth))
  const data = Float32Array.from(parts.flatMap(({ probabilities }) => probabilities))
  return { truth, probabilities: featureMatrix(truth.length, classCount, data) }
}

export function judgedOnLeftOut({ truth, probabilities }: LeftOutLabels, confidence: Confidence): Judged {
  const classes = probabilities.columns
  const { predicted, probability } = mostProbable(sharpened(probabilities, confidence))
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  truth.forEach((label, i) => confusion[label][predicted[i]]++)
  const isRight = (i: number): boolean => predicted[i] === truth[i]
  return {
    accuracy: truth.filter((_, i) => isRight(i)).length / truth.length,
    confusion,
    reliability: confidenceBins(probability, isRight),
  }
}
