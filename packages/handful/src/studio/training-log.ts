/**
 * What a training process says, read from the file that its messages go to: a process that writes to a file goes on when the
 * studio ends, and a studio that starts again reads on. One JSON object a line where it reports, else text.
 */
import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { RunCard } from './protocol.js'
import { ProgressTracker, READING } from '../training/progress.js'

const lineSchema = z.union([
  z.object({ plan: z.array(z.object({ stage: z.string(), expectedSeconds: z.number().optional() })) }),
  z.object({
    report: z.object({
      stage: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.string(),
      skipped: z.number().optional(),
      note: z.string().optional(),
    }),
  }),
])

/** Read at once, at most; a log is a few hundred kilobytes. */
const BLOCK_BYTES = 2 ** 20

export interface Heard {
  readonly stage: string | undefined
  /** Of the whole job, 0 to 1, as far as it can be told. */
  readonly done: number | undefined
  readonly secondsLeft: number | undefined
  readonly steps: number | undefined
  /** While it reads its images. */
  readonly reading: RunCard['reading']
  /** What it failed of, in its own words. */
  readonly error: string | undefined
}

export class TrainingLog {
  #tracker = new ProgressTracker(() => performance.now() / 1000)
  #offset = 0
  #rest = ''
  #steps: number | undefined
  #error: string | undefined

  constructor(readonly file: string) {}

  /** Reads what has come. @returns whether there was something */
  async read(): Promise<boolean> {
    const file = await open(this.file, 'r').catch(() => undefined)
    if (file === undefined) return false
    try {
      const { size } = await file.stat()
      if (size < this.#offset) this.#startAgain()
      if (size === this.#offset) return false
      const buffer = Buffer.alloc(Math.min(BLOCK_BYTES, size - this.#offset))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset)
      this.#offset += bytesRead
      const lines = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
      return true
    } finally {
      await file.close()
    }
  }

  get heard(): Heard {
    const status = this.#tracker.status()
    const elapsed = this.#tracker.elapsedSeconds
    const left = status?.jobSecondsLeft ?? status?.secondsLeft
    return {
      stage: status?.stage,
      done:
        left !== undefined && elapsed > 0
          ? Math.min(1, elapsed / (elapsed + left))
          : status !== undefined && status.total > 0
            ? Math.min(1, status.done / status.total)
            : undefined,
      secondsLeft: left,
      steps: this.#steps,
      reading:
        status?.stage === READING && !status.finished
          ? { done: status.done, total: status.total, skipped: status.skipped ?? 0 }
          : undefined,
      error: this.#error,
    }
  }

  #startAgain(): void {
    this.#tracker = new ProgressTracker(() => performance.now() / 1000)
    this.#offset = 0
    this.#rest = ''
    this.#error = undefined
  }

  #take(line: string): void {
    const parsed = lineSchema.safeParse(jsonOf(line))
    if (!parsed.success) {
      const [, error] = /^error: (.+)$/.exec(line) ?? []
      if (error !== undefined) this.#error = error
      return
    }
    if ('plan' in parsed.data) {
      this.#tracker.plan(parsed.data.plan.map(({ stage, expectedSeconds }) => ({ stage, expectedSeconds })))
      return
    }
    const { report } = parsed.data
    this.#tracker.report(report)
    if (report.unit === 'steps') this.#steps = report.done
  }
}

function jsonOf(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
