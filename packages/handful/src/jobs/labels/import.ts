/** Labels from a table, from Label Studio or from class folders, as one step of the journal. */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import {
  type ColumnChoice,
  isOwnTable,
  readColumns,
  type ShownAs,
  shownIn,
} from '../../data/label-columns.js'
import { plainLabels } from '../../data/plain-labels.js'
import { readParquetLabels } from '../../data/label-parquet.js'
import { readLabelsFile } from '../../data/labels-file.js'
import { choiceOf } from '../../data/label-studio.js'
import { className } from '../../data/layout.js'
import { openCollection } from '../../data/open-collection.js'
import { HandfulError, printable, quoted, systemError } from '../../errors.js'
import { firstBytes } from '../../files/first-bytes.js'
import { ContentHashes } from '../../labelling/content-hashes.js'
import type { NamedDecision } from '../../labels/journal.js'
import { NONE_OF_THESE } from '../../names.js'
import { COMMAND_LINE, folderName } from './label-forms.js'
import { type OpenedLabels, openLabels } from './open.js'

export interface ImportOptions extends ColumnChoice {
  readonly run: string
  readonly file: string
}

export interface ImportResult {
  readonly labelled: number
  /** Those of them that the images carried before. */
  readonly already: number
  readonly classes: number
  /** Names of no image of the run. */
  readonly unknown: readonly string[]
  readonly notes: readonly string[]
}

interface Named {
  readonly file: string
  /** Empty where it has none. */
  readonly label: string
  /** How it was shown to whoever labelled it, where the table says so. */
  readonly seen?: ShownAs
}

/** @throws HandfulError for a file that holds no labels of the run's images: nothing is changed then */
export async function importLabels(
  { run, file, fileColumn, labelColumn }: ImportOptions,
  signal: AbortSignal,
): Promise<ImportResult> {
  const opened = await openLabels(run)
  const { journal } = opened
  const place = await stat(file).catch((error: unknown) => {
    throw systemError('labels', file, error)
  })
  const { rows, notes } = place.isDirectory()
    ? { rows: await ofFolders(file, opened, signal), notes: [] }
    : await ofTable(file, opened, { fileColumn, labelColumn })
  const unknown: string[] = []
  const labels = new Map<string, NamedDecision>()
  for (const { file: name, label, seen } of rows) {
    if (label.trim() === '') continue
    const found = opened.names.find(name)
    if (found.kind !== 'one') {
      unknown.push(printable(name))
      continue
    }
    const earlier = labels.get(found.path)?.name
    const wanted = className(label)
    if (earlier !== undefined && earlier !== wanted) {
      throw new HandfulError({
        what: 'conflicting labels',
        where: printable(file),
        got: `${quoted(found.path)} with the labels ${quoted(earlier)} and ${quoted(wanted)}`,
        expected: 'one label for each image',
        hint: 'nothing was changed',
      })
    }
    labels.set(found.path, { image: found.path, name: wanted, seen })
  }
  if (labels.size === 0) {
    throw new HandfulError({
      what: 'labels',
      where: printable(file),
      got: unknown.length === 0 ? 'none' : `${unknown.length} of other images, such as ${unknown[0]}`,
      expected: 'labels of images of the run',
      hint: 'file_name,label with the paths as predictions.csv has them; nothing was changed',
    })
  }
  const decisions = [...labels.values()]
  // What is said again stays as it was: by whom, and whether it was blind.
  const others = decisions.filter(({ image, name }) => name !== nameHeld(opened, image))
  const hashes = new ContentHashes(journal, opened.imageFolder)
  const hashed = await hashes.withHashes(others.map(({ image }) => ({ image, label: null })))
  await journal.labelNamed(
    others.map((each, i) => ({ ...each, sha256: hashed[i].sha256 })),
    { seen: 'picked', who: COMMAND_LINE },
  )
  await hashes.settle()
  await journal.close()
  const classes = new Set(decisions.map(({ name }) => name).filter((name) => name !== NONE_OF_THESE)).size
  return { labelled: decisions.length, already: decisions.length - others.length, classes, unknown, notes }
}

/** What an image is labelled now, as a table would say it. */
function nameHeld({ journal }: OpenedLabels, image: string): string | undefined {
  const label = journal.labelOf(image)
  return label === null ? undefined : label === 'none' ? NONE_OF_THESE : journal.nameOf(label)
}

const isParquet = async (file: string): Promise<boolean> =>
  (await firstBytes(file, 4)).toString('latin1') === 'PAR1'

async function ofTable(
  file: string,
  { names }: OpenedLabels,
  choice: ColumnChoice,
): Promise<{ rows: Named[]; notes: string[] }> {
  const name = path.basename(file)
  const table = (await isParquet(file))
    ? await readParquetLabels(file, name)
    : await readLabelsFile(file, name)
  const columns = readColumns(table, names, choice)
  const shownAs = shownIn(table)
  const rows = columns.rows.map(({ row, fields }) => {
    const label = choiceOf(fields[columns.label] ?? '')
    if (label === undefined) {
      throw new HandfulError({
        what: 'labels',
        where: `${table.name} row ${row}`,
        got: 'several choices',
        expected: 'one label for each image',
      })
    }
    return { file: fields[columns.file] ?? '', label, seen: shownAs(fields) }
  })
  const notes = columns.note === undefined ? [] : [columns.note]
  return { rows: isOwnTable(table) ? rows : [...plainLabels(table.name, rows, notes)], notes }
}

/** Class folders: of links the images that they lead to, else files of the same path or name. */
async function ofFolders(
  folder: string,
  { imageFolder, names, journal }: OpenedLabels,
  signal: AbortSignal,
): Promise<Named[]> {
  const { files } = await openCollection(folder, signal)
  const root = imageFolder && (await realpath(imageFolder))
  const classes = journal.classes.map(({ name }) => name)
  /** A class of the run whose folder is called so, where none is called so itself. */
  const classIn = (label: string): string =>
    classes.includes(label) ? label : (classes.find((name) => folderName(name) === label) ?? label)
  return Promise.all(
    files.map(async ({ path: file, label }) => {
      const real = await realpath(path.join(folder, file)).catch(() => file)
      const linked = root !== undefined && real.startsWith(`${root}${path.sep}`)
      const known = [linked ? path.relative(root, real) : file, file, file.slice(file.indexOf('/') + 1)]
      return { file: known.find((name) => names.find(name).kind === 'one') ?? file, label: classIn(label) }
    }),
  )
}
