/**
 * The training loop, the same for every model: a program that is one step, and a function that makes the inputs of any
 * step. Everything random depends on the step's number alone, so a checkpoint is the program's state and that number, and
 * a resumed run equals an uninterrupted one bit for bit.
 */
import {
  type Arrays,
  loadCheckpoint,
  openSession,
  saveCheckpoint,
  type Session,
  type Step,
} from 'onnx-autodiff'
import { z } from 'zod'
import { HandfulError } from '../errors.js'
import { type Phase, phasesDue, type Trainable } from '../models/model.js'
import { type Curve, curveSchema } from './curve.js'
import type { Progress } from './progress.js'

export interface TrainingJob {
  /** As progress names it: `train the autoencoder`. */
  readonly stage: string
  readonly program: Step
  /** Programs that run after it in the steps that they are due in. */
  readonly laterPhases?: readonly Phase[]
  readonly initialState: Arrays
  readonly steps: number
  /** Inputs of a step, counted from 0. Called again after a resume: the same step gives the same inputs. */
  readonly inputsOf: (step: number) => Arrays
  /** Which output is the loss that has to stay finite. */
  readonly loss: string
  /** Other failures that the means of the outputs show. */
  readonly problem?: Trainable['problem']
  /** Folder of the checkpoints, and what they belong to: one of another key is not resumed from. */
  readonly checkpoints?: { readonly folder: string; readonly key: string }
  readonly threads?: number
  readonly device?: string
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Asked between runs of steps with the steps done and the seconds spent: true ends the training early, at a checkpoint. */
  readonly endsEarly?: (step: number, seconds: number) => boolean
  /** Goes on with what this process has begun: then nothing is said about going on. */
  readonly continues?: boolean
  /** Told once, with what an earlier process has done of it. */
  readonly onStart?: (step: number, seconds: number) => Promise<void> | void
  /** Told between runs of steps, with the seconds spent: what it does with the state takes training's time. */
  readonly between?: (step: number, seconds: number, state: () => Promise<Arrays>) => Promise<void>
  /** Means of the outputs since the last call, about every second and at the end. */
  readonly onMetrics?: (step: number, metrics: Readonly<Record<string, number>>) => Promise<void> | void
}

export interface Trained {
  readonly state: Arrays
  /** Steps done: fewer than asked for where the training was ended early. */
  readonly steps: number
  /** Seconds spent in steps, by earlier processes too. */
  readonly seconds: number
  /** Means of the outputs over the steps, of earlier processes too. */
  readonly curves: readonly Curve[]
}

const CHECKPOINT_SECONDS = 30
const METRICS_SECONDS = 1
/** Losses that far above the best mean so far, in multiples of its distance from the start, are an explosion. */
const EXPLOSION = 20
/** Before so many steps losses may rise for a while: a codebook by gradient runs after an encoder that is far ahead of it. */
const SETTLED_STEPS = 300

const checkpointSchema = z.object({
  step: z.number().int().nonnegative(),
  key: z.string(),
  /** The first and the best mean loss so far: a run gone on with late would take its own first one for a bad start. */
  losses: z.object({ first: z.number(), best: z.number() }).optional(),
  /** Spent in steps so far. */
  seconds: z.number().nonnegative().default(0),
  curves: z.array(curveSchema).default([]),
})

type Losses = NonNullable<z.infer<typeof checkpointSchema>['losses']>

/**
 * Trains to the end, or until the signal asks to stop: then a checkpoint is saved and the signal's reason thrown.
 * @throws HandfulError if the loss stops being finite or explodes; the last checkpoint before that is kept
 */
export async function train(job: TrainingJob): Promise<Trained> {
  const { program, laterPhases = [], steps, signal, threads, device } = job
  const resumed = await resumePoint(job)
  const programs = [program, ...laterPhases.map((phase) => phase.program)]
  const session = await openSession(programs, { threads, device, state: resumed.state })
  try {
    let step = resumed.step
    const started = performance.now()
    const spent = (): number => resumed.seconds + (performance.now() - started) / 1000
    let saved = started
    const meter = new Meter(job, resumed)
    await job.onStart?.(step, resumed.seconds)
    const due = (at: number): number[] => phasesDue(laterPhases, at)
    for await (const run of session.advance({ from: step, to: steps, draw: job.inputsOf, due })) {
      for (const outputs of run) await meter.add(++step, outputs)
      if (step < steps && !signal.aborted) await job.between?.(step, spent(), () => session.readState())
      const late = performance.now() - saved > CHECKPOINT_SECONDS * 1000
      if (step < steps && (late || signal.aborted)) {
        await meter.flush(step)
        await save(job, session, { step, seconds: spent(), losses: meter.losses, curves: meter.curves })
        saved = performance.now()
      }
      if (step < steps) signal.throwIfAborted()
      if (step < steps && job.endsEarly?.(step, spent()) === true) break
    }
    await meter.flush(step)
    const seconds = spent()
    const state = await session.readState()
    if (step > resumed.step)
      await save(job, session, { step, seconds, losses: meter.losses, curves: meter.curves })
    return { state, steps: step, seconds, curves: meter.curves }
  } finally {
    await session.close()
  }
}

