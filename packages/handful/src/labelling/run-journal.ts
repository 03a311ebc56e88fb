/** The journal of a run. Labels that the run was made with are its first step. */
import { Journal, type JournalOptions, type NamedDecision } from '../labels/journal.js'
import { NONE_OF_THESE } from '../names.js'

/** What a run says of its images. */
interface MadeWith {
  readonly paths: readonly string[]
  readonly classNames: readonly string[]
  /** `[images]`, -1 where unknown. */
  readonly labels: ArrayLike<number>
  /** Paths of images that were labelled blind, of no class where they have none, */
  readonly blind?: readonly string[]
  /** and of those whose label was accepted with others. */
  readonly accepted?: readonly string[]
}

export async function openRunJournal(
  folder: string,
  { classNames, labels, paths, blind, accepted }: MadeWith,
  options?: JournalOptions,
): Promise<Journal> {
  const journal = await Journal.open(folder, options)
  if (journal.revision === 0 && classNames.length > 0) {
    const [drawn, sure] = [new Set(blind), new Set(accepted)]
    const decisions = paths.flatMap((image, i): NamedDecision[] => {
      const seen = drawn.has(image) ? 'blind' : sure.has(image) ? 'accepted' : 'picked'
      if (labels[i] >= 0) return [{ image, name: classNames[labels[i]], seen }]
      return seen === 'blind' ? [{ image, name: NONE_OF_THESE, seen }] : []
    })
    await journal.importFirst(classNames, decisions)
  }
  return journal
}
