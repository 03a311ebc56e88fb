/** A store with a study of made stages, workers in processes of their own, and a planner in this one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openConnection } from '../../src/queue/connection.js'
import { type InQueue, runInQueue } from '../../src/queue/run-in-queue.js'
import { openSharedStore } from '../../src/queue/shared-store.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { StageStore } from '../../src/stages/stage-store.js'
import { LIST, type MadeStage, madeStages } from './made-stages.js'
import type { RedisUnderTest } from './redis-under-test.js'

export const MADE = {
  handful: '0.1.0',
  commit: 'abc',
  onnxruntime: '1',
  node: '20',
  instructions: 'x64 avx2',
}

/** Tests run beside each other: the folders of all of them go with the last, by `removeFolders`. */
export function ownFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'handful-queue-'))
  folders.push(folder)
  return folder
}

const folders: string[] = []
export const removeFolders = (): void =>
  folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }))

const STUDY = 'study'

export interface Place {
  readonly redis: RedisUnderTest
  readonly store: string
}

export const studyFolder = ({ store }: Place): string => path.join(store, STUDY)

export function writeStages(place: Place, list: readonly MadeStage[]): void {
  mkdirSync(studyFolder(place), { recursive: true })
  writeFileSync(path.join(studyFolder(place), LIST), JSON.stringify(list))
}

/** Names of stages as often as they were begun. */
export function begun(place: Place): string[] {
  return readFileSync(path.join(studyFolder(place), 'log'), 'utf8')
    .trim()
    .split('\n')
    .sort()
}

export interface Planning {
  readonly standing: Promise<InQueue>
  readonly messages: string[]
  stop(): void
}

/** The same command, as often as it is given. */
export function plan(place: Place): Planning {
  const messages: string[] = []
  const controller = new AbortController()
  const run = async (): Promise<InQueue> => {
    const stages = madeStages(studyFolder(place))
    const store = await openSharedStore(place.store)
    const connection = await openConnection(place.redis.address)
    try {
      return await runInQueue(
        stages,
        {
          store: new StageStore(studyFolder(place)),
          progress: {
            plan: () => {},
            report: () => {},
            message: (text) => void messages.push(text),
            aside: () => {},
          },
          context: {
            linearAlgebra: plainLinearAlgebra(),
            ...{ seed: 0, threads: 1, device: 'cpu', signal: controller.signal },
          },
        },
        {
          redis: connection.redis,
          store,
          study: STUDY,
          made: MADE,
          needsOf: () => ({ threads: 1, memoryBytes: 2 ** 29, device: 'cpu' }),
        },
      )
    } finally {
      connection.close()
    }
  }
  const standing = run()
  standing.catch(() => undefined)
  return { standing, messages, stop: () => controller.abort(new Error('the planner is stopped')) }
}

export interface WorkerUnderTest {
  readonly child: ChildProcess
  /** What it has said so far. */
  said(): string
  /** Waits until it has said so. */
  says(text: string | RegExp): Promise<void>
  /** To it and its processes. */
  kill(signal: NodeJS.Signals): void
  end(): Promise<void>
}

const WORKER = fileURLToPath(new URL('worker-program.ts', import.meta.url))

export function startWorker(
  { redis, store }: Place,
  { lock = 2, hung = 60, threads = 1, commit = MADE.commit } = {},
): WorkerUnderTest {
  const args = [redis.url, store, String(lock), String(hung), String(threads)]
  const child = spawn(process.execPath, ['--import', 'tsx', WORKER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own: what befalls a machine befalls the processes that do stages too.
    detached: true,
    env: { ...process.env, COMMIT: commit },
  })
  const signal = (name: NodeJS.Signals): void => void process.kill(-(child.pid ?? 0), name)
  let said = ''
  child.stdout.on('data', (text) => (said += String(text)))
  return {
    child,
    said: () => said,
    says: (text) => until(() => (typeof text === 'string' ? said.includes(text) : text.test(said))),
    kill: signal,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      signal('SIGKILL')
      await ended
    },
  }
}

export async function until(holds: () => boolean, seconds = 120): Promise<void> {
  const latest = performance.now() + 1000 * seconds
  while (!holds()) {
    if (performance.now() > latest) throw new Error('waited in vain')
    await setTimeout(30)
  }
}
