/** Labels images from the command line, in one step. */
import { usageError } from '../../errors.js'
import { ContentHashes } from '../../labelling/content-hashes.js'
import { COMMAND_LINE } from './label-forms.js'
import { imageNamed, openLabels } from './open.js'

export interface SetOptions {
  readonly run: string
  readonly images: readonly string[]
  readonly label?: string
  readonly none?: true
  readonly clear?: true
  readonly blind?: true
}

export async function setLabels({ run, images, label, none, clear, blind }: SetOptions): Promise<{
  readonly changed: number
  /** That were made. */
  readonly classes: readonly string[]
}> {
  if ([label, none, clear].filter((each) => each !== undefined).length !== 1)
    throw usageError({
      what: 'label',
      got: label === undefined ? 'none' : 'several',
      expected: 'one of --label, --none and --clear',
    })
  const opened = await openLabels(run)
  const { journal, imageFolder } = opened
  const by = { seen: blind ? 'blind' : 'picked', who: COMMAND_LINE } as const
  const before = new Set(journal.classes.map(({ name }) => name))
  const hashes = new ContentHashes(journal, imageFolder)
  const found = images.map((typed) => ({
    image: imageNamed(opened, typed),
    label: none ? ('none' as const) : null,
  }))
  const hashed = await hashes.withHashes(found)
  const change =
    label === undefined
      ? await journal.label(hashed, by)
      : await journal.labelNamed(
          hashed.map(({ image, sha256 }) => ({ image, name: label, sha256 })),
          by,
        )
  await hashes.settle()
  await journal.close()
  const made = journal.classes.map(({ name }) => name).filter((name) => !before.has(name))
  return { changed: change.images.length, classes: made }
}
