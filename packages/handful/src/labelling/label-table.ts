/** The labels of a journal as tables have them: every image that was decided on, in one form wherever it is written. */
import { formatCsvRow } from '../files/csv-row.js'
import type { Journal, Labelled } from '../labels/journal.js'
import { NONE_OF_THESE } from '../names.js'

export interface LabelRow extends Omit<Labelled, 'label'> {
  readonly image: string
  /** Name of its class, or `none of these`. */
  readonly label: string
  readonly none: boolean
}

/** In the order of the paths. */
export function labelRows(journal: Pick<Journal, 'labels' | 'nameOf'>): LabelRow[] {
  return [...journal.labels()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([image, held]) => {
      const none = held.label === 'none'
      return {
        ...held,
        image,
        none,
        label: held.label === 'none' ? NONE_OF_THESE : (journal.nameOf(held.label) ?? ''),
      }
    })
}

/** `file_name,label,seen,who,at`, the header first. */
export function* labelCsv(rows: readonly LabelRow[]): Generator<string> {
  yield formatCsvRow(['file_name', 'label', 'seen', 'who', 'at'])
  for (const { image, label, seen, who, at } of rows) yield formatCsvRow([image, label, seen, who, at])
}
