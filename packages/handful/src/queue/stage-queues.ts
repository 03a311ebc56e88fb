/**
 * Stages in BullMQ. A stage that needs nothing waits in the queue of its needs. One that needs others is a flow: it waits for
 * children in a queue of their own, one for each stage that it needs, which nobody ever works on; whoever has done a stage
 * takes its children away, and BullMQ lets those go on that wait for no other. (A job of BullMQ has one parent, a stage is
 * needed by many.) Jobs hold keys and names, and a stage is the same job however often it is put there.
 */
import { createHash } from 'node:crypto'
import { FlowProducer, type FlowJob, type Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { queueName, type StageNeeds } from './needs.js'

/** Failures of one stage, after which it is given up. */
export const ATTEMPTS = 3
/** Workers that it may take along: what kills a machine three times is seldom the stage. */
export const MOST_STALLS = 9
const BETWEEN_ATTEMPTS_MS = 1000
const CHILDREN = 'needs'

export const stageJobSchema = z.strictObject({
  /** The study's folder below the store. */
  study: z.string(),
  key: z.string(),
  kind: z.string(),
  name: z.string(),
  /** Children of others, which are taken away when it is done. */
  releases: z.array(z.string()),
})

export type StageJob = z.infer<typeof stageJobSchema>

export const progressSchema = z.object({ part: z.number(), note: z.string().optional() })

/** Of all that a store's stages have in Redis; the braces keep it on one node of a cluster. */
export const prefixOf = (storeId: string): string => `{handful-${storeId}}`

const studyMark = (study: string): string => createHash('sha256').update(study).digest('hex').slice(0, 8)
export const jobIdOf = (study: string, key: string): string => `${studyMark(study)}-${key}`
const childId = (study: string, need: string, key: string): string => `${jobIdOf(study, key)}-${need}`

export interface QueuedStage {
  readonly key: string
  readonly kind: string
  readonly name: string
  /** Keys of stages that are not done. */
  readonly after: readonly string[]
  /** Keys of those that come after it. */
  readonly before: readonly string[]
  readonly needs: StageNeeds
}

export const STATES = [
  'wait',
  'delayed',
  'prioritized',
  'waiting-children',
  'active',
  'failed',
  'completed',
] as const
export type JobState = (typeof STATES)[number]

/** The queues of one study, as its planner sees them. */
export class StageQueues {
  readonly #queues = new Map<string, Queue>()
  readonly #options: { readonly connection: Redis; readonly prefix: string }
  readonly #children: Queue
  readonly #flows: FlowProducer
  readonly #study: string

  constructor(redis: Redis, prefix: string, study: string, needs: readonly StageNeeds[]) {
    this.#options = { connection: redis, prefix }
    this.#children = quiet(new Queue(CHILDREN, this.#options))
    this.#flows = quiet(new FlowProducer(this.#options))
    this.#study = study
    this.lookInto(needs)
  }

  /** Queues that stages of the study may wait in beside its own: those of a plan with other threads. */
  lookInto(needs: readonly StageNeeds[]): void {
    for (const name of new Set(needs.map(queueName)))
      if (!this.#queues.has(name)) this.#queues.set(name, quiet(new Queue(name, this.#options)))
  }

  /** Takes away what an earlier plan left: other stages, other needs, failures; what somebody works on stays. */
  async clear(wanted: readonly QueuedStage[]): Promise<void> {
    const places = new Map(wanted.map((stage) => [this.#id(stage), queueName(stage.needs)]))
    const over = ['failed', 'completed']
    for (const [name, queue] of this.#queues) {
      const states = await this.#statesIn(queue)
      const gone = [...states].filter(
        ([id, state]) => state !== 'active' && (places.get(id) !== name || over.includes(state)),
      )
      // One that was taken at this moment is somebody's now.
      for (const [id] of gone) await queue.remove(id).catch(() => undefined)
    }
  }

  /** Puts stages there that are not: those that are would get their children twice. */
  async add(stages: readonly QueuedStage[]): Promise<void> {
    const states = await Promise.all(stages.map((stage) => this.#queueOf(stage).getJobState(this.#id(stage))))
    const absent = stages.filter((_, i) => states[i] === 'unknown')
    if (absent.length > 0) await this.#flows.addBulk(absent.map((stage) => this.#flow(stage)))
  }

  #flow({ key, kind, name, after, before, needs }: QueuedStage): FlowJob {
    const data: StageJob = {
      study: this.#study,
      key,
      kind,
      name,
      releases: before.map((dependant) => childId(this.#study, key, dependant)),
    }
    const job = {
      name: kind,
      queueName: queueName(needs),
      data,
      opts: {
        jobId: jobIdOf(this.#study, key),
        attempts: ATTEMPTS,
        backoff: { type: 'fixed', delay: BETWEEN_ATTEMPTS_MS },
      },
    }
    if (after.length === 0) return job
    const children = after.map((need) => ({
      name: 'need',
      queueName: CHILDREN,
      opts: { jobId: childId(this.#study, need, key) },
    }))
    return { ...job, children }
  }

  /** By the jobs' ids: those of this study that Redis knows of. */
  async states(): Promise<Map<string, JobState>> {
    const each = await Promise.all([...this.#queues.values()].map((queue) => this.#statesIn(queue)))
    return new Map(each.flatMap((states) => [...states]))
  }

  async #statesIn(queue: Queue): Promise<Map<string, JobState>> {
    const found = new Map<string, JobState>()
    const own = `${studyMark(this.#study)}-`
    const lists = await Promise.all(STATES.map((state) => queue.getRanges([state], 0, -1)))
    // What moves on while it is looked for is where it was found last.
    lists.forEach((ids, i) => {
      for (const id of ids) if (id.startsWith(own)) found.set(id, STATES[i])
    })
    return found
  }

  /** Jobs of this study that somebody works on. */
  async active(): Promise<Job[]> {
    const all = await Promise.all([...this.#queues.values()].map((queue) => queue.getJobs(['active'])))
    const own = `${studyMark(this.#study)}-`
    // One that went meanwhile is listed as nothing.
    const found: readonly (Job | undefined)[] = all.flat()
    return found.flatMap((job) => (job?.id?.startsWith(own) === true ? [job] : []))
  }

  async failedReason({ key }: Pick<QueuedStage, 'key'>): Promise<string> {
    for (const queue of this.#queues.values()) {
      const reason = (await queue.getJob(jobIdOf(this.#study, key)))?.failedReason
      if (reason !== undefined && reason !== '') return reason
    }
    return 'no reason was kept'
  }

  /** Takes stages away that nobody works on. */
  async remove(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      for (const queue of this.#queues.values()) {
        if ((await queue.getJobState(id)) === 'unknown') continue
        // One that was taken at this moment is done, and found done the next time.
        await queue.remove(id).catch(() => undefined)
      }
    }
  }

  /** A stage waits for this one no more. */
  async release(need: string, dependant: string): Promise<void> {
    await this.#children.remove(childId(this.#study, need, dependant))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values(), this.#children, this.#flows].map((each) => each.close()))
  }

  #id({ key }: Pick<QueuedStage, 'key'>): string {
    return jobIdOf(this.#study, key)
  }

  #queueOf({ needs }: Pick<QueuedStage, 'needs'>): Queue {
    const queue = this.#queues.get(queueName(needs))
    if (queue === undefined) throw new Error(`internal: StageQueues: got no queue ${queueName(needs)}`)
    return queue
  }
}

/** Takes children away where only their queue is known, as a worker does. */
export const openChildren = (redis: Redis, prefix: string): Queue =>
  quiet(new Queue(CHILDREN, { connection: redis, prefix }))

/** Errors of a connection that is lost are told by whoever opened it. */
function quiet<T extends { on(event: 'error', listener: () => void): unknown }>(source: T): T {
  source.on('error', () => undefined)
  return source
}
