/** `handful supervised`: a ResNet-18 from scratch on the labelled few, what every generative model has to beat. */
import { Command } from 'commander'
import type { SupervisedJobOptions, SupervisedResult } from '../jobs/supervised/run.js'
import { formatCount, formatDuration, formatPercent } from '../draw/format.js'
import type { CommandContext } from './context.js'
import { assignments, oneOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { addImageOptions, addRunOptions } from './shared-options.js'
import { type TrainingCommand, trainInRun, type TypedOptions } from './training-run.js'

// Spelled out here, not taken from the job, so that help does not load it; a test holds the two together.
export const STEM_NAMES = ['imagenet', 'small'] as const
export const CROP_NAMES = ['crops', 'none'] as const

const examples: readonly Example[] = [
  {
    command: 'handful supervised --dataset mnist --labels-per-class 8',
    does: '5 draws of 8 labels per digit',
  },
  {
    command: 'handful supervised --dataset cifar10 --stem small',
    does: 'stronger, some fifteen times slower',
  },
  { command: 'handful supervised photos --augment none', does: 'your own images, all labels' },
  { command: 'handful supervised --resume runs/mnist', does: 'go on with a run that was stopped' },
]

const supervised: TrainingCommand<SupervisedJobOptions> = {
  name: 'supervised',
  schema: async () => (await import('../jobs/supervised/run.js')).supervisedJobSchema,
  resolve: async (options, job) => (await import('../jobs/supervised/run.js')).resolveSupervised(options, job),
}

export function supervisedCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('supervised')
    .summary('train a ResNet-18 on the labelled images alone')
    .description(
      'Trains a ResNet-18 from scratch on the labelled images alone, for several draws of them, and tests the\n' +
        'last step of each on the test images. Writes a run folder with results.json and predictions.csv.',
    )
    .usage('[folder] [options]')
    .argument('[folder]', 'your images: a sub-folder per class, or labels.csv; test images in "test"')
  addImageOptions(command)
    .option(
      '--labels-per-class <n>',
      'labelled images of each class; 4 for known data sets, all labels for a folder',
      wholeNumber('--labels-per-class', 1, 1_000_000),
    )
    .option('--draws <n>', 'times that the labelled images are drawn (5)', wholeNumber('--draws', 1, 100))
    .option(
      '--stem <name>',
      'how the network begins: imagenet (7x7 and pooling, cheap) or small (3x3 at full resolution) (imagenet)',
      oneOf('--stem', STEM_NAMES),
    )
    .option(
      '--augment <how>',
      'crops (shifted by up to an eighth, and mirrored where images have colours) or none (crops)',
      oneOf('--augment', CROP_NAMES),
    )
    .option(
      '--set <name=value>',
      'another value for a setting that --print-config shows, such as fewestSteps=1000; again for more',
      assignments('--set'),
    )
  addRunOptions(command, context).action((folder: string | undefined, typed: TypedOptions) =>
    train(context, folder, typed),
  )
  return [command, examples]
}

function train(context: CommandContext, folder: string | undefined, typed: TypedOptions): Promise<void> {
  const { terminal } = context
  return trainInRun(context, supervised, { folder, typed }, async (options, run) => {
    const runSupervised = await context.jobs.supervised()
    const result = await runJob(
      context,
      { quiet: typed.quiet === true, stopping: 'a checkpoint is saved first' },
      (job) => runSupervised(options, { ...job, run }),
    )
    if (typed.json === true) terminal.data(JSON.stringify({ run: run.folder, ...result }))
    else for (const line of summaryOf(result)) terminal.data(line)
    terminal.message(`Predictions:  ${run.path(result.predictions)}`)
  })
}

function summaryOf({
  network,
  dataset,
  labelsPerClass,
  testImages,
  draws,
  accuracy,
}: SupervisedResult): string[] {
  const labels = labelsPerClass === undefined ? 'all labels' : `${labelsPerClass} labels per class`
  const [{ steps, parameters }] = draws
  const seconds = draws.reduce((sum, draw) => sum + draw.seconds, 0)
  const trained = `${network}, ${formatCount(parameters)} parameters, ${formatCount(steps)} steps on ${labels} of ${dataset}`
  const times =
    draws.length === 1 ? formatDuration(seconds) : `${draws.length} draws in ${formatDuration(seconds)}`
  if (accuracy === undefined)
    return [`${trained}, ${times}`, 'no test images: nothing says how often it is right']
  const each = draws.flatMap((draw) => (draw.accuracy === null ? [] : [formatPercent(draw.accuracy)]))
  const { mean, low, high } = accuracy
  return [
    `${trained}, ${times}`,
    `accuracy ${formatPercent(mean)} (95 % interval ${formatPercent(low)} to ${formatPercent(high)}) on ${formatCount(testImages)} test images`,
    ...(each.length > 1 ? [`draws: ${each.join(', ')}`] : []),
  ]
}
