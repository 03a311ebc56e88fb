/** The report of a run as one HTML page. It is drawn from report.json alone and the same file always gives the same page. */
import { FIGURE_STYLE } from './figure-frame.js'
import { formatMinute } from './format.js'
import { renderPage } from './report-page.js'
import { accuracySection, classSection, headline } from './section-accuracy.js'
import { generationSection, labelledSection, predictionSection, unlikeSection } from './section-pictures.js'
import { reliabilitySection } from './section-reliability.js'
import { nextSection, setupSection, skippedSection, trainingSection } from './section-run.js'
import type { RunReport } from './run-report.js'

/** The whole page as text. */
export function renderReport(run: RunReport): string {
  const sections = [
    accuracySection(run),
    classSection(run),
    reliabilitySection(run),
    predictionSection(run),
    unlikeSection(run),
    labelledSection(run),
    generationSection(run),
    trainingSection(run),
    nextSection(run),
    skippedSection(run),
    setupSection(run),
  ].filter((section) => section !== undefined)
  const { title, createdAt, dataset } = run
  const about = dataset.description === undefined ? '' : `. ${dataset.description}`
  return renderPage({
    title,
    said: `Handful's report of ${formatMinute(createdAt)} UTC${about}`,
    opening: headline(run),
    sections,
    style: FIGURE_STYLE,
  })
}
