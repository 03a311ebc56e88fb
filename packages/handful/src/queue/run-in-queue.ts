/**
 * The stages of a study done by workers: what `stages/run-stages.ts` does in one process. The planner puts there what is not
 * done, and looks again and again: what has a result in the store is done, what failed too often is lost with what needs it,
 * what Redis knows nothing of is put there again. Nothing is kept but in the store, so that a planner or a Redis that went
 * away and came back goes on.
 */
import { setTimeout } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { printable } from '../errors.js'
import type { StageRecord } from '../stages/stage-store.js'
import { inOrder } from '../stages/stage.js'
import { doneStages, type LostStage, type RunStagesOptions, type Standing } from '../stages/run-stages.js'
import type { StudyStage } from '../study/study-stage.js'
import { Board, type WorkerEntry } from './board.js'
import { differences, type Made } from './made.js'
import { fits, type StageNeeds } from './needs.js'
import type { SharedStore } from './shared-store.js'
import { runningStage, type StudyStatus, timeLeft } from './status.js'
import { jobIdOf, type JobState, prefixOf, type QueuedStage, StageQueues } from './stage-queues.js'

export interface InQueueOptions {
  readonly redis: Redis
  readonly store: SharedStore
  /** The study's folder below the store. */
  readonly study: string
  readonly made: Made
  readonly needsOf: (stage: StudyStage) => StageNeeds
}

/** What became of the stages, and what a reader of the results has to know of who did them. */
export type InQueue = Standing<StudyStage> & { readonly notes: readonly string[] }

const GROUP = 'stages'
const LOOK_MS = 250
const TELL_MS = 1000
/** After so long without one it is said that there are no workers. */
const WORKERS_MS = 5000
/** What a worker has written is seen here after so long at most. */
const VISIBLE_MS = 60_000

/** @throws the signal's reason when it is stopped: what is in the queue stays there, and workers go on */
export async function runInQueue(
  stages: readonly StudyStage[],
  options: RunStagesOptions<StudyStage>,
  queue: InQueueOptions,
): Promise<InQueue> {
  const planner = new Planner(stages, options, queue)
  try {
    return await planner.run()
  } finally {
    await planner.close()
  }
}

class Planner {
  readonly #stages: readonly StudyStage[]
  readonly #options: RunStagesOptions<StudyStage>
  readonly #queue: InQueueOptions
  readonly #board: Board
  readonly #queues: StageQueues
  readonly #done = new Map<StudyStage, StageRecord>()
  readonly #lost: LostStage<StudyStage>[] = []
  #toDo: StudyStage[] = []
  /** Since when a stage that is done in the queue has no result that is seen here. */
  readonly #unseen = new Map<StudyStage, number>()
  readonly #told = new Set<string>()
  /** Of workers that are made with something else. */
  readonly #different = new Set<string>()
  #toldAt = -Infinity
  readonly #startedAt = performance.now()

  constructor(stages: readonly StudyStage[], options: RunStagesOptions<StudyStage>, queue: InQueueOptions) {
    this.#stages = inOrder(stages)
    this.#options = options
    this.#queue = queue
    const { redis, store, study, needsOf } = queue
    const prefix = prefixOf(store.id)
    this.#board = new Board(redis, prefix)
    this.#queues = new StageQueues(redis, prefix, study, stages.map(needsOf))
  }

