/** The command line in this process: collected output, jobs that the test writes, signals that it sends. */
import { EventEmitter } from 'node:events'
import type { CommandContext } from '../../src/cli/context.js'
import { runCommandLine } from '../../src/cli/program.js'
import { Terminal } from '../../src/cli/terminal.js'
import type { Command } from '../../src/jobs/command-entry.js'
import { commands } from '../../src/jobs/commands.js'
import { fit } from '../../src/jobs/fit/command.js'
import { predict } from '../../src/jobs/predict/command.js'
import { saveReport } from '../../src/draw/save-report.js'
import { exampleReport } from '../draw/example-report.js'

/** Stands in for `process`, as far as signals go. */
export class Signals extends EventEmitter {
  readonly exits: number[] = []

  exit(code: number): void {
    this.exits.push(code)
  }
}

export type FitJob = typeof fit.run
export type PredictJob = typeof predict.run

export interface Setup {
  readonly fit?: FitJob
  readonly predict?: PredictJob
  /** In the place of the product's own of the same name, or beside them. */
  readonly commands?: readonly Command[]
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

/** Leaves the report in the run, as a job does. */
const finished: FitJob = async (_, { run }) => {
  await saveReport(run, report)
  return report
}

export async function handful(args: readonly string[], setup: Setup = {}): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const environment = setup.environment ?? {}
  const replaced: readonly Command[] = [
    { ...fit, run: setup.fit ?? finished },
    { ...predict, run: setup.predict ?? (() => Promise.resolve({ predictions: [], skipped: [] })) },
    ...(setup.commands ?? []),
  ]
  const own = commands.map((entry) => replaced.find(({ name }) => name === entry.name) ?? entry)
  const more = replaced.filter(({ name }) => own.every((entry) => entry.name !== name))
  const context: CommandContext = {
    version: '0.1.0',
    commands: [...own, ...more],
    terminal: new Terminal({
      stdout: { write: (text) => void (written.stdout += text) },
      stderr: { write: (text) => void (written.stderr += text), isTTY: setup.isTTY ?? false, columns: 100 },
      environment,
      now: () => performance.now() / 1000,
    }),
    signals: setup.signals ?? new Signals(),
    environment,
    commandLine: ['handful', ...args].join(' '),
    date: () => new Date(2026, 4, 4, 12),
    // Two files of tests run at once, and threads that wait for each other spin.
    cores: 1,
  }
  return { exit: await runCommandLine(args, context), ...written }
}
