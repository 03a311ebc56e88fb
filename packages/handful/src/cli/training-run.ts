/** What the commands that train have in common: the way from a command line to a run folder, new or gone on with. */
import type { z } from 'zod'
import type { PlainObject, RunFolder } from '../runs/run-folder.js'
import { HandfulError, usageError } from '../errors.js'
import type { CommandContext } from './context.js'
import { Interrupted } from './interrupt.js'
import { usageErrorOf } from './options.js'
import { runJob } from './run-job.js'
import { flagOf, ownCommand, shellWord } from '../errors/shell.js'
import type { JobContext } from '../training/progress.js'

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
  /** Resolves what depends on the images, for --print-config: fields that are added to the options or replace theirs. */
  readonly resolve: (options: O, job: JobContext) => Promise<object>
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
    const { stringify } = await import('yaml')
    const resolved = await runJob(context, { quiet: false, stopping: 'nothing is written' }, (job) =>
      command.resolve(options, job),
    )
    terminal.data(stringify({ ...options, ...resolved }).trimEnd())
    return
  }
  const run = await openRun(context, options, out, resumed)
  try {
    if (quiet !== true) terminal.message(`Run folder: ${run.folder}`)
    await work(options, run)
  } catch (error) {
    const nothing = await run.discardIfEmpty()
    const again = `${ownCommand(context.environment)} ${command.name} --resume ${shellWord(run.folder)}`
    if (!nothing) terminal.message(`What was done is kept. Go on with:  ${again}`)
    else if (error instanceof Interrupted) terminal.message('Stopped before there was anything to keep.')
    throw error
  } finally {
    await run.close()
  }
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
  const { readRunConfig } = await import('../runs/run-folder.js')
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
    import('../runs/run-folder.js'),
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
