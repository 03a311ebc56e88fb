/** `handful study` done by other machines: through the queue, by Slurm, and how it stands. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { formatDuration } from '../../draw/format.js'
import type { HandfulError } from '../../errors.js'
import { usageError, printable, systemError } from '../../errors.js'
import { shellWord } from '../../errors/shell.js'
import { writeFileAtomic } from '../../files/atomic.js'
import { MODELS } from '../../names.js'
import { parseAddress, type QueueAddress } from '../../queue/address.js'
import { openConnection } from '../../queue/connection.js'
import { madeWith } from '../../queue/made.js'
import { studyNeeds } from '../../queue/needs.js'
import { planFile, readPlan, writePlan } from '../../queue/plan-file.js'
import { runInQueue } from '../../queue/run-in-queue.js'
import { checkStore, openSharedStore, studyInStore } from '../../queue/shared-store.js'
import { slurmScript } from '../../queue/slurm.js'
import { studyStatus, type StudyStatus } from '../../queue/status.js'
import { doneStages } from '../../stages/run-stages.js'
import type { FullStudy } from '../../study/all-sections.js'
import { prepareStudy, runStudy, type StudyContext } from '../../study/run-study.js'
import { openStudyFolder } from '../../study/study-folder.js'
import type { StudyOptions } from '../../study/study-options.js'
import type { Shown } from '../command-entry.js'
import type { Session } from '../option.js'
import { resolveStudy, type TypedStudy } from './resolve.js'

export interface TypedElsewhere {
  readonly queue?: string
  readonly store?: string
  readonly slurm?: string
  readonly status?: boolean
}

export interface Elsewhere {
  readonly address: QueueAddress | undefined
  readonly store: string | undefined
  readonly slurm: string | undefined
  readonly status: boolean
}

/**
 * A study in the store, whose stages get one thread each unless said otherwise, and whose files have the same name everywhere.
 * @throws HandfulError (wrong use) for options that do not go together
 */
export async function prepareElsewhere(
  typed: TypedStudy,
  { queue, store, slurm, status = false }: TypedElsewhere,
  { session, studies }: { readonly session: Session; readonly studies: string },
): Promise<{ readonly options: StudyOptions; readonly folder: string; readonly elsewhere: Elsewhere }> {
  const missing = (what: string, expected: string, hint?: string): HandfulError =>
    usageError({ what, got: 'it alone', expected, hint })
  if (queue !== undefined && store === undefined)
    throw missing('--queue', '--store beside it', 'give the folder that all machines share')
  if (slurm !== undefined && store === undefined)
    throw missing('--slurm', '--store beside it', 'give the folder that all machines share')
  if (slurm !== undefined && queue !== undefined)
    throw usageError({ what: '--slurm', got: '--queue beside it', expected: 'one of them' })
  if (store !== undefined && queue === undefined && slurm === undefined && !status)
    throw missing('--store', '--queue, --slurm or --status beside it')
  if (session.brought.plugins !== undefined)
    throw usageError({
      what: '--plugin',
      got: 'one for a study on other machines',
      expected: 'none: workers have no plugins',
      hint: 'do the study on one machine, without --queue and --slurm',
    })
  const address = queue === undefined ? undefined : parseAddress(queue, session.environment)
  const resolved = await resolveStudy(typed, { ...session, cores: 1 }, store ?? studies)
  const options = withFullPaths(resolved.options)
  return { options, folder: resolved.folder, elsewhere: { address, store, slurm, status } }
}

/** Files by their names from the root: workers start elsewhere. */
function withFullPaths(options: StudyOptions): StudyOptions {
  const full = (file: string | undefined): string | undefined => file && path.resolve(file)
  const { folder, encoder, embeddings } = options
  const models = { ...options.models }
  for (const name of MODELS) models[name] = { ...models[name], run: full(models[name].run) }
  return { ...options, models, folder: full(folder), encoder: full(encoder), embeddings: full(embeddings) }
}

