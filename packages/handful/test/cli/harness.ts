/** The command line in this process: collected output, jobs that the test writes, signals that it sends. */
import { EventEmitter } from 'node:events'
import type { CommandContext } from '../../src/cli/context.js'
import { type FitJob, type Jobs, jobs, type PredictJob } from '../../src/cli/jobs.js'
import { runCommandLine } from '../../src/cli/program.js'
import { Terminal } from '../../src/cli/terminal.js'
import { exampleReport } from '../draw/example-report.js'

/** Stands in for `process`, as far as signals go. */
export class Signals extends EventEmitter {
  readonly exits: number[] = []

  exit(code: number): void {
    this.exits.push(code)
  }
}

export interface Setup {
  readonly fit?: FitJob
  readonly predict?: PredictJob
  /** In the place of others of the product's own. */
  readonly jobs?: Partial<Jobs>
  readonly study?: Jobs['study']
  readonly environment?: Readonly<Record<string, string>>
  readonly isTTY?: boolean
  readonly signals?: Signals
}

export interface Outcome {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** What every job that ends well gives back here. */
export const report = await exampleReport()

const finished: FitJob = () => Promise.resolve(report)

export async function handful(args: readonly string[], setup: Setup = {}): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const environment = setup.environment ?? {}
  const context: CommandContext = {
    version: '0.1.0',
    terminal: new Terminal({
      stdout: { write: (text) => void (written.stdout += text) },
      stderr: { write: (text) => void (written.stderr += text), isTTY: setup.isTTY ?? false, columns: 100 },
      environment,
      now: () => performance.now() / 1000,
    }),
    signals: setup.signals ?? new Signals(),
    jobs: {
      ...jobs,
      fit: () => Promise.resolve(setup.fit ?? finished),
      predict: () =>
        Promise.resolve(setup.predict ?? (() => Promise.resolve({ predictions: [], skipped: [] }))),
      ...setup.jobs,
      study: setup.study ?? jobs.study,
    },
    environment,
    commandLine: ['handful', ...args].join(' '),
    date: () => new Date(2026, 4, 4, 12),
    cores: 2,
  }
  return { exit: await runCommandLine(args, context), ...written }
}
