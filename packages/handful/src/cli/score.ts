/** `handful score`: how good the images are that a trained model draws, in numbers. */
import { Command } from 'commander'
import type { ScoreResult } from '../jobs/score/run.js'
import { usageError } from '../errors.js'
import { formatCount, formatPercent } from '../draw/format.js'
import type { CommandContext } from './context.js'
import { assignments, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import {
  addDataDirOption,
  addMachineOptions,
  addSamplerOptions,
  addSeedOption,
  engineOf,
  type MachineOptions,
  type SamplerTyped,
  TRAINED_RUN,
} from './shared-options.js'

interface Typed extends MachineOptions, SamplerTyped {
  readonly count?: number
  readonly seed?: number
  readonly heldOut?: readonly string[]
  readonly networks?: string
  readonly inception?: string
  readonly set?: Readonly<Record<string, unknown>>
  readonly dataDir?: string
}

const DEFAULT_COUNT = 5000

const examples: readonly Example[] = [
  { command: 'handful score runs/mnist', does: '5,000 samples against the test images' },
  { command: 'handful score runs/diffusion --count 1000 --steps 20', does: 'fewer, in 20 steps each' },
  { command: 'handful score runs/photos --held-out more-photos', does: 'where no test split was kept' },
  {
    command: 'handful score runs/cifar --inception inception.onnx --set range=zero-to-one',
    does: 'FID too, with a file of your own',
  },
]

export function scoreCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('score')
    .summary("score a trained model's samples")
    .description(
      'Draws images from the model of a run and compares them with the images of its data set that it was\n' +
        'not trained on: Frechet and kernel distance, precision and recall in the feature space of a small\n' +
        'classifier, and how near samples lie to training images. The classifier is trained on the labels\n' +
        'of the training images, once for each data set, and kept; scores of two models compare only within\n' +
        'one. Writes scores.json in the run, and a picture of the samples nearest to training images.',
    )
    .usage('<run> [options]')
    .argument('<run>', TRAINED_RUN)
    .option(
      '--count <n>',
      `images to draw and of each set to compare, at most (${DEFAULT_COUNT})`,
      wholeNumber('--count', 10, 100_000),
    )
  addSamplerOptions(addSeedOption(command, 'of the samples and of what is compared (0)'))
    .option(
      '--held-out <paths...>',
      'images that the model was not trained on, files and folders (its test split)',
    )
    .option('--networks <folder>', 'where classifiers that score are kept (score-networks beside the run)')
    .option('--inception <file.onnx>', 'distances in the space of this network too, such as those of FID')
    .option(
      '--set <name=value>',
      'how that file takes images: input, output, size (299), layout (nchw), range (minus-one-to-one), mean, deviation',
      assignments('--set'),
    )
  addMachineOptions(addDataDirOption(command), context).action((run: string, typed: Typed) =>
    score(context, run, typed),
  )
  return [command, examples]
}

async function score(context: CommandContext, run: string, typed: Typed): Promise<void> {
  const { terminal } = context
  const { json, quiet, inception: file, set, ...given } = typed
  if (set !== undefined && file === undefined) {
    const expected = 'a file that it is about'
    throw usageError({ what: '--set', got: 'no --inception', expected, hint: 'leave it out' })
  }
  const { dirname, join, resolve } = await import('node:path')
  const runScore = await context.jobs.score()
  const options = {
    ...given,
    run,
    count: typed.count ?? DEFAULT_COUNT,
    networks: typed.networks ?? join(dirname(resolve(run)), 'score-networks'),
    // What was set is checked by the network's own schema.
    inception: file === undefined ? undefined : { ...set, file },
    seed: typed.seed ?? 0,
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    ...engineOf(typed, context),
  }
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runScore(options, job),
  )
  if (json === true) terminal.data(JSON.stringify(result))
  else for (const line of summaryOf(result)) terminal.data(line)
  terminal.message(`Written to ${result.file}; samples nearest to training images: ${result.picture}`)
}

function summaryOf(result: ScoreResult): string[] {
  const { model, dataset, heldOut, images, generated, floor, memorisation, fid, space } = result
  const number = formatCount
  const rows = [
    ['', 'samples', 'training images'],
    ['Frechet distance', number(generated.frechet), number(floor.frechet)],
    ['kernel distance', number(generated.kernel.distance), number(floor.kernel.distance)],
    ['precision', formatPercent(generated.precision), formatPercent(floor.precision)],
    ['recall', formatPercent(generated.recall), formatPercent(floor.recall)],
    ...(fid ? [['Frechet distance, own network', number(fid.generated), number(fid.floor)]] : []),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)))
  const { median, heldOutMedian, ratio, suspicious } = memorisation
  return [
    `${model}: ${formatCount(images)} samples against ${formatCount(images)} images of ${heldOut}`,
    ...rows.map(([name, own, other]) =>
      `  ${name.padEnd(widths[0])}  ${own.padStart(widths[1])}  ${other.padStart(widths[2])}`.trimEnd(),
    ),
    `nearest training image: ${number(median)} away, ${number(heldOutMedian)} from images not trained on (ratio ${number(ratio)})`,
    `nearer than 99 % of those: ${formatPercent(suspicious)} of the samples (1 % by chance)`,
    `${number(result.imagesPerSecond)} images a second`,
    `in the space of the ${space}, on ${formatCount(result.network.images)} labelled images of ${dataset}`,
  ]
}
