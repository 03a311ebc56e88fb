/** What self-training goes by (training/self-training.ts): what features and the labelled few say of all images, before and after it. */
import type { FeatureSpace } from '../features/feature-space.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { fitToChosen } from './choose-space.js'
import { type Confidence, confidenceOf } from './confidence.js'
import { type FittedHead, headProblem } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { createHead } from './registry.js'

/** The head that says it. */
export const GUIDING_HEAD = 'auto'

type Given = Parameters<typeof headProblem>[1]

export interface Guide {
  /** `[training images, classes]`, as sure as predictions of left-out labels are right. */
  readonly probabilities: FeatureMatrix
  /** How sure that is of new images. */
  readonly confidence: Confidence
  /** Position of the space that the labels chose. */
  readonly space: number
}

/**
 * By features that have seen no label: those of several spaces that the labels choose, as for a head of a fit by features. Features
 * that have learned from the labels are taken in the same space, since of these the labels could not judge.
 */
export async function guideBy(spaces: readonly FeatureSpace[], given: Given): Promise<Guide> {
  const { fitted, space } = await fitToChosen(createHead(GUIDING_HEAD), labelPropagation(), spaces, given)
  return {
    probabilities: await fitted.probabilities(),
    confidence: confidenceOf(fitted.parameters.settings),
    space: spaces.indexOf(space),
  }
}

/**
 * By features that have learned from these labels: predictions of labels left out would be of features that know them, and so say
 * nothing of how sure it may be.
 */
export const fitToTrained = (space: FeatureSpace, given: Given): Promise<FittedHead> =>
  createHead(GUIDING_HEAD).fit(headProblem(space, given))
