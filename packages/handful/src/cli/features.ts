/** `handful features`: writes what the hidden layers of a trained model make of images. */
import { Command } from 'commander'
import { usageError } from '../errors.js'
import { flagOf } from '../errors/shell.js'
import type { FeaturesResult } from '../jobs/features.js'
import type { JobContext } from '../jobs/fit-options.js'
import { formatCount } from '../draw/format.js'
import { type Pooling, POOLINGS, type ResizeMode, RESIZE_MODES } from '../names.js'
import type { CommandContext } from './context.js'
import { assignments, nameList, numberList, oneOf, wholeNumber } from './options.js'
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

export const BASELINE_NAMES = ['pixels', 'pca', 'patches', 'random'] as const

interface Typed extends DatasetOptions, MachineOptions {
  readonly baseline?: (typeof BASELINE_NAMES)[number]
  readonly set?: Readonly<Record<string, unknown>>
  readonly dictionary?: string
  readonly saveDictionary?: string
  readonly size?: number
  readonly fit?: ResizeMode
  readonly layers?: readonly string[]
  readonly pooling?: Pooling
  readonly noiseLevel?: readonly number[]
  readonly averageLevels?: boolean
  readonly draws?: number
  readonly mirror?: boolean
  readonly concatenateViews?: boolean
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
  {
    command: 'handful features --baseline patches --dataset cifar10 --out patches.npy',
    does: 'without a trained model',
  },
]

export function featuresCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('features')
    .summary("write a trained model's features of images")
    .description(
      'Writes one row of numbers per image, taken from hidden layers of the model of a run, and beside them\n' +
        '<out>.csv, which names the image of each row: row,split,file_name,label. However many images there\n' +
        'are, only a few are in memory. Labels of a test split are left out. With --baseline there is no run:\n' +
        'raw pixels, principal components, whitened patches, or a network with random weights.',
    )
    .usage('[run] [folder] [options]')
    .argument('[run]', `${TRAINED_RUN}; none with --baseline`)
    .argument('[folder]', 'images; without it, and without --dataset, those that the run was trained on')
  addDataDirOption(addDatasetOption(command, 'images of a known data set'))
    .option('--out <file>', 'ends in .npy (one matrix) or .safetensors (a matrix per layer)')
    .option('--layers <a,b>', '"handful layers <run>" lists them (as suits the model)', nameList('--layers'))
    .option(
      '--pooling <how>',
      'spatial layers as their mean, means over 2x2 or 4x4 cells, or none: every number (as suits the model)',
      oneOf('--pooling', POOLINGS),
    )
    .option(
      '--noise-level <t>',
      'of a diffusion model, 0 (clean) to 1000 (noise); several such as 50,200 stand side by side',
      numberList('--noise-level', 0, 1000),
    )
    .option('--average-levels', 'means over several noise levels instead')
    .option('--draws <n>', 'means over so many draws of that noise (1)', wholeNumber('--draws', 1, 100))
    .option('--mirror', 'of a diffusion model: means with the features of the mirrored image')
    .option('--concatenate-views', 'draws and the mirrored image side by side, not their means')
    .option('--concatenate', 'one matrix of all layers in a .safetensors file too')
    .option(
      '--baseline <name>',
      `features without a trained model: ${BASELINE_NAMES.join(', ')}`,
      oneOf('--baseline', BASELINE_NAMES),
    )
    .option(
      '--set <name=value>',
      'of a baseline: atoms=512 (patches), components=64 (pca), network=resnet18 (random); again for more',
      assignments('--set'),
    )
    .option('--dictionary <file>', 'patches or components fitted before, in place of fitting them')
    .option('--save-dictionary <file.safetensors>', 'where to keep those that are fitted')
    .option(
      '--size <pixels>',
      "side of a baseline's images from a folder (32)",
      wholeNumber('--size', 8, 256),
    )
    .option(
      '--fit <how>',
      'how such an image becomes a square: cover, pad, stretch',
      oneOf('--fit', RESIZE_MODES),
    )
  addSeedOption(command, "of that noise and of generated images (the run's)")
  addMachineOptions(command, context).action(
    (run: string | undefined, folder: string | undefined, typed: Typed) =>
      features(context, { run, folder }, typed),
  )
  return [command, examples]
}

interface Named {
  readonly run?: string
  readonly folder?: string
}

async function features(context: CommandContext, named: Named, typed: Typed): Promise<void> {
  const { terminal } = context
  const { json, quiet } = typed
  const job = await jobOf(context, named, typed)
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, job)
  reportSkipped(terminal, result.skipped)
  if (json === true) terminal.data(JSON.stringify(result))
  else for (const line of summaryOf(result)) terminal.data(line)
  terminal.message(`Rows are named in ${result.index}`)
}

/** What was typed, as the job of a run or of a baseline. */
async function jobOf(
  context: CommandContext,
  { run, folder }: Named,
  typed: Typed,
): Promise<(job: JobContext) => Promise<FeaturesResult>> {
  const { json: _json, quiet: _quiet, out, baseline, ...given } = typed
  const { noiseLevel, averageLevels, concatenateViews, ...request } = given
  const { set, dictionary, saveDictionary, size, fit, ...others } = request
  if (out === undefined) {
    const hint = 'for example --out features.npy'
    throw usageError({
      what: '--out',
      got: 'no file',
      expected: 'a name that ends in .npy or .safetensors',
      hint,
    })
  }
  const images = baseline === undefined ? folder : run
  if (images !== undefined && typed.dataset !== undefined) {
    throw usageError({ what: 'images', got: 'both a folder and --dataset', expected: 'one of them' })
  }
  const options = {
    ...others,
    folder: images,
    out,
    ...(noiseLevel?.length === 1 ? { noiseLevel: noiseLevel[0] } : { noiseLevels: noiseLevel }),
    combineLevels: averageLevels === true ? ('average' as const) : undefined,
    combineViews: concatenateViews === true ? ('concatenate' as const) : undefined,
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    ...engineOf(typed, context),
  }
  const baselineOptions = { set, dictionary, saveDictionary, size, fit }
  if (baseline !== undefined) {
    if (folder !== undefined) {
      throw usageError({
        what: 'arguments',
        got: `${run ?? ''} and ${folder}`,
        expected: 'with --baseline one folder of images, and no run',
      })
    }
    const runBaseline = await context.jobs.baselineFeatures()
    return (job) => runBaseline({ ...options, ...baselineOptions, baseline, seed: typed.seed ?? 0 }, job)
  }
  if (run === undefined) {
    throw usageError({
      what: 'features',
      got: 'neither a run nor --baseline',
      expected: 'one of them',
      hint: 'see handful features --help',
    })
  }
  const [flag] = Object.entries(baselineOptions).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  if (flag !== undefined) {
    const got = 'it with a run, whose model stays as it was trained'
    throw usageError({ what: flagOf(flag), got, expected: 'it with --baseline', hint: 'leave it out' })
  }
  const runFeatures = await context.jobs.features()
  return (job) => runFeatures({ ...options, run }, job)
}

function summaryOf({ rows, tensors, layers, detail, file }: FeaturesResult): string[] {
  const shapes = tensors.map(
    ({ name, columns }) => `  ${name}: ${formatCount(rows)} x ${formatCount(columns)}`,
  )
  let first = 0
  const places = layers.map(({ name, columns }) => `${name} ${first} to ${(first += columns) - 1}`)
  const together = layers.length > tensors.length ? [`  columns: ${places.join(', ')}`] : []
  return [`${file}: ${detail}`, ...shapes, ...together]
}
