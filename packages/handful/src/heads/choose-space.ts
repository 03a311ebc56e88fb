/**
 * Which of several feature spaces of the same images a head is fitted to: the one that the labelled few speak for, by what fits
 * say of labels that they have not seen, and the unlabelled many, by how well the classes that labels spread to follow the
 * space's own neighbour graph. With one label a class there is the second alone, and without any label made-up ones spread. Test
 * labels have no say.
 */
import type { Random } from 'onnx-autodiff'
import type { FeatureSpace } from '../features/feature-space.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { type Calibrated, fitCalibrated } from './calibrated.js'
import { AS_SAID, leftOutLikelihood } from './confidence.js'
import { type Head, type HeadProblem, headProblem } from './head.js'
import { labelPropagation } from './label-propagation.js'
import { fitAsking } from './left-out.js'
import { graphModularity } from './modularity.js'

/** Nats of left-out labels that all of modularity is worth; its own differences are hundredths. */
const NATS_OF_MODULARITY = 200
/** Nats by which another space than the first has to be ahead of it: less is noise. */
const CAUTION = 2

/** What a head is fitted to. */
type Given = Parameters<typeof headProblem>[1]

export interface ChosenFit extends Calibrated {
  readonly space: FeatureSpace
  /** `[unseen, classes]` probabilities of the rows that were asked for. */
  readonly ofUnseen?: FeatureMatrix
}

/**
 * Fits a head in the space with the most evidence; the first one, in which all parts weigh the same, needs the least.
 * @param judge whose left-out labels tell spaces apart: propagation, unless the head looks for something else in them
 * @param unseen rows without a label here, which the fit is asked for as if they were new images
 */
export async function fitToChosen(
  head: Head,
  judge: Head,
  spaces: readonly FeatureSpace[],
  given: Given,
  unseen?: Int32Array,
): Promise<ChosenFit> {
  const space = await chosenSpace(judge, spaces, given)
  const fit = await fitAsking(headProblem(space, given), unseen, (problem) => fitCalibrated(head, problem))
  return { ...fit, space }
}

async function chosenSpace(
  judge: Head,
  spaces: readonly FeatureSpace[],
  given: Given,
): Promise<FeatureSpace> {
  if (spaces.length === 1) return spaces[0]
  const evidence: number[] = []
  for (const space of spaces) evidence.push(await spaceEvidence(judge, space, given))
  return spaces[mostEvident(evidence)]
}

/** What labels and graph say for a space, in nats. */
export async function spaceEvidence(judge: Head, space: FeatureSpace, given: Given): Promise<number> {
  const problem = headProblem(space, given)
  const { inductive, truth } = (await fitCalibrated(judge, problem)).left
  return leftOutLikelihood(inductive, truth, AS_SAID) + NATS_OF_MODULARITY * (await followed(problem))
}

/** Position of the space with most evidence; the first needs the least, since in it all parts weigh the same. */
export function mostEvident(evidence: readonly number[]): number {
  const cautious = evidence.map((nats, i) => (i === 0 ? nats : nats - CAUTION))
  return cautious.indexOf(Math.max(...cautious))
}

/** How well the classes that labels spread to follow the graph that they spread by. */
const followed = async (problem: HeadProblem): Promise<number> =>
  graphModularity(await labelPropagation().fit(problem), problem)

/** Images that stand for a class of their own where there are no labels, and how often they are drawn. */
const MADE_UP_CLASSES = 12
const MADE_UP_DRAWS = 8

/** Position of the space that labels of any kind are likely to follow best, as far as can be told without one. */
export async function likeliestSpace(spaces: readonly FeatureSpace[], random: Random): Promise<number> {
  if (spaces.length === 1) return 0
  const means = new Float64Array(spaces.length).fill(-CAUTION / NATS_OF_MODULARITY)
  means[0] = 0
  const { rows } = spaces[0].train
  const classCount = Math.min(MADE_UP_CLASSES, rows)
  for (let draw = 0; draw < MADE_UP_DRAWS; draw++) {
    const stream = random.child(`made-up labels ${draw}`)
    const labels = new Int32Array(rows).fill(-1)
    stream
      .permutation(rows)
      .slice(0, classCount)
      .forEach((row, c) => (labels[row] = c))
    for (const [i, space] of spaces.entries()) {
      const problem = headProblem(space, { labels, classCount, random: stream })
      means[i] += (await followed(problem)) / MADE_UP_DRAWS
    }
  }
  return means.indexOf(Math.max(...means))
}
