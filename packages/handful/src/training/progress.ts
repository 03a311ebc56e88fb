/**
 * Progress as plain events, and the clock work that turns them into rates and time left. A job reports what it has
 * done; it never knows whether a terminal, a log file or a web page is listening.
 */

import type { FoundSoFar } from '../data/walk.js'
import type { OwnModels } from '../models/registry.js'

/** The stage that reads images, which nearly every job begins with. */
export const READING = 'read the images'
/** What comes before it where there are very many files. */
export const LOOKING = 'look through the folder'

/** One report of a running stage: `done` of `total` units so far. */
export interface ProgressEvent {
  /** What is going on, as a reader would say it: `train the autoencoder`. */
  readonly stage: string
  /** Part of a unit counts, where one takes long; it is shown whole. */
  readonly done: number
  /** Same unit as `done`; 0 when it isn't known yet. */
  readonly total: number
  /** Plural noun: `images`, `steps`. `s` when a stage is bound by time: then done and total are seconds. */
  readonly unit: string
  /** Of those done, how many could not be used; left out where none can be. */
  readonly skipped?: number
  /** A few words on how it is going, such as `loss 0.123`. */
  readonly note?: string
}

/** A stage of the job with the seconds that it is expected to take, roughly: only their proportions matter. */
export interface PlannedStage {
  readonly stage: string
  /** Undefined where nothing but the stage's own pace can tell. */
  readonly expectedSeconds: number | undefined
}

/** What a job is given to report to. */
export interface Progress {
  /** Announces the stages in order, so that the whole job's time left can be told. Those that are skipped stay out. */
  plan(stages: readonly PlannedStage[]): void
  /** Says how a stage stands; called as often as suits the job, of which the listener shows what it likes. */
  report(event: ProgressEvent): void
  /** One line for the reader that stays: a warning, a number of skipped files. */
  message(text: string): void
  /** The same for what is only good to know: left out where the reader wants it quiet. */
  aside(text: string): void
  /** How a job stands whose parts go on beside each other, whole each time: for programs that follow. */
  state?(standing: object): void
}

/** What a job works with, beside its options. */
export interface JobContext {
  /** Models beside those that are built in. */
  readonly models?: OwnModels
  /**
   * Aborted when the user wants to stop. The job then saves a checkpoint at the next safe point and throws
   * `signal.reason` (`signal.throwIfAborted()`).
   */
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Shorter looks through a folder are over before anybody wonders. */
const UNTOLD_MS = 1000

/** Told of the files of a folder that are found so far, reports them where that takes long. */
export function reportFound(progress: Progress): (found: FoundSoFar) => void {
  const began = performance.now()
  return ({ files }) => {
    if (performance.now() - began > UNTOLD_MS)
      progress.report({ stage: LOOKING, done: files.length, total: 0, unit: 'files' })
  }
}

/** For callers that want none. */
export const silentProgress: Progress = {
  plan: () => {},
  report: () => {},
  message: () => {},
  aside: () => {},
}

/** Where a stage stands. Seconds are undefined as long as they can't be told. */
export interface StageStatus extends ProgressEvent {
  readonly elapsedSeconds: number
  /** Units a second over the last while, undefined before the second report. */
  readonly rate: number | undefined
  readonly secondsLeft: number | undefined
  /** Seconds until the whole job is done; needs a plan. */
  readonly jobSecondsLeft: number | undefined
  readonly finished: boolean
}

/** How far back the rate looks: long enough to smooth over checkpoints, short enough to follow a change of pace. */
const RATE_WINDOW_SECONDS = 20

/** A stage that ended far sooner than planned had less to do; the others are not sooner done for that. */
const FASTEST_STRETCH = 0.5

interface Mark {
  readonly seconds: number
  readonly done: number
}

/** Follows one job's events. `now` gives seconds on a clock that only moves forward. */
export class ProgressTracker {
  readonly #now: () => number
  #plan: readonly PlannedStage[] = []
  readonly #secondsOfFinished = new Map<string, number>()
  #latest: ProgressEvent | undefined
  #stageStart = 0
  #marks: Mark[] = []
  readonly #jobStart: number

  constructor(now: () => number) {
    this.#now = now
    this.#jobStart = now()
  }

