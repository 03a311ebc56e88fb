/** Files that a command could not use, told to the user: a few by name, the rest as a number. */
import type { Terminal } from './terminal.js'

const NAMED = 5

export function reportSkipped(
  terminal: Terminal,
  skipped: readonly { readonly path: string; readonly reason: string }[],
): void {
  for (const { path, reason } of skipped.slice(0, NAMED)) terminal.message(`Skipped ${path}: ${reason}`)
  if (skipped.length > NAMED) terminal.message(`Skipped ${skipped.length - NAMED} more.`)
}
