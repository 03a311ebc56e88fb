/** `handful report`: draws the page of a run again from its report.json. */
import { Command } from 'commander'
import type { CommandContext } from './context.js'
import type { Example } from './program.js'
import { runOfCommand } from './training-run.js'

const examples: readonly Example[] = [
  { command: 'handful report runs/photos', does: 'write report.html again' },
  { command: 'handful report runs/photos --json', does: 'print the figures behind it' },
]

export function reportCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('report')
    .summary("write a run's report again")
    .description("Writes a run's report.html again from what the run saved.")
    .usage('<run> [options]')
    .argument('<run>', 'a folder that "handful fit" has written')
    .option('--json', "print the run's result as JSON on stdout")
    .action((run: string, typed: { json?: boolean }) => report(context, run, typed))
  return [command, examples]
}

async function report(context: CommandContext, folder: string, typed: { json?: boolean }): Promise<void> {
  const { terminal } = context
  await runOfCommand(folder, 'fit', () => 'its pictures are in samples/, its losses in metrics.jsonl')
  const [{ loadReport, writeReportPage }, { summarise }] = await Promise.all([
    import('../report/save.js'),
    import('../report/summary.js'),
  ])
  const saved = await loadReport(folder)
  const page = await writeReportPage(folder, saved)
  const summary = summarise(saved)
  if (typed.json === true) terminal.data(JSON.stringify({ run: folder, ...summary.data }))
  else for (const line of summary.lines) terminal.data(line)
  terminal.message(`Report:       ${page}`)
}
