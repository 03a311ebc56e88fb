/** What features and the labelled few say of all images, for a network that learns on from it (training/self-training.ts). */
import type { FeatureSpace } from '../features/feature-space.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { fitCalibrated } from './calibrated.js'
import { headProblem } from './head.js'
import { createHead } from './registry.js'

/** The head that says it: as sure as its predictions of left-out labels are right. */
export const GUIDING_HEAD = 'auto'

/** `[training images, classes]` */
export async function guideFrom(
  space: FeatureSpace,
  given: Parameters<typeof headProblem>[1],
): Promise<FeatureMatrix> {
  const { fitted } = await fitCalibrated(createHead(GUIDING_HEAD), headProblem(space, given))
  return fitted.probabilities()
}
