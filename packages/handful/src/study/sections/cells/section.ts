/** Every method with every head at every label count. */
import { figureBlock } from '../../report/blocks.js'
import { defineSection } from '../section-entry.js'

export const cellsSection = defineSection({
  id: 'cells',
  title: 'Every method with every head',
  files: ['cells'],
  report: async (study) => figureBlock((await import('./heat-figure.js')).heatFigure(study)),
})
