/**
 * Progress on stderr: on a terminal one line that is drawn over, with bar, share, rate and time left; elsewhere a plain
 * line every few seconds. A stage that ends leaves one line behind in both.
 */
import {
  type PlannedStage,
  type Progress,
  type ProgressEvent,
  ProgressTracker,
  type StageStatus,
} from '../training/progress.js'
import { formatClock, formatCount, formatDuration } from '../draw/format.js'
import type { Terminal } from './terminal.js'

const REDRAW_SECONDS = 0.1
const PLAIN_LINE_SECONDS = 5
const BAR_CELLS = 20
const NARROW_BAR_CELLS = 8
const NARROW_COLUMNS = 70
/** Between a full cell and an empty one: eighths, from the left. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** Progress that also has to be closed, so that a half-drawn line doesn't stay on the screen. */
export interface ProgressRenderer extends Progress {
  /** Draws again with the time that has passed; called about once a second. */
  tick(): void
  close(): void
}

/** The renderer that suits where stderr goes. `quiet` leaves only messages; `json` is for programs that follow. */
export function createProgressRenderer(
  terminal: Terminal,
  options: { quiet: boolean; progress?: 'text' | 'json' },
): ProgressRenderer {
  if (options.progress === 'json') return new JsonRenderer(terminal)
  if (options.quiet) {
    return {
      plan: () => {},
      report: () => {},
      message: (text) => terminal.message(text),
      aside: () => {},
      tick: () => {},
      close: () => {},
    }
  }
  return terminal.redraws ? new BarRenderer(terminal) : new PlainRenderer(terminal)
}

/** `1,260 of 3,000 steps`, or what can be said without a total. */
function amount(status: ProgressEvent): string {
  if (status.unit === 's') return `${formatClock(status.done)} of ${formatClock(status.total)}`
  const whole = formatCount(Math.floor(status.done))
  if (status.total <= 0) return `${whole} ${status.unit}`
  return `${whole} of ${formatCount(status.total)} ${status.unit}${skippedSoFar(status)}`
}

const skippedSoFar = ({ skipped = 0 }: ProgressEvent): string =>
  skipped === 0 ? '' : `, ${formatCount(skipped)} skipped so far`

function share(status: ProgressEvent): number {
  return status.total > 0 ? Math.min(1, status.done / status.total) : 0
}

/** Share as a whole percentage; 100 only when all is done. */
function percent(status: ProgressEvent): string {
  return `${Math.min(status.done >= status.total ? 100 : 99, Math.floor((status.done * 100) / status.total))} %`
}

function speed(status: StageStatus): string {
  return status.rate === undefined || status.unit === 's'
    ? ''
    : `${formatCount(status.rate)} ${status.unit}/s`
}

function closingLine(terminal: Terminal, status: StageStatus): string {
  const complete = status.total <= 0 || status.done >= status.total
  const mark = complete ? terminal.style('✓', 'green') : terminal.style('–', 'yellow')
  const done = complete && status.unit !== 's' ? `${formatCount(status.done)} ${status.unit}` : amount(status)
  const what = status.unit === 's' && complete ? '' : `${done} in `
  const note = status.note === undefined ? '' : terminal.style(`, ${status.note}`, 'dim')
  return `${mark} ${status.stage}: ${what}${formatDuration(status.elapsedSeconds)}${note}`
}

/** An object a line: `plan`, `report`, `message`, `aside` or `state`, as `Progress` has them. */
class JsonRenderer implements ProgressRenderer {
  readonly #terminal: Terminal
  #stage: string | undefined
  #toldAt = -Infinity

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  plan(stages: readonly PlannedStage[]): void {
    this.#tell({ plan: stages })
  }

  /** A stage's first and last report are told, of those between some a second. */
  report(event: ProgressEvent): void {
    const now = this.#terminal.now()
    const ends = event.total > 0 && event.done >= event.total
    if (event.stage === this.#stage && !ends && now - this.#toldAt < REDRAW_SECONDS) return
    this.#stage = event.stage
    this.#toldAt = now
    this.#tell({ report: event })
  }

  message(text: string): void {
    this.#tell({ message: text })
  }

  aside(text: string): void {
    this.#tell({ aside: text })
  }

  state(standing: object): void {
    this.#tell({ state: standing })
  }

  tick(): void {}

  close(): void {}

  #tell(line: object): void {
    this.#terminal.message(JSON.stringify(line))
  }
}

