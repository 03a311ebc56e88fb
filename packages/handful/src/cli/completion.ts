/**
 * `handful completion <shell>`: what a shell reads to complete commands, options and the words that an option takes; where
 * anything else can stand, it completes files. Written from the same entries as the command line itself.
 */
import type { Command as Parser } from 'commander'
import { usageError } from '../errors.js'
import { flagOf } from '../errors/shell.js'
import { closest, listAlternatives } from '../errors/suggest.js'
import type { Command, CommandGroup, Example } from '../jobs/command-entry.js'
import type { CommandContext } from './context.js'

export const completionExamples: readonly Example[] = [
  { command: 'source <(handful completion bash)', does: 'in this shell; in ~/.bashrc for all' },
  { command: 'source <(handful completion zsh)', does: 'in this shell; in ~/.zshrc for all' },
  { command: 'handful completion fish | source', does: 'in this shell; in config.fish for all' },
]

type Entries = CommandContext['commands']

const SHELLS = { bash, zsh, fish } as const

/** Lays the command out; it has no options. */
export function addCompletion(parser: Parser, { commands, terminal }: CommandContext): void {
  parser
    .summary('print what a shell completes commands and options by')
    .description('Prints what a shell completes commands, options and their words by.')
    .usage('<shell>')
    .argument('<shell>', `one of ${listAlternatives(Object.keys(SHELLS))}`)
    .action((shell: string) => {
      if (!Object.hasOwn(SHELLS, shell)) {
        const near = closest(shell, Object.keys(SHELLS))
        throw usageError({
          what: 'shell',
          got: shell,
          expected: listAlternatives(Object.keys(SHELLS)),
          hint: near === undefined ? undefined : `did you mean ${near}?`,
        })
      }
      terminal.stdout.write(SHELLS[shell as keyof typeof SHELLS](commands))
    })
}

const isGroup = (entry: Command | CommandGroup): entry is CommandGroup => 'commands' in entry

const singles = (entries: Entries): Command[] =>
  entries.flatMap((entry) => (isGroup(entry) ? entry.commands : [entry]))

const lastWord = ({ name }: { readonly name: string }): string => name.split(' ').at(-1) ?? name

const flagsOf = ({ options }: Command): string[] => [...Object.keys(options).map(flagOf), '--help']

/** Options that take certain words alone: `fit --head` and its words. */
const choicesOf = (entries: Entries): (readonly [option: string, words: readonly string[]])[] =>
  singles(entries).flatMap((entry) =>
    Object.entries(entry.options).flatMap(([name, { choices }]) =>
      choices === undefined ? [] : [[`${entry.name} ${flagOf(name)}`, choices] as const],
    ),
  )

const names = (entries: Entries): string[] => [...entries.map(({ name }) => name), 'completion', 'help']

/** In single quotes, as all three shells read them; fish needs no other escape here. */
const quotedWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const lines = (...all: readonly (string | readonly string[])[]): string => `${all.flat().join('\n')}\n`

function bash(entries: Entries): string {
  const words = (list: readonly string[]): string =>
    `COMPREPLY=($(compgen -W ${quotedWord(list.join(' '))} -- "$current"))`
  const groups = entries.filter(isGroup)
  return lines(
    '# handful completion bash',
    '_handful() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"',
    '  COMPREPLY=()',
    `  if [ "$COMP_CWORD" -eq 1 ]; then ${words(names(entries))}; return; fi`,
    '  case "$command" in',
    groups.map(
      (group) =>
        `    ${group.name}) if [ "$COMP_CWORD" -eq 2 ]; then ${words(group.commands.map(lastWord))}; return; fi; command="$command \${COMP_WORDS[2]}" ;;`,
    ),
    `    completion) ${words(Object.keys(SHELLS))}; return ;;`,
    '  esac',
    '  case "$command $before" in',
    choicesOf(entries).map(([option, choices]) => `    '${option}') ${words(choices)}; return ;;`),
    '  esac',
    '  case "$current" in -*) ;; *) return ;; esac',
    '  case "$command" in',
    singles(entries).map((entry) => `    '${entry.name}') ${words(flagsOf(entry))} ;;`),
    '  esac',
    '}',
    // Files where there is nothing of ours.
    'complete -o default -F _handful handful',
  )
}

function zsh(entries: Entries): string {
  const described = (list: readonly { readonly name: string; readonly summary: string }[]): string =>
    list.map((entry) => quotedWord(`${lastWord(entry)}:${entry.summary}`)).join(' ')
  const groups = entries.filter(isGroup)
  return lines(
    '#compdef handful',
    '_handful() {',
    '  local -a found',
    '  local command=$words[2]',
    `  if (( CURRENT == 2 )); then found=(${described(entries)} completion help); _describe command found; return; fi`,
    '  case $command in',
    groups.map(
      ({ name, commands }) =>
        `    ${name}) if (( CURRENT == 3 )); then found=(${described(commands)}); _describe command found; return; fi; command="$command $words[3]" ;;`,
    ),
    `    completion) compadd ${Object.keys(SHELLS).join(' ')}; return ;;`,
    '  esac',
    '  case "$command $words[CURRENT-1]" in',
    choicesOf(entries).map(
      ([option, choices]) => `    '${option}') compadd -- ${choices.join(' ')}; return ;;`,
    ),
    '  esac',
    '  if [[ $PREFIX != -* ]]; then _files; return; fi',
    '  case $command in',
    singles(entries).map((entry) => `    '${entry.name}') compadd -- ${flagsOf(entry).join(' ')} ;;`),
    '  esac',
    '}',
    'compdef _handful handful',
  )
}

function fish(entries: Entries): string {
  const first = '__fish_use_subcommand'
  const seen = ({ name }: Command): string => {
    const [outer, inner] = name.split(' ')
    const own = `__fish_seen_subcommand_from ${outer}`
    return inner === undefined ? own : `${own}; and __fish_seen_subcommand_from ${inner}`
  }
  const inner = entries.filter(isGroup).flatMap((group) =>
    group.commands.map((entry) => {
      const others = group.commands.map(lastWord).join(' ')
      const when = `__fish_seen_subcommand_from ${group.name}; and not __fish_seen_subcommand_from ${others}`
      return `complete -c handful -n '${when}' -f -a ${lastWord(entry)} -d ${quotedWord(entry.summary)}`
    }),
  )
  const flags = singles(entries).flatMap((entry) =>
    Object.entries(entry.options).map(([name, { value, choices }]) => {
      const takes =
        choices === undefined ? (value === undefined ? '' : ' -r') : ` -x -a '${choices.join(' ')}'`
      return `complete -c handful -n '${seen(entry)}' -l ${flagOf(name).slice(2)}${takes}`
    }),
  )
  return lines(
    '# handful completion fish',
    entries.map(
      ({ name, summary }) => `complete -c handful -n ${first} -f -a ${name} -d ${quotedWord(summary)}`,
    ),
    `complete -c handful -n ${first} -f -a 'completion help'`,
    `complete -c handful -n '__fish_seen_subcommand_from completion' -f -a '${Object.keys(SHELLS).join(' ')}'`,
    inner,
    flags,
  )
}
