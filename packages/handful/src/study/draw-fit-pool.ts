/**
 * Processes that fit heads beside each other. A fit is mostly plain JavaScript and small products, which a second core
 * does nothing for inside one process; draws of the labelled images are independent, so each process takes the next.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { builtProgram } from '../files/built-program.js'
import type { DrawFit, DrawFitter, FittedDraw } from './draw-fit.js'
import type { FitReply, FitRequest } from './draw-fit-messages.js'

/** Each holds one method's features. */
const MOST_PROCESSES = 8

/** Processes that fits are shared between where a study may use so many threads. */
export const fitProcesses = (threads: number): number => Math.max(1, Math.min(threads, MOST_PROCESSES))

export interface DrawFitPool {
  /** One for each process: a fitter does one fit at a time. */
  readonly fitters: readonly DrawFitter[]
  /** Ends the processes; fits under way are rejected. */
  close(): void
}

/** Processes start at their first fit. */
export function openDrawFitPool({
  processes,
  threads,
  device,
  folder,
}: {
  readonly processes: number
  /** Of all of them together. */
  readonly threads: number
  readonly device: string
  /** The study's. */
  readonly folder: string
}): DrawFitPool {
  const each = Math.max(1, Math.floor(threads / processes))
  const members = Array.from({ length: processes }, () => new FitProcess({ folder, threads: each, device }))
  return {
    fitters: members.map((member) => (fit: DrawFit) => member.fit(fit)),
    close: () => members.forEach((member) => member.end()),
  }
}

const processFile = (): string =>
  builtProgram(import.meta.url, 'study', 'draw-fit-process.js', 'fits (study)')

interface Pending {
  readonly resolve: (fitted: FittedDraw) => void
  readonly reject: (error: Error) => void
}

class FitProcess {
  readonly #place: Omit<FitRequest, 'id' | 'fit'>
  readonly #pending = new Map<number, Pending>()
  #child: ChildProcess | undefined
  #ended = false
  #nextId = 0

  constructor(place: Omit<FitRequest, 'id' | 'fit'>) {
    this.#place = place
  }

  fit(fit: DrawFit): Promise<FittedDraw> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw new Error('fit (study): the study has ended')
      const child = (this.#child ??= this.#start())
      const id = this.#nextId++
      this.#pending.set(id, { resolve, reject })
      const request: FitRequest = { ...this.#place, id, fit }
      child.send(request, (error) => {
        if (error !== null) this.#settle(id, ({ reject: refuse }) => refuse(error))
      })
    })
  }

  end(): void {
    const child = this.#child
    this.#ended = true
    this.#fail('the study has ended')
    child?.kill('SIGKILL')
  }

  #start(): ChildProcess {
    const child = fork(processFile(), {
      // Flags of this process, such as a debugger's, are not for another.
      execArgv: [],
      serialization: 'advanced',
    })
    child.on('message', (message) => {
      const reply = message as FitReply
      this.#settle(reply.id, ({ resolve, reject }) =>
        'error' in reply ? reject(new Error(reply.error)) : resolve(reply.fitted),
      )
    })
    child.on('error', (error) => this.#fail(error.message, child))
    child.on('exit', (code, signal) =>
      this.#fail(
        `its process ended with ${signal ?? `code ${code ?? '?'}`}; it may have had too little memory`,
        child,
      ),
    )
    return child
  }

  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (pending !== undefined) how(pending)
  }

  /** The next fit starts another process. */
  #fail(reason: string, child = this.#child): void {
    if (child !== this.#child) return
    this.#child = undefined
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    lost.forEach(({ reject }) => reject(new Error(`fit (study): ${reason}`)))
  }
}
