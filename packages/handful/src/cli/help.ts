/** How help is laid out: what the command is for, examples first, within a page's width. */
import type { Command, Help } from 'commander'
import type { Example } from '../jobs/command.js'

const HELP_COLUMNS = 100

export function formatHelp(command: Command, help: Help, examples: readonly Example[]): string {
  const isProgram = command.parent === null
  const sections: string[] = [
    command.description(),
    `Examples:\n${columns(examples.map((example) => [example.command, example.does]))}`,
    `Usage:\n  ${fullName(command)} ${isProgram ? '<command> [options]' : command.usage()}`,
  ]
  const visible = help.visibleArguments(command)
  if (visible.length > 0) {
    sections.push(
      `Arguments:\n${columns(visible.map((argument) => [help.argumentTerm(argument), argument.description]))}`,
    )
  }
  const commands = help.visibleCommands(command)
  if (commands.length > 0) {
    sections.push(
      `Commands:\n${columns(commands.map((inner) => [help.subcommandTerm(inner), inner.summary() || inner.description()]))}`,
    )
  }
  const options = help.visibleOptions(command)
  sections.push(`Options:\n${columns(options.map((option) => [option.flags, option.description]))}`)
  if (isProgram)
    sections.push('"handful help <command>" shows more. Nothing that you give it leaves this machine.')
  return `${sections.join('\n\n')}\n`
}

/** `handful data list`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

/** Two columns, the second wrapped to fit the page. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(52, Math.max(...rows.map(([term]) => term.length)))
  const room = HELP_COLUMNS - width - 4
  const indent = ' '.repeat(width + 4)
  const lines = rows.map(([term, text]) => {
    const first = term.length > width ? `  ${term}\n${indent}` : `  ${term.padEnd(width)}  `
    return first + wrap(text, room).join(`\n${indent}`)
  })
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
