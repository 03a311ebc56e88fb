/**
 * The stages of `handful fit` on a run whose model and features are there, by the labels of its journal: heads, classifier,
 * predictions and report are made again, and what was there stays until each is whole.
 */
import type { Dataset } from '../../data/dataset.js'
import type { RunReport } from '../../draw/run-report.js'
import { listed } from '../../data/image-set.js'
import { HandfulError, printable } from '../../errors.js'
import { shellWord } from '../../errors/shell.js'
import { Workbench } from '../../labelling/workbench.js'
import { CLASSIFYING_RUNS } from '../../names.js'
import { locateImages } from '../../runs/image-record.js'
import { RunFolder } from '../../runs/run-folder.js'
import type { JobContext } from '../../training/progress.js'
import { type Brought, checkPlugins } from '../../runs/brought.js'
import { runFit } from '../fit/run.js'
import type { Session } from '../option.js'
import { asFit } from '../prepare/prepare-options.js'
import { runOfCommand } from '../run-of-command.js'

export interface RefitOptions {
  readonly run: string
  readonly threads: number
  readonly device: string
}

export interface RefitResult {
  readonly report: RunReport
  readonly classes: number
  readonly labelled: number
}

/** @throws HandfulError for a run without features, labels of fewer than two classes, or images that are gone */
export async function runRefit(
  { run: folder, threads, device }: RefitOptions,
  context: JobContext & Brought,
  session: Session,
): Promise<RefitResult> {
  const saved = await runOfCommand(folder, CLASSIFYING_RUNS)
  for (const note of checkPlugins(saved, context, folder)) context.progress.message(note)
  const labels = await labelsOf(folder, { threads, signal: context.signal })
  const found = { ...asFit(saved, context), threads, device }
  const hint = 'put them back: the report shows some of them'
  const own =
    found.folder === undefined ? found : { ...found, folder: await locateImages(folder, found.folder, hint) }
  const run = await RunFolder.resume(folder, await session.describe(own))
  try {
    // Labels that were there before, as after undoing, are found done; predictions.csv is by now of others.
    for (const kind of ['classifier', 'report']) await run.store.forget(kind)
    const report = await runFit(own, { ...context, run }, (dataset) => {
      const { dataset: found, notes } = relabelled(dataset, labels)
      for (const note of notes) context.progress.message(note)
      return found
    })
    return { report, classes: labels.classNames.length, labelled: labels.ofPath.size }
  } finally {
    await run.close()
  }
}

interface RunLabels {
  readonly classNames: readonly string[]
  /** Positions in `classNames`. */
  readonly ofPath: ReadonlyMap<string, number>
  /** Paths of images that are none of these. */
  readonly none: ReadonlySet<string>
}

/** Those of the journal; a run without one has its own labels in it then. */
async function labelsOf(
  folder: string,
  options: { readonly threads: number; readonly signal: AbortSignal },
): Promise<RunLabels> {
  const workbench = await Workbench.open(folder, options)
  try {
    const { journal, paths } = workbench
    const { images, targets, classes } = workbench.labels()
    if (classes.length < 2) {
      throw new HandfulError({
        what: 'labels',
        where: printable(folder),
        got: classes.length === 0 ? 'none' : `those of one class, ${journal.nameOf(classes[0]) ?? ''}`,
        expected: 'labels of two classes at least',
        hint: `see what to label by handful suggest ${shellWord(folder)}; nothing was changed`,
      })
    }
    return {
      classNames: classes.map((id) => journal.nameOf(id) ?? `class ${id}`),
      ofPath: new Map(Array.from(images, (image, i) => [paths[image], targets[i]])),
      none: new Set([...journal.labels()].flatMap(([image, { label }]) => (label === 'none' ? [image] : []))),
    }
  } finally {
    await workbench.close()
  }
}

/** A test split goes on judging: by the classes that there are now, of which it may have some and lack others. */
function relabelled(
  dataset: Dataset,
  { classNames, ofPath, none }: RunLabels,
): { readonly dataset: Dataset; readonly notes: readonly string[] } {
  const { train, test } = dataset
  const labels = Int32Array.from(train.paths, (path) => ofPath.get(path) ?? -1)
  const relabelledTrain = { ...train, labels, classNames }
  const noneOfThese = new Set(train.paths.filter((path) => none.has(path)))
  const found = { ...dataset, train: relabelledTrain, noneOfThese }
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