abstract class StageRenderer implements ProgressRenderer {
  protected readonly tracker: ProgressTracker

  constructor(protected readonly terminal: Terminal) {
    this.tracker = new ProgressTracker(terminal.now)
  }

  plan(stages: readonly PlannedStage[]): void {
    this.tracker.plan(stages)
  }

  report(event: ProgressEvent): void {
    const ended = this.tracker.report(event)
    if (ended !== undefined) this.leave(ended)
    const finished = event.total > 0 && event.done >= event.total ? this.tracker.finish() : undefined
    if (finished !== undefined) this.leave(finished)
    else this.drawSoon()
  }

  close(): void {
    const status = this.tracker.finish()
    if (status !== undefined) this.leave(status)
  }

  /** A stage ended: its last line. */
  protected leave(status: StageStatus): void {
    this.terminal.message(closingLine(this.terminal, status))
  }

  abstract message(text: string): void

  aside(text: string): void {
    this.message(text)
  }

  abstract tick(): void
  /** There is news; shows it unless the last showing was a moment ago. */
  protected abstract drawSoon(): void
}

class BarRenderer extends StageRenderer {
  #drawnAt = -Infinity
  #visible = false

  message(text: string): void {
    this.#erase()
    this.terminal.message(text)
    this.tick()
  }

  tick(): void {
    const status = this.tracker.status()
    if (status === undefined) return
    this.terminal.stderr.write(`\r${this.#line(status)}\u001b[K`)
    this.#visible = true
    this.#drawnAt = this.terminal.now()
  }

  protected drawSoon(): void {
    if (!this.#visible || this.terminal.now() - this.#drawnAt >= REDRAW_SECONDS) this.tick()
  }

  protected override leave(status: StageStatus): void {
    this.#erase()
    super.leave(status)
  }

  #erase(): void {
    if (this.#visible) this.terminal.stderr.write('\r\u001b[K')
    this.#visible = false
  }

  /** Parts are left out from the right until the line fits. */
  #line(status: StageStatus): string {
    const left = status.secondsLeft === undefined ? '' : `${formatClock(status.secondsLeft)} left`
    const job = status.jobSecondsLeft === undefined ? '' : `all: ${formatClock(status.jobSecondsLeft)}`
    const parts = [
      status.total > 0
        ? `${this.#bar(status)} ${percent(status).padStart(5)}`
        : formatClock(status.elapsedSeconds),
      left,
      job,
      amount(status),
      speed(status),
      status.note ?? '',
    ].filter((part) => part !== '')
    const plain = (): string => [status.stage, ...parts].join('  ')
    while (parts.length > 1 && plain().length > this.terminal.columns) parts.pop()
    const text = plain().slice(0, this.terminal.columns)
    return this.terminal.style(text.slice(0, status.stage.length), 'bold') + text.slice(status.stage.length)
  }

  #bar(status: ProgressEvent): string {
    const cells = this.terminal.columns < NARROW_COLUMNS ? NARROW_BAR_CELLS : BAR_CELLS
    const eighths = Math.floor(share(status) * cells * 8)
    const full = Math.floor(eighths / 8)
    const drawn = '█'.repeat(full) + (full < cells ? EIGHTHS[eighths % 8] : '')
    return drawn.padEnd(cells, '░')
  }
}

class PlainRenderer extends StageRenderer {
  #lineAt = this.terminal.now()

  message(text: string): void {
    this.terminal.message(text)
  }

  tick(): void {
    const status = this.tracker.status()
    if (status === undefined || this.terminal.now() - this.#lineAt < PLAIN_LINE_SECONDS) return
    const left = status.secondsLeft === undefined ? '' : `${formatDuration(status.secondsLeft)} left`
    const job =
      status.jobSecondsLeft === undefined ? '' : `${formatDuration(status.jobSecondsLeft)} for the whole job`
    const parts = [
      status.total > 0 ? percent(status) : formatDuration(status.elapsedSeconds),
      amount(status),
      speed(status),
      [left, job].filter((part) => part !== '').join(', '),
      status.note ?? '',
    ]
    this.terminal.message(`  ${status.stage}: ${parts.filter((part) => part !== '').join(', ')}`)
    this.#lineAt = this.terminal.now()
  }

  protected drawSoon(): void {
    this.tick()
  }

  protected override leave(status: StageStatus): void {
    super.leave(status)
    this.#lineAt = this.terminal.now()
  }
}
