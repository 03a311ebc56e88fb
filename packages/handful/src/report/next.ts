/** What a run's outcome suggests to do next, where the run itself has no better idea. */
import { chosenResult, baselinesOf, canJudge } from './summary.js'
import { average } from './statistics.js'
import type { RunReport } from './types.js'

/** Commands that follow from a report. `run` is the run folder as a word of a command line. */
export function suggestNext(report: RunReport, run: string): RunReport['next'] {
  const next: { command: string; why: string }[] = []
  const source =
    report.config.folder === undefined ? `--dataset ${String(report.config.dataset)}` : '<your folder>'
  const chosen = chosenResult(report)
  if (!canJudge(report)) {
    next.push({
      why: 'Label at least 3 images of each class, best among the least certain, and run it again:',
      command: `handful fit ${source}`,
    })
  } else if (chosen !== undefined) {
    const best = baselinesOf(report, chosen).best
    const isGain = best === undefined || average(chosen.accuracies) > average(best.accuracies)
    const minutes = typeof report.config.minutes === 'number' ? report.config.minutes : 3
    next.push({
      why: isGain
        ? 'Longer training usually gives better features:'
        : 'The features do not pay yet; train for longer:',
      command: `handful fit ${source} --minutes ${minutes * 4}`,
    })
  }
  next.push({ why: 'Classify new images:', command: `handful predict ${run} <images>` })
  return next
}
