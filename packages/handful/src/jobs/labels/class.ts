/** Changes the classes of a run from the command line, each change a step that can be taken back. */
import { HandfulError, quoted, usageError } from '../../errors.js'
import { closest } from '../../errors/suggest.js'
import type { Journal } from '../../labels/journal.js'
import { COMMAND_LINE } from './label-forms.js'
import { openLabels } from './open.js'

export interface ClassOptions {
  readonly run: string
  /** Its name. */
  readonly class: string
  readonly add?: true
  readonly rename?: string
  readonly mergeInto?: string
  readonly delete?: true
}

export interface ClassResult {
  /** Whether anything is other than before. */
  readonly done: boolean
  /** Images that have another label now. */
  readonly changed: number
  readonly classes: readonly { readonly name: string; readonly count: number }[]
}

/** @throws HandfulError for a class that is not there, and a name that another one has: nothing is changed then */
export async function changeClass(options: ClassOptions): Promise<ClassResult> {
  const { add, rename, mergeInto, delete: remove } = options
  if ([add, rename, mergeInto, remove].filter((each) => each !== undefined).length !== 1)
    throw usageError({
      what: 'change of a class',
      got: 'none or several',
      expected: 'one of --add, --rename, --merge-into and --delete',
    })
  const { journal } = await openLabels(options.run)
  try {
    const { revision } = journal
    const changed = await change(journal, options)
    return {
      done: journal.revision !== revision,
      changed,
      classes: journal.classes.map(({ name, count }) => ({ name, count })),
    }
  } finally {
    await journal.close()
  }
}

async function change(
  journal: Journal,
  { class: name, add, rename, mergeInto }: ClassOptions,
): Promise<number> {
  if (add) {
    await journal.addClass(name, COMMAND_LINE)
    return 0
  }
  const id = classNamed(journal, name)
  if (rename !== undefined) return (await journal.renameClass(id, rename, COMMAND_LINE)).images.length
  if (mergeInto !== undefined)
    return (await journal.mergeClasses(id, classNamed(journal, mergeInto), COMMAND_LINE)).images.length
  return (await journal.deleteClass(id, COMMAND_LINE)).images.length
}

function classNamed(journal: Journal, name: string): number {
  const id = journal.classOf(name)
  if (id !== undefined) return id
  const names = journal.classes.map((each) => each.name)
  const near = closest(name, names)
  throw new HandfulError({
    what: 'class',
    got: quoted(name),
    expected: names.length === 0 ? 'none: there is no class yet' : names.map(quoted).join(', '),
    hint: near === undefined ? undefined : `did you mean ${quoted(near)}?`,
    exitCode: 2,
  })
}
