/**
 * Training in processes of its own: the same command line, so that a page can do nothing that a person could not type. A
 * process may crash, and goes on when the studio ends. One trains at a time unless asked otherwise; the others wait.
 *
 *     pause    SIGINT: it saves a checkpoint and ends; `prepare --resume` goes on
 *     stop     a file `finish` in its run: training ends there and the model is taken as it is
 */
import { spawn } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { HandfulError, quoted } from '../errors.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { lockHolder } from '../files/lock.js'
import { filesPresent } from '../files/present.js'
import { FINISH_FILE, RUN_FILES } from '../runs/run-files.js'
import { forThePage } from './page-words.js'
import { requests, type RunCard } from './protocol.js'
import { findRuns, type FoundRun, hasLabels } from './run-list.js'
import { freeName, plainName } from './studio-home.js'
import { TrainingLog } from './training-log.js'
import { type TrainingRecord, TrainingRecords, type TrainRequest } from './training-records.js'

export interface TrainingOptions {
  /** Full path of the images. */
  readonly images: string
  /** The folder of runs. */
  readonly runs: string
  /** The studio's folder of these images. */
  readonly home: string
  /** The program and what comes before the name of a command. */
  readonly program: readonly string[]
  /** Of each training. */
  readonly threads: number
  readonly environment: NodeJS.ProcessEnv
  /** Told when a card has changed. */
  readonly onChange: () => void
  /** Told when a run has new curves. */
  readonly onMetrics: (run: string) => void
  /** Told when a run became ready. */
  readonly onReady: (run: string) => void
}

interface Process {
  readonly pid: number
  readonly log: TrainingLog
  /** Resolves when it has ended; of processes of a former studio never. */
  readonly ended: Promise<void> | undefined
}

const LOOK_MS = 500
/** Whole folders are looked through less often: runs of the command line beside. */
const FIND_EVERY = 6
/** How long a training that is asked to end may take to save its checkpoint. */
const PATIENCE_MS = 60_000

export class TrainingRuns {
  readonly #options: TrainingOptions
  readonly #records: TrainingRecords
  readonly #processes = new Map<string, Process>()
  #found: readonly FoundRun[] = []
  #cards: readonly RunCard[] = []
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #looks = 0
  #closed = false

  private constructor(options: TrainingOptions, records: TrainingRecords) {
    this.#options = options
    this.#records = records
  }

  static async open(options: TrainingOptions): Promise<TrainingRuns> {
    const training = new TrainingRuns(options, await TrainingRecords.open(options.home))
    await training.#look(true)
    training.#timer = setInterval(() => void training.look(), LOOK_MS)
    return training
  }

  /** Those that were asked for last come last. */
  get cards(): readonly RunCard[] {
    return this.#cards
  }

