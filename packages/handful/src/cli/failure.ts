/**
 * How a command that failed says so: one line on stderr, a hint how to see more, and the exit status. 1 is a failure,
 * 2 a command line that can't be understood, 130 an interruption.
 */
import { CommanderError } from 'commander'
import { HandfulError, printable } from '../errors.js'
import { withoutPasswords } from '../errors/shell.js'
import { Interrupted, INTERRUPTED_EXIT_CODE } from './interrupt.js'
import type { Terminal } from './terminal.js'

/** Tells the user about an error and returns the exit status. */
export function reportError(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return 0
  if (error instanceof Interrupted) return INTERRUPTED_EXIT_CODE
  const mark = terminal.style('error:', 'red', 'bold')
  const debug = isDebug(terminal)
  if (error instanceof HandfulError) {
    terminal.message(`${mark} ${withoutPasswords(error.message)}`)
    if (debug) terminal.message(error.stack ?? '')
    return error.exitCode
  }
  const message = error instanceof Error ? error.message || error.name : String(error)
  terminal.message(`${mark} ${printable(withoutPasswords(message).replace(/\s+/g, ' '))}`)
  // The engine's errors are plain ones, in the same form as ours.
  const foreseen = /: got .*, expected /s.test(message) && !message.startsWith('internal:')
  if (debug) {
    terminal.message(error instanceof Error ? (error.stack ?? '') : '')
  } else if (!foreseen) {
    terminal.message('This was not foreseen. HANDFUL_DEBUG=1 before the command shows where it happened.')
  }
  return 1
}

function isDebug(terminal: Terminal): boolean {
  const value = terminal.environment.HANDFUL_DEBUG
  return value !== undefined && value !== '' && value !== '0'
}
