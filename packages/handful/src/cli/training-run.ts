/**
 * What the commands that train have in common: the options for images, model and training, and the way from a command
 * line to a run folder, a new one or one that is gone on with.
 */
import type { Command } from 'commander'
import type { z } from 'zod'
import type { ResolvedTraining } from '../experiments/pretrain-job.js'
import type { PlainObject, RunFolder } from '../training/run-folder.js'
import { HandfulError, usageError } from '../errors.js'
import type { CommandContext } from './context.js'
import { Interrupted } from './interrupt.js'
import { assignments, flagOf, oneOf, positiveNumber, usageErrorOf, wholeNumber } from './options.js'
import { runJob } from './run-job.js'
import { shellWord } from './shell.js'

// Spelled out here, not taken from the schemas, so that help does not load them; a test holds the two together.
export const DATASET_NAMES = ['strokes', 'mnist', 'cifar10', 'cifar100'] as const
export const RESIZE_MODE_NAMES = ['cover', 'pad', 'stretch'] as const
export const MODEL_NAMES = ['vae', 'vqvae', 'diffusion', 'gan'] as const
export const PRESET_NAMES = ['fast', 'paper', 'ddpm'] as const
export const AUGMENTATION_NAMES = ['shapes', 'photos', 'none'] as const

const RUNS_FOLDER = 'runs'

/** Options that say where and how a run is done, not what it computes; all others are written to its config.yaml. */
export interface Surroundings {
  readonly out?: string
  readonly resume?: string | true
  readonly json?: boolean
  readonly quiet?: boolean
  readonly printConfig?: boolean
}

export type TypedOptions = Surroundings & Partial<Record<string, unknown>>

export function addImageOptions(command: Command): Command {
  return command
    .option(
      '--dataset <name>',
      `a known data set: ${DATASET_NAMES.join(', ')}`,
      oneOf('--dataset', DATASET_NAMES),
    )
    .option('--size <pixels>', 'side of the square that images become', wholeNumber('--size', 8, 256))
    .option(
      '--fit <how>',
      'how an image becomes a square: cover (cut to its middle), pad (white bars), stretch',
      oneOf('--fit', RESIZE_MODE_NAMES),
    )
}

export function addModelOptions(command: Command): Command {
  return command
    .option(
      '--model <name>',
      `what learns from the unlabelled images: ${MODEL_NAMES.join(', ')} (vae)`,
      oneOf('--model', MODEL_NAMES),
    )
    .option(
      '--preset <name>',
      "its settings: fast (minutes on two cores), paper (the reference's own), ddpm (diffusion only) (fast)",
      oneOf('--preset', PRESET_NAMES),
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
      'how training images are distorted: shapes, photos, none (as suits model and images)',
      oneOf('--augment', AUGMENTATION_NAMES),
    )
    .option('--minutes <n>', defaultLimit.minutes, positiveNumber('--minutes', '10'))
    .option('--steps <n>', defaultLimit.steps, wholeNumber('--steps', 1, 100_000_000))
}

export function addRunOptions(command: Command, context: CommandContext): Command {
  return addMachineOptions(
    command
      .option('--out <folder>', 'the run folder (runs/<date>-<name>); never overwritten')
      .option('--resume [run]', 'go on with a run that was stopped')
      .option('--data-dir <folder>', 'where data sets lie or are downloaded to (HANDFUL_DATA)')
      .option('--seed <n>', 'of all random numbers (0)', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER)),
    context,
  ).option('--print-config', 'print all options as they are resolved, and do nothing')
}

export function addMachineOptions(command: Command, context: CommandContext): Command {
  return command
    .option('--threads <n>', `of the engine (${context.cores} here)`, wholeNumber('--threads', 1, 1024))
    .option('--device <name>', 'where the engine runs (cpu)')
    .option('--json', 'print the result as JSON on stdout')
    .option('--quiet', 'no progress')
}

export interface RunOptions {
  readonly folder?: string
  readonly dataset?: string
  readonly threads: number
  readonly device: string
  readonly seed: number
}

/** How a command makes sense of its options. */
export interface TrainingCommand<O extends RunOptions> {
  /** `fit`, `pretrain`. */
  readonly name: string
  readonly schema: () => Promise<z.ZodType<O>>
  /** Resolves what depends on the images, for --print-config. */
  readonly resolve: (
    options: O,
  ) => Parameters<(typeof import('../experiments/pretrain-job.js'))['resolveTraining']>[0]
}

/**
 * From what was typed to a run that ended, or to printed options.
 * @param work does the job in the run folder and shows the result
 */
