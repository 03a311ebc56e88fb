/**
 * The command line as a whole: built from the entries of the commands, from the arguments to the exit status. Heavy modules
 * are loaded by the commands when they run, never here.
 */
import { Command as Parser, CommanderError, Option as ParserOption } from 'commander'
import { flagOf } from '../errors/shell.js'
import type { Command, Example } from '../jobs/command-entry.js'
import type { Option } from '../jobs/option.js'
import { addCompletion, completionExamples } from './completion.js'
import type { CommandContext } from './context.js'
import { reportError } from './failure.js'
import { formatHelp } from './help.js'
import { perform, type Typed } from './perform.js'
import { sessionOf } from './surroundings.js'
import { explainUsage } from './usage.js'

const examples: readonly Example[] = [
  { command: 'handful fit --dataset strokes', does: 'try it: generated handwriting, 5 minutes' },
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
function createProgram(context: CommandContext): Parser {
  const program = new Parser('handful')
    .description('Learns an image classifier from a handful of labels.')
    .version(context.version, '--version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
  lay(program, examples, context)
  for (const entry of context.commands) {
    if (!('commands' in entry)) {
      program.addCommand(parserOf(entry, entry.examples, context))
      continue
    }
    const { name, summary, description, usage } = entry
    const group = new Parser(name).summary(summary).description(description).usage(usage).helpCommand(false)
    lay(group, entry.examples, context)
    for (const inner of entry.commands) {
      const own = entry.examples.filter(({ command }) => `${command} `.startsWith(`handful ${inner.name} `))
      group.addCommand(parserOf(inner, own, context))
    }
    program.addCommand(group)
  }
  const completion = program.command('completion')
  addCompletion(completion, context)
  lay(completion, completionExamples, context)
  return program
}

/** An entry as commander reads it. */
function parserOf(entry: Command, shown: readonly Example[], context: CommandContext): Parser {
  const { name, summary, description, usage, options } = entry
  const parser = new Parser(name.split(' ').at(-1)).summary(summary).description(description).usage(usage)
  const parameters = Object.entries(entry.arguments ?? {})
  for (const [, [form, about]] of parameters) parser.argument(form, about)
  for (const [option, about] of Object.entries(options)) parser.addOption(optionOf(option, about, context))
  lay(parser, shown, context)
  return parser.action((...given: unknown[]) => {
    const named = parameters.map(([parameter], place) => [parameter, given[place]] as const)
    const typed: Typed = { ...parser.opts<Typed>(), ...Object.fromEntries(named) }
    return perform(entry, typed, context)
  })
}

function optionOf(name: string, option: Option<unknown>, context: CommandContext): ParserOption {
  const { value, about, read } = option
  const flag = flagOf(name)
  const text = typeof about === 'string' ? about : about(sessionOf(context, {}))
  const made = new ParserOption(value === undefined ? flag : `${flag} ${value}`, text)
  return read === undefined ? made : made.argParser((typed, earlier) => read(flag, typed, earlier))
}

function lay(parser: Parser, shown: readonly Example[], { terminal }: CommandContext): void {
  parser
    .exitOverride()
    .showSuggestionAfterError(false)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // What commander says about a wrong command line is said by reportError, in our own form.
      writeErr: () => {},
      outputError: () => {},
    })
    .configureHelp({ formatHelp: (inner, help) => formatHelp(inner, help, shown) })
}
