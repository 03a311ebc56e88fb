/** From what was typed to a result on the screen: defaults, --print-config, and the job with what surrounds it. */
import type { Command, JobCommand } from '../jobs/command-entry.js'
import { checkWords, type Options, type Session } from '../jobs/option.js'
import type { CommandContext } from './context.js'
import { refuseAbsentDevice, runJob, sessionOf, tell } from './surroundings.js'

/** Arguments and options by name, without defaults. */
export interface Typed {
  readonly json?: true
  readonly quiet?: true
  readonly progress?: 'text' | 'json'
  readonly printConfig?: true
  /** Files. */
  readonly plugin?: readonly string[]
  readonly [name: string]: unknown
}

export async function perform(entry: Command, typed: Typed, context: CommandContext): Promise<void> {
  const { json, quiet, progress, printConfig, plugin = [], ...given } = typed
  const brought = plugin.length === 0 ? {} : await (await import('../runs/plugin.js')).loadPlugins(plugin)
  const session = sessionOf(context, { quiet, progress }, brought)
  checkWords(entry.options, given, brought)
  if ('schema' in entry) {
    const { performInRun } = await import('./run-command.js')
    await performInRun(entry, { ...given, printConfig }, { context, session, json: json === true })
    return
  }
  await performJob(entry, { ...defaultsOf(entry.options, session), ...given }, { context, session, typed })
}

interface Performing {
  readonly context: CommandContext
  readonly session: Session
  readonly typed: Typed
}

async function performJob(
  entry: JobCommand,
  given: Readonly<Record<string, unknown>>,
  { context, session, typed: { json, printConfig } }: Performing,
): Promise<void> {
  const { terminal } = context
  const options = await entry.prepare(given, session)
  if (printConfig && entry.print !== undefined) {
    terminal.data((await entry.print(options)).trimEnd())
    return
  }
  await refuseAbsentDevice(given.device)
  const later: string[] = []
  const telling = { ...session, afterwards: (text: string) => void later.push(text) }
  const stopping = 'quiet' in entry.options ? (entry.stopping ?? 'nothing is written') : undefined
  const result = await runJob({ context, session, stopping }, (job) =>
    entry.run(options, job, telling),
  ).finally(() => later.forEach((text) => terminal.message(text)))
  tell(terminal, await entry.show(result, options, session), json === true)
}

function defaultsOf(options: Options, session: Session): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, { or }]) => (or === undefined ? [] : [[name, or(session)]])),
  )
}
