/** Methods against each other on the same draws: which differences are more than chance. */
import { formatFraction } from '../../../draw/format.js'
import type { TableBlock } from '../../report/blocks.js'
import { numberColumns } from '../../report/blocks.js'
import { countPhrase, headlineHead, methodTitle, points } from '../../results.js'
import type { Study } from '../../result.js'
import { defineSection } from '../section-entry.js'

/** Shown at each number of labels; study.json and the table's file have all. */
const MOST_ROWS = 40

export const pairedSection = defineSection({
  id: 'paired',
  title: 'Methods against each other on the same draws',
  files: ['paired'],
  report: (study) => (study.comparisons.length === 0 ? [] : [pairedTable(study)]),
})

function pairedTable(study: Study): TableBlock {
  const { comparisons } = study
  const counts = new Set(comparisons.map(({ labelsPerClass }) => labelsPerClass))
  // Those that tell most at the fewest labels first: what is compared with raw pixels.
  const withPixels = comparisons.filter(({ first, second }) => [first, second].includes('pixels'))
  const shown = (comparisons.length > MOST_ROWS && withPixels.length > 0 ? withPixels : comparisons).slice(
    0,
    MOST_ROWS,
  )
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${points(Math.abs(value))}`
  const head = headlineHead(study)?.title
  return {
    kind: 'table',
    columns: [
      { title: 'Labels' },
      { title: 'Method' },
      { title: 'against' },
      ...numberColumns('Difference', '95 % interval', 'only the first right', 'only the second', 'p'),
    ],
    rows: shown.map((each) => [
      countPhrase(each.labelsPerClass),
      methodTitle(study, each.first),
      methodTitle(study, each.second),
      signed(each.difference),
      each.low === undefined || each.high === undefined ? '–' : `${signed(each.low)} to ${signed(each.high)}`,
      each.onlyFirst === undefined ? '–' : String(each.onlyFirst),
      each.onlySecond === undefined ? '–' : String(each.onlySecond),
      each.p === undefined ? '–' : each.p < 0.001 ? '< 0.001' : formatFraction(each.p),
    ]),
    caption:
      `With ${head === undefined ? 'one head' : head}, which was fixed before; supervised networks as they are. Difference of accuracies in points and Student's interval over the draws that both have, the same labelled images for both. p: McNemar's exact test (1947) on the test images of the first draw, of which the counts are; two-sided, not corrected for the number of comparisons, and of this draw and this training alone. ${shown.length < comparisons.length ? `${shown.length} of ${comparisons.length} pairs at ${counts.size} numbers of labels; the file has all.` : ''}`.trim(),
    file: {
      name: 'paired',
      data: {
        columns: [
          'labels_per_class',
          'head',
          'first',
          'second',
          'draws',
          'difference',
          'low',
          'high',
          'only_first',
          'only_second',
          'p',
        ],
        rows: comparisons.map((each) => [
          each.labelsPerClass,
          each.head,
          each.first,
          each.second,
          each.draws,
          each.difference,
          each.low,
          each.high,
          each.onlyFirst,
          each.onlySecond,
          each.p,
        ]),
      },
    },
  }
}
