/**
 * The stages of `handful fit` on a run whose model and features are there, by the labels of its journal: heads, classifier,
 * predictions and report are made again, and what was there stays until each is whole.
 */
import type { RunReport } from '../../draw/run-report.js'
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
import { relabelled, type RunLabels } from './relabel.js'

export interface RefitOptions {
  readonly run: string
  readonly threads: number
  readonly device: string
  /** As `fit` takes them; as the run was made with where left out. */
  readonly proportions?: string
}

export interface RefitResult {
  readonly report: RunReport
  readonly classes: number
  readonly labelled: number
}

/** @throws HandfulError for a run without features, labels of fewer than two classes, or images that are gone */
export async function runRefit(
  { run: folder, threads, device, proportions }: RefitOptions,
  context: JobContext & Brought,
  session: Session,
): Promise<RefitResult> {
  const saved = await runOfCommand(folder, CLASSIFYING_RUNS)
  for (const note of checkPlugins(saved, context, folder)) context.progress.message(note)
  const labels = await labelsOf(folder, { threads, signal: context.signal })
  const asked = asFit(saved, context)
  const found = { ...asked, threads, device, proportions: proportions ?? asked.proportions }
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

/** Those of the journal; a run without one has its own labels in it then. */
async function labelsOf(
  folder: string,
  options: { readonly threads: number; readonly signal: AbortSignal },
): Promise<RunLabels> {
  const workbench = await Workbench.open(folder, options)
  try {
    const { journal, paths } = workbench
    const { images, targets, classes, accepted } = workbench.labels()
    const held = [...journal.labels()]
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
      accepted: new Set(Array.from(images, (image) => paths[image]).filter((_, i) => accepted[i])),
      none: new Set(held.flatMap(([image, { label }]) => (label === 'none' ? [image] : []))),
      blind: new Set(held.flatMap(([image, { seen }]) => (seen === 'blind' ? [image] : []))),
    }
  } finally {
    await workbench.close()
  }
}
