/** `handful features`: writes what the hidden layers of a trained model make of images. */
import { Command } from 'commander'
import { usageError } from '../errors.js'
import type { FeaturesResult } from '../experiments/features-job.js'
import { formatCount } from '../report/format.js'
import type { CommandContext } from './context.js'
import { nameList, numberBetween, oneOf, wholeNumber } from './options.js'
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

// Spelled out here, not taken from the job, so that help does not load it; a test holds the two together.
export const POOLING_NAMES = ['mean', '2x2', '4x4', 'none'] as const

interface Typed extends DatasetOptions, MachineOptions {
  readonly layers?: readonly string[]
  readonly pooling?: (typeof POOLING_NAMES)[number]
  readonly noiseLevel?: number
  readonly draws?: number
  readonly mirror?: boolean
  readonly concatenate?: boolean
  readonly seed?: number
  readonly out?: string
}

const examples: readonly Example[] = [
  { command: 'handful features runs/mnist --out features.npy', does: 'of the images it was trained on' },
  { command: 'handful features runs/photos new/ --out new.safetensors', does: 'of other images' },
  { command: 'handful layers runs/photos', does: 'which layers there are' },
  {
    command: 'handful features runs/photos --layers fine,coarse --pooling 2x2 --out f.npy',
    does: 'layers side by side',
  },
]

export function featuresCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('features')
    .summary("write a trained model's features of images")
    .description(
      'Writes one row of numbers per image, taken from hidden layers of the model of a run, and beside them\n' +
        '<out>.csv, which names the image of each row: row,split,file_name,label. However many images there\n' +
        'are, only a few are in memory. Labels of a test split are left out.',
    )
    .usage('<run> [folder] [options]')
    .argument('<run>', TRAINED_RUN)
    .argument('[folder]', 'images; without it, and without --dataset, those that the run was trained on')
  addDataDirOption(addDatasetOption(command, 'images of a known data set'))
    .option('--out <file>', 'ends in .npy (one matrix) or .safetensors (a matrix per layer)')
    .option('--layers <a,b>', '"handful layers <run>" lists them (as suits the model)', nameList('--layers'))
    .option(
      '--pooling <how>',
      'spatial layers as their mean, means over 2x2 or 4x4 cells, or none: every number (as suits the model)',
      oneOf('--pooling', POOLING_NAMES),
    )
    .option(
      '--noise-level <t>',
      'of a diffusion model, 0 (clean) to 1000 (noise)',
      numberBetween('--noise-level', 0, 1000),
    )
    .option('--draws <n>', 'means over so many draws of that noise (1)', wholeNumber('--draws', 1, 100))
    .option('--mirror', 'of a diffusion model: means with the features of the mirrored image')
    .option('--concatenate', 'one matrix of all layers in a .safetensors file too')
  addSeedOption(command, "of that noise and of generated images (the run's)")
  addMachineOptions(command, context).action((run: string, folder: string | undefined, typed: Typed) =>
    features(context, run, folder, typed),
  )
  return [command, examples]
}

async function features(
  context: CommandContext,
  run: string,
  folder: string | undefined,
  typed: Typed,
): Promise<void> {
  const { terminal } = context
  const { json, quiet, out, ...given } = typed
  if (out === undefined) {
    const hint = 'for example --out features.npy'
    throw usageError({
      what: '--out',
      got: 'no file',
      expected: 'a name that ends in .npy or .safetensors',
      hint,
    })
  }
  if (folder !== undefined && typed.dataset !== undefined) {
    throw usageError({ what: 'images', got: 'both a folder and --dataset', expected: 'one of them' })
  }
  const runFeatures = await context.jobs.features()
  const options = {
    ...given,
    run,
    folder,
    out,
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    ...engineOf(typed, context),
  }
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runFeatures(options, job),
  )
  reportSkipped(terminal, result.skipped)
  if (json === true) terminal.data(JSON.stringify(result))
  else for (const line of summaryOf(result)) terminal.data(line)
  terminal.message(`Rows are named in ${result.index}`)
}

function summaryOf({ rows, tensors, layers, request, file }: FeaturesResult): string[] {
  const { pooling, noiseLevel } = request
  const noise = noiseLevel === undefined ? '' : `, noise level ${noiseLevel}`
  const shapes = tensors.map(
    ({ name, columns }) => `  ${name}: ${formatCount(rows)} x ${formatCount(columns)}`,
  )
  let first = 0
  const places = layers.map(({ name, columns }) => `${name} ${first} to ${(first += columns) - 1}`)
  const together = layers.length > tensors.length ? [`  columns: ${places.join(', ')}`] : []
  return [`${file}: pooling ${pooling}${noise}`, ...shapes, ...together]
}
