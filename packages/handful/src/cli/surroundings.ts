/** What surrounds every job: what its entry may know, the device, progress on stderr, Ctrl-C, and the result on the screen. */
import { printable } from '../errors.js'
import type { Shown } from '../jobs/command-entry.js'
import type { Session } from '../jobs/option.js'
import type { Brought } from '../runs/brought.js'
import type { JobContext } from '../training/progress.js'
import type { CommandContext } from './context.js'
import { withInterrupt } from './interrupt.js'
import { createProgressRenderer } from './render-progress.js'
import type { Terminal } from './terminal.js'

const TICK_MILLISECONDS = 1000
const NAMED_FILES = 5

/** What the entry of a command may know. */
export function sessionOf(
  context: CommandContext,
  { quiet = false, progress = 'text' }: { quiet?: boolean; progress?: Session['progress'] },
  brought: Brought = {},
): Session {
  const { cores, environment, commandLine, date, terminal } = context
  return {
    cores,
    environment,
    brought,
    quiet,
    progress,
    commandLine,
    date,
    async describe({ threads, device, seed }) {
      const { describeEnvironment } = await import('./environment.js')
      return describeEnvironment({ context, threads, device, seed })
    },
    data: (text) => terminal.data(text),
    afterwards: (text) => terminal.message(text),
  }
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
  job: (context: JobContext & Brought) => Promise<T>,
): Promise<T> {
  const progress = createProgressRenderer(terminal, session)
  if (stopping === undefined)
    return job({ ...session.brought, signal: new AbortController().signal, progress })
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
    return await withInterrupt(interrupt, (signal) => job({ ...session.brought, signal, progress }))
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
  for (const { path, reason } of skipped.slice(0, NAMED_FILES)) {
    terminal.message(`Skipped ${printable(path)}: ${printable(reason)}`)
  }
  if (skipped.length > NAMED_FILES) terminal.message(`Skipped ${skipped.length - NAMED_FILES} more.`)
  for (const text of messages) terminal.message(text)
  if (failure !== undefined) throw failure
}