export async function trainInRun<O extends RunOptions>(
  context: CommandContext,
  command: TrainingCommand<O>,
  { folder, typed }: { readonly folder: string | undefined; readonly typed: TypedOptions },
  work: (options: O, run: RunFolder) => Promise<void>,
): Promise<void> {
  const { terminal } = context
  const { out, resume, json: _json, quiet, printConfig, ...given } = typed
  const asked = { ...given, ...(folder === undefined ? {} : { folder }) }
  if (resume === undefined && folder === undefined && given.dataset === undefined) {
    throw usageError({
      what: 'images',
      got: 'neither a folder nor --dataset',
      expected: 'one of them',
      hint: `to try it: handful ${command.name} --dataset strokes`,
    })
  }
  const resumed = resume === undefined ? undefined : resumedFolder(command.name, resume, out)
  const options = await resolve(context, command, asked, resumed)
  if (printConfig === true) {
    const [{ stringify }, resolved] = await Promise.all([
      import('yaml'),
      resolveForPrint(context, command, options),
    ])
    terminal.data(stringify({ ...options, ...resolved }).trimEnd())
    return
  }
  const run = await openRun(context, options, out, resumed)
  try {
    if (quiet !== true) terminal.message(`Run folder: ${run.folder}`)
    await work(options, run)
  } catch (error) {
    const nothing = await run.discardIfEmpty()
    const again = `handful ${command.name} --resume ${shellWord(run.folder)}`
    if (!nothing) terminal.message(`What was done is kept. Go on with:  ${again}`)
    else if (error instanceof Interrupted) terminal.message('Stopped before there was anything to keep.')
    throw error
  } finally {
    await run.close()
  }
}

async function resolveForPrint<O extends RunOptions>(
  context: CommandContext,
  command: TrainingCommand<O>,
  options: O,
): Promise<ResolvedTraining> {
  const { resolveTraining } = await import('../experiments/pretrain-job.js')
  return runJob(context, { quiet: false, stopping: 'nothing is written' }, (job) =>
    resolveTraining(command.resolve(options), job),
  )
}

function resumedFolder(command: string, resume: string | true, out: string | undefined): string {
  if (resume === true && out === undefined) {
    const hint = `handful ${command} --resume runs/<the run>`
    throw usageError({
      what: '--resume',
      got: 'no run',
      expected: 'the folder of the run to go on with',
      hint,
    })
  }
  if (resume !== true && out !== undefined && resume !== out) {
    const expected = 'one folder'
    throw usageError({
      what: '--resume',
      got: `${resume} and --out ${out}`,
      expected,
      hint: 'leave --out away',
    })
  }
  return resume === true ? String(out) : resume
}

/** All options with defaults filled in. A run that is resumed brings its own; others may be repeated, not changed. */
async function resolve<O extends RunOptions>(
  context: CommandContext,
  command: TrainingCommand<O>,
  asked: Readonly<Record<string, unknown>>,
  resumed: string | undefined,
): Promise<O> {
  const schema = await command.schema()
  const defaults = {
    threads: context.cores,
    ...(context.environment.HANDFUL_DATA ? { dataDir: context.environment.HANDFUL_DATA } : {}),
  }
  const saved = resumed === undefined ? undefined : await runOfCommand(resumed, command.name)
  if (saved !== undefined && resumed !== undefined) await refuseChanges(asked, saved, resumed)
  const parsed = schema.safeParse(saved ?? { ...defaults, ...asked })
  if (!parsed.success) throw usageErrorOf(parsed.error, `handful ${command.name} --help`)
  return parsed.data
}

async function refuseChanges(
  asked: Readonly<Record<string, unknown>>,
  saved: PlainObject,
  resumed: string,
): Promise<void> {
  const { isDeepStrictEqual } = await import('node:util')
  const words = (value: unknown): string =>
    typeof value === 'object' ? JSON.stringify(value) : String(value)
  for (const [name, value] of Object.entries(asked)) {
    if (isDeepStrictEqual(value, saved[name])) continue
    throw usageError({
      what: name === 'folder' ? 'folder' : flagOf(name),
      got: words(value),
      expected: `${saved[name] === undefined ? 'none' : words(saved[name])}, as the run in ${resumed} has it`,
      hint: 'leave it out to go on with the run, or start a new one with another --out',
    })
  }
}

/**
 * The options of a run that a command of this name made.
 * @throws HandfulError if the folder is no run, or one of another command
 */
export async function runOfCommand(
  folder: string,
  command: string,
  hint = (madeBy: string): string => `go on with it by handful ${madeBy} --resume ${shellWord(folder)}`,
): Promise<PlainObject> {
  const { readRunConfig } = await import('../training/run-folder.js')
  const saved = await readRunConfig(folder)
  const madeBy = typeof saved.command === 'string' ? saved.command : 'fit'
  if (madeBy === command) return saved
  throw new HandfulError({
    what: 'run folder',
    where: folder,
    got: `a run of handful ${madeBy}`,
    expected: `one of handful ${command}`,
    hint: hint(madeBy),
    exitCode: 2,
  })
}

async function openRun(
  context: CommandContext,
  options: RunOptions,
  out: string | undefined,
  resumed: string | undefined,
): Promise<RunFolder> {
  const [{ RunFolder }, { describeEnvironment }] = await Promise.all([
    import('../training/run-folder.js'),
    import('./environment.js'),
  ])
  const { threads, device, seed } = options
  const environment = await describeEnvironment({ context, threads, device, seed })
  if (resumed !== undefined) return RunFolder.resume(resumed, environment)
  const { basename, resolve: absolute } = await import('node:path')
  return RunFolder.create({
    folder: out,
    parent: RUNS_FOLDER,
    name: options.dataset ?? basename(absolute(options.folder ?? '.')),
    date: context.date(),
    config: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    environment,
  })
}
