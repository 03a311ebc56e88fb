/**
 * Where the command line writes and what that place can show. Data goes to stdout, everything else to stderr; colour
 * and redrawing follow NO_COLOR (no-color.org), FORCE_COLOR and TERM=dumb.
 */

import { visibleLines } from '../errors.js'

/** The parts of a stream that are used here, so that tests can collect what is written. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface TerminalOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Seconds on a clock that only moves forward. */
  readonly now: () => number
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof CODES

export class Terminal {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly now: () => number
  /** Whether messages may be coloured. */
  readonly colour: boolean
  /** Whether a line on stderr can be drawn over. */
  readonly redraws: boolean

  constructor(options: TerminalOptions) {
    this.stdout = options.stdout
    this.stderr = options.stderr
    this.environment = options.environment
    this.now = options.now
    const { NO_COLOR, FORCE_COLOR, TERM } = options.environment
    const isTerminal = options.stderr.isTTY === true && TERM !== 'dumb'
    const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
    const refused = (NO_COLOR !== undefined && NO_COLOR !== '') || (FORCE_COLOR !== undefined && !forced)
    this.colour = forced || (isTerminal && !refused)
    this.redraws = isTerminal
  }

  /** Columns of a message line: one less than the terminal's, so that the cursor never wraps. */
  get columns(): number {
    return Math.max(40, Math.min(this.stderr.columns ?? 100, 120)) - 1
  }

  style(text: string, ...styles: readonly Style[]): string {
    if (!this.colour) return text
    return styles.reduce((inner, style) => `\u001b[${CODES[style]}m${inner}\u001b[0m`, text)
  }

  /** One line of data: whole where it goes to a file or a program, harmless on a screen. */
  data(text: string): void {
    this.stdout.write(`${this.stdout.isTTY === true ? harmless(text) : text}\n`)
  }

  /** One line for the reader. */
  message(text: string): void {
    this.stderr.write(`${harmless(text)}\n`)
  }
}

/** What `style` writes. */
const OWN_CODES = new RegExp(`(\\u001b\\[(?:0|${Object.values(CODES).join('|')})m)`)

/** No control characters but line ends and our own colours: names of files and classes may hold any. */
function harmless(text: string): string {
  return text
    .split(OWN_CODES)
    .map((part, i) => (i % 2 === 1 ? part : visibleLines(part)))
    .join('')
}