async function resumePoint({
  checkpoints,
  initialState,
  progress,
  stage,
  steps,
  continues = false,
}: TrainingJob): Promise<Done & { state: Arrays }> {
  const found = checkpoints && (await loadCheckpoint(checkpoints.folder))
  const fresh = { step: 0, seconds: 0, curves: [], state: initialState }
  if (!found) return fresh
  const parsed = checkpointSchema.safeParse(found.json)
  if (!parsed.success || parsed.data.key !== checkpoints.key) return fresh
  const { step, seconds, losses, curves } = parsed.data
  if (step < steps && !continues) progress.message(`${stage}: going on at step ${step} of ${steps}`)
  return { step, seconds, losses, curves, state: found.arrays }
}

/** How far a training is. */
interface Done {
  readonly step: number
  /** Spent in steps. */
  readonly seconds: number
  readonly losses?: Losses
  readonly curves: readonly Curve[]
}

async function save(
  { checkpoints }: TrainingJob,
  session: Session,
  { step, seconds, losses, curves }: Done,
): Promise<void> {
  if (!checkpoints) return
  await saveCheckpoint(checkpoints.folder, {
    arrays: await session.readState(),
    json: { step, seconds, key: checkpoints.key, curves, ...(losses ? { losses } : {}) },
  })
}

/** Means of the outputs between reports, and the watch over the loss. */
class Meter {
  /** Totals, and how many they are of: some outputs come in some steps only. */
  #sums = new Map<string, { total: number; count: number }>()
  #reported = performance.now()
  #first: number | undefined
  #best = Infinity
  readonly #curves: Map<string, Curve>

  constructor(
    readonly job: TrainingJob,
    { step, losses, curves }: Done,
  ) {
    this.#curves = new Map(curves.map((curve) => [curve.name, curve]))
    this.#first = losses?.first
    this.#best = losses?.best ?? Infinity
    job.progress.report({ stage: job.stage, done: step, total: job.steps, unit: 'steps' })
  }

  /** Undefined before there are any. */
  get losses(): Losses | undefined {
    return this.#first === undefined ? undefined : { first: this.#first, best: this.#best }
  }

  get curves(): Curve[] {
    return [...this.#curves.values()]
  }

  async add(step: number, outputs: Arrays): Promise<void> {
    for (const [name, { data }] of Object.entries(outputs)) {
      if (data.length !== 1) continue
      const { total, count } = this.#sums.get(name) ?? { total: 0, count: 0 }
      this.#sums.set(name, { total: total + Number(data[0]), count: count + 1 })
    }
    if (performance.now() - this.#reported > METRICS_SECONDS * 1000) await this.flush(step)
    else if (!Number.isFinite(Number(outputs[this.job.loss].data[0]))) await this.flush(step)
  }

  async flush(step: number): Promise<void> {
    if (this.#sums.size === 0) return
    const means = Object.fromEntries([...this.#sums].map(([name, { total, count }]) => [name, total / count]))
    this.#sums.clear()
    this.#reported = performance.now()
    const { job } = this
    const loss = means[job.loss]
    this.#watch(step, loss)
    const problem = job.problem?.(means, step)
    if (problem) throw new HandfulError({ what: 'training', where: `${job.stage}, step ${step}`, ...problem })
    job.progress.report({
      stage: job.stage,
      done: step,
      total: job.steps,
      unit: 'steps',
      note: `loss ${loss.toPrecision(4)}`,
    })
    for (const [name, value] of Object.entries(means)) {
      const curve = this.#curves.get(name) ?? { name, step: [], value: [] }
      this.#curves.set(name, curve)
      curve.step.push(step)
      curve.value.push(value)
    }
    await job.onMetrics?.(step, means)
  }

  #watch(step: number, loss: number): void {
    this.#first ??= loss
    const exploded =
      step > SETTLED_STEPS &&
      loss - this.#best > EXPLOSION * Math.max(Math.abs(this.#first - this.#best), Math.abs(this.#best) * 0.1)
    if (Number.isFinite(loss) && !exploded) {
      this.#best = Math.min(this.#best, loss)
      return
    }
    throw new HandfulError({
      what: 'training',
      where: `${this.job.stage}, step ${step}`,
      got: Number.isFinite(loss)
        ? `a loss of ${loss.toPrecision(4)} after ${this.#best.toPrecision(4)}`
        : 'a loss that is no number any more',
      expected: 'a loss that falls',
      hint: 'lower the learning rate or use another seed; a checkpoint from before it, where there is one, is kept',
    })
  }
}
