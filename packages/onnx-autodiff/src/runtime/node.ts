/** Sessions on onnxruntime-node: in a thread of their own for training, or in this one for scripts and tests. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Arrays } from '../arrays.js'
import type { OutputName } from '../graph/computation.js'
import type { Program } from '../onnx/program.js'
import type { Backend } from './backends/backend.js'
import { checkArrays, transferList, wholeBuffers } from './checks.js'
import { SessionCore } from './core.js'
import { backendOf } from './devices.js'
import { chosenPrograms, compileFor, joinPrograms, type Runnable } from './programs.js'
import { sessionOn } from './steps.js'
import type { Runner, Session, SessionOptions } from './types.js'
import { BUSY, STOPPING, type Call, type Reply, type Request, type WorkerData } from './messages.js'

/**
 * Opens a computation, or several over one state, compiled for the device it is to run on, in a thread of its own, so that
 * this one stays free while it runs. The arrays given to `run` are handed over to that thread (theirs become empty here)
 * unless they are part of a larger buffer, which is copied; what a run gives back is the caller's own. An idle session does
 * not keep the process alive.
 *
 * @throws Error if the device, the number of threads, the state or the model is not accepted
 */
export async function openSession<R extends Runnable>(
  runnables: R | readonly R[],
  { device = 'cpu', runMilliseconds = 800, ...options }: SessionOptions = {},
): Promise<Session<OutputName<R>>> {
  const backend = await backendOf(device)
  const programs = compileFor(backend, runnables)
  const session = new WorkerSession(programs)
  try {
    await session.open(backend, options)
  } catch (error) {
    await session.terminate()
    throw error
  }
  return sessionOn(session, programs, runMilliseconds)
}

/** As `openSession`, in the calling thread, which every run blocks: for scripts, tests and benchmarks. */
export async function openLocalSession<R extends Runnable>(
  runnables: R | readonly R[],
  { device = 'cpu', runMilliseconds = 50, ...options }: SessionOptions = {},
): Promise<Session<OutputName<R>>> {
  const backend = await backendOf(device)
  const programs = compileFor(backend, runnables)
  return sessionOn(await SessionCore.open(programs, backend, options), programs, runMilliseconds)
}

/**
 * The compiled worker. A test runner or loader that executes the TypeScript sources gives this module a URL in `src`, but
 * a worker thread starts without that loader, so it is always the built file that runs.
 */
function workerUrl(): URL {
  const source = import.meta.url.endsWith('.ts')
  const url = new URL(source ? '../../dist/runtime/worker.js' : './worker.js', import.meta.url)
  if (!existsSync(url)) {
    throw new Error(
      `worker (openSession): got no file ${fileURLToPath(url)}, expected the built one; run npm run build`,
    )
  }
  return url
}

/** Posting a part of a buffer would copy all of it. */
function whole(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

/** A run that hangs must not keep a process from exiting for ever. */
const EXIT_LIMIT_MS = 30_000

interface Pending {
  readonly resolve: (arrays: Arrays | undefined) => void
  readonly reject: (error: Error) => void
}

class WorkerSession implements Runner {
  readonly #programs: readonly Program[]
  readonly #worker: Worker
  readonly #phase = new Int32Array(new SharedArrayBuffer(4))
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #closing: Promise<void> | undefined
  /** Why no call can be made any more. */
  #ended: string | undefined

  constructor(programs: readonly Program[]) {
    this.#programs = programs
    // The process's own flags stay behind: some, such as those of `node --eval`, make a worker's start fail.
    this.#worker = new Worker(workerUrl(), {
      execArgv: [],
      workerData: { phase: this.#phase } satisfies WorkerData,
    })
    process.on('exit', this.#finishRun)
    this.#worker.unref()
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#fail(`its thread failed: ${error.message}`))
    this.#worker.on('messageerror', (error) =>
      this.#fail(`internal: a message could not be read: ${error.message}`),
    )
    this.#worker.on('exit', (code) => {
      process.off('exit', this.#finishRun)
      this.#fail(`its thread ended with code ${code}`)
    })
  }

  async open(backend: Backend, options: SessionOptions): Promise<void> {
    const programs = this.#programs.map((program) => ({ ...program, model: whole(program.model) }))
    if (options.state !== undefined)
      checkArrays(joinPrograms(this.#programs).state, options.state, 'state (session)')
    const initial = options.state === undefined ? {} : { state: wholeBuffers(options.state) }
    await this.#call({
      kind: 'open',
      programs,
      backend,
      options: { ...options, ...initial },
    })
  }

  async run(inputs: Arrays, programs?: readonly number[]): Promise<Arrays> {
    // Checked on this side too: a wrong input has to be refused before its buffer is gone.
    checkArrays(joinPrograms(chosenPrograms(this.#programs, programs)).inputs, inputs, 'inputs (session.run)')
    const posted = wholeBuffers(inputs)
    return (await this.#call({ kind: 'run', inputs: posted, programs }, transferList(posted))) ?? {}
  }

  async readState(): Promise<Arrays> {
    return (await this.#call({ kind: 'readState' })) ?? {}
  }

  async writeState(state: Arrays): Promise<void> {
    checkArrays(joinPrograms(this.#programs).state, state, 'state (session.writeState)')
    await this.#call({ kind: 'writeState', state: wholeBuffers(state) })
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** Ends the thread, which must not be in the middle of a call. */
  async terminate(): Promise<void> {
    this.#ended ??= 'the session is closed'
    await this.#worker.terminate()
  }

  async #shutDown(): Promise<void> {
    if (this.#ended === undefined) {
      const closed = this.#call({ kind: 'close' })
      this.#ended = 'the session is closed'
      await closed.finally(() => this.terminate())
    } else await this.terminate()
  }

  /** Before the process exits: lets what is under way in the thread come to its end (see the phases in messages.ts). */
  #finishRun = (): void => {
    if (Atomics.exchange(this.#phase, 0, STOPPING) === BUSY) {
      Atomics.wait(this.#phase, 0, STOPPING, EXIT_LIMIT_MS)
    }
  }

  #call(call: Call, transfer: ArrayBuffer[] = []): Promise<Arrays | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw new Error(`${call.kind} (session): ${this.#ended}`)
      const id = this.#nextId++
      this.#worker.postMessage({ ...call, id } satisfies Request, transfer)
      this.#pending.set(id, { resolve, reject })
      // Only a call that is waiting keeps the process alive.
      this.#worker.ref()
    })
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (this.#pending.size === 0) this.#worker.unref()
    if ('error' in reply) pending?.reject(new Error(reply.error))
    else pending?.resolve(reply.arrays)
  }

  #fail(reason: string): void {
    this.#ended ??= reason
    for (const { reject } of this.#pending.values()) reject(new Error(`session: ${reason}`))
    this.#pending.clear()
    this.#worker.unref()
  }
}
