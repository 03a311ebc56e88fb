/**
 * The command line as a whole: the commands, how their help is laid out, and what happens from the arguments to the
 * exit status. Heavy modules are loaded by the commands when they run, never here.
 */
import { Command, CommanderError, type Help } from 'commander'
import { usageError, type HandfulError } from '../errors.js'
import type { CommandContext } from './context.js'
import { dataCommand } from './data.js'
import { reportError } from './failure.js'
import { featuresCommand } from './features.js'
import { fitCommand } from './fit.js'
import { layersCommand } from './layers.js'
import { mapCommand } from './map.js'
import { predictCommand } from './predict.js'
import { pretrainCommand } from './pretrain.js'
import { reconstructCommand } from './reconstruct.js'
import { reportCommand } from './report.js'
import { sampleCommand } from './sample.js'
import { scoreCommand } from './score.js'
import { supervisedCommand } from './supervised.js'
import { sweepCommand } from './sweep.js'
import { studyCommand } from './study.js'
import { closest } from '../errors/suggest.js'

const HELP_COLUMNS = 100

export interface Example {
  readonly command: string
  readonly does: string
}

const examples: readonly Example[] = [
  {
    command: 'handful fit --dataset strokes',
    does: 'try it: generated handwriting, 5 minutes',
  },
  { command: 'handful fit photos', does: 'your own images, a few of them labelled' },
  { command: 'handful predict runs/photos new/*.jpg', does: 'classify new images with a run' },
  { command: 'handful report runs/photos', does: "write a run's report again" },
  { command: 'handful pretrain photos --model diffusion', does: 'a generative model alone' },
  { command: 'handful features runs/photos --out features.npy', does: 'its features, for tools of your own' },
]

/**
 * Runs one command line.
 *
 * @param args what follows the program's name
 * @returns the exit status: 0, 1 failure, 2 usage, 130 interrupted
 */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  const program = createProgram(context)
  try {
    if (args.length === 0) {
      context.terminal.data(program.helpInformation().trimEnd())
      return 0
    }
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, context.terminal)
    if (error.exitCode === 0) return 0
    return reportError(explainUsage(error, program, args), context.terminal)
  }
}

/** The program with all its commands. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('handful')
    .description('Learns an image classifier from a handful of labels.')
    .version(context.version, '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
  for (const [command, commandExamples] of [
    fitCommand(context),
    predictCommand(context),
    reportCommand(context),
    pretrainCommand(context),
    sampleCommand(context),
    reconstructCommand(context),
    scoreCommand(context),
    supervisedCommand(context),
    layersCommand(context),
    featuresCommand(context),
    mapCommand(context),
    sweepCommand(context),
    studyCommand(context),
    dataCommand(context),
  ]) {
    program.addCommand(command)
    lay(command, commandExamples)
    for (const inner of command.commands) {
      const shown = commandExamples.filter((example) =>
        `${example.command} `.startsWith(`${fullName(inner)} `),
      )
      lay(inner, shown)
    }
  }
  lay(program, examples)
  return program

  function lay(command: Command, shown: readonly Example[]): void {
    command
      .exitOverride()
      .showSuggestionAfterError(false)
      .helpOption('-h, --help', 'show this help')
      .configureOutput({
        writeOut: (text) => context.terminal.stdout.write(text),
        // What commander says about a wrong command line is said by reportError, in our own form.
        writeErr: () => {},
        outputError: () => {},
      })
      .configureHelp({ formatHelp: (inner, help) => formatHelp(inner, help, shown) })
  }
}

function formatHelp(command: Command, help: Help, shown: readonly Example[]): string {
  const isProgram = command.parent === null
  const name = fullName(command)
  const sections: string[] = [command.description()]
  sections.push(
    `Examples:\n${columns(shown.map((example) => [example.command, example.does]))}`,
    `Usage:\n  ${name} ${isProgram ? '<command> [options]' : command.usage()}`,
  )
  const visible = help.visibleArguments(command)
  if (visible.length > 0) {
    sections.push(
      `Arguments:\n${columns(visible.map((argument) => [help.argumentTerm(argument), argument.description]))}`,
    )
  }
  const commands = help.visibleCommands(command)
  if (commands.length > 0) {
    sections.push(
      `Commands:\n${columns(commands.map((inner) => [help.subcommandTerm(inner), summary(inner)]))}`,
    )
  }
  const options = help.visibleOptions(command)
  sections.push(`Options:\n${columns(options.map((option) => [option.flags, option.description]))}`)
  if (isProgram)
    sections.push('"handful help <command>" shows more. Nothing that you give it leaves this machine.')
  return `${sections.join('\n\n')}\n`
}

/** `handful data list`. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

function summary(command: Command): string {
  return command.summary() || command.description()
}

/** Two columns, the second wrapped to fit the page. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(52, Math.max(...rows.map(([term]) => term.length)))
  const room = HELP_COLUMNS - width - 4
  const lines: string[] = []
  for (const [term, text] of rows) {
    const wrapped = wrap(text, room)
    const first = term.length > width ? `  ${term}\n${' '.repeat(width + 4)}` : `  ${term.padEnd(width)}  `
    lines.push(first + wrapped.join(`\n${' '.repeat(width + 4)}`))
  }
  return lines.map((line) => line.trimEnd()).join('\n')
}

function wrap(text: string, columnsLeft: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columnsLeft) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** Commander's complaints in the form that all errors here have. */
function explainUsage(error: CommanderError, program: Command, args: readonly string[]): HandfulError {
  const outer = program.commands.find((candidate) => candidate.name() === args[0])
  const command = outer?.commands.find((candidate) => candidate.name() === args[1]) ?? outer
  const help = `${fullName(command ?? program)} --help`
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const hint = (known: readonly string[]): string => {
    const near = closest(named.split('=')[0], known)
    return near === undefined ? `see ${help}` : `did you mean ${near}?`
  }
  switch (error.code) {
    case 'commander.unknownOption': {
      const known = (command ?? program).options.flatMap((option) => option.long ?? [])
      return usageError({
        what: 'option',
        got: named,
        expected: `an option of ${help.slice(0, -7)}`,
        hint: hint(known),
      })
    }
    case 'commander.unknownCommand': {
      const known = (outer ?? program).commands.map((candidate) => candidate.name())
      return usageError({ what: 'command', got: named, expected: known.join(', '), hint: hint(known) })
    }
    case 'commander.help':
      return usageError({
        what: 'command',
        got: `${args[0]} alone`,
        expected: command?.commands.map((candidate) => candidate.name()).join(', '),
        hint: `see ${help}`,
      })
    case 'commander.optionMissingArgument':
      return usageError({
        what: 'option',
        got: `${named} alone`,
        expected: 'a value after it',
        hint: `see ${help}`,
      })
    case 'commander.missingArgument':
      return usageError({
        what: 'arguments',
        got: `no <${named}>`,
        expected: command?.usage(),
        hint: `see ${help}`,
      })
    case 'commander.excessArguments':
      return usageError({
        what: 'arguments',
        got: 'more than the command takes',
        expected: `${command?.name() ?? ''} ${command?.usage() ?? ''}`.trim(),
        hint: `quote names that hold spaces; see ${help}`,
      })
    default:
      return usageError({
        what: 'command line',
        got: error.message.replace(/^error: /, ''),
        hint: `see ${help}`,
      })
  }
}
