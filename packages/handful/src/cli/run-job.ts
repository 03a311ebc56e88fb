/** Runs a job with everything around it: progress on stderr and Ctrl-C. */
import type { CommandContext } from './context.js'
import { withInterrupt } from './interrupt.js'
import { createProgressRenderer } from './render-progress.js'
import type { JobContext } from '../training/progress.js'

const TICK_MILLISECONDS = 1000

export interface RunJobOptions {
  readonly quiet: boolean
  /** Told after the first Ctrl-C, such as `saving a checkpoint`. */
  readonly stopping: string
}

export async function runJob<T>(
  context: CommandContext,
  options: RunJobOptions,
  job: (jobContext: JobContext) => Promise<T>,
): Promise<T> {
  const progress = createProgressRenderer(context.terminal, { quiet: options.quiet })
  const timer = setInterval(() => progress.tick(), TICK_MILLISECONDS)
  timer.unref()
  const interrupt = {
    source: context.signals,
    onStopping: () => progress.message(`Stopping: ${options.stopping}. Ctrl-C again stops at once.`),
    onKilled: () => {
      progress.close()
      context.terminal.message('Stopped at once.')
    },
  }
  try {
    return await withInterrupt(interrupt, (signal) => job({ signal, progress }))
  } finally {
    clearInterval(timer)
    progress.close()
  }
}
