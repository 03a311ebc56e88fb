/** Accuracy over labels per class: with the best head of each cell, and with the reference study's alone. */
import { figureBlock } from '../../report/blocks.js'
import { fittedHeads } from '../../results.js'
import { defineSection } from '../section-entry.js'
import { accuracyFigure } from './accuracy-figure.js'

export const accuracySection = defineSection({
  id: 'accuracy',
  title: 'Accuracy over labels per class',
  files: ['accuracy-'],
  report: (study) => {
    const heads = fittedHeads(study)
    const both = heads.length > 1 && heads.some((head) => head.reference)
    return [
      ...figureBlock(accuracyFigure(study, 'best')),
      ...(both ? figureBlock(accuracyFigure(study, 'reference')) : []),
    ]
  },
})
