/** Accuracy over labels per class: with the head of headlines, and with the reference study's alone. */
import { figureBlock } from '../../report/blocks.js'
import { fittedHeads, headlineHead } from '../../results.js'
import { defineSection } from '../section-entry.js'

export const accuracySection = defineSection({
  id: 'accuracy',
  title: 'Accuracy over labels per class',
  files: ['accuracy-'],
  report: async (study) => {
    const { accuracyFigure } = await import('./accuracy-figure.js')
    const heads = fittedHeads(study)
    const both = heads.some((head) => head.reference && head.id !== headlineHead(study)?.id)
    return [
      ...figureBlock(accuracyFigure(study, 'headline')),
      ...(both ? figureBlock(accuracyFigure(study, 'reference')) : []),
    ]
  },
})
