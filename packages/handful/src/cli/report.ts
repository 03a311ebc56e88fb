/** `handful report`: draws the report of a run or a study again from what it saved. */
import { Command } from 'commander'
import { usageError } from '../errors.js'
import type { CommandContext } from './context.js'
import type { Example } from './program.js'
import { runOfCommand } from './training-run.js'

const examples: readonly Example[] = [
  { command: 'handful report runs/photos', does: 'write report.html again' },
  { command: 'handful report runs/photos --json', does: 'print the figures behind it' },
  { command: 'handful report studies/mnist --png', does: "draw a study's report again, figures as PNG too" },
]

export function reportCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('report')
    .summary("write a run's or a study's report again")
    .description('Writes the report of a run or a study again from what it saved.')
    .usage('<folder> [options]')
    .argument('<folder>', 'what "handful fit" or "handful study" has written')
    .option('--json', 'print the result as JSON on stdout')
    .option('--png', 'of a study: write each figure as PNG too')
    .action((folder: string, typed: TypedReport) => report(context, folder, typed))
  return [command, examples]
}

interface TypedReport {
  readonly json?: boolean
  readonly png?: boolean
}

async function report(context: CommandContext, folder: string, typed: TypedReport): Promise<void> {
  const { terminal } = context
  const { holdsStudy } = await import('../study/report/write.js')
  if (await holdsStudy(folder)) return reportStudy(context, folder, typed)
  if (typed.png === true) {
    throw usageError({
      what: '--png',
      got: 'a run',
      expected: 'the folder of a study',
      hint: 'leave it away',
    })
  }
  await runOfCommand(folder, 'fit', () => 'its pictures are in samples/, its losses in metrics.jsonl')
  const [{ loadReport, writeReportPage }, { summarise }] = await Promise.all([
    import('../draw/save-report.js'),
    import('../draw/summary.js'),
  ])
  const saved = await loadReport(folder)
  const page = await writeReportPage(folder, saved)
  const summary = summarise(saved)
  if (typed.json === true) terminal.data(JSON.stringify({ run: folder, ...summary.data }))
  else for (const line of summary.lines) terminal.data(line)
  terminal.message(`Report:       ${page}`)
}

async function reportStudy({ terminal }: CommandContext, folder: string, typed: TypedReport): Promise<void> {
  const { loadStudy, writeStudyReport } = await import('../study/report/write.js')
  const study = await loadStudy(folder)
  const [page, markdown, ...figures] = await writeStudyReport(study, folder, { png: typed.png })
  if (typed.json === true) terminal.data(JSON.stringify(study))
  terminal.message(`Report:       ${page}, ${markdown} and ${figures.length} files of figures`)
}
