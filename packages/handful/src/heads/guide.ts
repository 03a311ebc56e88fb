/** What self-training goes by (training/self-training.ts): what features and the labelled few say of all images, before and after it. */
import type { FeatureSpace } from '../features/feature-space.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { fitCalibrated } from './calibrated.js'
import { type Confidence, confidenceOf } from './confidence.js'
import { type FittedHead, headProblem } from './head.js'
import { createHead } from './registry.js'

/** The head that says it. */
export const GUIDING_HEAD = 'auto'

type Given = Parameters<typeof headProblem>[1]

export interface Guide {
  /** `[training images, classes]`, as sure as predictions of left-out labels are right. */
  readonly probabilities: FeatureMatrix
  /** How sure that is of new images. */
  readonly confidence: Confidence
}

/** By features that have seen no label. */
export async function guideBy(space: FeatureSpace, given: Given): Promise<Guide> {
  const { fitted } = await fitCalibrated(createHead(GUIDING_HEAD), headProblem(space, given))
  return { probabilities: await fitted.probabilities(), confidence: confidenceOf(fitted.parameters.settings) }
}

/**
 * By features that have learned from these labels: predictions of labels left out would be of features that know them, and so say
 * nothing of how sure it may be.
 */
export const fitToTrained = (space: FeatureSpace, given: Given): Promise<FittedHead> =>
  createHead(GUIDING_HEAD).fit(headProblem(space, given))
