/**
 * The folder that a run writes (docs/decisions/0003-the-run-folder.md). A person can read all of it:
 *
 *     config.yaml         every option as it was resolved
 *     env.json            versions, machine, seed, command line
 *     stages.json         which stages are done, each with the key of what went into it
 *     metrics.jsonl       one object a line
 *     samples/            pictures
 *     checkpoints/        what --resume goes on from
 *     predictions.csv, report.json, report.html and the model files
 *
 * One process at a time holds it (`.lock`), nothing in it is ever overwritten by another run, and every file that is
 * written whole appears whole or not at all.
 */
import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, readdir, rm, rmdir, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { acquireLock, type Lock } from '../files/lock.js'

/** Room that a run needs before it starts, in bytes: a small model with its checkpoints and pictures. */
const NEEDED_BYTES = 64 * 2 ** 20

export const RUN_FILES = {
  config: 'config.yaml',
  environment: 'env.json',
  stages: 'stages.json',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.csv',
  report: 'report.json',
  reportPage: 'report.html',
  samples: 'samples',
  checkpoints: 'checkpoints',
  model: 'model',
  weights: 'model/weights.safetensors',
} as const

const stagesSchema = z.strictObject({
  version: z.literal(1),
  stages: z.record(
    z.string(),
    z.strictObject({ key: z.string(), finishedAt: z.string(), seconds: z.number().nonnegative() }),
  ),
})

/** What is kept of a stage that is done. */
export type StageRecord = z.infer<typeof stagesSchema>['stages'][string]

/** A plain tree of values, as configuration and environment are. */
export type PlainObject = Readonly<Record<string, unknown>>

export interface CreateRunOptions {
  /** The folder itself; must not exist yet or be empty. Without it `<parent>/<date>-<name>` is made, with a number if need be. */
  readonly folder?: string
  /** Where dated folders go, usually `runs`. */
  readonly parent: string
  /** A few words on what runs, such as the data set's name. */
  readonly name: string
  readonly date: Date
  /** Resolved options, written as config.yaml. */
  readonly config: PlainObject
  readonly environment: PlainObject
}

/** A run folder that this process holds. Close it when the run ends, however it ends. */
export class RunFolder {
  readonly folder: string
  readonly #lock: Lock
  #stages: Record<string, StageRecord>

  /** Whether this process made the folder; undefined when it took up a run that was there. */
  readonly #made: boolean | undefined

  private constructor(
    folder: string,
    lock: Lock,
    stages: Record<string, StageRecord>,
    made: boolean | undefined,
  ) {
    this.folder = folder
    this.#lock = lock
    this.#stages = stages
    this.#made = made
  }

  /**
   * Makes a new run folder and writes its configuration and environment.
   * @throws HandfulError if the folder holds anything already, can't be written, or its disk is full
   */
  static async create(options: CreateRunOptions): Promise<RunFolder> {
    const { folder, made } =
      options.folder === undefined ? await makeDated(options) : await makeNamed(options.folder)
    await checkRoom(folder)
    const lock = await acquireLock(folder)
    const run = new RunFolder(folder, lock, {}, made)
    try {
      // A process that came in between the check for emptiness and the lock has left its configuration by now.
      await expectNoRun(folder)
      for (const inner of [RUN_FILES.samples, RUN_FILES.checkpoints]) await run.makeFolder(inner)
      await run.writeJson(RUN_FILES.environment, options.environment)
      await run.writeFile(RUN_FILES.config, stringify(options.config))
    } catch (error) {
      await run.close()
      throw error
    }
    return run
  }

