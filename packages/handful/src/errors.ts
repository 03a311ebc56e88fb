/**
 * The one error class for what a user can put right: bad input, missing files, a full disk. It reads
 * `what (where): got X, expected Y; hint`, always on one line, and carries the exit code of the command line
 * (1 failure, 2 usage). Anything else that is thrown is a fault of the program itself and starts with `internal:`.
 */

export interface ErrorParts {
  /** The thing that is wrong: `label`, `image size`, `MNIST training images`. */
  readonly what: string
  /** Where it stands: a file, a row, an option, a function. */
  readonly where?: string
  readonly got?: string
  readonly expected?: string
  /** What to do about it. */
  readonly hint?: string
  /** 1 for failures (the default), 2 for a wrong use of the command line. */
  readonly exitCode?: 1 | 2
  readonly cause?: unknown
}

/** Longest piece of the user's own text that a message repeats. */
const PRINTED_CHARACTERS = 200

/** Those of terminals (ASCII's and their second set), line separators, and those that turn the direction of text. */
const CONTROL_CHARACTERS =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Characters that are seen nowhere and do something: written as `\u001b`, so that they are seen and do nothing. */
export function visible(text: string): string {
  return text.replace(CONTROL_CHARACTERS, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    if (character === '\t') return '\\t'
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The same for text of several lines, which stay lines. */
export const visibleLines = (text: string): string => text.replace(/[^\n\t]+/g, visible)

/** Makes text from outside fit for one line of a terminal: control characters escaped, long text cut in the middle. */
export function printable(text: string): string {
  const line = visible(text)
  if (line.length <= PRINTED_CHARACTERS) return line
  const half = PRINTED_CHARACTERS / 2 - 1
  return `${line.slice(0, half)}...${line.slice(-half)}`
}

/** The same in double quotes, for values such as labels and names. */
export function quoted(text: string): string {
  return `"${printable(text)}"`
}

/**
 * An error for the reader, in one line: `what (where): got X, expected Y; hint`. `exitCode` is 2 for wrong use and 1
 * for all else.
 */
export class HandfulError extends Error {
  readonly what: string
  readonly where?: string
  readonly got?: string
  readonly expected?: string
  readonly hint?: string
  readonly exitCode: 1 | 2

  constructor(parts: ErrorParts) {
    super(oneLine(parts), parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = 'HandfulError'
    this.what = parts.what
    this.where = parts.where
    this.got = parts.got
    this.expected = parts.expected
    this.hint = parts.hint
    this.exitCode = parts.exitCode ?? 1
  }
}

/** A wrong option or argument: exit code 2. */
export function usageError(parts: Omit<ErrorParts, 'exitCode'>): HandfulError {
  return new HandfulError({ ...parts, exitCode: 2 })
}

function oneLine({ what, where, got, expected, hint }: ErrorParts): string {
  const place = where === undefined ? what : `${what} (${where})`
  const values: string[] = []
  if (got !== undefined) values.push(`got ${got}`)
  if (expected !== undefined) values.push(`expected ${expected}`)
  const finding = values.length === 0 ? place : `${place}: ${values.join(', ')}`
  const message = hint === undefined ? finding : `${finding}; ${hint}`
  return visible(message.replace(/[\n\r\t\u2028\u2029]/g, ' '))
}

/** The code of a failed system call (`ENOSPC`), or undefined; Node's own `ERR_...` are no system calls. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

const SYSTEM_FAILURES: Readonly<Record<string, readonly [got: string, hint: string]>> = {
  ENOSPC: ['a full disk', 'free some space or choose another place'],
  EDQUOT: ['a used-up disk quota', 'free some space or choose another place'],
  EACCES: ['no permission', 'change its permissions or choose another place'],
  EPERM: ['no permission', 'change its permissions or choose another place'],
  EROFS: ['a read-only file system', 'choose another place'],
  ENOENT: ['nothing there', 'check the path'],
  ENOTDIR: ['a file where a folder should be', 'check the path'],
  EISDIR: ['a folder where a file should be', 'check the path'],
  EEXIST: ['something already there', 'choose another name'],
  ELOOP: ['symbolic links that lead in a circle', 'check the path'],
  ENAMETOOLONG: ['a name that is too long', 'choose a shorter one'],
  EMFILE: ['too many open files', 'raise the limit with `ulimit -n 4096`'],
  EIO: ['a failing disk', 'check the disk'],
}

/** A failed system call as one line. `what` says what was tried, such as `writing predictions`. */
export function systemError(what: string, path: string, error: unknown): HandfulError {
  if (error instanceof HandfulError) return error
  const code = systemCode(error)
  const known = code === undefined ? undefined : SYSTEM_FAILURES[code]
  const got = known?.[0] ?? code ?? (error instanceof Error ? printable(error.message) : String(error))
  return new HandfulError({ what, where: printable(path), got, hint: known?.[1], cause: error })
}
