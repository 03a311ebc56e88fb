/** Labels as other tools read them. */
import { mkdir, readdir, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { HandfulError, printable, systemCode, systemError } from '../../errors.js'
import { writeFileAtomic } from '../../files/atomic.js'
import { labelCsv, type LabelRow, labelRows } from '../../labelling/label-table.js'
import { Workbench } from '../../labelling/workbench.js'
import { CLASSIFYING_RUNS } from '../../names.js'
import { runOfCommand } from '../run-of-command.js'
import { type ExportForm, folderName } from './label-forms.js'
import { openLabels } from './open.js'

export interface ExportOptions {
  readonly run: string
  readonly to: ExportForm
  readonly out: string
}

export interface ExportResult {
  readonly written: number
  /** Of these: images that are none of the classes. */
  readonly none: number
  /** Classes whose folder has another name, with it. */
  readonly renamed: ReadonlyMap<string, string>
}

/** @throws HandfulError where the place cannot be written, or holds other things already */
export async function exportLabels(
  { run, to, out }: ExportOptions,
  signal: AbortSignal,
): Promise<ExportResult> {
  await runOfCommand(run, CLASSIFYING_RUNS)
  const { journal, imageFolder } = await openLabels(run)
  const rows = labelRows(journal)
  await journal.close()
  const folders = to === 'folders' ? foldersOf(rows) : new Map<string, string>()
  switch (to) {
    case 'csv':
      await writeFileAtomic(out, labelCsv(rows))
      break
    case 'folders':
      await writeFolders(out, rows, { folders, imageFolder })
      break
    case 'label-studio':
      await writeFileAtomic(out, `${JSON.stringify(await studioTasks(run, rows, signal), null, 1)}\n`)
      break
    case 'parquet':
      await writeFileAtomic(out, new Uint8Array(parquetOf(rows)))
      break
  }
  const renamed = new Map([...folders].filter(([label, folder]) => label !== folder))
  return { written: rows.length, none: rows.filter((row) => row.none).length, renamed }
}

function parquetOf(rows: readonly LabelRow[]): ArrayBuffer {
  const column = (name: string, of: (row: LabelRow) => string | undefined) => ({
    name,
    data: rows.map(of),
    type: 'STRING' as const,
    nullable: true,
  })
  return parquetWriteBuffer({
    columnData: [
      column('file_name', ({ image }) => image),
      column('label', ({ label }) => label),
      column('seen', ({ seen }) => seen),
      column('who', ({ who }) => who),
      column('at', ({ at }) => at),
      column('sha256', ({ sha256 }) => sha256),
    ],
  })
}

/** `<out>/<class>/<name>`, links to the images. */
async function writeFolders(
  out: string,
  rows: readonly LabelRow[],
  { folders, imageFolder }: { folders: ReadonlyMap<string, string>; imageFolder: string | undefined },
): Promise<void> {
  if (imageFolder === undefined) {
    throw new HandfulError({
      what: 'folders of links',
      got: 'a run whose images are no files of a folder',
      expected: 'images that can be linked to',
      hint: 'export --to csv or parquet',
    })
  }
  await expectEmpty(out)
  const root = path.resolve(imageFolder)
  const taken = new Set<string>()
  try {
    for (const { image, label } of rows) {
      const folder = path.join(out, folders.get(label) ?? '-')
      await mkdir(folder, { recursive: true })
      const file = freeName(taken, folder, path.basename(image))
      await symlink(path.relative(path.resolve(folder), path.join(root, image)), file)
    }
  } catch (error) {
    await rm(out, { recursive: true, force: true }).catch(() => {})
    throw systemError('writing links', out, error)
  }
}

/** Two classes that would share a folder, on disks without capitals too, get one each. */
function foldersOf(rows: readonly LabelRow[]): ReadonlyMap<string, string> {
  const folders = new Map<string, string>()
  const taken = new Set<string>()
  for (const { label } of rows) {
    if (folders.has(label)) continue
    const name = folderName(label)
    let free = name
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${name}-${number}`
    taken.add(free.toLowerCase())
    folders.set(label, free)
  }
  return folders
}

function freeName(taken: Set<string>, folder: string, name: string): string {
  const { name: stem, ext } = path.parse(name)
  for (let number = 1; ; number++) {
    const file = path.join(folder, number === 1 ? name : `${stem}-${number}${ext}`)
    if (taken.has(file)) continue
    taken.add(file)
    return file
  }
}

async function expectEmpty(out: string): Promise<void> {
  const names = await readdir(out).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw systemError('writing links', out, error)
  })
  if (names.length === 0) return
  throw new HandfulError({
    what: 'folder of links',
    where: printable(out),
    got: 'a folder that holds other things',
    expected: 'a new or empty folder',
    hint: 'give another --out; nothing was changed',
  })
}

const choice = (label: string) => ({
  from_name: 'choice',
  to_name: 'image',
  type: 'choices',
  value: { choices: [label] },
})

/** Tasks of all images: annotations of those that are labelled, scored predictions of all where there are some. */
async function studioTasks(run: string, rows: readonly LabelRow[], signal: AbortSignal): Promise<object[]> {
  const workbench = await Workbench.open(run, { signal })
  try {
    const { journal, paths } = workbench
    const fitted = await workbench.refit({ signal })
    const labelled = new Map(rows.map((row) => [row.image, row]))
    return paths.map((image, i) => {
      const row = labelled.get(image)
      const known = fitted.kind === 'fitted' && fitted.predicted[i] >= 0
      const address = image.split('/').map(encodeURIComponent).join('/')
      return {
        data: { image: `/data/local-files/?d=${address}` },
        annotations: row === undefined ? [] : [{ result: [choice(row.label)], created_at: row.at }],
        predictions: known
          ? [
              {
                model_version: 'handful',
                score: Number(fitted.probability[i].toFixed(4)),
                result: [choice(journal.nameOf(fitted.predicted[i]) ?? '')],
              },
            ]
          : [],
      }
    })
  } finally {
    await workbench.close()
  }
}
