/**
 * `handful study`: the whole comparison. Stages are done one after the other, each once; a stage that fails is reported
 * and takes only what needs it with it. However the study ends, study.json holds what is done.
 *
 *     study.yaml          every option as it was resolved
 *     study.json          the result (study/result.ts)
 *     stages/             one file for each stage that is done
 *     models/, features/  what later stages work on
 */
import { isDeepStrictEqual } from 'node:util'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { Head } from '../heads/head.js'
import { printable } from '../errors.js'
import type { Study, StudyMissing } from './result.js'
import type { PlainObject } from '../runs/run-folder.js'
import { checkDevice } from '../jobs/device.js'
import type { JobContext } from '../jobs/fit-options.js'
import { READING } from '../runs/read-dataset.js'
import { assembleStudy, bestInWords } from './assemble.js'
import { fitProcesses, openDrawFitPool } from './draw-fit-pool.js'
import { parseDuration, type StudyOptions } from './study-options.js'
import { planStudy, type StudyPlan } from './plan.js'
import type { FeatureMethod } from './sources.js'
import { missingOf, type Stage } from '../stages/stage.js'
import { type StageRecord, StageStore } from '../stages/stage-store.js'
import { openStudyData } from './study-data.js'
import { loadStudySoFar, saveStudy } from './study-file.js'
import { checkStudyFolder, openStudyFolder } from './study-folder.js'
import { Workshop } from './workshop.js'

export interface StudyContext extends JobContext {
  /** The study's folder: new, empty, or one of the same data. */
  readonly folder: string
  /** The exact command line, for the report. */
  readonly command: string
  /** Versions, machine, seed. */
  readonly environment: PlainObject
  /** Methods beside the built-in ones, such as features of one's own: they take part in every comparison. */
  readonly methods?: readonly FeatureMethod[]
  /** Heads beside those of the registry, by name. */
  readonly heads?: Readonly<Record<string, () => Head>>
  /** Told of each stage as it is begun, for whoever keeps count. */
  readonly onStage?: (stage: { readonly kind: string; readonly name: string; readonly key: string }) => void
  /** Processes to fit heads in. Default one for each thread, or this one alone where the fits take moments. */
  readonly fitProcesses?: number
  readonly date?: () => Date
}

/** One stage of a plan and whether it is done. */
export interface PlannedStage {
  readonly kind: string
  readonly name: string
  readonly done: boolean
  /** That it took, or is expected to take. */
  readonly seconds: number
}

export interface StudyOutline {
  readonly stages: readonly PlannedStage[]
  readonly dropped: readonly StudyMissing[]
  readonly notes: readonly string[]
  /** Expected, of what is to be done. */
  readonly secondsLeft: number
}

/** What a study would do and how long it would take: reads the images and runs nothing. */
export async function outlineStudy(options: StudyOptions, context: StudyContext): Promise<StudyOutline> {
  const { workshop, plan } = await prepare(options, context)
  const records = await doneStages(workshop, plan)
  const stages = plan.stages.map((stage): PlannedStage => {
    const record = records.get(stage)
    const { kind, name } = stage
    return { kind, name, done: record !== undefined, seconds: record?.seconds ?? stage.seconds }
  })
  const secondsLeft = stages.reduce((sum, { done, seconds }) => sum + (done ? 0 : seconds), 0)
  return { stages, dropped: plan.dropped, notes: plan.notes, secondsLeft }
}

/**
 * Runs what is still to be done and gives the result, which is written to study.json too.
 *
 * @throws HandfulError for options, data or a folder that do not suit; the signal's reason when it is stopped, after
 *   what is done has been written
 */
export async function runStudy(options: StudyOptions, context: StudyContext): Promise<Study> {
  await checkDevice(options.device)
  await checkStudyFolder(context.folder, options)
  // Wrong options and unreadable images are told before anything is written.
  const { workshop, plan } = await prepare(options, context)
  const opened = await openStudyFolder(context.folder, options)
  try {
    return await execute(workshop, plan, context)
  } finally {
    await opened.close()
  }
}

async function prepare(
  options: StudyOptions,
  context: StudyContext,
): Promise<{ workshop: Workshop; plan: StudyPlan }> {
  const data = await openStudyData(options, context)
  const workshop = new Workshop({
    options,
    data,
    store: new StageStore(context.folder),
    progress: context.progress,
    environment: context.environment,
    own: context.methods ?? [],
    ownHeads: context.heads ?? {},
  })
  const plan = await planStudy(workshop)
  for (const note of plan.notes) context.progress.message(note)
  return { workshop, plan }
}

/**
 * The stages that need not be done: their results are sound, and their files are there or nobody asks for them any more
 * (features and models may be deleted when what was wanted of them is known).
 */
