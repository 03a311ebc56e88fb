/**
 * The thread that a training session runs in: `session.run` blocks the thread that calls it, and that must not be the one
 * that shows progress, serves pages or answers Ctrl-C. Started by node.ts, to which it speaks as messages.ts says.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { Arrays } from '../arrays.js'
import { transferList } from './checks.js'
import { SessionCore } from './core.js'
import { BUSY, IDLE, STOPPED, type Call, type Reply, type Request, type WorkerData } from './messages.js'

if (parentPort !== null) {
  const port = parentPort
  const { phase } = workerData as WorkerData
  let session: SessionCore | undefined
  let queue: Promise<unknown> = Promise.resolve()

  const answer = async (call: Call): Promise<Arrays | undefined> => {
    if (call.kind === 'open') {
      session = await SessionCore.open(call.programs, call.backend, call.options)
      return undefined
    }
    if (session === undefined) throw new Error(`internal: ${call.kind} (worker) came before open`)
    switch (call.kind) {
      case 'run':
        return session.run(call.inputs, call.programs)
      case 'readState':
        return session.readState()
      case 'writeState':
        await session.writeState(call.state)
        return undefined
      case 'close':
        await session.close()
        return undefined
    }
  }

  const serve = async ({ id, ...call }: Request): Promise<void> => {
    // The process is about to exit: nothing new starts, and nobody is left to be answered.
    if (Atomics.compareExchange(phase, 0, IDLE, BUSY) !== IDLE) return
    try {
      const arrays = await answer(call)
      port.postMessage({ id, arrays } satisfies Reply, arrays && transferList(arrays))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      port.postMessage({ id, error: message } satisfies Reply)
    } finally {
      if (Atomics.compareExchange(phase, 0, BUSY, IDLE) !== BUSY) {
        Atomics.store(phase, 0, STOPPED)
        Atomics.notify(phase, 0)
      }
    }
  }

  port.on('message', (request: Request) => {
    queue = queue.then(() => serve(request))
  })
}
