/**
 * Runs commands of a checkout, each in a process of its own, in an environment that holds nothing of this machine's, and
 * under a clock that stands still: durations, dates, and what a program decides by them are then the same every time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Stop } from './run.js'

/** Loaded by node before the program, in its workers and children too. */
const STILL_CLOCK = `
const at = Date.UTC(2026, 0, 2, 3, 4, 5)
const RealDate = Date
globalThis.Date = class Date extends RealDate {
  constructor(...given) { if (given.length === 0) super(at); else super(...given) }
  static now() { return at }
}
performance.now = () => 1000
process.hrtime = Object.assign(() => [1, 0], { bigint: () => 1_000_000_000n })
`

/** A command takes seconds; one that takes this long hangs. */
const LONGEST_MS = 30 * 60_000
const POLL_MS = 25

export interface Machine {
  /** The program: packages/handful/dist/cli/main.js of the checkout. */
  readonly main: string
  readonly stillClock: string
}

export interface Outcome {
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

export interface Command {
  readonly args: readonly string[]
  readonly cwd: string
  /** For what the program caches. */
  readonly cache: string
  readonly realClock: boolean
  readonly stop?: Stop
}

export async function prepareMachine(checkout: string, work: string): Promise<Machine> {
  const stillClock = path.join(work, 'still-clock.mjs')
  await writeFile(stillClock, STILL_CLOCK)
  const main = path.join(checkout, 'packages', 'handful', 'dist', 'cli', 'main.js')
  await stat(main).catch(() => {
    throw new Error(`${main} is not there: build the checkout first`)
  })
  return { main, stillClock }
}

export function execute({ main, stillClock }: Machine, command: Command): Promise<Outcome> {
  const { args, cwd, cache, realClock, stop } = command
  const env = {
    PATH: process.env.PATH,
    HOME: cache,
    HANDFUL_CACHE: cache,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    ...(realClock ? {} : { NODE_OPTIONS: `--import=${stillClock}` }),
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const written = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS)
    if (stop !== undefined) void interrupt(child, cwd, stop)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ status: code ?? signal ?? 'none', ...written })
    })
  })
}

/** Ctrl-C as soon as a file has something in it, or a folder so many files. */
async function interrupt(child: ChildProcess, cwd: string, { file, files = 1 }: Stop): Promise<void> {
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  while (running()) {
    if (await isThere(path.join(cwd, file), files)) {
      child.kill('SIGINT')
      return
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function isThere(file: string, files: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) return false
  return found.isDirectory() ? (await readdir(file)).length >= files : found.size > 0
}
