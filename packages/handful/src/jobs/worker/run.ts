/** What `handful worker` does: the worker of a queue, or one stage by itself. */
import os from 'node:os'
import path from 'node:path'
import { quoted, usageError } from '../../errors.js'
import { parseAddress, type QueueAddress } from '../../queue/address.js'
import { openConnection } from '../../queue/connection.js'
import { madeWith } from '../../queue/made.js'
import type { Offer } from '../../queue/needs.js'
import { checkStore, openSharedStore, studyInStore } from '../../queue/shared-store.js'
import { runWorker, type WorkerResult } from '../../queue/worker.js'
import type { JobContext } from '../../training/progress.js'
import type { Session } from '../option.js'

export interface TypedWorker {
  readonly queue?: string
  readonly store?: string
  readonly memory?: string
  readonly idle?: number
  readonly lock?: number
  readonly hung?: number
  readonly study?: string
  readonly stage?: string
  readonly dataDir?: string
  readonly threads: number
  readonly device: string
}

interface Place {
  readonly store: string
  readonly dataDir: string | undefined
  readonly offer: Offer
}

export type WorkerJob =
  | (Place & { readonly kind: 'stage'; readonly study: string; readonly key: string })
  | (Place & {
      readonly kind: 'queue'
      readonly address: QueueAddress
      readonly lockSeconds: number
      readonly hungSeconds: number
      readonly idleSeconds: number | undefined
    })

/** Of the machine, unless said otherwise. */
const SHARE_OF_MEMORY = 0.8

/** @throws HandfulError (wrong use) for options that do not go together */
export function prepareWorker(
  { queue, store, memory, idle, lock = 30, hung = 10, study, stage, dataDir, threads, device }: TypedWorker,
  { environment }: Pick<Session, 'environment'>,
): WorkerJob {
  const missing = (what: string, expected: string): Error =>
    usageError({ what, got: 'nothing', expected, hint: 'see handful worker --help' })
  if (store === undefined) throw missing('--store', 'the folder that all machines share')
  const offer = { threads, device, memoryBytes: memory === undefined ? ownMemory() : bytesOf(memory) }
  const place = { store, dataDir, offer }
  if (stage !== undefined) {
    if (study === undefined) throw missing('--study', 'the folder of the stage that --stage names')
    return { ...place, kind: 'stage', study, key: stage }
  }
  if (queue === undefined) throw missing('--queue', 'an address such as redis://host:6379')
  const address = parseAddress(queue, environment)
  const idleSeconds = idle === undefined ? undefined : 60 * idle
  return { ...place, kind: 'queue', address, lockSeconds: lock, hungSeconds: 60 * hung, idleSeconds }
}

/** What a container or the machine has, less what other programs take. */
function ownMemory(): number {
  const limit = process.constrainedMemory()
  const all = limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem()
  return Math.floor(SHARE_OF_MEMORY * all)
}

function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([MGT])(?:i?B)?$/i.exec(text.trim())
  if (match === null)
    throw usageError({ what: '--memory', got: quoted(text), expected: 'a size such as 8G or 512M' })
  const [, number, unit] = match
  return Math.floor(Number(number) * 2 ** (20 + 10 * 'MGT'.indexOf(unit.toUpperCase())))
}

/** @throws HandfulError where store or queue are out of reach; the signal's reason when it is stopped */
export async function runWorkerJob(
  job: WorkerJob,
  context: JobContext,
  session: Session,
): Promise<WorkerResult> {
  const { offer, dataDir } = job
  const store = await openSharedStore(job.store)
  await checkStore(store)
  const environment = await session.describe({ threads: offer.threads, device: offer.device, seed: 0 })
  if (job.kind === 'stage') {
    studyInStore(store, job.study)
    await doOneStage(job, context, environment)
    return { done: 1, failed: 0 }
  }
  const { address, lockSeconds, hungSeconds, idleSeconds } = job
  const { progress } = context
  const connection = await openConnection(address, {
    onLost: () => progress.message(`The queue at ${address.shown} is away: running stages go on.`),
    onBack: () => progress.message(`The queue at ${address.shown} is back.`),
  })
  const { redis } = connection
  try {
    const made = await madeWith(environment)
    const memory = `${(offer.memoryBytes / 2 ** 30).toFixed(1)} GiB`
    progress.aside(`Works for ${store.folder}: ${offer.threads} threads, ${memory}, device ${offer.device}`)
    const options = { store, redis, offer, made, environment, dataDir, lockSeconds, hungSeconds, idleSeconds }
    return await runWorker(options, context)
  } finally {
    connection.close()
  }
}

async function doOneStage(
  { study, key, dataDir }: WorkerJob & { readonly kind: 'stage' },
  { signal, progress }: JobContext,
  environment: Readonly<Record<string, unknown>>,
): Promise<void> {
  const [{ doStage }, { openStudyStages }] = await Promise.all([
    import('../../queue/do-stage.js'),
    import('../../queue/study-stages.js'),
  ])
  const onProgress = (done: number, total: number, note?: string): void =>
    progress.report({ stage: 'stage', done, total, unit: 'parts', note })
  const opened = await openStudyStages(path.resolve(study), { signal, onProgress, environment }, dataDir)
  try {
    const name = opened.stages.find((stage) => stage.key === key)?.name
    if (name !== undefined) progress.aside(`Stage: ${name}`)
    await doStage(opened, key, { signal, onProgress })
  } finally {
    await opened.close()
  }
}
