/** What the studio keeps of each training that it was asked for: `training/<run>.json` in its folder of these images. */
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { jsonOrNothing } from '../files/json.js'
import { requests } from './protocol.js'

const recordSchema = z.object({
  version: z.literal(1),
  run: z.string(),
  request: requests.train,
  /** Milliseconds; runs start in this order. */
  askedAt: z.number(),
  /** Whether it is to be started when its turn comes. */
  waiting: z.boolean(),
  /** Of its process, in former starts. */
  seconds: z.number(),
  /** Of the process that runs, since 1970 in milliseconds. */
  startedAt: z.number().optional(),
  error: z.string().optional(),
})

export type TrainingRecord = z.infer<typeof recordSchema>
export type TrainRequest = TrainingRecord['request']

export class TrainingRecords {
  readonly #folder: string
  readonly #records = new Map<string, TrainingRecord>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** @param home the studio's folder of these images; what is damaged in it is passed over */
  static async open(home: string): Promise<TrainingRecords> {
    const records = new TrainingRecords(path.join(home, 'training'))
    for (const name of await readdir(records.#folder).catch(() => [])) {
      if (!name.endsWith('.json')) continue
      const text = await readFile(path.join(records.#folder, name), 'utf8').catch(() => '')
      const parsed = recordSchema.safeParse(jsonOrNothing(text))
      if (parsed.success) records.#records.set(parsed.data.run, parsed.data)
    }
    return records
  }

  has(run: string): boolean {
    return this.#records.has(run)
  }

  get(run: string): TrainingRecord | undefined {
    return this.#records.get(run)
  }

  /** Names of the runs. */
  names(): string[] {
    return [...this.#records.keys()]
  }

  /** In the order in which they were asked for. */
  inTurn(): TrainingRecord[] {
    return [...this.#records.values()].sort((a, b) => a.askedAt - b.askedAt)
  }

  async keep(record: TrainingRecord): Promise<void> {
    this.#records.set(record.run, record)
    await writeFileAtomic(path.join(this.#folder, `${record.run}.json`), `${JSON.stringify(record)}\n`)
  }

  async forget(run: string): Promise<void> {
    this.#records.delete(run)
    await rm(path.join(this.#folder, `${run}.json`), { force: true })
  }

  /** Where its process writes what it says. */
  logFile(run: string): string {
    return path.join(this.#folder, `${run}.log`)
  }
}
