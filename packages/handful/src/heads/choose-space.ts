/**
 * Which of several feature spaces of the same images a head is fitted to: the one that the labelled few speak for, by what fits
 * say of labels that they have not seen, and the unlabelled many, by how well the classes that labels spread to follow the
 * space's own neighbour graph. With one label a class there is the second alone. Test labels have no say.
 */
import type { FeatureSpace } from '../features/feature-space.js'
import { type Calibrated, fitCalibrated } from './calibrated.js'
import { AS_SAID, leftOutLikelihood } from './confidence.js'
import { type Head, headProblem } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { graphModularity } from './modularity.js'

/** Nats of left-out labels that all of modularity is worth; its own differences are hundredths. */
const NATS_OF_MODULARITY = 200

/** A calibrated fit, and the space that it is in. */
export type ChosenFit = Calibrated & { readonly space: FeatureSpace }

/** Fits a head to each space and keeps the fit with the most evidence, of equals the first. */
export async function fitToChosen(
  head: Head,
  spaces: readonly FeatureSpace[],
  given: Parameters<typeof headProblem>[1],
): Promise<ChosenFit> {
  let best: { readonly fit: ChosenFit; readonly evidence: number } | undefined
  for (const space of spaces) {
    const problem = headProblem(space, given)
    const fit = { ...(await fitCalibrated(head, problem)), space }
    if (spaces.length === 1) return fit
    const spread = await labelPropagation().fit(problem)
    const followed = await graphModularity(spread, problem)
    const evidence =
      leftOutLikelihood(fit.left.inductive, fit.left.truth, AS_SAID) + NATS_OF_MODULARITY * followed
    if (best === undefined || evidence > best.evidence) best = { fit, evidence }
  }
  if (best === undefined) throw new Error('internal: fitToChosen: got no space, expected some')
  return best.fit
}
