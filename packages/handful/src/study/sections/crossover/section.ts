/** Up to how many labels features beat a network that is trained on the labelled images alone. */
import { figureBlock, type TableBlock, type TableCell, text } from '../../report/blocks.js'
import { PUBLISHED_CROSSOVERS, publishedId, publishedSet } from '../../published.js'
import { headlineHead } from '../../results.js'
import type { Study } from '../../result.js'
import { defineSection } from '../section-entry.js'
import { crossingInWords, type Crossover, crossovers, intervalInWords, rivalsInWords } from './crossover.js'

export const crossoverSection = defineSection({
  id: 'crossover',
  title: 'Up to how many labels it pays',
  files: ['crossover'],
  report: async (study) => {
    const found = crossovers(study, 'headline')
    const same = headlineHead(study)?.reference === true
    const fixed = same ? [] : crossovers(study, 'reference')
    if (found.length === 0) return []
    const { crossoverFigure } = await import('./crossover-figure.js')
    return [
      text(
        'With few labels a classifier on features that were learned without labels beats a network trained on the labelled images alone; with many it does not. Here is where the lines cross.',
      ),
      ...figureBlock(crossoverFigure(study, found, fixed)),
      crossingTable(study, found, fixed),
    ]
  },
})

function crossingTable(study: Study, found: readonly Crossover[], fixed: readonly Crossover[]): TableBlock {
  const set = publishedSet(study.dataset.name)
  const claims = PUBLISHED_CROSSOVERS.filter((claim) => claim.set === set)
  return {
    kind: 'table',
    columns: [
      { title: 'Method' },
      { title: 'Ahead of' },
      { title: `With ${headlineHead(study)?.title ?? 'one head'}` },
      ...(fixed.length > 0 ? [{ title: "With the reference's head" }] : []),
      ...(claims.length > 0 ? [{ title: 'Published, ahead of its own ResNet-18' }] : []),
    ],
    rows: found.map((one) => {
      const same = fixed.find((other) => other.method === one.method)
      const claim = claims.find(({ method }) => method === publishedId(one.method))
      return [
        one.method.title,
        rivalsInWords(one),
        crossingCell(one),
        ...(fixed.length > 0 ? [same === undefined ? '–' : crossingCell(same)] : []),
        ...(claims.length > 0
          ? [claim === undefined ? '' : { text: claim.claim, below: [`its data: ${claim.check}`] }]
          : []),
      ]
    }),
    caption:
      'Labels per class, interpolated over the logarithm of the count; at each count against the supervised network that is right more often there, by the same test images. Underneath the 95 % interval: 2,000 bootstrap draws over the draws of the labelled images, each with a network trained anew from a seed of its own, ' +
      `heads fixed beforehand; ${trainingsInWords(study)}.`,
  }
}

/** Whether training again is in the intervals. */
const trainingsInWords = ({ cells }: Study): string =>
  cells.some(({ furtherTrainings = [] }) => furtherTrainings.length > 0)
    ? 'and over the trainings of a model, where there are several'
    : 'training a model again from another seed is not in them'

const crossingCell = (one: Crossover): TableCell => ({
  text: crossingInWords(one),
  below: [intervalInWords(one)],
})
