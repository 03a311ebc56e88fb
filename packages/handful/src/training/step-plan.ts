/**
 * How many steps fit the minutes given. The first number comes from a few timed steps; those minutes are of the clock, and
 * the machine may turn out busier or idler than in its first seconds, so the number is looked at again while training.
 * It is kept in the run's folder: going on after a stop ends at the same one.
 */
import { readFile } from 'node:fs/promises'
import { type Arrays, openSession } from 'onnx-autodiff'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { phasesDue } from '../models/model.js'
import type { Trained, TrainingJob } from './loop.js'

export const FEWEST_STEPS = 50

/** Beside the checkpoints. */
export const PLAN_FILE = 'plan.json'

/** Shares of the time at which the number is looked at again. */
const LOOKED_AT = [0.05, 0.15, 0.3, 0.5, 0.7, 0.85]
/** A number that is off by less stays: a change costs building the step anew, and schedules jump. */
const TOLERANCE = 0.1

const planSchema = z.object({ steps: z.number().int().positive() })

export class StepPlan {
  /** Where the pace was last measured from. */
  #since = { step: 0, seconds: 0 }
  /** Looks taken. */
  #looks = 0

  private constructor(
    private readonly file: string,
    private readonly seconds: number,
    private planned: number,
  ) {}

  /** The plan of this file, or a new one of the time that a step takes. */
  static async open(file: string, minutes: number, secondsPerStep: () => Promise<number>): Promise<StepPlan> {
    const seconds = 60 * minutes
    const kept = await readFile(file, 'utf8').catch(() => undefined)
    if (kept !== undefined) return new StepPlan(file, seconds, planSchema.parse(JSON.parse(kept)).steps)
    const plan = new StepPlan(file, seconds, stepsFor(seconds / (await secondsPerStep())))
    await plan.save()
    return plan
  }

  /** Steps in all. */
  get steps(): number {
    return this.planned
  }

  /**
   * Measures the pace from here on: where a training starts, or goes on after a stop.
   *
   * @param seconds spent in steps so far
   */
  start(step: number, seconds: number): void {
    this.#since = { step, seconds }
    this.#looks = this.#dueAt(seconds)
  }

  /** Whether the number of steps has changed, by the pace since the last look. */
  changes(step: number, seconds: number): boolean {
    const due = this.#dueAt(seconds)
    if (due <= this.#looks || step <= this.#since.step) return false
    const pace = (seconds - this.#since.seconds) / (step - this.#since.step)
    this.start(step, seconds)
    const fitting = stepsFor(step + Math.max(0, this.seconds - seconds) / pace)
    const off = (fitting - this.planned) / Math.max(1, this.planned - step)
    if (Math.abs(off) < TOLERANCE) return false
    // At least one more, so that what comes next is a training with an end.
    this.planned = Math.max(fitting, step + 1)
    return true
  }

  async save(): Promise<void> {
    await writeFileAtomic(this.file, JSON.stringify({ steps: this.planned }))
  }

  #dueAt = (seconds: number): number => LOOKED_AT.filter((share) => seconds >= share * this.seconds).length
}

const stepsFor = (steps: number): number => Math.max(FEWEST_STEPS, Math.round(steps))

/** Steps timed before their number is chosen; the first ones warm up. */
const WARM_STEPS = 3
const TIMED_STEPS = 6

type TimedJob = Pick<
  TrainingJob,
  'program' | 'laterPhases' | 'initialState' | 'inputsOf' | 'threads' | 'device'
>

/** Seconds that a step takes, by timing a few. */
export async function secondsPerStep({
  program,
  laterPhases = [],
  initialState,
  inputsOf,
  threads,
  device,
}: TimedJob): Promise<number> {
  const programs = [program, ...laterPhases.map((phase) => phase.program)]
  const session = await openSession(programs, { threads, device, state: initialState })
  try {
    // Steps with other phases are of another kind, and take another time.
    const times = new Map<string, number[]>()
    const timed = Math.max(TIMED_STEPS, ...laterPhases.map(({ every }) => every))
    for (let step = 0; step < WARM_STEPS + timed; step++) {
      const due = phasesDue(laterPhases, step)
      const started = performance.now()
      const inputs: Arrays = inputsOf(step)
      await session.run(inputs, due)
      const kind = due.join()
      if (step >= WARM_STEPS)
        times.set(kind, [...(times.get(kind) ?? []), (performance.now() - started) / 1000])
    }
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]
    return [...times.values()].reduce((sum, values) => sum + median(values) * values.length, 0) / timed
  } finally {
    await session.close()
  }
}

/**
 * Trains to the number of steps of a plan, and on to another one where the plan changes on the way.
 *
 * @param trainTo ends early where the plan has changed, at a checkpoint that it goes on from
 * @param ended whether it came to its end for another reason
 */
export async function trainToPlan(
  plan: StepPlan,
  trainTo: (steps: number, continues?: boolean) => Promise<Trained>,
  { ended, tell }: { readonly ended?: () => boolean; readonly tell: (text: string) => void },
): Promise<Trained> {
  let trained = await trainTo(plan.steps)
  while (ended?.() !== true && trained.steps < plan.steps) {
    await plan.save()
    tell(`by the pace so far ${plan.steps} steps fit the time`)
    trained = await trainTo(plan.steps, true)
  }
  return trained
}
