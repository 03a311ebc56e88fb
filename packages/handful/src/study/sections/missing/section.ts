/** What the study lacks, and why. */
import { type Block, note } from '../../report/blocks.js'
import type { Study, StudyMissing } from '../../result.js'
import { countPhrase, headOf, methodTitle } from '../../results.js'
import { defineSection } from '../section-entry.js'

export const missingSection = defineSection({
  id: 'missing',
  title: 'What is missing',
  files: ['missing'],
  report: missingBlocks,
})

function missingBlocks(study: Study): Block[] {
  const reasons: Readonly<Record<StudyMissing['reason'], string>> = {
    failed: 'failed',
    budget: 'not in the budget',
  }
  const where = ({ method, head, labelsPerClass }: StudyMissing): string =>
    [
      method === undefined ? undefined : methodTitle(study, method),
      head === undefined ? undefined : headOf(study, head).title,
      labelsPerClass === undefined ? undefined : countPhrase(labelsPerClass),
    ]
      .filter((part) => part !== undefined)
      .join(', ')
  const undone = study.complete
    ? []
    : [note('The study is not complete: run the same command again to go on with it.')]
  if (study.missing.length === 0) return undone
  return [
    ...undone,
    {
      kind: 'table',
      columns: [{ title: 'Missing' }, { title: 'Where' }, { title: 'Reason' }, { title: 'Said' }],
      rows: study.missing.map((gap) => [gap.what, where(gap), reasons[gap.reason], gap.message]),
      file: {
        name: 'missing',
        data: {
          columns: ['what', 'method', 'head', 'labels_per_class', 'reason', 'message'],
          rows: study.missing.map((gap) => [
            gap.what,
            gap.method,
            gap.head,
            gap.labelsPerClass,
            gap.reason,
            gap.message,
          ]),
        },
      },
    },
  ]
}
