/** A run folder is taken up by the command that made it, and by no other. */
import { HandfulError } from '../errors.js'
import { shellWord } from '../errors/shell.js'
import { type PlainObject, readRunConfig } from '../runs/run-files.js'

/**
 * The options of a run that a command of this name, or one of these, made.
 * @throws HandfulError if the folder is no run, or one of another command
 */
export async function runOfCommand(
  folder: string,
  command: string | readonly string[],
  hint = (madeBy: string): string => `go on with it by handful ${madeBy} --resume ${shellWord(folder)}`,
): Promise<PlainObject> {
  const saved = await readRunConfig(folder)
  const madeBy = typeof saved.command === 'string' ? saved.command : 'fit'
  const commands = typeof command === 'string' ? [command] : command
  if (commands.includes(madeBy)) return saved
  throw new HandfulError({
    what: 'run folder',
    where: folder,
    got: `a run of handful ${madeBy}`,
    expected: `one of ${commands.map((name) => `handful ${name}`).join(' or ')}`,
    hint: hint(madeBy),
    exitCode: 2,
  })
}
