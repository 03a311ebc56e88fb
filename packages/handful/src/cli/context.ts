/** What the command line is given: the commands, where it writes and how it is stopped. */
import type { Command, CommandGroup } from '../jobs/command.js'
import type { SignalSource } from './interrupt.js'
import type { Terminal } from './terminal.js'

export interface CommandContext {
  readonly version: string
  readonly commands: readonly (Command | CommandGroup)[]
  readonly terminal: Terminal
  readonly signals: SignalSource
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The command line as it was typed, as far as that can be told; the report shows it. */
  readonly commandLine: string
  readonly date: () => Date
  /** How many threads the engine gets unless told otherwise. */
  readonly cores: number
}
