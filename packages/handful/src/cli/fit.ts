/** `handful fit`: the main job, from images and a few labels to predictions, a model and a report. */
import { Command } from 'commander'
import type { FitOptions } from '../jobs/fit-options.js'
import type { RunReport } from '../draw/run-report.js'
import type { RunFolder } from '../runs/run-folder.js'
import type { CommandContext } from './context.js'
import { oneOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { addImageOptions, addModelOptions, addRunOptions, addTrainingOptions } from './shared-options.js'
import { ownCommand, shellWord } from '../errors/shell.js'
import { type TrainingCommand, trainInRun, type TypedOptions } from './training-run.js'

// Spelled out here, not taken from the schema, so that help does not load it; a test holds the two together.
export const HEAD_NAMES = [
  'propagation',
  'propagation-plain',
  'poisson',
  'graph',
  'linear',
  'ridge',
  'prototypes',
  'neighbours',
  'mlp',
  'linear-network',
  'compact-linear',
  'compact-mlp',
  'smoothed-linear',
  'smoothed-mlp',
] as const

/** In every comparison, whichever is chosen. */
const ALWAYS = ['propagation', 'linear']

const examples: readonly Example[] = [
  { command: 'handful fit --dataset strokes', does: 'generated handwriting, 4 labels per class' },
  { command: 'handful fit --dataset mnist --labels-per-class 1', does: 'MNIST, one label per digit' },
  { command: 'handful fit photos --size 64 --minutes 20', does: 'your own images at 64x64, longer training' },
  { command: 'handful fit photos --model vqvae --minutes 10', does: 'features of another model' },
  { command: 'handful fit --resume runs/photos', does: 'go on with a run that was stopped' },
]

const fitTraining: TrainingCommand<FitOptions> = {
  name: 'fit',
  schema: async () => (await import('../jobs/fit-options.js')).fitOptionsSchema,
  resolve: async (options, job) => (await import('../jobs/pretrain.js')).resolveTraining(options, job),
}

export function fitCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('fit')
    .summary('learn a classifier from images of which a few are labelled')
    .description(
      'Trains a generative model on all images, takes features from it, fits a classifier to the few\n' +
        'labelled ones, and predicts the rest. Writes a run folder with predictions.csv, the model and\n' +
        'report.html.',
    )
    .usage('[folder] [options]')
    .argument(
      '[folder]',
      'your images: one sub-folder per class for the labelled ones and "unlabeled" for the rest, or any ' +
        'folders with a labels.csv (file_name,label); or a tar archive of them, or Parquet',
    )
  addImageOptions(command)
    .option(
      '--labels-per-class <n>',
      'labelled images of each class; 4 for known data sets, all labels for a folder',
      wholeNumber('--labels-per-class', 1, 10_000),
    )
    .option('--draws <n>', 'times that the labelled images are drawn (5)', wholeNumber('--draws', 1, 100))
    .option(
      '--head <name>',
      'the classifier that predicts: propagation (of labels over neighbours), linear (logistic regression), or one ' +
        `beside these two: ${HEAD_NAMES.filter((name) => !ALWAYS.includes(name)).join(', ')} (propagation)`,
      oneOf('--head', HEAD_NAMES),
    )
  addModelOptions(command, 'invariant for the VAE, else fast')
  command.option(
    '--patches <n>',
    "whitened patches beside the model's features; 0 for the model's alone (256)",
    wholeNumber('--patches', 0, 4096),
  )
  addTrainingOptions(command, { minutes: 'time for training (3)', steps: 'train for so many steps instead' })
  addRunOptions(command, context).action((folder: string | undefined, typed: TypedOptions) =>
    fit(context, folder, typed),
  )
  return [command, examples]
}

function fit(context: CommandContext, folder: string | undefined, typed: TypedOptions): Promise<void> {
  return trainInRun(context, fitTraining, { folder, typed }, async (options, run) => {
    const runFit = await context.jobs.fit()
    const report = await runJob(
      context,
      { quiet: typed.quiet === true, stopping: 'a checkpoint is saved first' },
      (job) => runFit(options, { ...job, run }),
    )
    const [{ saveReport }, { suggestNext }] = await Promise.all([
      import('../draw/save-report.js'),
      import('../jobs/next.js'),
    ])
    const next = report.next.length > 0 ? report.next : suggestNext(report, shellWord(run.folder))
    await saveReport(run, { ...report, next })
    await showResult(context, run, report, typed.json === true)
  })
}

async function showResult(
  context: CommandContext,
  run: RunFolder,
  report: RunReport,
  json: boolean,
): Promise<void> {
  const { terminal } = context
  const { summarise } = await import('../draw/summary.js')
  const summary = summarise(report)
  if (json) {
    terminal.data(JSON.stringify({ run: run.folder, ...summary.data }))
  } else {
    for (const line of summary.lines) terminal.data(line)
  }
  terminal.message(`Report:       ${run.path('report.html')}`)
  terminal.message(`Predictions:  ${run.path('predictions.csv')}`)
  terminal.message(
    `Next:         ${ownCommand(context.environment)} predict ${shellWord(run.folder)} <images>`,
  )
}
