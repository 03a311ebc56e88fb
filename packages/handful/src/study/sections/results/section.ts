/** The tables: in short, method by method, and with the reference study's head alone. */
import { heading, note, text } from '../../report/blocks.js'
import { fittedHeads } from '../../results.js'
import { defineSection } from '../section-entry.js'
import { contradictions, mainTable, summaryTable } from './main-table.js'

export const resultsSection = defineSection({
  id: 'results',
  title: 'Results',
  files: ['main-table-'],
  report: (study) => {
    const contradiction = contradictions(study)
    const headline = mainTable(study, 'headline')
    const reference = fittedHeads(study).length > 1 ? mainTable(study, 'reference') : undefined
    return [
      ...(headline === undefined
        ? [text('Nothing has been measured yet.')]
        : [heading('In short'), ...summaryTable(study), heading('Method by method'), headline]),
      ...(reference === undefined ? [] : [heading("With the reference study's head alone"), reference]),
      ...(contradiction === undefined ? [] : [note(contradiction)]),
    ]
  },
})
