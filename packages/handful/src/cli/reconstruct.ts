/** `handful reconstruct`: images beside what a trained model makes of them, or the way from one to the next. */
import { Command } from 'commander'
import { usageError } from '../errors.js'
import type { CommandContext } from './context.js'
import { wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import {
  addDataDirOption,
  addDatasetOption,
  addMachineOptions,
  addSeedOption,
  type DatasetOptions,
  engineOf,
  type MachineOptions,
  TRAINED_RUN,
} from './shared-options.js'
import { reportSkipped } from './skipped.js'

interface Typed extends DatasetOptions, MachineOptions {
  readonly count?: number
  readonly interpolate?: number
  readonly seed?: number
  readonly out?: string
}

const DEFAULT_COUNT = 24

const examples: readonly Example[] = [
  { command: 'handful reconstruct runs/photos new/ --out grid.png', does: 'rows of images and outputs' },
  { command: 'handful reconstruct runs/mnist --dataset mnist', does: 'images of the test split' },
  { command: 'handful reconstruct runs/photos a.jpg b.jpg --interpolate 8', does: 'eight steps from a to b' },
]

export function reconstructCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('reconstruct')
    .summary("show a trained model's version of images")
    .description("Writes one picture with rows of images and, below each row, the model's versions of them.")
    .usage('<run> [images...] [options]')
    .argument('<run>', TRAINED_RUN)
    .argument('[images...]', 'image files, and folders that are searched for images')
  addDataDirOption(addDatasetOption(command, 'images of a known data set instead'))
    .option('--count <n>', `images at most (${DEFAULT_COUNT})`, wholeNumber('--count', 1, 10_000))
    .option(
      '--interpolate <n>',
      'instead, n pictures on the way from each image to the next (not diffusion)',
      wholeNumber('--interpolate', 2, 100),
    )
  addSeedOption(command, 'of generated data sets (0)').option(
    '--out <file.png>',
    'the picture (<run>/samples/reconstructed.png, or interpolated.png)',
  )
  addMachineOptions(command, context).action((run: string, images: string[], typed: Typed) =>
    reconstruct(context, run, images, typed),
  )
  return [command, examples]
}

async function reconstruct(
  context: CommandContext,
  run: string,
  images: readonly string[],
  typed: Typed,
): Promise<void> {
  const { terminal } = context
  const { json, quiet, ...given } = typed
  if ((images.length === 0) === (typed.dataset === undefined)) {
    throw usageError({
      what: 'images',
      got: images.length === 0 ? 'neither images nor --dataset' : 'both images and --dataset',
      expected: 'one of them',
      hint: 'see handful reconstruct --help',
    })
  }
  const { join } = await import('node:path')
  const runReconstruct = await context.jobs.reconstruct()
  const name = typed.interpolate === undefined ? 'reconstructed.png' : 'interpolated.png'
  const options = {
    ...given,
    run,
    images,
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    count: typed.count ?? DEFAULT_COUNT,
    seed: typed.seed ?? 0,
    out: typed.out ?? join(run, 'samples', name),
    ...engineOf(typed, context),
  }
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runReconstruct(options, job),
  )
  reportSkipped(terminal, result.skipped)
  terminal.data(json === true ? JSON.stringify(result) : result.out)
}
