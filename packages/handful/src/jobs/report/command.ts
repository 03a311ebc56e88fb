/** `handful report`: draws the report of a run or a study again from what it saved. */
import { CLASSIFYING_RUNS } from '../../names.js'
import { usageError } from '../../errors.js'
import { jobCommand, type Shown } from '../command-entry.js'
import { flag } from '../option.js'
import { jsonOption } from '../option-groups.js'

export const report = jobCommand({
  name: 'report',
  summary: "write a run's or a study's report again",
  description: 'Writes the report of a run or a study again from what it saved.',
  usage: '<folder> [options]',
  arguments: { folder: ['<folder>', 'what "handful fit" or "handful study" has written'] },
  options: { json: jsonOption, png: flag('of a study: write each figure as PNG too') },
  examples: [
    { command: 'handful report runs/photos', does: 'write report.html again' },
    { command: 'handful report runs/photos --json', does: 'print the figures behind it' },
    {
      command: 'handful report studies/mnist --png',
      does: "draw a study's report again, figures as PNG too",
    },
  ],
  prepare: (given) => given,
  async run({ folder, png }): Promise<Shown> {
    const { holdsStudy, loadStudy, writeStudyReport } = await import('../../study/report/write.js')
    if (!(await holdsStudy(folder))) return ofRun(folder, png)
    const study = await loadStudy(folder)
    const [page, markdown, ...figures] = await writeStudyReport(study, folder, { png })
    const written = `Report:       ${page}, ${markdown} and ${figures.length} files of figures`
    return { json: study, lines: [], messages: [written] }
  },
  show: (shown) => shown,
})

async function ofRun(folder: string, png: true | undefined): Promise<Shown> {
  if (png) {
    const hint = 'leave it away'
    throw usageError({ what: '--png', got: 'a run', expected: 'the folder of a study', hint })
  }
  const { runOfCommand } = await import('../run-of-command.js')
  await runOfCommand(
    folder,
    CLASSIFYING_RUNS,
    () => 'its pictures are in samples/, its losses in metrics.jsonl',
  )
  const [{ loadReport, writeReportPage }, { summarise }] = await Promise.all([
    import('../../draw/save-report.js'),
    import('../../draw/summary.js'),
  ])
  const saved = await loadReport(folder)
  const page = await writeReportPage(folder, saved)
  const { data, lines } = summarise(saved)
  return { json: { run: folder, ...data }, lines, messages: [`Report:       ${page}`] }
}
