/**
 * The folder that a run writes (docs/decisions/0003-the-run-folder.md). A person can read all of it:
 *
 *     .handful-run        the sign by which it is never read as images
 *     config.yaml         every option as it was resolved
 *     images.json         which images it is made from (image-record.ts)
 *     env.json            versions, machine, seed, command line
 *     stages/             one file for each stage that is done (stages/stage-store.ts)
 *     metrics.jsonl       one object a line
 *     samples/            pictures
 *     checkpoints/        what --resume goes on from
 *     predictions.csv, report.json, report.html and the model files
 *
 * One process at a time holds it (`.lock`), nothing in it is ever overwritten by another run, and every file that is
 * written whole appears whole or not at all.
 */
import { constants } from 'node:fs'
import { access, appendFile, readFile, readdir, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import type { Arrays } from 'onnx-autodiff'
import { stringify } from 'yaml'
import { z } from 'zod'
import { writeArrays } from '../files/array-file.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { systemCode, systemError } from '../errors.js'
import { acquireLock, type Lock } from '../files/lock.js'
import { MARKER_TEXT, RUN_MARKER } from '../files/run-marker.js'
import { jsonOrNothing } from '../files/json.js'
import type { OlderRecord } from '../stages/stage.js'
import { StageStore } from '../stages/stage-store.js'
import type { JobContext } from '../training/progress.js'
import type { Brought } from './brought.js'
import {
  checkRoom,
  type DatedFolder,
  expectEmpty,
  expectNoRun,
  lastPresent,
  makeDated,
  makeNamed,
  writingToRun,
} from './make-run-folder.js'
import { type OlderStages, readOlderStages } from './older-stages.js'
import { type PlainObject, readRunConfig, RUN_FILES } from './run-files.js'

export interface CreateRunOptions extends DatedFolder {
  /** The folder itself; must not exist yet or be empty. Without it `<parent>/<date>-<name>` is made, with a number if need be. */
  readonly folder?: string
  /** Resolved options, written as config.yaml. */
  readonly config: PlainObject
  readonly environment: PlainObject
  /** As locks have it. */
  readonly claim?: string
}

/** What a job that writes a run works with, beside its options. */
export interface RunContext extends JobContext, Brought {
  /** Where everything goes. Stages that are done there are not done again. */
  readonly run: RunFolder
}

const metricSchema = z.object({ stage: z.string(), step: z.number() })

/** A run folder that this process holds. Close it when the run ends, however it ends. */
export class RunFolder {
  readonly folder: string
  /** What is done of the run. */
  readonly store: StageStore
  readonly #lock: Lock
  /** Whether the lock may be taken over while the folder is open. */
  readonly #claimed: boolean
  /** Folders that this process made, the run's own first and those above it; undefined when it took up a run that was there. */
  readonly #made: readonly string[] | undefined
  readonly #older: OlderStages

  private constructor(
    folder: string,
    { lock, claim }: { readonly lock: Lock; readonly claim: string | undefined },
    made?: readonly string[],
    older: OlderStages = {},
  ) {
    this.folder = folder
    this.store = new StageStore(folder)
    this.#lock = lock
    this.#claimed = claim !== undefined
    this.#made = made
    this.#older = older
  }

  /**
   * Makes a new run folder and writes its configuration and environment.
   * @throws HandfulError if the folder holds anything already, can't be written, or its disk is full
   */
  static async create(options: CreateRunOptions): Promise<RunFolder> {
    const { folder, made } =
      options.folder === undefined ? await makeDated(options) : await makeNamed(options.folder)
    await checkRoom(folder)
    const { claim } = options
    const lock = await acquireLock(folder, { claim })
    const run = new RunFolder(folder, { lock, claim }, made)
    try {
      // A process that came in between the check for emptiness and the lock has left its configuration by now.
      await expectNoRun(folder)
      await run.writeFile(RUN_MARKER, MARKER_TEXT)
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
   * What `create` would refuse, before the images are read; nothing is made.
   * @param folder where the run is to be; where left out, a dated folder in `parent`
   */
  static async check(folder: string | undefined, parent: string): Promise<void> {
    if (folder !== undefined) await expectEmpty(folder)
    const place = await lastPresent(folder ?? parent)
    await writingToRun(place, () => access(place, constants.W_OK))
    await checkRoom(place)
  }

  /**
   * Takes up a run where it stopped. `environment` is put beside the first one, as `env-2.json` and so on.
   * @throws HandfulError if there is no run, another process holds it, or its files can't be read
   */
  static async resume(folder: string, environment: PlainObject, claim?: string): Promise<RunFolder> {
    await readRunConfig(folder)
    await checkRoom(folder)
    const lock = await acquireLock(folder, { claim })
    try {
      const run = new RunFolder(folder, { lock, claim }, undefined, await readOlderStages(folder))
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

  /**
   * What an older version left of a stage that it named so, where it did it with this key.
   * @param result from the files that it wrote
   */
  async doneBefore(
    name: string,
    key: string,
    result: () => Promise<unknown>,
  ): Promise<OlderRecord | undefined> {
    const found = Object.hasOwn(this.#older, name) ? this.#older[name] : undefined
    if (found?.key !== key) return undefined
    const { seconds, finishedAt } = found
    return { seconds, finishedAt, result: await result() }
  }

  /** Adds one line to metrics.jsonl. */
  async appendMetrics(values: PlainObject): Promise<void> {
    const file = this.path(RUN_FILES.metrics)
    await this.#expectHeld()
    await writingToRun(file, () => appendFile(file, `${JSON.stringify(values)}\n`))
  }

  /**
   * Takes out what a training that is gone on with at this step will measure again, and a line that was cut short by the
   * end of its process.
   */
  async dropMetrics(stage: string, step: number): Promise<void> {
    const text = await readFile(this.path(RUN_FILES.metrics), 'utf8').catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return ''
      throw systemError('reading metrics', this.path(RUN_FILES.metrics), error)
    })
    const lines = text.split('\n').filter((line) => line !== '')
    const kept = lines.filter((line) => {
      const point = metricSchema.safeParse(jsonOrNothing(line)).data
      return point !== undefined && (point.stage !== stage || point.step <= step)
    })
    if (kept.length === lines.length) return
    await this.writeFile(RUN_FILES.metrics, kept.map((line) => `${line}\n`).join(''))
  }

  /**
   * Makes a folder inside the run's.
   *
   * @returns its path
   */
  async makeFolder(name: string): Promise<string> {
    const folder = this.path(name)
    await writingToRun(folder, () => makeFolders(folder))
    return folder
  }

  /** Writes plain data as JSON, whole or not at all. */
  async writeJson(name: string, value: unknown): Promise<void> {
    await this.writeFile(name, `${JSON.stringify(value, null, 2)}\n`)
  }

  /** Writes a file so that it appears whole or not at all. */
  async writeFile(name: string, contents: Parameters<typeof writeFileAtomic>[1]): Promise<void> {
    await this.#expectHeld()
    await writeFileAtomic(this.path(name), contents)
  }

  /** The same of arrays, as a safetensors file. */
  async writeArrays(name: string, arrays: Arrays): Promise<void> {
    await this.#expectHeld()
    await writeArrays(this.path(name), arrays)
  }

  /** A process that was given up, and its stage taken by another, comes back: it writes nothing more. */
  async #expectHeld(): Promise<void> {
    if (this.#claimed) await this.#lock.check()
  }

  /**
   * Takes a new run's folder away again if the run ended before it had anything to keep, and tells whether it did.
   * The run is closed then.
   */
  async discardIfEmpty(): Promise<boolean> {
    if (this.#made === undefined) return false
    const own: readonly string[] = [
      RUN_MARKER,
      RUN_FILES.config,
      RUN_FILES.environment,
      RUN_FILES.images,
      RUN_FILES.samples,
      RUN_FILES.checkpoints,
    ]
    const names = await readdir(this.folder, { recursive: true })
    if (names.some((name) => !own.includes(name) && name !== '.lock')) return false
    for (const name of own) await rm(this.path(name), { recursive: true, force: true })
    await this.close()
    // Folders above that hold something else by now stay.
    for (const folder of this.#made) await rmdir(folder).catch(() => {})
    return true
  }

  /** Lets the next process in. */
  async close(): Promise<void> {
    await this.#lock.release()
  }
}

async function freeName(folder: string, stem: string, ending: string): Promise<string> {
  const names = new Set(await readdir(folder))
  if (!names.has(`${stem}${ending}`)) return `${stem}${ending}`
  for (let number = 2; ; number++) {
    const name = `${stem}-${number}${ending}`
    if (!names.has(name)) return name
  }
}
