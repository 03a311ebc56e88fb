/** The journal of a run. Labels that the run was made with are its first step. */
import { Journal, type JournalOptions } from '../labels/journal.js'

/** What a run says of its images. */
interface MadeWith {
  readonly paths: readonly string[]
  readonly classNames: readonly string[]
  /** `[images]`, -1 where unknown. */
  readonly labels: ArrayLike<number>
}

export async function openRunJournal(
  folder: string,
  { classNames, labels, paths }: MadeWith,
  options?: JournalOptions,
): Promise<Journal> {
  const journal = await Journal.open(folder, options)
  if (journal.revision === 0 && classNames.length > 0) {
    const decisions = paths.flatMap((image, i) =>
      labels[i] < 0 ? [] : [{ image, name: classNames[labels[i]] }],
    )
    await journal.importFirst(classNames, decisions)
  }
  return journal
}