  async run(): Promise<InQueue> {
    const { store, progress, before = [], after = [], context, onStopped } = this.#options
    for (const [stage, record] of await doneStages(this.#stages, store)) this.#done.set(stage, record)
    this.#toDo = this.#stages.filter((stage) => !this.#done.has(stage))
    const seconds = this.#toDo.reduce((sum, stage) => sum + stage.seconds, 0)
    progress.plan([...before, { stage: GROUP, expectedSeconds: seconds }, ...after])
    try {
      await this.#clear()
      while (this.#toDo.length > 0) {
        context.signal.throwIfAborted()
        await stoppable(this.#look(), context.signal)
        if (this.#toDo.length > 0) await setTimeout(LOOK_MS, undefined, { signal: context.signal })
      }
      this.#report([])
    } catch (error) {
      await onStopped?.(this.#standing).catch(() => undefined)
      context.signal.throwIfAborted()
      throw error
    }
    return { ...this.#standing, notes: [...this.#different] }
  }

  async close(): Promise<void> {
    if (this.#queue.redis.status === 'ready') await this.#queues.close()
  }

  get #standing(): Standing<StudyStage> {
    return { done: this.#done, lost: this.#lost }
  }

  #id(stage: StudyStage): string {
    return jobIdOf(this.#queue.study, stage.key)
  }

  /** What an earlier planner left there: failures are tried again, other options are no more asked for. */
  async #clear(): Promise<void> {
    this.#queues.lookInto(await this.#board.queues())
    await this.#queues.clear(this.#toDo.map((stage) => this.#queued(stage)))
  }

  async #look(): Promise<void> {
    const { made, study, needsOf } = this.#queue
    const states = await this.#queues.states()
    this.#options.store.lookAgain()
    for (const stage of [...this.#toDo]) await this.#follow(stage, states.get(this.#id(stage)))
    await this.#dropOverBudget(states)
    const absent = this.#toDo.filter((stage) => states.get(this.#id(stage)) === undefined)
    if (absent.length > 0) {
      await this.#board.announce(study, made, this.#toDo.map(needsOf))
      await this.#queues.add(absent.map((stage) => this.#queued(stage)))
    }
    if (performance.now() - this.#toldAt < TELL_MS) return
    this.#toldAt = performance.now()
    this.#tellOfWorkers(await this.#board.workers())
    this.#report(await this.#queues.active())
  }

  /** Where a stage stands by now. */
  async #follow(stage: StudyStage, state: JobState | undefined): Promise<void> {
    const broken = this.#lost.find((other) => stage.needs.includes(other.stage))
    if (broken !== undefined) {
      await this.#lose(stage, 'failed', `needs "${broken.stage.name}", which has no result`)
    } else if (state === 'failed') {
      await this.#lose(stage, 'failed', await this.#queues.failedReason(stage))
    } else if (state === 'completed') {
      await this.#finish(stage)
    } else if (state === 'waiting-children') {
      for (const need of stage.needs as readonly StudyStage[])
        if (this.#done.has(need)) await this.#queues.release(need.key, stage.key)
    }
  }

  async #finish(stage: StudyStage): Promise<void> {
    const record = await this.#options.store.read(stage)
    const sound = record !== undefined && stage.schema.safeParse(record.result).success
    const since = this.#unseen.get(stage) ?? performance.now()
    this.#unseen.set(stage, since)
    if (!sound && performance.now() - since < VISIBLE_MS) return
    this.#unseen.delete(stage)
    // Without a result it is done again: nothing is known of it but what the store holds.
    await this.#queues.remove([this.#id(stage)])
    if (!sound) return
    this.#done.set(stage, record)
    this.#toDo = this.#toDo.filter((other) => other !== stage)
    await this.#options.onEnd?.(stage, this.#standing)
  }

  async #lose(stage: StudyStage, reason: 'failed' | 'budget', message: string): Promise<void> {
    this.#lost.push({ stage, reason, message: printable(message.replace(/\s+/g, ' ').trim()) })
    this.#toDo = this.#toDo.filter((other) => other !== stage)
    await this.#queues.remove([this.#id(stage)])
    if (reason === 'budget') return
    this.#options.progress.message(`${stage.name}: ${printable(message)}`)
    await this.#options.onEnd?.(stage, this.#standing)
  }

  /** The time that all machines together have spent. */
  async #dropOverBudget(states: ReadonlyMap<string, JobState>): Promise<void> {
    const { budget } = this.#options
    if (budget === undefined) return
    const used = [...this.#done.values()].reduce((sum, { seconds }) => sum + seconds, 0)
    if (used <= budget.seconds) return
    for (const stage of this.#toDo) {
      const state = states.get(this.#id(stage))
      if (state !== 'active' && state !== 'completed')
        await this.#lose(stage, 'budget', `the time of ${budget.words} was used up before it`)
    }
  }

  #queued(stage: StudyStage): QueuedStage {
    const { key, kind, name, needs } = stage
    const toDo = new Set(this.#toDo.map((each) => each.key))
    return {
      key,
      kind,
      name,
      after: needs.map((need) => need.key).filter((need) => toDo.has(need)),
      before: this.#stages.filter((other) => other.needs.includes(stage)).map((other) => other.key),
      needs: this.#queue.needsOf(stage),
    }
  }

  #tellOfWorkers(workers: readonly WorkerEntry[]): void {
    const { made, needsOf } = this.#queue
    for (const { name, made: theirs, trouble } of workers) {
      const differ = differences(theirs, made)
      if (differ.length > 0) {
        this.#tellOnce(`Worker ${name} has ${differ.join(', ')}: results may differ.`)
        this.#different.add(
          `A worker had ${differ.join(', ')}: what it computed may differ in its last digits.`,
        )
      }
      if (trouble !== undefined) this.#tellOnce(`Worker ${name} takes nothing: ${trouble}`)
    }
    if (performance.now() - this.#startedAt < WORKERS_MS) return
    const homeless = this.#toDo.find((stage) => !workers.some(({ offer }) => fits(needsOf(stage), offer)))
    if (workers.length === 0)
      this.#tellOnce('Nobody works on it: start "handful worker" with the same --queue and --store.')
    else if (homeless !== undefined)
      this.#tellOnce(
        `No worker is large enough for "${homeless.name}": it needs ${needsInWords(needsOf(homeless))}.`,
      )
  }

  #tellOnce(text: string): void {
    if (!this.#told.has(text)) this.#options.progress.message(text)
    this.#told.add(text)
  }

  #report(active: readonly Job[]): void {
    const { progress, noteOf } = this.#options
    const byId = new Map(this.#toDo.map((stage) => [this.#id(stage), stage]))
    const running = active.flatMap((job) => {
      const stage = byId.get(job.id ?? '')
      return stage === undefined ? [] : [runningStage(job, stage)]
    })
    const seconds = (some: readonly { readonly seconds: number }[]): number =>
      some.reduce((sum, each) => sum + each.seconds, 0)
    const left =
      seconds(this.#toDo) - running.reduce((sum, { part = 0, ...each }) => sum + part * each.seconds, 0)
    const cell = this.#stages.find(({ kind }) => kind === 'cell')
    const best = cell && noteOf?.(cell, this.#standing)
    const [all, open] = [this.#stages.length, this.#toDo.length]
    const machines = new Set(running.map(({ worker }) => worker)).size
    const note = [
      `${all - open} of ${all} stages`,
      ...(running.length === 0 ? [] : [`${running.length} running on ${machines}`]),
      ...(best === undefined ? [] : [best]),
    ].join(', ')
    const share = 100 * (1 - left / Math.max(1e-9, seconds(this.#stages)))
    progress.report({
      stage: GROUP,
      done: open === 0 ? 100 : Math.min(99.9, share),
      total: 100,
      unit: '%',
      note,
    })
    const status: StudyStatus = {
      stages: all,
      done: this.#done.size,
      running: running.map(({ name, worker, since, part }) => ({ name, worker, since, part })),
      failed: this.#lost.map(({ stage, message }) => ({ name: stage.name, message })),
      secondsLeft: timeLeft({
        done: [...this.#done].map(([stage, record]) => ({ seconds: stage.seconds, took: record.seconds })),
        left: this.#toDo,
        running,
      }),
      best,
      workers: undefined,
    }
    progress.state?.(status)
  }
}

export const needsInWords = ({ threads, memoryBytes, device }: StageNeeds): string =>
  `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB of memory and device ${device}`

/** What hangs on a Redis that is away does not keep a stop from being heard. */
async function stoppable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined
  const stopped = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)))
  signal.addEventListener('abort', stop, { once: true })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
