/** Commands that work in a run folder: from what was typed to a folder, new or gone on with, and a result in it. */
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { printable, usageError } from '../errors.js'
import { flagOf, ownCommand, shellWord } from '../errors/shell.js'
import { usageErrorOf } from '../errors/usage-of-options.js'
import type { RunCommand, RunOptions } from '../jobs/command-entry.js'
import type { Session } from '../jobs/option.js'
import { runOfCommand } from '../jobs/run-of-command.js'
import { type Brought, checkPlugins } from '../runs/brought.js'
import type { ImageFiles } from '../runs/image-record.js'
import type { PlainObject } from '../runs/run-files.js'
import { RunFolder } from '../runs/run-folder.js'
import { type JobContext, LOOKING, type Progress, READING, reportFound } from '../training/progress.js'
import type { CommandContext } from './context.js'
import { Interrupted } from './interrupt.js'
import { refuseAbsentDevice, runJob, tell } from './surroundings.js'

const RUNS_FOLDER = 'runs'

interface TypedRun {
  readonly folder?: string
  readonly dataset?: string
  readonly out?: string
  readonly resume?: string | true
  readonly printConfig?: true
  readonly [name: string]: unknown
}

interface Surroundings {
  readonly context: CommandContext
  readonly session: Session
  readonly json: boolean
}

/** From what was typed to a run that ended, or to printed options. */
export async function performInRun(
  entry: RunCommand,
  { out, resume, printConfig, ...typed }: TypedRun,
  { context, session, json }: Surroundings,
): Promise<void> {
  const { terminal } = context
  if (resume === undefined && typed.folder === undefined && typed.dataset === undefined) {
    throw usageError({
      what: 'images',
      got: 'neither a folder nor --dataset',
      expected: 'one of them',
      hint: `to try it: handful ${entry.name} --dataset strokes`,
    })
  }
  const resumed = resume === undefined ? undefined : resumedFolder(entry.name, resume, out)
  const options = await resolveOptions(entry, typed, resumed, session)
  if (printConfig) {
    const loud = { ...session, quiet: false }
    const resolved = await runJob({ context, session: loud, stopping: 'nothing is written' }, (job) =>
      entry.resolve(options, job),
    )
    terminal.data(stringify({ ...options, ...resolved }).trimEnd())
    return
  }
  await refuseAbsentDevice(options.device)
  const images =
    resumed === undefined
      ? await runJob({ context, session, stopping: 'nothing is written' }, (job) => lookAt(options, out, job))
      : undefined
  const run = await openRun(options, out, resumed, session)
  try {
    if (images !== undefined) {
      const { recordImages } = await import('../runs/image-record.js')
      await recordImages(run, images.folder, images.files)
    }
    const result = await runJob(
      { context, session, stopping: 'a checkpoint is saved first' },
      async (job) => {
        const { progress, announce } = announcing(job.progress, run.folder)
        const done = await entry.run(options, { ...job, run, progress })
        announce()
        return done
      },
    )
    tell(terminal, await entry.show(result, run, session), json)
  } catch (error) {
    const nothing = await run.discardIfEmpty()
    const again = `${ownCommand(session.environment)} ${entry.name} --resume ${shellWord(run.folder)}`
    if (!nothing) terminal.message(`What was done is kept. Go on with:  ${again}`)
    else if (error instanceof Interrupted) terminal.message('Stopped before there was anything to keep.')
    throw error
  } finally {
    await run.close()
  }
}

/** Names the run's folder once its images are read: what fails before has left nothing there. */
function announcing(progress: Progress, folder: string): { progress: Progress; announce: () => void } {
  let announced = false
  const announce = (): void => {
    if (!announced) progress.aside(`Run folder: ${printable(folder)}`)
    announced = true
  }
  return {
    announce,
    progress: {
      plan: (stages) => progress.plan(stages),
      message: (text) => progress.message(text),
      aside: (text) => progress.aside(text),
      report(event) {
        if (event.stage !== READING && event.stage !== LOOKING) announce()
        progress.report(event)
      },
    },
  }
}

/**
 * What a new run would fail of is said before its folder is made: the images' listing and labels, and the place to write to.
 * @returns what the images are, of the user's own
 */
