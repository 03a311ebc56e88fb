/**
 * Programs on onnxruntime-node with their state, in this thread. The state lives in onnxruntime's tensors: what one run
 * puts out is what the next is fed, with no copy in between, and nothing moves on unless a run succeeds. Outputs always
 * come in new buffers (preallocated ones measured no faster), so an input is never written while it is read.
 */

import { ort } from './onnxruntime.js'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { Arrays, NamedArray } from '../arrays.js'
import type { Program } from '../onnx/program.js'
import type { Backend } from './backends/backend.js'
import { checkArrays, copyArray, copyArrays } from './checks.js'
import { checkDevice, runtimeMessage } from './devices.js'
import { availableThreads } from './threads.js'
import { chosenPrograms, type Joined, joinPrograms } from './programs.js'
import type { Runner, SessionOptions } from './types.js'

const OPTIMIZATION_LEVELS = { none: 'disabled', basic: 'basic', extended: 'extended', all: 'all' } as const

/** A program that onnxruntime has loaded. */
interface Loaded {
  readonly program: Program
  readonly session: InferenceSession
  readonly fetches: readonly string[]
}

export class SessionCore implements Runner {
  readonly #loaded: readonly Loaded[]
  readonly #joined: Joined
  readonly #profiled: boolean
  #state: Record<string, Tensor> | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(loaded: readonly Loaded[], joined: Joined, profiled: boolean) {
    this.#loaded = loaded
    this.#joined = joined
    this.#profiled = profiled
    if (Object.keys(joined.state).length === 0) this.#state = {}
  }

  static async open(
    programs: readonly Program[],
    backend: Backend,
    options: SessionOptions,
  ): Promise<SessionCore> {
    await checkDevice(backend)
    const threads = options.threads ?? availableThreads()
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new Error(`threads (session): got ${threads}, expected a whole number of at least 1`)
    }
    const joined = joinPrograms(programs)
    if (options.state !== undefined) checkArrays(joined.state, options.state, 'state (session)')
    const loaded: Loaded[] = []
    try {
      for (const [place, program] of programs.entries()) {
        const profile =
          options.profile !== undefined && programs.length > 1
            ? `${options.profile}-${place}`
            : options.profile
        loaded.push(await load(program, backend, { ...options, threads, profile }))
      }
    } catch (error) {
      for (const { session } of loaded) await session.release()
      throw error
    }
    const core = new SessionCore(loaded, joined, options.profile !== undefined)
    try {
      if (options.state !== undefined) await core.writeState(options.state)
    } catch (error) {
      await core.close()
      throw error
    }
    return core
  }

  run(inputs: Arrays, programs?: readonly number[]): Promise<Arrays> {
    return this.#enqueue('run', async () => {
      const chosen = chosenPrograms(this.#loaded, programs)
      checkArrays(joinPrograms(chosen.map((each) => each.program)).inputs, inputs, 'inputs (session.run)')
      let state = this.#currentState('run')
      const given = Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, toTensor(array)]))
      const outputs: Record<string, NamedArray> = {}
      for (const { program, session, fetches } of chosen) {
        const feeds = { ...pick(given, program.inputs), ...pick(state, program.state) }
        const results = await session.run(feeds, fetches).catch((error: unknown) => {
          throw new Error(
            `run (session): onnxruntime failed: ${runtimeMessage(error)}; the state is as it was`,
          )
        })
        const next = Object.fromEntries(
          Object.entries(program.state).map(([name, spec]) => [name, results[spec.next]]),
        )
        const owned = new Set(Object.values(next))
        for (const name of Object.keys(program.outputs)) {
          const array = toArray(results[name])
          // An output that is also the next state: the caller may write to it or hand it to another thread.
          outputs[name] = owned.has(results[name]) ? copyArray(array) : array
        }
        state = { ...state, ...next }
      }
      this.#state = state
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
      checkArrays(this.#joined.state, state, 'state (session.writeState)')
      const own = Object.entries(copyArrays(state))
      this.#state = Object.fromEntries(own.map(([name, array]) => [name, toTensor(array)]))
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue
    this.#state = undefined
    for (const { session } of this.#loaded) {
      if (this.#profiled) session.endProfiling()
      await session.release()
    }
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
      const names = Object.keys(this.#joined.state).join(', ')
      throw new Error(
        `state (session.${what}): got none, expected ${names}; open with a state or call writeState`,
      )
    }
    return this.#state
  }
}

/** Loads one program and checks its names against its graph's. */
async function load(
  program: Program,
  backend: Backend,
  { threads, optimization, profile }: SessionOptions,
): Promise<Loaded> {
  const session = await ort.InferenceSession.create(program.model, {
    executionProviders: backend.executionProviders,
    preferredOutputLocation: backend.results,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Reuse patterns double the peak memory of a training step and save no time.
    enableMemPattern: false,
    graphOptimizationLevel: OPTIMIZATION_LEVELS[optimization ?? 'all'],
    logSeverityLevel: 4,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
  }).catch((error: unknown) => {
    throw new Error(`model (session): onnxruntime refused it: ${runtimeMessage(error)}`)
  })
  const next = Object.values(program.state).map((state) => state.next)
  const loaded = { program, session, fetches: [...new Set([...Object.keys(program.outputs), ...next])] }
  try {
    checkNames(loaded)
  } catch (error) {
    if (profile !== undefined) session.endProfiling()
    await session.release()
    throw error
  }
  return loaded
}

/** A program that names what its graph does not have is a fault of whoever compiled it. */
function checkNames({ program, session, fetches }: Loaded): void {
  const inputs = [...Object.keys(program.inputs), ...Object.keys(program.state)]
  const check = (names: readonly string[], present: readonly string[], what: string): void => {
    const missing = names.filter((name) => !present.includes(name))
    if (missing.length > 0) {
      throw new Error(`internal: ${what} ${missing.join(', ')} of the program (session) are not in its graph`)
    }
  }
  check(inputs, session.inputNames, 'inputs')
  check(session.inputNames, inputs, 'graph inputs')
  check(fetches, session.outputNames, 'outputs')
}

const pick = (
  tensors: Readonly<Record<string, Tensor>>,
  names: Readonly<Record<string, unknown>>,
): Record<string, Tensor> => Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]]))

function toTensor(array: NamedArray): Tensor {
  // onnxruntime-node takes no memory that is shared between threads.
  const { dtype, data, shape } = array.data.buffer instanceof ArrayBuffer ? array : copyArray(array)
  return new ort.Tensor(dtype, data, shape)
}

function toArray(tensor: Tensor): NamedArray {
  return { dtype: tensor.type, shape: tensor.dims, data: tensor.data } as NamedArray
}
