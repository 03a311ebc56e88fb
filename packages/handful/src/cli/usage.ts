/** What commander says about a wrong command line, in the form that all errors here have. */
import type { Command, CommanderError } from 'commander'
import { usageError, type HandfulError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { fullName } from './help.js'

/** Commander's complaint. */
export function explainUsage(error: CommanderError, program: Command, args: readonly string[]): HandfulError {
  const outer = program.commands.find((candidate) => candidate.name() === args[0])
  const command = outer?.commands.find((candidate) => candidate.name() === args[1]) ?? outer
  const name = fullName(command ?? program)
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const namesOf = (all: readonly Command[] = []): string[] => all.map((candidate) => candidate.name())
  const hint = (known: readonly string[] = []): string => {
    const near = closest(named.split('=')[0], known)
    return near === undefined ? `see ${name} --help` : `did you mean ${near}?`
  }
  switch (error.code) {
    case 'commander.unknownOption': {
      const known = (command ?? program).options.flatMap((option) => option.long ?? [])
      return usageError({ what: 'option', got: named, expected: `an option of ${name}`, hint: hint(known) })
    }
    case 'commander.unknownCommand': {
      const known = namesOf((outer ?? program).commands)
      return usageError({ what: 'command', got: named, expected: known.join(', '), hint: hint(known) })
    }
    case 'commander.help': {
      const expected = namesOf(command?.commands).join(', ')
      return usageError({ what: 'command', got: `${args[0]} alone`, expected, hint: hint() })
    }
    case 'commander.optionMissingArgument':
      return usageError({ what: 'option', got: `${named} alone`, expected: 'a value after it', hint: hint() })
    case 'commander.missingArgument':
      return usageError({
        what: 'arguments',
        got: `no <${named}>`,
        expected: command?.usage(),
        hint: hint(),
      })
    case 'commander.excessArguments':
      return usageError({
        what: 'arguments',
        got: 'more than the command takes',
        expected: `${command?.name() ?? ''} ${command?.usage() ?? ''}`.trim(),
        hint: `quote names that hold spaces; ${hint()}`,
      })
    default:
      return usageError({ what: 'command line', got: error.message.replace(/^error: /, ''), hint: hint() })
  }
}
