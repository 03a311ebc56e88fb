/** From what was typed to a result on the screen: defaults, --print-config, progress, Ctrl-C, --json. */
import type { Command, JobCommand, Shown } from '../jobs/command.js'
import type { Options, Session } from '../jobs/option.js'
import type { CommandContext } from './context.js'
import { withInterrupt } from './interrupt.js'
import { createProgressRenderer } from './render-progress.js'
import type { Terminal } from './terminal.js'
import type { JobContext } from '../training/progress.js'

const TICK_MILLISECONDS = 1000
const NAMED_FILES = 5

/** Arguments and options by name, without defaults. */
export interface Typed {
  readonly json?: true
  readonly quiet?: true
  readonly printConfig?: true
  readonly [name: string]: unknown
}

export async function perform(entry: Command, typed: Typed, context: CommandContext): Promise<void> {
  const { json, quiet, printConfig, ...given } = typed
  const session = sessionOf(context, { quiet })
  if ('schema' in entry) {
    const { performInRun } = await import('./run-command.js')
    await performInRun(entry, { ...given, printConfig }, { context, session, json: json === true })
    return
  }
  await performJob(entry, { ...defaultsOf(entry.options, session), ...given }, { context, session, typed })
}

interface Performing {
  readonly context: CommandContext
  readonly session: Session
  readonly typed: Typed
}

async function performJob(
  entry: JobCommand,
  given: Readonly<Record<string, unknown>>,
  { context, session, typed: { json, printConfig } }: Performing,
): Promise<void> {
  const { terminal } = context
  const options = await entry.prepare(given, session)
  if (printConfig && entry.print !== undefined) {
    terminal.data((await entry.print(options)).trimEnd())
    return
  }
  await refuseAbsentDevice(given.device)
  const later: string[] = []
  const telling = { ...session, afterwards: (text: string) => void later.push(text) }
  const stopping = 'quiet' in entry.options ? (entry.stopping ?? 'nothing is written') : undefined
  const result = await runJob({ context, session, stopping }, (job) =>
    entry.run(options, job, telling),
  ).finally(() => later.forEach((text) => terminal.message(text)))
  tell(terminal, await entry.show(result, options, session), json === true)
}

/** What the entry of a command may know. */
export function sessionOf(context: CommandContext, { quiet = false }: { quiet?: boolean }): Session {
  const { cores, environment, commandLine, date, terminal } = context
  return {
    cores,
    environment,
    quiet,
    commandLine,
    date,
    async describe({ threads, device, seed }) {
      const { describeEnvironment } = await import('./environment.js')
      return describeEnvironment({ context, threads, device, seed })
    },
    afterwards: (text) => terminal.message(text),
  }
}

function defaultsOf(options: Options, session: Session): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, { or }]) => (or === undefined ? [] : [[name, or(session)]])),
  )
}

/** Looked at before a command has spent any time; what runs on the device is the engine's business. */
export async function refuseAbsentDevice(device: unknown): Promise<void> {
  if (typeof device !== 'string' || device === 'cpu') return
  const { checkDevice } = await import('../runs/device.js')
  await checkDevice(device)
}

export interface JobSurroundings {
  readonly context: CommandContext
  readonly session: Session
  /** Told after the first Ctrl-C, such as `a checkpoint is saved first`; undefined for what ends at once. */
  readonly stopping: string | undefined
}

/** Runs a job with everything around it: progress on stderr and Ctrl-C. */
export async function runJob<T>(
  { context: { terminal, signals }, session, stopping }: JobSurroundings,
  job: (context: JobContext) => Promise<T>,
): Promise<T> {
  const progress = createProgressRenderer(terminal, session)
  if (stopping === undefined) return job({ signal: new AbortController().signal, progress })
  const timer = setInterval(() => progress.tick(), TICK_MILLISECONDS)
  timer.unref()
  const interrupt = {
    source: signals,
    onStopping: () => progress.message(`Stopping: ${stopping}. Ctrl-C again stops at once.`),
    onKilled: () => {
      progress.close()
      terminal.message('Stopped at once.')
    },
  }
  try {
    return await withInterrupt(interrupt, (signal) => job({ signal, progress }))
  } finally {
    clearInterval(timer)
    progress.close()
  }
}

/** Data to stdout, everything else to stderr: files that could not be used are named, a few of them. */
export function tell(terminal: Terminal, shown: Shown, json: boolean): void {
  const { lines, messages = [], skipped = [], failure } = shown
  if (json) terminal.data(JSON.stringify(shown.json))
  else for (const line of lines) terminal.data(line)
  for (const { path, reason } of skipped.slice(0, NAMED_FILES)) terminal.message(`Skipped ${path}: ${reason}`)
  if (skipped.length > NAMED_FILES) terminal.message(`Skipped ${skipped.length - NAMED_FILES} more.`)
  for (const text of messages) terminal.message(text)
  if (failure !== undefined) throw failure
}