async function lookAt(
  { folder, ...options }: RunOptions,
  out: string | undefined,
  { signal, progress }: JobContext,
): Promise<{ folder: string; files: ImageFiles } | undefined> {
  await RunFolder.check(out, RUNS_FOLDER)
  const { checkSource } = await import('../runs/read-dataset.js')
  checkSource({ folder, ...options })
  if (folder === undefined) return undefined
  const [{ openCollection }, { surveyImages }] = await Promise.all([
    import('../data/open-collection.js'),
    import('../runs/image-record.js'),
  ])
  const onFound = reportFound(progress)
  await openCollection(folder, signal, { ...options, passOver: out === undefined ? [] : [out], onFound })
  return { folder, files: await surveyImages(folder, signal, onFound) }
}

function resumedFolder(command: string, resume: string | true, out: string | undefined): string {
  if (resume === true) {
    if (out !== undefined) return out
    const expected = 'the folder of the run to go on with'
    const hint = `handful ${command} --resume runs/<the run>`
    throw usageError({ what: '--resume', got: 'no run', expected, hint })
  }
  if (out === undefined || resume === out) return resume
  const got = `${resume} and --out ${out}`
  throw usageError({ what: '--resume', got, expected: 'one folder', hint: 'leave --out away' })
}

/** All options with defaults filled in. A run that is resumed brings its own; others may be repeated, not changed. */
async function resolveOptions(
  entry: RunCommand,
  typed: TypedRun,
  resumed: string | undefined,
  { cores, environment, brought }: Session,
): Promise<RunOptions> {
  const schema = await entry.schema(brought)
  const asked = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined))
  const saved = resumed === undefined ? undefined : await runOfCommand(resumed, entry.name)
  if (saved !== undefined && resumed !== undefined) refuseOtherPlugins(saved, brought, resumed)
  const own = saved === undefined || resumed === undefined ? undefined : await gone(saved, asked, resumed)
  const dataDir = environment.HANDFUL_DATA
  // Older runs that are gone on with have none, and stay at what was usual then.
  const choosesSize = Object.hasOwn(entry.options, 'size') && asked.folder !== undefined
  const defaults = {
    threads: cores,
    ...(dataDir ? { dataDir } : {}),
    ...(choosesSize ? { size: 'auto' } : {}),
    ...entry.newRuns?.(asked),
  }
  const parsed = schema.safeParse(
    own ?? { ...defaults, ...asked, ...(brought.plugins && { plugins: brought.plugins }) },
  )
  if (!parsed.success) throw usageErrorOf(parsed.error, `handful ${entry.name} --help`)
  return parsed.data
}

/** A run is gone on with by the plugins that it was made with, and by no others. */
function refuseOtherPlugins(saved: PlainObject, brought: Brought, resumed: string): void {
  const [changed] = checkPlugins(saved, brought, resumed)
  const before = Array.isArray(saved.plugins) ? saved.plugins.length : 0
  const { plugins = [] } = brought
  if (changed === undefined && plugins.length <= before) return
  throw usageError({
    what: '--plugin',
    where: printable(resumed),
    got: changed === undefined ? `${plugins.length} plugins` : 'another content',
    expected: changed === undefined ? `${before}, as the run was made with` : 'what the run was made with',
    hint: changed === undefined ? 'leave the others out' : `${changed} Start a new run with another --out`,
  })
}

/** The options of a run that is gone on with, its images where they are from here. */
async function gone(
  saved: PlainObject,
  { folder: asked, ...others }: Readonly<Record<string, unknown>>,
  resumed: string,
): Promise<PlainObject> {
  refuseChanges(others, saved, resumed)
  const { folder } = saved
  const { locateImages, readImageRecord } = await import('../runs/image-record.js')
  const record = await readImageRecord(resumed)
  const again = typeof asked === 'string' && record?.path === path.resolve(asked)
  if (asked !== undefined && !again) refuseChanges({ folder: asked }, saved, resumed)
  if (typeof folder !== 'string') return saved
  const hint = `put them back, or start a new run with another --out`
  return { ...saved, folder: await locateImages(resumed, folder, hint) }
}

function refuseChanges(asked: Readonly<Record<string, unknown>>, saved: PlainObject, resumed: string): void {
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

async function openRun(
  options: RunOptions,
  out: string | undefined,
  resumed: string | undefined,
  session: Session,
): Promise<RunFolder> {
  const environment = await session.describe(options)
  if (resumed !== undefined) return RunFolder.resume(resumed, environment)
  return RunFolder.create({
    folder: out,
    parent: RUNS_FOLDER,
    name: options.dataset ?? path.basename(path.resolve(options.folder ?? '.')),
    date: session.date(),
    config: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    environment,
  })
}
