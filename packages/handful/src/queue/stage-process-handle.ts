/**
 * A worker's hold on a process that does stages: it is started when it is first needed, killed where it shows no sign of life
 * or its stage was given to another, and started again for the next. A worker that only waits for it can renew its locks
 * whatever the stage does, and is there after a stage that took too much memory.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { builtProgram } from '../files/built-program.js'
import { formatDuration } from '../draw/format.js'
import type { StageOrder, StageReply, StageRequest } from './stage-messages.js'

export interface StageProcessOptions {
  /** Its program. Default: stages of studies. */
  readonly file?: string
  /** Where this machine has data sets. */
  readonly dataDir?: string
  /** It is killed when it has neither told of progress nor used the processor for so long. */
  readonly hungSeconds: number
}

export type StageOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly message: string; readonly storeTrouble: boolean }

/** Less than this share of a core is no work. */
const WORKING_SHARE = 0.02
const WATCH_MS = 500
/** What a process may take to start, on a machine that does much else. */
const START_MS = 60_000

interface Running {
  readonly settle: (outcome: StageOutcome) => void
  readonly onProgress: (part: number, note: string | undefined) => void
  aliveAt: number
  /** Undefined until its process has said something. */
  processorSeconds: number | undefined
}

export class StageProcess {
  readonly #options: StageProcessOptions
  #child: ChildProcess | undefined
  #running: Running | undefined

  constructor(options: StageProcessOptions) {
    this.#options = options
  }

  /** Does one stage; never rejects. */
  do(order: StageOrder, onProgress: Running['onProgress']): Promise<StageOutcome> {
    return new Promise((resolve) => {
      const watch = setInterval(() => this.#watch(), WATCH_MS)
      const settle = (outcome: StageOutcome): void => {
        clearInterval(watch)
        this.#running = undefined
        resolve(outcome)
      }
      const aliveAt = performance.now() + (this.#child === undefined ? START_MS : 0)
      this.#running = { settle, onProgress, aliveAt, processorSeconds: undefined }
      this.#child ??= this.#start()
      this.#send({ kind: 'do', ...order })
    })
  }

  /** Asks for a checkpoint and an end. */
  stop(): void {
    this.#send({ kind: 'stop' })
  }

  /** Ends it at once: the stage that it does is another's by now. */
  lose(): void {
    const running = this.#running
    this.kill()
    running?.settle({ kind: 'lost' })
  }

  kill(): void {
    const child = this.#child
    this.#child = undefined
    child?.removeAllListeners()
    child?.on('error', () => undefined)
    child?.kill('SIGKILL')
  }

  #send(request: StageRequest): void {
    this.#child?.send(request, () => undefined)
  }

  #watch(): void {
    const running = this.#running
    const { hungSeconds } = this.#options
    if (running === undefined || performance.now() - running.aliveAt < hungSeconds * 1000) return
    this.kill()
    const message = `it showed no sign of life for ${formatDuration(hungSeconds)}, and its process was ended`
    running.settle({ kind: 'failed', message, storeTrouble: false })
  }

  #start(): ChildProcess {
    const { file = ownProgram(), dataDir } = this.#options
    // What logs in to the queue is none of a stage's business.
    const { HANDFUL_QUEUE_PASSWORD: _password, ...environment } = process.env
    const child = fork(file, {
      // Flags of this process, such as a debugger's, are not for another; what runs TypeScript does.
      execArgv: file.endsWith('.ts') ? ['--import', 'tsx'] : [],
      env: { ...environment, ...(dataDir === undefined ? {} : { HANDFUL_DATA: dataDir }) },
    })
    child.on('message', (message) => this.#hear(message as StageReply))
    child.on('error', (error) => this.#ended(child, error.message))
    child.on('exit', (code, signal) =>
      this.#ended(
        child,
        `its process ended with ${signal ?? `code ${code ?? '?'}`}; it may have had too little memory`,
      ),
    )
    return child
  }

  #hear(reply: StageReply): void {
    const running = this.#running
    if (running === undefined) return
    if (reply.kind === 'progress') {
      running.aliveAt = performance.now()
      running.onProgress(reply.part, reply.note)
    } else if (reply.kind === 'alive') {
      const used = reply.processorSeconds - (running.processorSeconds ?? -Infinity)
      if (used >= WORKING_SHARE) running.aliveAt = performance.now()
      running.processorSeconds = reply.processorSeconds
    } else {
      running.settle(reply)
    }
  }

  #ended(child: ChildProcess, message: string): void {
    if (child !== this.#child) return
    this.#child = undefined
    this.#running?.settle({ kind: 'failed', message, storeTrouble: false })
  }
}

const ownProgram = (): string => builtProgram(import.meta.url, 'queue', 'stage-process.js', 'worker (stages)')
