/**
 * A program on onnxruntime-node with its state, in this thread. The state lives in onnxruntime's tensors: what one run
 * puts out is what the next is fed, with no copy in between, and nothing moves on unless a run succeeds. Outputs always
 * come in new buffers (preallocated ones measured no faster), so an input is never written while it is read.
 */

import ort from 'onnxruntime-node'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { checkArrays, copyArray, copyArrays } from './arrays.js'
import { availableThreads, checkDevice, executionProviders, runtimeMessage } from './devices.js'
import type { Arrays, NamedArray, Program, Session, SessionOptions } from './types.js'

const OPTIMIZATION_LEVELS = { none: 'disabled', basic: 'basic', extended: 'extended', all: 'all' } as const

export class SessionCore implements Session {
  readonly #program: Program
  readonly #session: InferenceSession
  readonly #profiled: boolean
  readonly #fetches: readonly string[]
  #state: Record<string, Tensor> | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(program: Program, session: InferenceSession, profiled: boolean) {
    this.#program = program
    this.#session = session
    this.#profiled = profiled
    const next = Object.values(program.state).map((state) => state.next)
    this.#fetches = [...new Set([...Object.keys(program.outputs), ...next])]
    if (next.length === 0) this.#state = {}
  }

  static async open(program: Program, options: SessionOptions): Promise<SessionCore> {
    const device = options.device ?? 'cpu'
    await checkDevice(device)
    const threads = options.threads ?? availableThreads()
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new Error(`threads (session): got ${threads}, expected a whole number of at least 1`)
    }
    if (options.state !== undefined) checkArrays(program.state, options.state, 'state (session)')
    const session = await ort.InferenceSession.create(program.model, {
      executionProviders: executionProviders(device),
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Reuse patterns double the peak memory of a training step and save no time.
      enableMemPattern: false,
      graphOptimizationLevel: OPTIMIZATION_LEVELS[options.optimization ?? 'all'],
      logSeverityLevel: 4,
      ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    }).catch((error: unknown) => {
      throw new Error(`model (session): onnxruntime refused it: ${runtimeMessage(error)}`)
    })
    const core = new SessionCore(program, session, options.profile !== undefined)
    try {
      core.#checkNames()
      if (options.state !== undefined) await core.writeState(options.state)
    } catch (error) {
      await core.close()
      throw error
    }
    return core
  }

  run(inputs: Arrays): Promise<Arrays> {
    return this.#enqueue('run', async () => {
      checkArrays(this.#program.inputs, inputs, 'inputs (session.run)')
      const state = this.#currentState('run')
      const feeds = { ...state }
      for (const [name, array] of Object.entries(inputs)) feeds[name] = toTensor(array)
      const results = await this.#session.run(feeds, this.#fetches).catch((error: unknown) => {
        throw new Error(`run (session): onnxruntime failed: ${runtimeMessage(error)}; the state is as it was`)
      })
      const next: Record<string, Tensor> = {}
      for (const [name, spec] of Object.entries(this.#program.state)) next[name] = results[spec.next]
      this.#state = next
      const owned = new Set(Object.values(next))
      const outputs: Record<string, NamedArray> = {}
      for (const name of Object.keys(this.#program.outputs)) {
        const array = toArray(results[name])
        // An output that is also the next state: the caller may write to it or hand it to another thread.
        outputs[name] = owned.has(results[name]) ? copyArray(array) : array
      }
      return outputs
    })
  }

  readState(): Promise<Arrays> {
    return this.#enqueue('readState', () => {
      const state = Object.entries(this.#currentState('readState'))
      return copyArrays(Object.fromEntries(state.map(([name, tensor]) => [name, toArray(tensor)])))
    })
  }

  writeState(state: Arrays): Promise<void> {
    return this.#enqueue('writeState', () => {
      checkArrays(this.#program.state, state, 'state (session.writeState)')
      const own = Object.entries(copyArrays(state))
      this.#state = Object.fromEntries(own.map(([name, array]) => [name, toTensor(array)]))
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue
    if (this.#profiled) this.#session.endProfiling()
    this.#state = undefined
    await this.#session.release()
  }

  /** Calls take their turn: a run may be asked for while another is under way. */
  #enqueue<T>(what: string, call: () => T | Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error(`${what} (session): the session is closed`))
    const result = this.#queue.then(call)
    this.#queue = result.catch(() => undefined)
    return result
  }

  #currentState(what: string): Record<string, Tensor> {
    if (this.#state === undefined) {
      const names = Object.keys(this.#program.state).join(', ')
      throw new Error(
        `state (session.${what}): got none, expected ${names}; open with a state or call writeState`,
      )
    }
    return this.#state
  }

  /** A program that names what its graph does not have is a fault of whoever compiled it. */
  #checkNames(): void {
    const inputs = [...Object.keys(this.#program.inputs), ...Object.keys(this.#program.state)]
    const check = (names: readonly string[], present: readonly string[], what: string): void => {
      const missing = names.filter((name) => !present.includes(name))
      if (missing.length > 0) {
        throw new Error(
          `internal: ${what} ${missing.join(', ')} of the program (session) are not in its graph`,
        )
      }
    }
    check(inputs, this.#session.inputNames, 'inputs')
    check(this.#session.inputNames, inputs, 'graph inputs')
    check(this.#fetches, this.#session.outputNames, 'outputs')
  }
}

function toTensor(array: NamedArray): Tensor {
  // onnxruntime-node takes no memory that is shared between threads.
  const { dtype, data, shape } = array.data.buffer instanceof ArrayBuffer ? array : copyArray(array)
  return new ort.Tensor(dtype, data, shape)
}

function toArray(tensor: Tensor): NamedArray {
  return { dtype: tensor.type, shape: tensor.dims, data: tensor.data } as NamedArray
}
