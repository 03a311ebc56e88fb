/** What every command is given: where it writes, how it is stopped, and the jobs it can start. */
import type { SignalSource } from './interrupt.js'
import type { Jobs } from './jobs.js'
import type { Terminal } from './terminal.js'

export interface CommandContext {
  readonly version: string
  readonly terminal: Terminal
  readonly signals: SignalSource
  readonly jobs: Jobs
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The command line as it was typed, as far as that can be told; the report shows it. */
  readonly commandLine: string
  readonly date: () => Date
  /** How many threads the engine gets unless told otherwise. */
  readonly cores: number
}