  /** Seconds since the job began. */
  get elapsedSeconds(): number {
    return this.#now() - this.#jobStart
  }

  plan(stages: readonly PlannedStage[]): void {
    this.#plan = [...stages]
  }

  /** Takes an event in. Returns the status of the stage that ended because this event opens another one. */
  report(event: ProgressEvent): StageStatus | undefined {
    const seconds = this.#now()
    let ended: StageStatus | undefined
    if (this.#latest?.stage !== event.stage) {
      ended = this.finish()
      this.#stageStart = seconds
      this.#marks = []
    }
    this.#latest = event
    this.#marks.push({ seconds, done: event.done })
    while (this.#marks.length > 2 && seconds - this.#marks[1].seconds > RATE_WINDOW_SECONDS)
      this.#marks.shift()
    return ended
  }

  /** Closes the running stage, if there is one, and returns its last status. */
  finish(): StageStatus | undefined {
    const status = this.status()
    if (this.#latest === undefined || status === undefined) return undefined
    this.#secondsOfFinished.set(this.#latest.stage, status.elapsedSeconds)
    this.#latest = undefined
    return { ...status, finished: true }
  }

  /** The running stage as of now, or undefined between stages. */
  status(): StageStatus | undefined {
    const event = this.#latest
    if (event === undefined) return undefined
    const elapsedSeconds = this.#now() - this.#stageStart
    const rate = this.#rate(event)
    const secondsLeft = this.#secondsLeft(event, rate)
    return {
      ...event,
      elapsedSeconds,
      rate,
      secondsLeft,
      jobSecondsLeft: this.#jobSecondsLeft(event, elapsedSeconds, secondsLeft),
      finished: event.total > 0 && event.done >= event.total,
    }
  }

  #rate(event: ProgressEvent): number | undefined {
    const first = this.#marks[0]
    const last = this.#marks[this.#marks.length - 1]
    const moved = last.done - first.done
    const span = last.seconds - first.seconds
    if (event.unit === 's') return 1
    return moved > 0 && span > 0 ? moved / span : undefined
  }

  #secondsLeft(event: ProgressEvent, rate: number | undefined): number | undefined {
    if (event.total <= 0) return undefined
    if (event.done >= event.total) return 0
    if (rate === undefined) return undefined
    const [first, last] = [this.#marks[0], this.#marks[this.#marks.length - 1]]
    const sinceLast = this.#now() - last.seconds
    const left = event.total - event.done
    const expected = left / rate - sinceLast
    if (event.unit === 's' || expected > 0) return Math.max(0, expected)
    // What is in hand takes longer than all that is left was thought to: the pace is that of all the time until now.
    return (left * (last.seconds - first.seconds + sinceLast)) / (last.done - first.done)
  }

  /**
   * The rest of this stage plus the planned rest, which is stretched by how this machine has compared with the plan
   * over the stages that are done.
   */
  #jobSecondsLeft(event: ProgressEvent, elapsed: number, stageLeft: number | undefined): number | undefined {
    const position = this.#plan.findIndex((planned) => planned.stage === event.stage)
    if (position === -1) return undefined
    let expected = 0
    let spent = 0
    for (const planned of this.#plan.slice(0, position)) {
      const seconds = this.#secondsOfFinished.get(planned.stage)
      if (seconds === undefined || planned.expectedSeconds === undefined) continue
      expected += planned.expectedSeconds
      spent += seconds
    }
    // A stage bound by time takes the time it was given on any machine, so it says nothing about this one's speed.
    const here = this.#plan[position].expectedSeconds
    if (stageLeft !== undefined && here !== undefined && event.unit !== 's') {
      expected += here
      spent += elapsed + stageLeft
    }
    const stretch = expected > 0 ? Math.max(FASTEST_STRETCH, spent / expected) : 1
    const now = stageLeft ?? (here === undefined ? undefined : Math.max(0, here * stretch - elapsed))
    const later = this.#plan.slice(position + 1).map((planned) => planned.expectedSeconds)
    return later.reduce(
      (sum, seconds) => (sum === undefined || seconds === undefined ? undefined : sum + seconds * stretch),
      now,
    )
  }
}
