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

/** What a head is fitted to. */
type Given = Parameters<typeof headProblem>[1]

/**
 * Fits a head in the space with the most evidence, of equals in the first.
 * @param judge whose left-out labels tell spaces apart: propagation, unless the head looks for something else in them
 */
export async function fitToChosen(
  head: Head,
  judge: Head,
  spaces: readonly FeatureSpace[],
  given: Given,
): Promise<Calibrated & { readonly space: FeatureSpace }> {
  const space = await chosenSpace(judge, spaces, given)
  return { ...(await fitCalibrated(head, headProblem(space, given))), space }
}

async function chosenSpace(
  judge: Head,
  spaces: readonly FeatureSpace[],
  given: Given,
): Promise<FeatureSpace> {
  let best = { space: spaces[0], evidence: -Infinity }
  if (spaces.length === 1) return best.space
  for (const space of spaces) {
    const problem = headProblem(space, given)
    const { inductive, truth } = (await fitCalibrated(judge, problem)).left
    const followed = await graphModularity(await labelPropagation().fit(problem), problem)
    const evidence = leftOutLikelihood(inductive, truth, AS_SAID) + NATS_OF_MODULARITY * followed
    if (evidence > best.evidence) best = { space, evidence }
  }
  return best.space
}
