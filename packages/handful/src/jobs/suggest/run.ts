/** Suggestions of a run by the paths of its images, and a sheet that shows them. */
import { type SuggestionKind, Workbench } from '../../labelling/workbench.js'
import type { JobContext } from '../../training/progress.js'
import { CLASSIFYING_RUNS } from '../../names.js'
import { runOfCommand } from '../run-of-command.js'
import { type SuggestedImage, writeSheet } from './sheet.js'

export interface SuggestOptions {
  readonly run: string
  readonly count: number
  readonly kind: SuggestionKind
  readonly strategy?: string
  readonly sheet?: string
  readonly dataDir?: string
  readonly threads: number
}

export interface SuggestResult {
  readonly suggestions: readonly SuggestedImage[]
  /** Why there are no predictions yet. */
  readonly waiting?: string
}

/** @throws HandfulError for a run without features, and a sheet that cannot be written */
export async function runSuggest(
  { run, count, kind, strategy, sheet, dataDir, threads }: SuggestOptions,
  context: JobContext,
): Promise<SuggestResult> {
  await runOfCommand(run, CLASSIFYING_RUNS)
  const { signal, progress } = context
  const workbench = await Workbench.open(run, {
    signal,
    threads,
    onProgress: (done, total, note) => progress.report({ stage: note, done, total, unit: 'images' }),
  })
  try {
    const { journal, paths, imageFolder } = workbench
    const refitted = kind === 'audit' ? undefined : await workbench.refit({ signal })
    const found = await workbench.suggest({ count, kind, strategy })
    const suggestions = found.map(({ image, why, label, probability }): SuggestedImage => {
      const predicted = label === undefined || label < 0 ? undefined : journal.nameOf(label)
      return { image: paths[image], why, ...(predicted !== undefined && { predicted, probability }) }
    })
    if (sheet !== undefined && suggestions.length > 0)
      await writeSheet(sheet, suggestions, { run, imageFolder, dataDir, title: workbench.name }, context)
    return { suggestions, waiting: refitted?.kind === 'waiting' ? refitted.why : undefined }
  } finally {
    await workbench.close()
  }
}
