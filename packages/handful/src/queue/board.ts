/**
 * What planner and workers tell each other beside the stages themselves, in three small hashes and a set of Redis: which
 * queues there are, who works, what each study is made with. All of it is told again and again, so that a Redis that has
 * forgotten everything knows it all a moment later.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { jsonOrNothing } from '../files/json.js'
import { madeSchema, type Made } from './made.js'
import { queueName, type StageNeeds } from './needs.js'

/** Between two signs of life of a worker. */
export const BEAT_MS = 2000
/** After so long a worker that says nothing is no more listed. */
const GONE_MS = 6 * BEAT_MS

const needsSchema = z.strictObject({
  threads: z.number(),
  memoryBytes: z.number(),
  device: z.string(),
})

const workerSchema = z.strictObject({
  name: z.string(),
  host: z.string(),
  pid: z.number(),
  offer: needsSchema,
  made: madeSchema,
  /** Stages that it does now. */
  running: z.number(),
  /** Why it takes none, in words. */
  trouble: z.string().optional(),
  seenAt: z.number(),
})

export type WorkerEntry = z.infer<typeof workerSchema>

const studySchema = z.strictObject({ made: madeSchema })

export class Board {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  /** A study and the queues that its stages wait in. */
  async announce(study: string, made: Made, needs: readonly StageNeeds[]): Promise<void> {
    await this.#redis.hset(this.#key('studies'), study, JSON.stringify({ made }))
    const queues = new Map(needs.map((each) => [queueName(each), JSON.stringify(each)]))
    for (const [name, text] of queues) await this.#redis.hset(this.#key('queues'), name, text)
  }

  async queues(): Promise<StageNeeds[]> {
    const found = await this.#redis.hgetall(this.#key('queues'))
    return Object.values(found).flatMap((text) => parsed(needsSchema, text) ?? [])
  }

  async madeOf(study: string): Promise<Made | undefined> {
    const text = await this.#redis.hget(this.#key('studies'), study)
    return text === null ? undefined : parsed(studySchema, text)?.made
  }

  async beat(worker: Omit<WorkerEntry, 'seenAt'>): Promise<void> {
    const entry: WorkerEntry = { ...worker, seenAt: await this.#now() }
    await this.#redis.hset(this.#key('workers'), worker.name, JSON.stringify(entry))
  }

  async leave(name: string): Promise<void> {
    await this.#redis.hdel(this.#key('workers'), name)
  }

  /** Those that were heard of a moment ago; what the others left is taken away. */
  async workers(): Promise<WorkerEntry[]> {
    const found = await this.#redis.hgetall(this.#key('workers'))
    const now = await this.#now()
    const there: WorkerEntry[] = []
    for (const [name, text] of Object.entries(found)) {
      const entry = parsed(workerSchema, text)
      if (entry !== undefined && now - entry.seenAt < GONE_MS) there.push(entry)
      else await this.#redis.hdel(this.#key('workers'), name)
    }
    return there
  }

  /** The clock of Redis, in milliseconds: machines' own differ. */
  async #now(): Promise<number> {
    const [seconds, microseconds] = await this.#redis.time()
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }

  #key(name: string): string {
    return `${this.#prefix}:board:${name}`
  }
}

const parsed = <T>(schema: z.ZodType<T>, text: string): T | undefined =>
  schema.safeParse(jsonOrNothing(text)).data