/** @throws HandfulError where store or queue are out of reach; the signal's reason when it is stopped */
export async function runStudyInQueue(
  options: StudyOptions,
  context: StudyContext,
  { address, store: storeFolder }: Elsewhere,
): Promise<FullStudy> {
  if (address === undefined || storeFolder === undefined)
    throw new Error('internal: runStudyInQueue: got no queue or no store')
  const store = await openSharedStore(storeFolder)
  await checkStore(store)
  const study = studyInStore(store, context.folder)
  const { progress, signal } = context
  const connection = await openConnection(address, {
    onLost: () => progress.message(`The queue at ${address.shown} is away: waiting for it.`),
    onBack: () => progress.message(`The queue at ${address.shown} is back.`),
  })
  const { redis } = connection
  try {
    const made = await madeWith(context.environment)
    return await runStudy(options, {
      ...context,
      runElsewhere: async (stages, running, { workshop }) => {
        const needsOf = studyNeeds(workshop)
        await writePlan(context.folder, planFile(stages, needsOf, made))
        return runInQueue(stages, running, { redis, store, study, made, needsOf })
      },
    })
  } finally {
    if (signal.aborted) progress.message('Workers go on with what is in the queue.')
    connection.close()
  }
}

/** Writes the study's folder and the script. */
export async function writeSlurm(
  options: StudyOptions,
  context: StudyContext,
  { slurm, store: storeFolder }: Elsewhere,
): Promise<Shown> {
  if (slurm === undefined || storeFolder === undefined)
    throw new Error('internal: writeSlurm: got no script or no store')
  const store = await openSharedStore(storeFolder)
  studyInStore(store, context.folder)
  const { workshop, plan } = await prepareStudy(options, context)
  const opened = await openStudyFolder(context.folder, options)
  try {
    const made = await madeWith(context.environment)
    const planned = planFile(plan.stages, studyNeeds(workshop), made)
    await writePlan(context.folder, planned)
    const done = new Set([...(await doneStages(plan.stages, workshop.store)).keys()].map(({ key }) => key))
    const stages = planned.stages.filter(({ key }) => !done.has(key))
    await writeFileAtomic(
      slurm,
      slurmScript({
        stages,
        store: store.folder,
        folder: path.resolve(context.folder),
        handful: [process.execPath, path.resolve(process.argv[1])],
      }),
    )
    const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0)
    return {
      json: { folder: context.folder, script: slurm, stages: stages.length, seconds },
      lines: [
        `${stages.length} stages, about ${formatDuration(seconds)} on one machine`,
        `Submit them with:  bash ${shellWord(slurm)}`,
      ],
    }
  } finally {
    await opened.close()
  }
}

/** How a study stands, without its images. */
export async function showStatus(folder: string, { address, store: storeFolder }: Elsewhere): Promise<Shown> {
  const plan = await readPlan(folder)
  if (address === undefined || storeFolder === undefined)
    return statusShown(folder, await studyStatus({ folder, plan }))
  await readFile(path.join(storeFolder, '.handful-store')).catch((error: unknown) => {
    throw systemError('opening the store', storeFolder, error)
  })
  const store = await openSharedStore(storeFolder)
  const connection = await openConnection(address)
  const { redis } = connection
  try {
    const queue = { redis, store, study: studyInStore(store, folder) }
    return statusShown(folder, await studyStatus({ folder, plan, queue }))
  } finally {
    connection.close()
  }
}

function statusShown(folder: string, status: StudyStatus): Shown {
  const { stages, done, running, failed, secondsLeft, best, workers } = status
  const left = secondsLeft === undefined ? '' : `, about ${formatDuration(secondsLeft)} left`
  return {
    json: { folder, ...status },
    lines: [
      `${done} of ${stages} stages done, ${running.length} running${left}`,
      ...running.map(({ name, worker, since, part }) => {
        const share = part === undefined ? '' : `, ${Math.floor(100 * part)} %`
        return `running  ${printable(name)} on ${printable(worker)} since ${since.slice(11, 19)}${share}`
      }),
      ...failed.map(({ name, message }) => `failed   ${printable(name)}: ${printable(message)}`),
      ...(workers ?? []).map(({ name, offer, running: stagesNow, trouble }) => {
        const has = `${offer.threads} threads, ${(offer.memoryBytes / 2 ** 30).toFixed(1)} GiB, ${offer.device}`
        return `worker   ${printable(name)}: ${has}; ${trouble === undefined ? `${stagesNow} running` : printable(trouble)}`
      }),
      ...(best === undefined ? [] : [best]),
    ],
  }
}
