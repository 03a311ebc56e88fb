/** What was trained, how its losses fell, and how long classification took. */
import { formatCount, formatDuration } from '../../../draw/format.js'
import { type Block, figureBlock, heading, numberColumns } from '../../report/blocks.js'
import { measuredCounts } from '../../results.js'
import type { LabelCount, Study } from '../../result.js'
import { defineSection } from '../section-entry.js'

export const trainingSection = defineSection({
  id: 'training',
  title: 'Training',
  files: ['learning-curves', 'minutes'],
  report: async (study) => {
    const { learningFigure } = await import('./learning-figure.js')
    return [...modelTable(study), ...figureBlock(learningFigure(study)), ...timeTable(study)]
  },
})

function modelTable({ methods }: Study): Block[] {
  const rows = methods.flatMap(({ title, training, imagesPerSecond }) =>
    training === undefined
      ? []
      : [
          [
            training.model === title ? title : { text: title, below: [training.model] },
            formatCount(training.parameters),
            formatCount(training.steps),
            formatCount(training.batch),
            formatDuration(training.seconds),
            imagesPerSecond === undefined ? '–' : `${formatCount(imagesPerSecond)} images`,
          ],
        ],
  )
  if (rows.length === 0) return []
  const columns = [
    { title: 'Model' },
    ...numberColumns('Parameters', 'Steps', 'Batch', 'Training', 'Features a second'),
  ]
  return [{ kind: 'table', columns, rows }]
}

const minutesInWords = (minutes: number | undefined): string =>
  minutes === undefined ? '–' : formatCount(minutes)

/** Minutes of each method's cells, at each label count, all heads and draws together. */
function timeTable(study: Study): Block[] {
  const counts = measuredCounts(study)
  const minutes = (method: string, count: LabelCount): number | undefined => {
    const cells = study.cells.filter((cell) => cell.method === method && cell.labelsPerClass === count)
    return cells.length === 0 ? undefined : cells.reduce((sum, cell) => sum + cell.seconds, 0) / 60
  }
  const methods = study.methods.filter(({ id }) => study.cells.some(({ method }) => method === id))
  if (methods.length === 0) return []
  return [
    heading('Minutes of classification'),
    {
      kind: 'table',
      columns: [{ title: 'Method' }, ...numberColumns(...counts.map(String))],
      rows: methods.map(({ id, title }) => [
        title,
        ...counts.map((count) => minutesInWords(minutes(id, count))),
      ]),
      caption:
        'Minutes that the cells of a method took at each number of labels per class, all heads and draws together; for a supervised network that is its training.',
      file: {
        name: 'minutes',
        data: {
          columns: ['method', 'labels_per_class', 'minutes'],
          rows: methods.flatMap(({ id }) => counts.map((count) => [id, count, minutes(id, count)])),
        },
      },
    },
  ]
}
