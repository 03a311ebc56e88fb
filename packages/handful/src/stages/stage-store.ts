/**
 * What is done of a study: one small JSON file for each stage, `stages/<kind>-<short hash>.json`, named by the hash of all
 * that went into it. A stage whose file is there is never done again; one whose settings change has another name.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { systemCode, systemError } from '../errors.js'

const FOLDER = 'stages'
const SHORT = 16

const recordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.string(),
  /** As progress and reports name it. */
  name: z.string(),
  key: z.string(),
  seconds: z.number().nonnegative(),
  finishedAt: z.string(),
  result: z.unknown(),
})

export type StageRecord = z.infer<typeof recordSchema>

export interface StageName {
  readonly kind: string
  readonly name: string
  readonly key: string
}

export class StageStore {
  readonly #known = new Map<string, StageRecord | undefined>()

  constructor(readonly folder: string) {}

  file({ kind, key }: Pick<StageName, 'kind' | 'key'>): string {
    return path.join(this.folder, FOLDER, `${kind}-${key.slice(0, SHORT)}.json`)
  }

  /** What the stage gave, or undefined where it is still to be done. A damaged file counts as none. */
  async read(stage: StageName): Promise<StageRecord | undefined> {
    const file = this.file(stage)
    if (this.#known.has(file)) return this.#known.get(file)
    const record = await readRecord(file, stage.key)
    this.#known.set(file, record)
    return record
  }

  async write(stage: StageName, result: unknown, seconds: number, date: Date): Promise<StageRecord> {
    const { kind, name, key } = stage
    const finishedAt = date.toISOString()
    const record: StageRecord = { version: 1, kind, name, key, seconds, finishedAt, result }
    const file = this.file(stage)
    await writeFileAtomic(file, `${JSON.stringify(record)}\n`)
    this.#known.set(file, record)
    return record
  }

  /** The stage's result, from its file or from the work itself. */
  async once<T>(stage: StageName, schema: z.ZodType<T>, work: () => Promise<T>): Promise<T> {
    const kept = schema.safeParse((await this.read(stage))?.result)
    if (kept.success) return kept.data
    const started = performance.now()
    const result = await work()
    await this.write(stage, result, (performance.now() - started) / 1000, new Date())
    return result
  }
}

async function readRecord(file: string, key: string): Promise<StageRecord | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw systemError('reading a stage', file, error)
  }
  try {
    const record = recordSchema.parse(JSON.parse(text))
    return record.key === key ? record : undefined
  } catch {
    return undefined
  }
}
