/** The images of a run under the labels that it has by now. */
import type { Dataset } from '../../data/dataset.js'
import { listed } from '../../data/image-set.js'

export interface RunLabels {
  readonly classNames: readonly string[]
  /** Positions in `classNames`. */
  readonly ofPath: ReadonlyMap<string, number>
  /** Paths of images that are none of these. */
  readonly none: ReadonlySet<string>
  /** Paths of images whose label was accepted with others for being sure. */
  readonly accepted: ReadonlySet<string>
  /** Paths of images that were drawn at random and labelled blind, those of none of the classes among them. */
  readonly blind: ReadonlySet<string>
}

/** A test split goes on judging: by the classes that there are now, of which it may have some and lack others. */
export function relabelled(
  dataset: Dataset,
  { classNames, ofPath, none, accepted, blind }: RunLabels,
): { readonly dataset: Dataset; readonly notes: readonly string[] } {
  const { train, test } = dataset
  const labels = Int32Array.from(train.paths, (path) => ofPath.get(path) ?? -1)
  const relabelledTrain = { ...train, labels, classNames }
  const there = (wanted: ReadonlySet<string>): Set<string> =>
    new Set(train.paths.filter((path) => wanted.has(path)))
  const found = {
    ...dataset,
    train: relabelledTrain,
    noneOfThese: there(none),
    accepted: there(accepted),
    blind: there(blind),
  }
  if (test === undefined) return { dataset: found, notes: [] }
  const judging = test.judgedBy(classNames)
  const notes = differences(test.classNames, classNames, judging.foreign, test.count)
  return { dataset: { ...found, test: judging.test, notes: [...dataset.notes, ...notes] }, notes }
}

/** What a reader has to know of accuracies on test images that have other classes. */
function differences(
  tested: readonly string[],
  labelled: readonly string[],
  foreign: number,
  images: number,
): string[] {
  const without = (all: readonly string[], others: readonly string[]): string =>
    listed(all.filter((name) => !others.includes(name)))
  const [lacking, extra] = [without(tested, labelled), without(labelled, tested)]
  return [
    ...(foreign === 0
      ? []
      : [
          `${foreign} of ${images} test images are of classes that no image is labelled with (${lacking}): every prediction of these counts as wrong.`,
        ]),
    ...(extra === '' ? [] : [`No test image is of ${extra}: accuracy on test images says nothing of these.`]),
  ]
}
