/** The inside of a process that does stages for a worker, one at a time, and keeps the study open that it was last asked for. */
import { printable } from '../errors.js'
import { doStage, type OpenedStages, type OpenStages } from './do-stage.js'
import { isStoreTrouble } from './shared-store.js'
import type { StageOrder, StageReply, StageRequest } from './stage-messages.js'

const BEAT_MS = 1000
const PROGRESS_MS = 500

/** Answers the process that forked this one, and ends with it. */
export function serveStages(open: OpenStages): void {
  const stopping = new AbortController()
  const { signal } = stopping
  let opened: { readonly folder: string; readonly stages: Promise<OpenedStages> } | undefined
  let toldAt = -Infinity
  const say = (reply: StageReply): void => void process.send?.(reply, undefined, {}, () => undefined)
  const onProgress = (done: number, total: number, note?: string): void => {
    if (performance.now() - toldAt < PROGRESS_MS) return
    toldAt = performance.now()
    say({ kind: 'progress', part: total > 0 ? done / total : 0, note })
  }

  /** Kept from the stage before; options that have changed since make other stages. */
  const stagesOf = async ({ folder, key, environment }: StageOrder): Promise<OpenedStages> => {
    if (opened?.folder === folder) {
      const kept = await opened.stages
      if (kept.stages.some((stage) => stage.key === key)) return kept
    }
    await (await opened?.stages)?.close()
    opened = { folder, stages: open(folder, { signal, onProgress, environment }) }
    return opened.stages
  }

  const work = async (order: StageOrder): Promise<void> => {
    toldAt = -Infinity
    try {
      await doStage(await stagesOf(order), order.key, { signal, onProgress })
      say({ kind: 'done' })
    } catch (error) {
      // What could not be opened is tried again.
      if ((await opened?.stages.catch(() => undefined)) === undefined) opened = undefined
      if (signal.aborted) say({ kind: 'stopped' })
      else say({ kind: 'failed', message: oneLine(error), storeTrouble: isStoreTrouble(error) })
    }
  }

  setInterval(() => {
    const { user, system } = process.cpuUsage()
    say({ kind: 'alive', processorSeconds: (user + system) / 1e6 })
  }, BEAT_MS).unref()
  // Ctrl-C reaches every process of a terminal: the worker says when this one is to end.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  process.on('disconnect', () => process.exit())
  process.on('message', (request: StageRequest) => {
    if (request.kind === 'stop') stopping.abort(new Error('the worker is stopped'))
    else void work(request)
  })
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return printable(text.replace(/\s+/g, ' ').trim())
}
