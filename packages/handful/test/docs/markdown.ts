/** The examples that the README and the docs show: blocks of code, and command lines. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

export const root = path.join(import.meta.dirname, '../../../..')

export interface Block {
  readonly file: string
  readonly line: number
  /** `ts`, `js`, `python`; and the name of a file, where one stands beside it. */
  readonly language: string
  readonly name?: string
  readonly text: string
}

export interface ShownCommand {
  readonly file: string
  readonly line: number
  /** What follows `handful`. */
  readonly words: readonly string[]
  /** Within a sentence, where it may name a command with some of its options. */
  readonly inline: boolean
}

/** Pages that a reader follows; decisions and measurements tell what was done at their time. */
export async function pages(): Promise<string[]> {
  const docs = (await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md'))
  return [
    'README.md',
    'CONTRIBUTING.md',
    'packages/handful/README.md',
    'packages/onnx-autodiff/README.md',
    ...docs.map((name) => `docs/${name}`),
  ]
}

export async function examplesOf(
  file: string,
): Promise<{ readonly blocks: Block[]; readonly commands: ShownCommand[] }> {
  const lines = (await readFile(path.join(root, file), 'utf8')).split('\n')
  const blocks: Block[] = []
  const commands: ShownCommand[] = []
  const add = (text: string, line: number, inline: boolean): void => {
    const shown = /^(?:npx handful|npm run handful --|handful)(?: (.*))?$/.exec(text.trim())
    // Ends at a remark, at words far to the right, and where a shell takes over.
    const [typed = ''] = (shown?.[1] ?? '').split(/\s{2,}|\s#\s|\s>\s/)
    // `...` and figures of speech are no command lines.
    if (shown === null || typed === '' || /\.\.\.|^[A-Z]/.test(typed)) return
    const words = wordsOf(typed)
    // A sentence may speak of a command by its name.
    if (inline && words.length === 1) return
    commands.push({ file, line, words, inline })
  }
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\w+)?(?: (\S+))?$/.exec(lines[i])
    if (fence !== null) {
      const end = lines.indexOf('```', i + 1)
      const [, language = '', name] = fence
      blocks.push({ file, line: i + 1, language, name, text: lines.slice(i + 1, end).join('\n') })
      i = end
      continue
    }
    if (lines[i].startsWith('    ')) {
      const [at, parts] = [i, [lines[i]]]
      while (parts.at(-1)?.endsWith('\\') === true) parts.push(lines[++i])
      add(parts.map((part) => part.replace(/\\$/, '').trim()).join(' '), at + 1, false)
      continue
    }
    for (const [, text] of lines[i].matchAll(/`([^`]+)`/g)) add(text, i + 1, true)
  }
  return { blocks, commands }
}

/** As a shell would part them, as far as the docs need it. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare)
