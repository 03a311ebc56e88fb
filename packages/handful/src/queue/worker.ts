/**
 * `handful worker`: takes stages that fit it from the queues of a store, as many at once as it has threads and memory for, and
 * has processes of its own do them. A stage's lock is renewed while its process works; whoever falls silent loses it, and
 * another worker takes the stage again.
 */
import os from 'node:os'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type Job, type Queue, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { formatDuration } from '../draw/format.js'
import { printable } from '../errors.js'
import type { PlainObject } from '../runs/run-files.js'
import type { JobContext } from '../training/progress.js'
import { BEAT_MS, Board } from './board.js'
import { differences, type Made } from './made.js'
import { fits, type Offer, queueName, type StageNeeds, without } from './needs.js'
import { checkStore, type SharedStore } from './shared-store.js'
import { StageProcess, type StageOutcome } from './stage-process-handle.js'
import { MOST_STALLS, openChildren, prefixOf, type StageJob, stageJobSchema } from './stage-queues.js'

export interface WorkerOptions {
  readonly store: SharedStore
  readonly redis: Redis
  readonly offer: Offer
  readonly made: Made
  readonly environment: PlainObject
  readonly dataDir?: string
  /** How long a stage stays with a worker that is not heard of. */
  readonly lockSeconds: number
  readonly hungSeconds: number
  /** It ends when there was nothing to do for so long; never where left out. */
  readonly idleSeconds?: number
  /** Program of the processes that do stages; those of studies where left out. */
  readonly stageProgram?: string
}

export interface WorkerResult {
  readonly done: number
  readonly failed: number
}

/** Between two looks into empty queues. */
const LOOK_MS = 250
const STORE_CHECK_MS = 5000

interface Taken {
  readonly job: Job
  readonly data: StageJob
  readonly token: string
  readonly needs: StageNeeds
  readonly process: StageProcess
}

/** @returns when it was idle for long enough. @throws the signal's reason when it is stopped, its stages saved and given back */
export async function runWorker(options: WorkerOptions, context: JobContext): Promise<WorkerResult> {
  const worker = new StageWorker(options, context)
  try {
    return await worker.run()
  } finally {
    await worker.close()
  }
}

class StageWorker {
  readonly #options: WorkerOptions
  readonly #context: JobContext
  readonly #name = `${os.hostname()}-${process.pid}`
  readonly #board: Board
  readonly #children: Queue
  readonly #queues = new Map<string, { readonly needs: StageNeeds; readonly worker: Worker }>()
  readonly #taken = new Set<Taken>()
  /** Processes that wait for their next stage. */
  readonly #resting: StageProcess[] = []
  readonly #told = new Set<string>()
  readonly #result = { done: 0, failed: 0 }
  #tokens = 0
  #ended: () => void = () => undefined
  #trouble: string | undefined
  #checkedAt = -Infinity
  #beatAt = -Infinity

  constructor(options: WorkerOptions, context: JobContext) {
    this.#options = options
    this.#context = context
    const prefix = prefixOf(options.store.id)
    this.#board = new Board(options.redis, prefix)
    this.#children = openChildren(options.redis, prefix)
  }

