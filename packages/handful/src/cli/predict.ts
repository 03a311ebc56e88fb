/** `handful predict`: classifies new images with the model of a run. */
import { Command } from 'commander'
import { formatCsvRow } from '../files/csv.js'
import type { PredictResult } from '../jobs/predict-options.js'
import type { CommandContext } from './context.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { addMachineOptions, engineOf, type MachineOptions } from './shared-options.js'
import { shellWord } from '../errors/shell.js'
import { reportSkipped } from './skipped.js'
import { runOfCommand } from './training-run.js'

interface Typed extends MachineOptions {
  readonly out?: string
}

const examples: readonly Example[] = [
  {
    command: 'handful predict runs/photos new/',
    does: 'all images in a folder, as CSV on stdout',
  },
  { command: 'handful predict runs/photos a.jpg b.jpg --json', does: 'two images, as JSON' },
  { command: 'handful predict runs/photos new/ --out new.csv', does: 'write a file' },
]

export function predictCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('predict')
    .summary('classify new images with a run')
    .description('Classifies new images with the model of a run.')
    .usage('<run> <images...> [options]')
    .argument('<run>', 'a folder that "handful fit" has written')
    .argument('<images...>', 'image files, and folders that are searched for images')
    .option('--out <file>', 'write the CSV to a file (file_name,predicted,probability); else to stdout')
  addMachineOptions(command, context).action((run: string, images: string[], typed: Typed) =>
    predict(context, run, images, typed),
  )
  return [command, examples]
}

async function predict(
  context: CommandContext,
  run: string,
  images: readonly string[],
  typed: Typed,
): Promise<void> {
  const { terminal } = context
  await runOfCommand(run, 'fit', () => 'it has no classifier; handful features writes what its model sees')
  const runPredict = await context.jobs.predict()
  const options = { run, images, ...engineOf(typed, context) }
  const result = await runJob(
    context,
    { quiet: typed.quiet === true, stopping: 'nothing is written' },
    (job) => runPredict(options, job),
  )
  const csv = toCsv(result)
  if (typed.out !== undefined) {
    const { writeFileAtomic } = await import('../files/atomic.js')
    await writeFileAtomic(typed.out, csv)
  }
  if (typed.json === true) terminal.data(JSON.stringify(result))
  else if (typed.out === undefined) terminal.stdout.write(csv)
  reportSkipped(terminal, result.skipped)
  if (typed.quiet !== true) {
    const where = typed.out === undefined ? '' : `, written to ${typed.out}`
    terminal.message(
      `${result.predictions.length} predictions${where}. How far to trust them: ${shellWord(run)}/report.html`,
    )
  }
}

function toCsv(result: PredictResult): string {
  const rows = result.predictions.map(({ path, predicted, probability }) => [
    path,
    predicted,
    probability.toFixed(4),
  ])
  return [['file_name', 'predicted', 'probability'], ...rows].map(formatCsvRow).join('')
}
