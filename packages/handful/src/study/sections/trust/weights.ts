/** How much each head of a product weighs, such as those of `auto`: what the labels chose, cell by cell. */
import { average } from '../../../numerics/statistics.js'
import { numberColumns, type TableBlock } from '../../report/blocks.js'
import { countPhrase, measuredCounts } from '../../results.js'
import type { LabelCount, Study, StudyCell, StudyHead } from '../../result.js'

/** A table for each such head; none in studies from before weights were kept. */
export const weightTables = (study: Study): TableBlock[] =>
  study.heads.flatMap((head) => {
    const cells = study.cells.filter((cell) => cell.head === head.id && knownOf(cell).length > 0)
    return cells.length === 0 ? [] : [weightTable(study, head, cells)]
  })

const knownOf = ({ weights = [] }: StudyCell): Readonly<Record<string, number>>[] =>
  weights.filter((each) => each !== null)

function weightTable(study: Study, head: StudyHead, cells: readonly StudyCell[]): TableBlock {
  const names = [...new Set(cells.flatMap((cell) => knownOf(cell).flatMap(Object.keys)))]
  const counts = measuredCounts(study).filter((count) =>
    cells.some(({ labelsPerClass }) => labelsPerClass === count),
  )
  const meansAt = (method: string, count: LabelCount): string => {
    const cell = cells.find((each) => each.method === method && each.labelsPerClass === count)
    if (cell === undefined) return '–'
    return names
      .map((name) => (100 * average(knownOf(cell).map((weights) => weights[name] ?? 0))).toFixed(0))
      .join(' / ')
  }
  const methods = study.methods.filter(({ id }) => cells.some(({ method }) => method === id))
  return {
    kind: 'table',
    columns: [{ title: 'Method' }, ...numberColumns(...counts.map(countPhrase))],
    rows: methods.map(({ id, title }) => [title, ...counts.map((count) => meansAt(id, count))]),
    caption: `What ${names.join(' / ')} weigh in ${head.title}, in per cent: means over the draws, each of whose labels chose for itself.`,
  }
}
