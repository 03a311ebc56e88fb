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
  /** And after the last. */
  readonly after?: readonly PlannedStage[]
  /** Whether a stage that fails ends the run with its error. */
  readonly required?: boolean
  /** No stage is begun when so many seconds, as a message says them, were used up. */
  readonly budget?: { readonly seconds: number; readonly words: string }
  /** A few words on how it stands, beside the progress of this stage. */
  readonly noteOf?: (stage: S, standing: Standing<S>) => string | undefined
  readonly onBegin?: (stage: S) => void
  /** After each stage that was done or failed. */
  readonly onEnd?: (stage: S, standing: Standing<S>) => Promise<void>
  /** Before the error that ends the run is thrown, so that what is done can be told; what it throws itself is not. */
  readonly onStopped?: (standing: Standing<S>) => Promise<void>
  readonly date?: () => Date
  /** Stages whose files the job itself reads when all are done: those that nobody needs, unless said otherwise. */
  readonly read?: readonly Stage[]
}

/**
 * The stages that need not be done: their results are sound, and their files are there or nobody asks for them any more
 * (features and models may be deleted when what was wanted of them is known).
 *
 * @param read those whose files the job itself reads when all are done
 */
export async function doneStages<S extends Stage>(
  stages: readonly S[],
  store: StageStore,
  read: readonly Stage[] = [],
): Promise<Map<S, StageRecord>> {
  const done = new Map<S, StageRecord>()
  const asked = new Set(stages.flatMap(({ needs }) => needs))
  const wanted = new Set<Stage>([...read, ...stages.filter((stage) => !asked.has(stage))])
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
  for (const { group, seconds, reportsItself } of inOrder(stages)) {
    const parts = Array.isArray(reportsItself) ? reportsItself : [{ stage: group, expectedSeconds: seconds }]
    for (const { stage, expectedSeconds } of parts as readonly PlannedStage[]) {
      const before = planned.has(stage) ? planned.get(stage) : 0
      planned.set(
        stage,
        before === undefined || expectedSeconds === undefined ? undefined : before + expectedSeconds,
      )
    }
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
  const { store, progress, context, before = [], after = [], budget, read } = options
  const done = await doneStages(stages, store, read)
  const lost: LostStage<S>[] = []
  const standing = { done, lost }
  const toDo = inOrder(stages).filter((stage) => !done.has(stage))
  const counts = new GroupCounts(toDo)
  progress.plan([...before, ...plannedStages(toDo), ...after])
  let used = [...done.values()].reduce((sum, { seconds }) => sum + seconds, 0)
  try {
    for (const stage of toDo) {
      context.signal.throwIfAborted()
      const broken = lost.find((other) => stage.needs.includes(other.stage))
      if (broken !== undefined) {
        const message = `needs "${broken.stage.name}", which has no result`
        lost.push({ stage, reason: 'failed', message })
      } else if (budget !== undefined && used > budget.seconds) {
        lost.push({ stage, reason: 'budget', message: `the time of ${budget.words} was used up before it` })
      } else {
        const started = performance.now()
        await runOne(stage, { done, lost }, counts, options)
        used += (performance.now() - started) / 1000
        await options.onEnd?.(stage, standing)
      }
    }
  } catch (error) {
    await options.onStopped?.(standing).catch(() => undefined)
    throw error
  }
  return standing
}

/** Its record joins what is done, or its failure what is lost. */
async function runOne<S extends Stage>(
  stage: S,
  standing: { readonly done: Map<S, StageRecord>; readonly lost: LostStage<S>[] },
  counts: GroupCounts,
  { store, progress, context, required = false, noteOf, onBegin, date }: RunStagesOptions<S>,
): Promise<void> {
  const report = (part: number, note?: string): void => {
    if (stage.reportsItself === undefined) progress.report({ ...counts.at(stage, part), note })
  }
  report(0, noteOf?.(stage, standing))
  onBegin?.(stage)
  const started = performance.now()
  try {
    const result = await stage.work({
      ...context,
      onProgress: (done, total, note) => report(total > 0 ? done / total : 0, note),
    })
    const seconds = (performance.now() - started) / 1000
    standing.done.set(stage, await store.write(stage, stage.schema.parse(result), seconds, date?.()))
  } catch (error) {
    context.signal.throwIfAborted()
    if (required) throw error
    const message = oneLine(error)
    standing.lost.push({ stage, reason: 'failed', message })
    progress.message(`${stage.name}: ${message}`)
  }
  if (counts.finish(stage)) report(0, noteOf?.(stage, standing))
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
    if (stage.unit !== undefined) return { stage: stage.group, done: now, total, unit: stage.unit }
    return { stage: stage.group, done: (100 * now) / total, total: 100, unit: '%' }
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
