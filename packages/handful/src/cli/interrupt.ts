/**
 * Ctrl-C. The first SIGINT or SIGTERM asks the job to stop at its next safe point, with its checkpoint saved; the
 * second one stops at once. Either way the exit status is 130.
 */

export const INTERRUPTED_EXIT_CODE = 130

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** The reason that the abort signal carries, and what a job that stops for it throws. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor(readonly signalName: string) {
    super(`stopped by ${signalName}`)
  }
}

/** The parts of `process` that are used, so that tests can send signals to a stand-in. */
export interface SignalSource {
  on(name: (typeof SIGNALS)[number], listener: () => void): unknown
  off(name: (typeof SIGNALS)[number], listener: () => void): unknown
  exit(code: number): void
}

export interface InterruptOptions {
  readonly source: SignalSource
  /** Called at the first signal, to tell the user what happens now. */
  readonly onStopping: () => void
  /** Called at the second one, just before the process ends. */
  readonly onKilled: () => void
}

/**
 * Runs a job that can be interrupted.
 * @returns the job's own result; it rejects with `Interrupted` if the job stopped for the signal
 */
export async function withInterrupt<T>(
  options: InterruptOptions,
  job: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      if (controller.signal.aborted) {
        options.onKilled()
        options.source.exit(INTERRUPTED_EXIT_CODE)
        return
      }
      options.onStopping()
      controller.abort(new Interrupted(name))
    }
    options.source.on(name, listener)
    return { name, listener }
  })
  try {
    return await job(controller.signal)
  } catch (error) {
    // Library calls that were handed the signal reject with an AbortError of their own.
    const isAbort = error instanceof Error && (error.name === 'AbortError' || error.name === 'Interrupted')
    if (controller.signal.aborted && isAbort) throw controller.signal.reason
    throw error
  } finally {
    for (const { name, listener } of listeners) options.source.off(name, listener)
  }
}