  folderOf(run: string): string {
    this.#card(run)
    return path.join(this.#options.runs, run)
  }

  /** @returns the run's name */
  train(request: TrainRequest): Promise<string> {
    return this.#inTurn(async () => {
      const { runs, images } = this.#options
      const name = await freeName(runs, `${plainName(path.basename(images))}-${request.model}`, (taken) =>
        this.#records.has(taken),
      )
      await this.#records.keep({
        version: 1,
        run: name,
        request,
        askedAt: Date.now(),
        waiting: true,
        seconds: 0,
      })
      await this.#look(true)
      return name
    })
  }

  pause(run: string): Promise<void> {
    return this.#inTurn(async () => {
      const record = this.#records.get(run)
      if (this.#card(run).state === 'waiting' && record !== undefined)
        await this.#records.keep({ ...record, waiting: false })
      else signal(this.#running(run).pid)
      await this.#look(true)
    })
  }

  resume(run: string): Promise<void> {
    return this.#inTurn(async () => {
      const { state } = this.#card(run)
      if (state === 'training' || state === 'waiting' || state === 'ready') return
      const known = this.#records.get(run) ?? this.#adopted(run)
      await this.#records.keep({ ...known, waiting: true, askedAt: Date.now(), error: undefined })
      await this.#look(true)
    })
  }

  /** Ends a training and takes its model; what waits, or failed before it had one, is taken off. */
  stop(run: string): Promise<void> {
    return this.#inTurn(async () => {
      const { state } = this.#card(run)
      const folder = path.join(this.#options.runs, run)
      const found = this.#found.find(({ name }) => name === run)
      if (state === 'ready') return
      const holdsNothing = async (): Promise<boolean> =>
        found === undefined
          ? !(await filesPresent(folder, [RUN_FILES.config]))
          : !found.hasModel && !(await hasLabels(folder))
      if (state === 'failed' && (await holdsNothing())) {
        await rm(folder, { recursive: true, force: true })
        await this.#records.forget(run)
      } else if (found === undefined && state !== 'training') {
        await this.#records.forget(run)
      } else {
        await writeFileAtomic(path.join(folder, FINISH_FILE), '')
        const known = this.#records.get(run) ?? this.#adopted(run)
        if (state !== 'training') await this.#records.keep({ ...known, waiting: true, error: undefined })
      }
      await this.#look(true)
    })
  }

  look(): Promise<void> {
    return this.#inTurn(() => this.#look(this.#looks++ % FIND_EVERY === 0))
  }

  /** Ends the processes of this studio with their checkpoints saved. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#turn.catch(() => {})
    const own = [...this.#processes.values()].filter(({ ended }) => ended !== undefined)
    for (const { pid } of own) signal(pid)
    const patience = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
    await Promise.race([Promise.all(own.flatMap(({ ended }) => ended ?? [])), patience])
    await this.#turn.catch(() => {})
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => {})
    return result
  }

  #card(run: string): RunCard {
    const card = this.#cards.find(({ name }) => name === run)
    if (card !== undefined) return card
    const expected = this.#cards.map(({ name }) => quoted(name)).join(', ')
    throw new HandfulError({
      what: 'run',
      got: quoted(run),
      expected: expected || 'none: there is no run yet',
    })
  }

  #running(run: string): Process {
    const process = this.#processes.get(run)
    if (process !== undefined) return process
    throw new HandfulError({
      what: 'run',
      where: quoted(run),
      got: 'one that does not train',
      expected: 'one that does',
    })
  }

  /** Looks at processes, logs and folders, and starts what waits. */
  async #look(all: boolean): Promise<void> {
    const { runs, images } = this.#options
    if (all) this.#found = await findRuns(runs, images)
    const heard: string[] = []
    for (const name of new Set([...this.#records.names(), ...this.#found.map((each) => each.name)])) {
      await this.#adopt(name)
      if ((await this.#processes.get(name)?.log.read()) === true) heard.push(name)
    }
    await this.#startWaiting()
    const before = new Map(this.#cards.map((card) => [card.name, card]))
    this.#cards = this.#allCards()
    for (const { name, state } of this.#cards) {
      if (state === 'ready' && before.has(name) && before.get(name)?.state !== 'ready')
        this.#options.onReady(name)
      // Its last pictures come after all that its log tells.
      if (state !== 'training' && before.get(name)?.state === 'training') heard.push(name)
    }
    for (const name of heard) this.#options.onMetrics(name)
    if (JSON.stringify([...before.values()]) !== JSON.stringify(this.#cards)) this.#options.onChange()
  }

  /** A process that a former studio or the command line has started. */
  async #adopt(name: string): Promise<void> {
    const known = this.#processes.get(name)
    if (known?.ended !== undefined) return
    const pid = await lockHolder(path.join(this.#options.runs, name))
    if (pid === known?.pid) return
    this.#processes.delete(name)
    if (pid !== undefined) {
      // What the command line trains beside writes to its own terminal.
      const file = this.#records.has(name) ? this.#records.logFile(name) : ''
      this.#processes.set(name, { pid, log: new TrainingLog(file), ended: undefined })
    } else {
      await this.#ended(name, undefined)
    }
  }

  async #startWaiting(): Promise<void> {
    for (const record of this.#records.inTurn().filter(({ waiting }) => waiting)) {
      if (this.#closed || (this.#processes.size > 0 && !record.request.beside)) return
      await this.#start(record)
    }
  }

  async #start(record: TrainingRecord): Promise<void> {
    const { program, environment, runs, threads } = this.#options
    const { run } = record
    const file = this.#records.logFile(run)
    await makeFolders(path.dirname(file))
    await this.#records.keep({ ...record, waiting: false, startedAt: Date.now(), error: undefined })
    const log = await open(file, 'w')
    try {
      const [command, ...before] = program
      const resumed = this.#found.some(({ name }) => name === run)
      const words = resumed ? ['--resume', path.join(runs, run)] : this.#words(record)
      const child = spawn(
        command,
        [...before, 'prepare', ...words, '--threads', String(threads), '--progress', 'json'],
        {
          env: environment,
          stdio: ['ignore', log.fd, log.fd],
          // Ctrl-C in the terminal is the studio's: it asks each process to end in good order.
          detached: true,
          windowsHide: true,
        },
      )
      const ended = new Promise<void>((resolve) => {
        const end = (failure: string | undefined): void => {
          void this.#inTurn(async () => {
            await this.#processes.get(run)?.log.read()
            this.#processes.delete(run)
            await this.#ended(run, failure)
            if (!this.#closed) await this.#look(true)
          }).finally(resolve)
        }
        child.once('error', ({ message }) => end(message))
        child.once('exit', (code, by) => end(failureOf(code, by)))
      })
      if (child.pid !== undefined)
        this.#processes.set(run, { pid: child.pid, log: new TrainingLog(file), ended })
    } finally {
      await log.close()
    }
  }

  #words({ run, request }: TrainingRecord): string[] {
    const { images, runs } = this.#options
    const { model, preset, minutes, size, seed } = request
    return [
      images,
      ...['--out', path.join(runs, run), '--model', model, '--minutes', String(minutes)],
      ...['--size', String(size), '--seed', String(seed)],
      ...(preset === undefined ? [] : ['--preset', preset]),
    ]
  }

  /** @param failure of a process of this studio that did not end well */
  async #ended(run: string, failure: string | undefined): Promise<void> {
    const record = this.#records.get(run)
    if (record?.startedAt === undefined) return
    const log = new TrainingLog(this.#records.logFile(run))
    while (await log.read());
    const seconds = record.seconds + (Date.now() - record.startedAt) / 1000
    const error = log.heard.error ?? failure
    await this.#records.keep({ ...record, startedAt: undefined, seconds, error })
  }

  #allCards(): RunCard[] {
    const found = new Map(this.#found.map((run) => [run.name, run]))
    const asked = this.#records.inTurn()
    const names = new Set([...found.keys(), ...asked.map(({ run }) => run)])
    for (const { run } of asked) {
      names.delete(run)
      names.add(run)
    }
    return [...names].map((name) => this.#cardOf(name, found.get(name), this.#records.get(name)))
  }

  #cardOf(name: string, found: FoundRun | undefined, record: TrainingRecord | undefined): RunCard {
    const process = this.#processes.get(name)
    const since = process === undefined || record?.startedAt === undefined ? 0 : Date.now() - record.startedAt
    const size = record?.request.size
    const facts = {
      name,
      model: record?.request.model ?? found?.model ?? '',
      size: found?.size || (typeof size === 'number' ? size : 0),
      // Where a studio was killed the training went on without it: then the run knows better.
      seconds: Math.round(Math.max(found?.seconds ?? 0, (record?.seconds ?? 0) + since / 1000)),
      steps: found?.steps,
    }
    if (process !== undefined) {
      const { stage, done, secondsLeft, steps, reading } = process.log.heard
      const left = secondsLeft === undefined ? undefined : Math.round(secondsLeft)
      return {
        ...facts,
        state: 'training',
        stage,
        done,
        secondsLeft: left,
        steps: steps ?? facts.steps,
        reading,
      }
    }
    if (record?.waiting === true) return { ...facts, state: 'waiting' }
    if (found?.ready === true) return { ...facts, state: 'ready' }
    if (record?.error !== undefined)
      return {
        ...facts,
        state: 'failed',
        error: forThePage(record.error),
        hasModel: found?.hasModel === true,
      }
    return { ...facts, state: 'paused' }
  }

  /** A run of the command line that is gone on with from here. */
  #adopted(run: string): TrainingRecord {
    const { model } = this.#card(run)
    const request = requests.train.parse({ model, minutes: 1 })
    return { version: 1, run, request, askedAt: Date.now(), waiting: false, seconds: 0 }
  }
}

/** Asks a process to save and end; one that is gone is asked nothing. */
function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    return
  }
}

const INTERRUPTED = 130

function failureOf(code: number | null, by: NodeJS.Signals | null): string | undefined {
  if (code === 0 || code === INTERRUPTED || by === 'SIGINT') return undefined
  const how = by === null ? `with code ${code}` : `by ${by}`
  return `training: its process ended ${how}, perhaps for want of memory; trying again goes on from its last checkpoint, or anew where it has none`
}
