/** The options that several commands have, each spelled out in one place. */
import type { Command } from 'commander'
import { AUGMENTATIONS, DATASETS, MODELS, PRESETS, RESIZE_MODES } from '../names.js'
import type { CommandContext } from './context.js'
import { assignments, numberBetween, oneOf, positiveNumber, wholeNumber } from './options.js'

export function addImageOptions(command: Command): Command {
  return addDatasetOption(command, 'a known data set')
    .option('--size <pixels>', 'side of the square that images become', wholeNumber('--size', 8, 256))
    .option(
      '--fit <how>',
      'how an image becomes a square: cover (cut to its middle), pad (white bars), stretch',
      oneOf('--fit', RESIZE_MODES),
    )
}

/** @param preset which one is taken unless said otherwise */
export function addModelOptions(command: Command, preset = 'fast'): Command {
  return command
    .option(
      '--model <name>',
      `what learns from the unlabelled images: ${MODELS.join(', ')} (vae)`,
      oneOf('--model', MODELS),
    )
    .option(
      '--preset <name>',
      `its settings: fast (minutes on two cores), paper (the reference's own), ddpm (diffusion only), invariant (VAE only) (${preset})`,
      oneOf('--preset', PRESETS),
    )
    .option(
      '--set <name=value>',
      'another value for a setting that --print-config shows, such as codebook.decay=0.99; again for more',
      assignments('--set'),
    )
}

export function addTrainingOptions(
  command: Command,
  defaultLimit: { minutes: string; steps: string },
): Command {
  return command
    .option(
      '--augment <how>',
      `how training images are distorted: ${AUGMENTATIONS.join(', ')} (as suits model and images)`,
      oneOf('--augment', AUGMENTATIONS),
    )
    .option('--minutes <n>', defaultLimit.minutes, positiveNumber('--minutes', '10'))
    .option('--steps <n>', defaultLimit.steps, wholeNumber('--steps', 1, 100_000_000))
}

export function addRunOptions(command: Command, context: CommandContext): Command {
  command
    .option('--out <folder>', 'the run folder (runs/<date>-<name>); never overwritten')
    .option('--resume [run]', 'go on with a run that was stopped')
  addSeedOption(addDataDirOption(command), 'of all random numbers (0)')
  return addMachineOptions(command, context).option(
    '--print-config',
    'print all options as they are resolved, and do nothing',
  )
}

/** @param what the data set is, such as `images of a known data set` */
export function addDatasetOption(command: Command, what: string): Command {
  return command.option('--dataset <name>', `${what}: ${DATASETS.join(', ')}`, oneOf('--dataset', DATASETS))
}

export function addDataDirOption(command: Command): Command {
  return command.option('--data-dir <folder>', 'where data sets lie or are downloaded to (HANDFUL_DATA)')
}

export function addSeedOption(command: Command, what: string): Command {
  return command.option('--seed <n>', what, wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER))
}

/** How a model draws images; each is refused for a model that has no use for it. */
export function addSamplerOptions(command: Command): Command {
  return command
    .option(
      '--steps <n>',
      'steps of a diffusion sampler (as its model says)',
      wholeNumber('--steps', 1, 1000),
    )
    .option(
      '--eta <n>',
      'fresh noise in each of them: 0 none (DDIM), 1 ancestral',
      numberBetween('--eta', 0, 1),
    )
    .option(
      '--truncation <n>',
      "how far a GAN's styles lie from their mean: 1 as drawn, less for more typical images",
      numberBetween('--truncation', 0, 2),
    )
}

/** What was typed for `addSamplerOptions`. */
export interface SamplerTyped {
  readonly steps?: number
  readonly eta?: number
  readonly truncation?: number
}

export const TRAINED_RUN = 'a folder that "handful pretrain" or "handful fit" has written'

export function addMachineOptions(command: Command, context: CommandContext): Command {
  return command
    .option('--threads <n>', `of the engine (${context.cores} here)`, wholeNumber('--threads', 1, 1024))
    .option('--device <name>', 'where the engine runs (cpu)')
    .option('--json', 'print the result as JSON on stdout')
    .option('--quiet', 'no progress')
}

/** What was typed for `addMachineOptions`. */
export interface MachineOptions {
  readonly threads?: number
  readonly device?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What was typed for `addDatasetOption` and `addDataDirOption`. */
export interface DatasetOptions {
  readonly dataset?: string
  readonly dataDir?: string
}

/** Where the engine runs, with defaults filled in. */
export const engineOf = (
  { threads, device }: MachineOptions,
  { cores }: CommandContext,
): { threads: number; device: string } => ({ threads: threads ?? cores, device: device ?? 'cpu' })
