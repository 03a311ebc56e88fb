/**
 * The labelled few of an experiment: from a data set whose labels are all known, a random draw of n images per class
 * keeps its labels and the rest counts as unlabelled (RECIPES: "labels per class").
 */
import { Random } from 'onnx-autodiff/random'
import { HandfulError, quoted } from '../errors.js'
import { countLabels, type ImageSet } from './image-set.js'

/**
 * Hides all labels but `perClass` of each class, drawn without replacement.
 *
 * @param labels `[count]`, class indices, -1 where unknown; left as it is
 * @param random gives the draw; each class has a child stream of its own, so that a draw of 4 contains the draw of 2
 * @param classNames for messages
 * @returns `[count]`, -1 where hidden
 * @throws HandfulError if a class has fewer labelled images than asked for
 */
export function drawLabels(
  labels: Int32Array,
  perClass: number,
  random: Random,
  classNames: readonly string[] = [],
): Int32Array {
  if (!Number.isSafeInteger(perClass) || perClass < 1) {
    throw new HandfulError({
      what: 'labels per class',
      got: `${perClass}`,
      expected: 'an integer of at least 1',
    })
  }
  const members: number[][] = []
  labels.forEach((label, index) => {
    if (label >= 0) (members[label] ??= []).push(index)
  })
  const drawn = new Int32Array(labels.length).fill(-1)
  for (let label = 0; label < members.length; label++) {
    const candidates = members[label] ?? []
    if (candidates.length < perClass) {
      throw new HandfulError({
        what: 'labels per class',
        where: label < classNames.length ? `class ${quoted(classNames[label])}` : `class ${label}`,
        got: `${perClass}`,
        expected: `at most ${candidates.length}, its labelled images`,
      })
    }
    random.child(`class ${label}`).shuffle(candidates)
    for (const index of candidates.slice(0, perClass)) drawn[index] = label
  }
  return drawn
}

/** Which images count as labelled: so many of each class, drawn so often, each draw from its own stream of the seed. */
export interface LabelDraws {
  /** Labelled images of each class; undefined for all labels, once. */
  readonly labelsPerClass?: number
  readonly draws: number
  readonly seed: number
}

/**
 * The labels of each draw, [images] each, -1 where hidden. What a draw holds depends on the seed and its number alone.
 * @throws HandfulError (wrong use) if a class has fewer labels than asked for
 */
export function labelDraws(
  { labels, classNames, name }: Pick<ImageSet, 'labels' | 'classNames' | 'name'>,
  { labelsPerClass, draws, seed }: LabelDraws,
): Int32Array[] {
  if (labelsPerClass === undefined) return [labels]
  const fewest = Math.min(...countLabels(labels, classNames.length))
  if (fewest < labelsPerClass) {
    throw new HandfulError({
      what: 'labels per class',
      where: name,
      got: `${labelsPerClass}`,
      expected: `at most ${fewest}, which is what the smallest class has`,
      hint: `use --labels-per-class ${fewest} or less`,
      exitCode: 2,
    })
  }
  return Array.from({ length: draws }, (_, draw) =>
    drawLabels(labels, labelsPerClass, new Random(seed, `labelled images/draw ${draw}`)),
  )
}