async function doneStages({ store }: Workshop, { stages }: StudyPlan): Promise<Map<Stage, StageRecord>> {
  const done = new Map<Stage, StageRecord>()
  const wanted = new Set<Stage>()
  for (const stage of [...stages].reverse()) {
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

/** Between two writings of study.json while cells are done. */
const SAVE_SECONDS = 60

async function execute(workshop: Workshop, plan: StudyPlan, context: StudyContext): Promise<Study> {
  const { signal, progress, date = () => new Date() } = context
  const { options, store } = workshop
  const { seed, threads, device } = options
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  const records = await doneStages(workshop, plan)
  const done = new Set(records.keys())
  const missing: StudyMissing[] = [...plan.dropped]
  const lost = new Set<Stage>()
  const groups = groupsOf(plan.stages, done)
  progress.plan([
    { stage: READING, expectedSeconds: 5 },
    ...[...groups].map(([stage, { seconds }]) => ({ stage, expectedSeconds: seconds })),
  ])
  const cells = plan.stages.filter(({ kind }) => kind === 'cell')
  const processes =
    context.fitProcesses ??
    processesFor(
      cells.filter((cell) => !done.has(cell)),
      threads,
    )
  const pool = processes > 1 ? openDrawFitPool({ processes, threads, folder: context.folder }) : undefined
  // A fit under way is not waited for.
  const stop = (): void => pool?.close()
  signal.addEventListener('abort', stop, { once: true })
  const budget = options.budget === undefined ? Infinity : (parseDuration(options.budget) ?? Infinity)
  let used = [...records.values()].reduce((sum, { seconds }) => sum + seconds, 0)
  const command = await commandOf(options, context)
  const write = async (): Promise<Study> => {
    const study = await assembleStudy({
      ...{ workshop, plan, done, missing, date: date() },
      context: { ...context, command },
    })
    await saveStudy(context.folder, study)
    return study
  }
  let saved = performance.now()
  try {
    for (const stage of plan.stages) {
      if (done.has(stage)) continue
      signal.throwIfAborted()
      const broken = stage.needs.find((needed) => lost.has(needed))
      if (broken !== undefined) {
        lost.add(stage)
        missing.push(missingOf(stage, 'failed', `needs "${broken.name}", which has no result`))
        continue
      }
      if (used > budget) {
        lost.add(stage)
        missing.push(missingOf(stage, 'budget', `the time of ${options.budget} was used up before it`))
        continue
      }
      const group = groups.get(stage.group)
      const report = (part: number, note?: string): void =>
        progress.report({
          stage: stage.group,
          // Part of a fit counts too: one of a strong network takes minutes, and time left is told from it.
          done: Math.min((group?.done ?? 0) + part * weightOf(stage), 0.999 * (group?.total ?? 1)),
          total: group?.total ?? 1,
          unit: unitOf(stage),
          note,
        })
      const standing = stage.kind === 'cell' ? bestInWords(workshop, cells, done) : undefined
      // Training reports its own steps under the group's name.
      if (stage.kind !== 'model') report(0, await standing)
      context.onStage?.(stage)
      const started = performance.now()
      const seconds = (): number => (performance.now() - started) / 1000
      try {
        const result = await stage.work({
          linearAlgebra,
          ...{ seed, threads, device, signal, fitters: pool?.fitters },
          onProgress: (part, total, note) => {
            if (stage.kind !== 'model') report(total > 0 ? part / total : 0, note)
          },
        })
        const record = await store.write(stage, stage.schema.parse(result), seconds(), date())
        used += record.seconds
        done.add(stage)
      } catch (error) {
        signal.throwIfAborted()
        lost.add(stage)
        used += seconds()
        const line = oneLine(error)
        missing.push(missingOf(stage, 'failed', line))
        progress.message(`${stage.name}: ${line}`)
      }
      if (group !== undefined) {
        group.done += weightOf(stage)
        if (stage.kind !== 'model' && group.done >= group.total) {
          const note = stage.kind === 'cell' ? await bestInWords(workshop, cells, done) : undefined
          progress.report({
            ...{ stage: stage.group, done: group.total, total: group.total },
            ...{ unit: unitOf(stage), note },
          })
        }
      }
      const late = performance.now() - saved > SAVE_SECONDS * 1000
      if (late || stage.kind !== 'cell') {
        await write()
        saved = performance.now()
      }
    }
  } catch (error) {
    // Whatever stopped it, what is done can be read.
    await write().catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await linearAlgebra.close()
  }
  return write()
}

/** Fits that take less than so many seconds in all are done before other processes have started. */
const WORTH_SECONDS = 20

function processesFor(cells: readonly Stage[], threads: number): number {
  const seconds = cells.reduce((sum, { head, seconds }) => sum + (head === 'network' ? 0 : seconds), 0)
  return seconds > WORTH_SECONDS ? fitProcesses(threads) : 1
}

/** What progress counts: the fits of a cell, hundredths of anything else. */
const weightOf = ({ kind, draws = 1 }: Stage): number => (kind === 'cell' ? draws : 100)
const unitOf = ({ kind }: Stage): string => (kind === 'cell' ? 'fits' : '%')

/** The command that the options came from: of a study that is gone on with unchanged, the one that began it. */
async function commandOf(options: StudyOptions, { folder, command }: StudyContext): Promise<string> {
  const before = await loadStudySoFar(folder).catch(() => undefined)
  const config: unknown = JSON.parse(JSON.stringify(options))
  return before !== undefined && isDeepStrictEqual(before.config, config) ? before.command : command
}

interface Group {
  done: number
  total: number
  seconds: number
}

/** Stages still to be done under each name that progress shows, in order. */
function groupsOf(stages: readonly Stage[], done: ReadonlySet<Stage>): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const stage of stages) {
    if (done.has(stage)) continue
    const group = groups.get(stage.group) ?? { done: 0, total: 0, seconds: 0 }
    groups.set(stage.group, group)
    group.total += weightOf(stage)
    group.seconds += stage.seconds
  }
  return groups
}

/** An error as the report shows it. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return printable(text.replace(/\s+/g, ' ').trim())
}