  async run(): Promise<WorkerResult> {
    const { signal } = this.#context
    const { idleSeconds = Infinity } = this.#options
    let busyAt = performance.now()
    while (!signal.aborted) {
      const ended = new Promise<void>((resolve) => (this.#ended = resolve))
      const taken = await orStopped(this.#step(), signal)
      if (signal.aborted) break
      if (taken || this.#taken.size > 0) busyAt = performance.now()
      if (taken) continue
      if (performance.now() - busyAt > idleSeconds * 1000) return this.#result
      await orStopped(Promise.race([ended, after(LOOK_MS)]), signal)
    }
    await this.#giveBack()
    throw signal.reason
  }

  /** One look around. @returns whether a stage was taken */
  async #step(): Promise<boolean> {
    if (performance.now() - this.#beatAt > BEAT_MS) await this.#beat()
    const left = without(
      this.#options.offer,
      [...this.#taken].map(({ needs }) => needs),
    )
    const fitting = [...this.#queues.values()].filter(({ needs }) => fits(needs, left))
    if (fitting.length === 0 || !(await this.#storeIsGood())) return false
    // Each queue has its turn: short stages do not wait for all long ones, nor long ones for all short.
    const first = this.#tokens % Math.max(1, fitting.length)
    for (const { needs, worker } of [...fitting.slice(first), ...fitting.slice(0, first)]) {
      const token = `${this.#name}:${this.#tokens++}`
      const job = (await worker.getNextJob(token, { block: false })) as Job | undefined
      if (job === undefined) continue
      await this.#take(job, token, needs)
      return true
    }
    return false
  }

  async #beat(): Promise<void> {
    this.#beatAt = performance.now()
    const { offer, made, redis, store, lockSeconds } = this.#options
    await this.#board.beat({
      name: this.#name,
      host: os.hostname(),
      pid: process.pid,
      ...{ offer, made, trouble: this.#trouble },
      running: this.#taken.size,
    })
    for (const needs of await this.#board.queues()) {
      const name = queueName(needs)
      if (this.#queues.has(name) || !fits(needs, offer)) continue
      const worker = new Worker(name, undefined, {
        connection: redis,
        prefix: prefixOf(store.id),
        autorun: false,
        name: this.#name,
        lockDuration: lockSeconds * 1000,
        stalledInterval: lockSeconds * 500,
        maxStalledCount: MOST_STALLS,
      })
      worker.on('error', () => undefined)
      this.#queues.set(name, { needs, worker })
      await worker.startStalledCheckTimer()
    }
  }

  async #storeIsGood(): Promise<boolean> {
    if (performance.now() - this.#checkedAt < STORE_CHECK_MS) return this.#trouble === undefined
    this.#checkedAt = performance.now()
    const before = this.#trouble
    this.#trouble = await checkStore(this.#options.store).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    const { progress } = this.#context
    if (this.#trouble !== undefined && before === undefined)
      progress.message(`${this.#trouble}; no stage is begun until it is`)
    if (this.#trouble === undefined && before !== undefined)
      progress.message('The store can be written again.')
    if (this.#trouble !== before) this.#beatAt = -Infinity
    return this.#trouble === undefined
  }

  async #take(job: Job, token: string, needs: StageNeeds): Promise<void> {
    const parsed = stageJobSchema.safeParse(job.data)
    if (job.deferredFailure !== undefined && job.deferredFailure !== '') {
      const message = `${MOST_STALLS + 1} workers fell silent while they did it; it may need more memory than they have`
      await job.moveToFailed(new UnrecoverableError(message), token, false)
      return
    }
    if (!parsed.success) {
      await job.moveToFailed(new UnrecoverableError('its job is of another version of handful'), token, false)
      return
    }
    const { hungSeconds, dataDir, stageProgram: file } = this.#options
    const process = this.#resting.pop() ?? new StageProcess({ file, dataDir, hungSeconds })
    const taken: Taken = { job, data: parsed.data, token, needs, process }
    this.#taken.add(taken)
    await this.#compare(parsed.data.study)
    void this.#do(taken)
      .catch((error: unknown) => this.#context.progress.message(`${taken.data.name}: ${inWords(error)}`))
      .finally(() => {
        this.#taken.delete(taken)
        this.#resting.push(process)
        this.#ended()
      })
  }

  async #compare(study: string): Promise<void> {
    const theirs = await this.#board.madeOf(study)
    const differ = theirs === undefined ? [] : differences(this.#options.made, theirs)
    if (differ.length === 0) return
    const text = `${printable(study)} was planned by another version: here is ${differ.join(', ')}; results may differ`
    if (!this.#told.has(text)) this.#context.progress.message(text)
    this.#told.add(text)
  }

  async #do(taken: Taken): Promise<void> {
    const { job, data, token, process } = taken
    const { store, lockSeconds, environment } = this.#options
    const { progress } = this.#context
    const started = performance.now()
    const renewing = setInterval(() => {
      job.extendLock(token, lockSeconds * 1000).then(
        (renewed) => {
          if (renewed === 0) process.lose()
        },
        () => undefined,
      )
    }, lockSeconds * 300)
    let outcome: StageOutcome
    try {
      const folder = path.join(store.folder, ...data.study.split('/'))
      outcome = await process.do({ folder, key: data.key, environment }, (part, note) => {
        job.updateProgress({ part, note }).catch(() => undefined)
      })
    } finally {
      clearInterval(renewing)
    }
    const took = formatDuration((performance.now() - started) / 1000)
    const held = await this.#settle(taken, outcome)
    if (outcome.kind === 'lost' || !held)
      progress.message(`${data.name}: the queue has given it to another worker meanwhile, or forgotten it`)
    else if (outcome.kind === 'failed') progress.message(`${data.name}: ${outcome.message}`)
    else if (outcome.kind === 'done') progress.aside(`${data.name}: done in ${took}`)
  }

  /** @returns whether the stage was still this worker's */
  async #settle({ job, data, token }: Taken, outcome: StageOutcome): Promise<boolean> {
    try {
      if (outcome.kind === 'done') {
        this.#result.done++
        // BullMQ puts what is let go to the front: the first of the plan is let go last.
        for (const child of data.releases.toReversed()) await this.#children.remove(child)
        await job.moveToCompleted('done', token, false)
      } else if (
        outcome.kind === 'stopped' ||
        (outcome.kind === 'failed' && (await this.#isStores(outcome)))
      ) {
        await job.moveToWait(token)
      } else if (outcome.kind === 'failed') {
        this.#result.failed++
        await job.moveToFailed(new Error(`${outcome.message} (on ${os.hostname()})`), token, false)
      }
      return true
    } catch (error) {
      if (isLostLock(error)) return false
      throw error
    }
  }

  /** Whether it failed of the store: that says nothing of the stage, which waits until the store is good again. */
  async #isStores({ storeTrouble }: { readonly storeTrouble: boolean }): Promise<boolean> {
    if (!storeTrouble) return false
    this.#checkedAt = -Infinity
    return !(await this.#storeIsGood())
  }

  async #giveBack(): Promise<void> {
    for (const { process } of this.#taken) process.stop()
    // Where Redis is away nobody can be told: the locks run out.
    const latest = performance.now() + 60_000
    while (this.#taken.size > 0 && performance.now() < latest && this.#options.redis.status === 'ready')
      await after(50)
  }

  async close(): Promise<void> {
    for (const { process } of this.#taken) process.kill()
    for (const process of this.#resting) process.kill()
    if (this.#options.redis.status !== 'ready') return
    await this.#board.leave(this.#name)
    await Promise.all([...this.#queues.values()].map(({ worker }) => worker.close(true)))
    await this.#children.close()
  }
}

/** `Missing lock` and its like (BullMQ's codes -1 to -3, -6): the job is gone, or another's. */
const isLostLock = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && [-1, -2, -3, -6].includes(Number(error.code))

const inWords = (error: unknown): string => printable(error instanceof Error ? error.message : String(error))

async function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined
  let stop: () => void = () => undefined
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)))
  signal.addEventListener('abort', stop, { once: true })
  // What is left behind when the queue is away is not waited for, and not missed.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