  /**
   * Takes up a run where it stopped. `environment` is put beside the first one, as `env-2.json` and so on.
   * @throws HandfulError if there is no run, another process holds it, or its files can't be read
   */
  static async resume(folder: string, environment: PlainObject): Promise<RunFolder> {
    await readRunConfig(folder)
    await checkRoom(folder)
    const lock = await acquireLock(folder)
    try {
      const run = new RunFolder(folder, lock, await readStages(folder), undefined)
      await run.writeJson(await freeName(folder, 'env', '.json'), environment)
      return run
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Full path of something in the folder. */
  path(...parts: readonly string[]): string {
    return path.join(this.folder, ...parts)
  }

  /** Whether a stage was finished with the same inputs. Its files are then there to be read. */
  isDone(stage: string, key: string): boolean {
    return this.#stages[stage]?.key === key
  }

  get stages(): Readonly<Record<string, StageRecord>> {
    return this.#stages
  }

  /**
   * Records a stage as done; call it when all its files are written.
   * @param key `stageKey(...)` of everything that the stage's result depends on
   */
  async markDone(stage: string, key: string, seconds: number): Promise<void> {
    this.#stages = { ...this.#stages, [stage]: { key, seconds, finishedAt: new Date().toISOString() } }
    await this.writeJson(RUN_FILES.stages, { version: 1, stages: this.#stages })
  }

  /** Adds one line to metrics.jsonl. */
  async appendMetrics(values: PlainObject): Promise<void> {
    const file = this.path(RUN_FILES.metrics)
    await guard(file, () => appendFile(file, `${JSON.stringify(values)}\n`))
  }

  async makeFolder(name: string): Promise<string> {
    const folder = this.path(name)
    await guard(folder, () => makeFolders(folder))
    return folder
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    await this.writeFile(name, `${JSON.stringify(value, null, 2)}\n`)
  }

  /** Writes a file so that it appears whole or not at all. */
  async writeFile(name: string, contents: string | Uint8Array): Promise<void> {
    await writeFileAtomic(this.path(name), contents)
  }

  /**
   * Takes a new run's folder away again if the run ended before it had anything to keep, and tells whether it did.
   * The run is closed then.
   */
  async discardIfEmpty(): Promise<boolean> {
    if (this.#made === undefined) return false
    const own: readonly string[] = [
      RUN_FILES.config,
      RUN_FILES.environment,
      RUN_FILES.samples,
      RUN_FILES.checkpoints,
    ]
    const names = await readdir(this.folder, { recursive: true })
    if (names.some((name) => !own.includes(name) && name !== '.lock')) return false
    for (const name of own) await rm(this.path(name), { recursive: true, force: true })
    await this.close()
    if (this.#made) await rmdir(this.folder).catch(() => {})
    return true
  }

  /** Lets the next process in. */
  async close(): Promise<void> {
    await this.#lock.release()
  }
}

/** A key for `isDone`: equal values give equal keys, whatever the order of their fields. */
export function stageKey(inputs: unknown): string {
  return createHash('sha256').update(canonical(inputs)).digest('hex').slice(0, 32)
}

/**
 * The configuration of a finished or interrupted run.
 * @throws HandfulError if the folder isn't a run or the file is damaged
 */
export async function readRunConfig(folder: string): Promise<PlainObject> {
  const file = path.join(folder, RUN_FILES.config)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (!isMissing(error)) throw systemError('reading a run', file, error)
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: `no ${RUN_FILES.config} in it`,
      expected: 'a folder that handful has written',
      hint: 'see what is in runs/',
    })
  })
  try {
    return z.record(z.string(), z.unknown()).parse(parse(text))
  } catch (error) {
    throw new HandfulError({
      what: 'run configuration',
      where: file,
      got: firstLine(error),
      expected: 'the YAML that was written there',
      hint: 'restore the file, or start a new run with another --out',
    })
  }
}

async function readStages(folder: string): Promise<Record<string, StageRecord>> {
  const file = path.join(folder, RUN_FILES.stages)
  try {
    return stagesSchema.parse(JSON.parse(await readFile(file, 'utf8'))).stages
  } catch (error) {
    if (isMissing(error)) return {}
    throw new HandfulError({
      what: 'list of stages',
      where: file,
      got: firstLine(error),
      expected: 'the JSON that was written there',
      hint: 'delete it to do all stages again',
    })
  }
}

interface MadeFolder {
  readonly folder: string
  readonly made: boolean
}

async function makeDated(options: CreateRunOptions): Promise<MadeFolder> {
  await guard(options.parent, () => makeFolders(options.parent))
  const two = (value: number): string => String(value).padStart(2, '0')
  const { date } = options
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const name = options.name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'run'
  for (let attempt = 1; ; attempt++) {
    const folder = path.join(options.parent, `${day}-${name}${attempt === 1 ? '' : `-${attempt}`}`)
    try {
      await mkdir(folder)
      return { folder, made: true }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw systemError('making the run folder', folder, error)
    }
  }
}

async function makeNamed(folder: string): Promise<MadeFolder> {
  const made = await guard(folder, () => makeFolders(folder))
  await expectNoRun(folder)
  const names = await guard(folder, () => readdir(folder))
  const others = names.filter((name) => name !== '.lock' && name !== '.DS_Store')
  if (others.length === 0) return { folder, made }
  throw new HandfulError({
    what: 'output folder',
    where: folder,
    got: `a folder that holds other things (${others[0]}${others.length > 1 ? ', ...' : ''})`,
    expected: 'a new or empty folder',
    hint: 'give another --out; nothing was changed',
  })
}

async function expectNoRun(folder: string): Promise<void> {
  const found = await stat(path.join(folder, RUN_FILES.config)).catch(() => undefined)
  if (found === undefined) return
  throw new HandfulError({
    what: 'output folder',
    where: folder,
    got: 'a run that is there already',
    expected: 'a new or empty folder',
    hint: `go on with it by --resume ${folder}, or give another --out; nothing was changed`,
  })
}

async function checkRoom(folder: string): Promise<void> {
  const disk = await guard(folder, () => statfs(folder))
  const free = disk.bavail * disk.bsize
  // Some network and container file systems answer zero for everything: that says nothing.
  if (disk.blocks === 0 || free >= NEEDED_BYTES) return
  throw new HandfulError({
    what: 'free disk space',
    where: folder,
    got: `${Math.floor(free / 2 ** 20)} MiB`,
    expected: `at least ${NEEDED_BYTES / 2 ** 20} MiB`,
    hint: 'make room, or write to another disk with --out',
  })
}

async function freeName(folder: string, stem: string, ending: string): Promise<string> {
  const names = new Set(await readdir(folder))
  if (!names.has(`${stem}${ending}`)) return `${stem}${ending}`
  for (let number = 2; ; number++) {
    const name = `${stem}-${number}${ending}`
    if (!names.has(name)) return name
  }
}

async function guard<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw systemError('writing to the run folder', file, error)
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
}

function firstLine(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return `${issue.message} (at ${issue.path.join('.') || 'the top'})`
  }
  return String(error instanceof Error ? error.message : error).split('\n')[0]
}

/** JSON with sorted fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
