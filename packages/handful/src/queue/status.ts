/** How a study stands: what `handful study --status` shows, from its plan, what the store holds of it, and what the queue says, where there is one. */
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type FoundCell, bestOfCells } from '../study/assemble.js'
import { StageStore } from '../stages/stage-store.js'
import { Board, type WorkerEntry } from './board.js'
import type { PlanEntry, PlanFile } from './plan-file.js'
import type { SharedStore } from './shared-store.js'
import { jobIdOf, type JobState, prefixOf, progressSchema, StageQueues } from './stage-queues.js'

/** A stage that somebody works on. */
export interface RunningStage {
  readonly name: string
  readonly worker: string
  /** ISO date. */
  readonly since: string
  /** Share that is done, where it tells. */
  readonly part: number | undefined
}

export interface StudyStatus {
  readonly stages: number
  readonly done: number
  readonly running: readonly RunningStage[]
  readonly failed: readonly { readonly name: string; readonly message: string }[]
  /** Undefined without anybody who works on it. */
  readonly secondsLeft: number | undefined
  readonly best: string | undefined
  /** Undefined without a queue. */
  readonly workers: readonly Pick<WorkerEntry, 'name' | 'offer' | 'running' | 'trouble'>[] | undefined
}

export interface StatusPlace {
  /** The study's folder. */
  readonly folder: string
  readonly plan: PlanFile
  readonly queue?: { readonly redis: Redis; readonly store: SharedStore; readonly study: string }
}

const cellSchema = z.object({ accuracies: z.array(z.number()) })

export async function studyStatus({ folder, plan, queue }: StatusPlace): Promise<StudyStatus> {
  const { stages } = plan
  const store = new StageStore(folder)
  const records = await Promise.all(stages.map((stage) => store.read(stage)))
  const done = stages.filter((_, i) => records[i] !== undefined)
  const cells = stages.flatMap(({ kind, method, labelsPerClass }, i): FoundCell[] => {
    if (kind !== 'cell' || method === undefined || labelsPerClass === undefined) return []
    const result = cellSchema.safeParse(records[i]?.result).data
    return result === undefined ? [] : [{ method, labelsPerClass, accuracies: result.accuracies }]
  })
  const seen = queue === undefined ? undefined : await lookInto(queue, stages)
  const running = seen?.running ?? []
  return {
    stages: stages.length,
    done: done.length,
    running: running.map(bare),
    failed: seen?.failed ?? [],
    secondsLeft: timeLeft({
      done: stages.flatMap(({ seconds }, i) => {
        const took = records[i]?.seconds
        return took === undefined ? [] : [{ seconds, took }]
      }),
      left: stages.filter((_, i) => records[i] === undefined),
      running,
    }),
    best: bestOfCells(cells, stages.filter(({ kind }) => kind === 'cell').length),
    workers: seen?.workers.map(({ name, offer, running: stagesNow, trouble }) => ({
      ...{ name, offer, trouble },
      running: stagesNow,
    })),
  }
}

type Timed = RunningStage & { readonly seconds: number }

const bare = ({ name, worker, since, part }: RunningStage): RunningStage => ({ name, worker, since, part })

/** What was expected to take less says little of the machines' pace. */
const TELLING_SECONDS = 10

/**
 * Seconds until all is done, if as many stages go on at once as now; undefined where none does.
 * @param left all that is not done, what runs included
 */
export function timeLeft({
  done,
  left,
  running,
}: {
  readonly done: readonly { readonly seconds: number; readonly took: number }[]
  readonly left: readonly { readonly seconds: number }[]
  readonly running: readonly { readonly seconds: number; readonly part: number | undefined }[]
}): number | undefined {
  if (running.length === 0) return undefined
  const expected = done.reduce((sum, { seconds }) => sum + seconds, 0)
  const took = done.reduce((sum, each) => sum + each.took, 0)
  const open =
    left.reduce((sum, { seconds }) => sum + seconds, 0) -
    running.reduce((sum, { seconds, part = 0 }) => sum + Math.min(1, part) * seconds, 0)
  const pace = expected > TELLING_SECONDS ? took / expected : 1
  return (open * pace) / running.length
}

/** An active job of BullMQ as its stage. */
export function runningStage(
  job: Job,
  { name, seconds }: { readonly name: string; readonly seconds: number },
): Timed {
  const { processedBy: worker = 'a worker', processedOn, timestamp } = job
  const since = new Date(processedOn ?? timestamp).toISOString()
  return { name, seconds, worker, since, part: progressSchema.safeParse(job.progress).data?.part }
}

async function lookInto(
  { redis, store, study }: NonNullable<StatusPlace['queue']>,
  stages: readonly PlanEntry[],
): Promise<{
  readonly running: readonly Timed[]
  readonly failed: StudyStatus['failed']
  readonly workers: readonly WorkerEntry[]
}> {
  const prefix = prefixOf(store.id)
  const queues = new StageQueues(
    redis,
    prefix,
    study,
    stages.map(({ needs }) => needs),
  )
  try {
    const byId = new Map(stages.map((stage) => [jobIdOf(study, stage.key), stage]))
    const active = await queues.active()
    const running = active.flatMap((job) => {
      const stage = byId.get(job.id ?? '')
      return stage === undefined ? [] : [runningStage(job, stage)]
    })
    const states: ReadonlyMap<string, JobState> = await queues.states()
    const failed = await Promise.all(
      stages
        .filter(({ key }) => states.get(jobIdOf(study, key)) === 'failed')
        .map(async (stage) => ({ name: stage.name, message: await queues.failedReason(stage) })),
    )
    return { running, failed, workers: await new Board(redis, prefix).workers() }
  } finally {
    await queues.close()
  }
}
