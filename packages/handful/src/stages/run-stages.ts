/**
 * The runner of stages: each in turn after those that it needs, and none whose result is kept. A stage that fails is told
 * in one line and takes only what needs it with it, unless all are `required`; however the run ends, what is done stays.
 */
import { printable } from '../errors.js'
import type { PlannedStage, Progress } from '../training/progress.js'
import { inOrder, type Stage, type StageContext } from './stage.js'
import type { StageRecord, StageStore } from './stage-store.js'

export interface LostStage<S extends Stage = Stage> {
  readonly stage: S
  readonly reason: 'failed' | 'budget'
  readonly message: string
}

/** How far a run of stages is. */
export interface Standing<S extends Stage = Stage> {
  readonly done: ReadonlyMap<S, StageRecord>
  readonly lost: readonly LostStage<S>[]
}

export interface RunStagesOptions<S extends Stage> {
  readonly store: StageStore
  readonly progress: Progress
  /** What stages work with, but for their progress. */
  readonly context: Omit<StageContext, 'onProgress'>
  /** What the job does before the first of them, for the plan that progress tells time left by. */
  readonly before?: readonly PlannedStage[]
  /** Whether a stage that fails ends the run with its error. */
  readonly required?: boolean
  /** No stage is begun when so many seconds, as a message says them, were used up. */
  readonly budget?: { readonly seconds: number; readonly words: string }
  /** A few words on how it stands, beside the progress of this stage. */
  readonly noteOf?: (stage: S, standing: Standing<S>) => Promise<string | undefined>
  readonly onBegin?: (stage: S) => void
  /** After each stage that was done or failed. */
  readonly onEnd?: (stage: S, standing: Standing<S>) => Promise<void>
  readonly date?: () => Date
}

/**
 * The stages that need not be done: their results are sound, and their files are there or nobody asks for them any more
 * (features and models may be deleted when what was wanted of them is known).
 */
export async function doneStages<S extends Stage>(
  stages: readonly S[],
  store: StageStore,
): Promise<Map<S, StageRecord>> {
  const done = new Map<S, StageRecord>()
  const asked = new Set(stages.flatMap(({ needs }) => needs))
  const wanted = new Set<Stage>(stages.filter((stage) => !asked.has(stage)))
  for (const stage of inOrder(stages).reverse()) {
    const record = await store.read(stage)
    const parsed = stage.schema.safeParse(record?.result)
    const there =
      parsed.success &&
      (!wanted.has(stage) || stage.present === undefined || (await stage.present(parsed.data)))
    if (record !== undefined && there) done.set(stage, record)
    else stage.needs.forEach((needed) => wanted.add(needed))
  }
  return done
}

/** What is still to be done, as progress shows it: a line for each group, in the order in which they are run. */
export function plannedStages(stages: readonly Stage[]): PlannedStage[] {
  const planned = new Map<string, number | undefined>()
  for (const { group, seconds } of inOrder(stages)) {
    const before = planned.has(group) ? planned.get(group) : 0
    planned.set(group, before === undefined || seconds === undefined ? undefined : before + seconds)
  }
  return [...planned].map(([stage, expectedSeconds]) => ({ stage, expectedSeconds }))
}

/**
 * @throws the signal's reason when it is stopped; a stage's error where all are required
 */
export async function runStages<S extends Stage>(
  stages: readonly S[],
  options: RunStagesOptions<S>,
): Promise<Standing<S>> {
  const { store, progress, context, before = [], required = false, budget, noteOf, date } = options
  const { signal } = context
  const done = await doneStages(stages, store)
  const lost: LostStage<S>[] = []
  const toDo = inOrder(stages).filter((stage) => !done.has(stage))
  const counts = new GroupCounts(toDo)
  progress.plan([...before, ...plannedStages(toDo)])
  let used = [...done.values()].reduce((sum, { seconds }) => sum + seconds, 0)
  for (const stage of toDo) {
    signal.throwIfAborted()
    const broken = lost.find((other) => stage.needs.includes(other.stage))
    if (broken !== undefined) {
      const message = `needs "${broken.stage.name}", which has no result`
      lost.push({ stage, reason: 'failed', message })
      continue
    }
    if (budget !== undefined && used > budget.seconds) {
      lost.push({ stage, reason: 'budget', message: `the time of ${budget.words} was used up before it` })
      continue
    }
    const report = (part: number, note?: string): void => {
      if (stage.reportsItself !== true) progress.report({ ...counts.at(stage, part), note })
    }
    report(0, await noteOf?.(stage, { done, lost }))
    options.onBegin?.(stage)
    const started = performance.now()
    const seconds = (): number => (performance.now() - started) / 1000
    try {
      const result = await stage.work({
        ...context,
        onProgress: (part, total, note) => report(total > 0 ? part / total : 0, note),
      })
      done.set(stage, await store.write(stage, stage.schema.parse(result), seconds(), date?.()))
    } catch (error) {
      signal.throwIfAborted()
      if (required) throw error
      const message = oneLine(error)
      lost.push({ stage, reason: 'failed', message })
      progress.message(`${stage.name}: ${message}`)
    }
    used += seconds()
    if (counts.finish(stage)) report(0, await noteOf?.(stage, { done, lost }))
    await options.onEnd?.(stage, { done, lost })
  }
  return { done, lost }
}

/** How many units of each group are done. */
class GroupCounts {
  readonly #groups = new Map<string, { done: number; total: number }>()

  constructor(stages: readonly Stage[]) {
    for (const stage of stages) this.#of(stage).total += unitsOf(stage)
  }

  #of({ group }: Stage): { done: number; total: number } {
    const counts = this.#groups.get(group) ?? { done: 0, total: 0 }
    this.#groups.set(group, counts)
    return counts
  }

  /** Where progress stands when a part of a stage is done. */
  at(stage: Stage, part: number): { stage: string; done: number; total: number; unit: string } {
    const { done, total } = this.#of(stage)
    // Part of a unit counts too: a fit of a strong network takes minutes, and time left is told from it.
    const now = done >= total ? total : Math.min(done + part * unitsOf(stage), 0.999 * total)
    return { stage: stage.group, done: now, total, unit: stage.unit ?? '%' }
  }

  /** Whether the group is done with it. */
  finish(stage: Stage): boolean {
    const counts = this.#of(stage)
    counts.done += unitsOf(stage)
    return counts.done >= counts.total
  }
}

const unitsOf = ({ total = 100 }: Stage): number => total

/** An error as a report shows it. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return printable(text.replace(/\s+/g, ' ').trim())
}
