/** Every method with every head at every label count. */
import { figureBlock } from '../../report/blocks.js'
import { defineSection } from '../section-entry.js'
import { heatFigure } from './heat-figure.js'

export const cellsSection = defineSection({
  id: 'cells',
  title: 'Every method with every head',
  files: ['cells'],
  report: (study) => figureBlock(heatFigure(study)),
})
