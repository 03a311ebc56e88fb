/**
 * What is done of a job: one small JSON file for each stage, `stages/<kind>-<short hash>.json`, named by the hash of all
 * that went into it. A stage whose file is there is never done again; one whose settings change has another name.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { createFileAtomic, writeFileAtomic } from '../files/atomic.js'
import { systemCode, systemError } from '../errors.js'
import type { OlderRecord, Stage, StageName } from './stage.js'

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

type Lookup = StageName & Pick<Stage, 'older'>

export class StageStore {
  readonly #known = new Map<string, StageRecord | undefined>()
  #names: Promise<ReadonlySet<string>> | undefined

  constructor(readonly folder: string) {}

  file({ kind, key }: Pick<StageName, 'kind' | 'key'>): string {
    return path.join(this.folder, FOLDER, `${kind}-${key.slice(0, SHORT)}.json`)
  }

  /** What the stage gave, or undefined where it is still to be done. A damaged file counts as none. */
  async read(stage: Lookup): Promise<StageRecord | undefined> {
    const file = this.file(stage)
    if (this.#known.has(file)) return this.#known.get(file)
    const found = await readRecord(file, stage.key)
    const older = found === undefined ? await stage.older?.() : undefined
    const record = found ?? (older && recordOf(stage, older))
    this.#known.set(file, record)
    return record
  }

  /** The first of several records that is there; the folder is listed once, so that many may be asked for. */
  async firstOf(stages: Iterable<StageName>): Promise<StageRecord | undefined> {
    this.#names ??= readdir(path.join(this.folder, FOLDER)).then(
      (names) => new Set(names),
      () => new Set(),
    )
    const names = await this.#names
    if (names.size === 0) return undefined
    for (const stage of stages) {
      if (!names.has(path.basename(this.file(stage)))) continue
      const record = await readRecord(this.file(stage), stage.key)
      if (record !== undefined) return record
    }
    return undefined
  }

  /** The record of this kind that was written last, for those who cannot tell what went into it. */
  async latest(kind: string): Promise<StageRecord | undefined> {
    const names = await readdir(path.join(this.folder, FOLDER)).catch(() => [])
    let last: StageRecord | undefined
    for (const name of names.filter((each) => each.startsWith(`${kind}-`))) {
      const record = await readRecord(path.join(this.folder, FOLDER, name))
      if (record?.kind !== kind) continue
      if (last === undefined || record.finishedAt > last.finishedAt) last = record
    }
    return last
  }

  /** Stages of this kind are done again: what they have written bears one name whatever went into it. */
  async forget(kind: string): Promise<void> {
    const names = await readdir(path.join(this.folder, FOLDER)).catch(() => [])
    for (const name of names.filter((each) => each.startsWith(`${kind}-`))) {
      const file = path.join(this.folder, FOLDER, name)
      if ((await readRecord(file))?.kind !== kind) continue
      await rm(file, { force: true })
      this.#known.delete(file)
    }
  }

  /** What a stage gave that is done. */
  async result<R>(stage: Lookup & Pick<Stage<R>, 'schema'>): Promise<R> {
    return stage.schema.parse((await this.read(stage))?.result)
  }

  async write(stage: StageName, result: unknown, seconds: number, date = new Date()): Promise<StageRecord> {
    const record = recordOf(stage, { seconds, finishedAt: date.toISOString(), result })
    const file = this.file(stage)
    await writeFileAtomic(file, `${JSON.stringify(record)}\n`)
    this.#known.set(file, record)
    return record
  }

  /**
   * The same where several processes may do one stage: the first record that is there stays.
   * @returns the record that stays
   */
  async writeFirst(stage: StageName, result: unknown, seconds: number): Promise<StageRecord> {
    const record = recordOf(stage, { seconds, finishedAt: new Date().toISOString(), result })
    const file = this.file(stage)
    const first = await createFileAtomic(file, `${JSON.stringify(record)}\n`)
    const there = first ? record : await readRecord(file, stage.key)
    if (there === undefined) return this.write(stage, result, seconds)
    this.#known.set(file, there)
    return there
  }

  /** Reads anew what is asked for from here on: other processes write here too. */
  lookAgain(): void {
    this.#known.clear()
    this.#names = undefined
  }

  /** What a stage gave, where that is sound and its files are there. */
  async kept<R>(
    stage: Lookup & Pick<Stage<R>, 'schema' | 'present'>,
  ): Promise<{ readonly result: R } | undefined> {
    const { success, data } = stage.schema.safeParse((await this.read(stage))?.result)
    return success && (await stage.present?.(data)) !== false ? { result: data } : undefined
  }

  /** The stage's result, from its file or from the work itself. */
  async once<R>(
    stage: Lookup & Pick<Stage<R>, 'schema' | 'present'>,
    work: () => Promise<R>,
    date?: () => Date,
  ): Promise<R> {
    const kept = await this.kept(stage)
    if (kept !== undefined) return kept.result
    const started = performance.now()
    const result = stage.schema.parse(await work())
    await this.write(stage, result, (performance.now() - started) / 1000, date?.())
    return result
  }
}

const recordOf = (
  { kind, name, key }: StageName,
  { seconds, finishedAt, result }: OlderRecord,
): StageRecord => ({ version: 1, kind, name, key, seconds, finishedAt, result })

/** @param key that it has to have, where that is known */
async function readRecord(file: string, key?: string): Promise<StageRecord | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw systemError('reading a stage', file, error)
  }
  try {
    const record = recordSchema.parse(JSON.parse(text))
    return key === undefined || record.key === key ? record : undefined
  } catch {
    return undefined
  }
}
