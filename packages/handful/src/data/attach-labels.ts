/** Labels of a tree's files: from its tables where a split has any, else from its class folders. */

import { resolve } from 'node:path'
import { HandfulError, printable, quoted } from '../errors.js'
import type { FileTree, LabelledFile, ShownImages } from './collection.js'
import { classRemarks } from './class-remarks.js'
import { FileNames, type FileNamesOptions } from './file-names.js'
import { listed } from './image-set.js'
import {
  type ColumnChoice,
  type ColumnReading,
  isOwnTable,
  readColumns,
  SeveralLabelColumns,
  shownIn,
} from './label-columns.js'
import { choiceOf } from './label-studio.js'
import { isCalledLabels, type LabelTable } from './labels-file.js'
import { NONE_OF_THESE } from '../names.js'
import { plainLabels } from './plain-labels.js'
import { inRowSplits, rowSplit, type RowSplits, splitSource } from './split-column.js'
import { type Label, matched } from './matched-rows.js'
import type { SplitOptions } from './split-folders.js'
import { className, type FolderLayout, type LabelsFilePlace } from './layout.js'

export interface AttachedLabels {
  readonly files: LabelledFile[]
  /** Whether the labels of the training images come from their folders. */
  readonly byFolder: boolean
  /** The tables that labels come from. */
  readonly tables: readonly string[]
  /** What says which images score, where that is a column of a table; in words. */
  readonly scoredBy?: string
  /** Of what could have been labels, why it is not taken. */
  readonly refusals?: readonly string[]
  readonly shown?: ShownImages
}

/** @throws HandfulError naming the row that cannot be understood */
export async function attachLabels(
  tree: FileTree,
  layout: FolderLayout,
  { splits, ...columns }: ColumnChoice & SplitOptions,
  notes: string[],
): Promise<AttachedLabels> {
  const choice = { ...columns, takesSplits: splits !== 'none' && layout.splits.size === 0 }
  const splitOf = new Map(layout.files.map(({ path, split }) => [path, split]))
  const labels = new Map<string, string>()
  const splitsWithRows = new Set<string>()
  const tables: string[] = []
  const rowSplits: RowSplits[] = []
  const refusals: string[] = []
  const shown = { blind: new Set<string>(), accepted: new Set<string>() }
  for (const { place, found, splitsFrom } of await labelTables(tree, layout, { choice, notes, refusals })) {
    tables.push(place.path)
    for (const [path, { label, seen }] of found) {
      if (seen !== undefined) shown[seen].add(path)
      const earlier = labels.get(path)
      if (earlier !== undefined && earlier !== label) {
        throw new HandfulError({
          what: 'conflicting labels',
          where: layout.labelsFiles.map((file) => printable(file.path)).join(' and '),
          got: `${quoted(path)} with the labels ${quoted(earlier)} and ${quoted(label)}`,
          expected: 'one label for each file',
        })
      }
      labels.set(path, label)
      if (label !== '') splitsWithRows.add(splitOf.get(path) ?? 'train')
    }
    if (splitsFrom !== undefined) {
      const of = [...found].flatMap(([path, { split }]) =>
        split === undefined ? [] : [[path, split] as const],
      )
      rowSplits.push({ source: splitSource(splitsFrom, place.path), of: new Map(of) })
    }
    if (place.prefix !== '') splitsWithRows.add(layout.splits.get(place.prefix) ?? 'train')
  }
  if (tables.length > 0 && splitsWithRows.size === 0) splitsWithRows.add('train')
  const placed = layout.files.filter(({ path }) => !tables.includes(path))
  const files = placed.map(({ path, split, folderClass }): LabelledFile => {
    const label = splitsWithRows.has(split) ? (labels.get(path) ?? '') : folderClass
    // Written out: a spread takes four times the memory, and there may be a million of these.
    return { path, split, folderClass, label }
  })
  const byFolder = !splitsWithRows.has('train')
  if (!byFolder && layout.files.some(({ split, folderClass }) => split === 'train' && folderClass !== '')) {
    notes.push(`labels come from ${printable(tables[0] ?? '')}; sub-folders are not taken for classes`)
  }
  const given = new Set(files.map(({ label }) => label))
  notes.push(...classRemarks(given))
  const [bySplit] = rowSplits
  if (bySplit === undefined) return { files, byFolder, tables, refusals, shown }
  const split = inRowSplits(files, bySplit, notes)
  return { files: split, byFolder, tables, refusals, shown, scoredBy: bySplit.source }
}

interface ReadTable {
  readonly place: LabelsFilePlace
  readonly found: ReadonlyMap<string, Label>
  /** The column of splits that was taken. */
  readonly splitsFrom?: string
  readonly notes: readonly string[]
}

type FoundLabels = Pick<ReadTable, 'found' | 'splitsFrom'>

/** Names of the table that labels what is learned from, beside others that name images too. */
const OF_TRAINING = /train|label|annotation|class/i

/**
 * The tables that say something.
 * @throws HandfulError where several could be the labels, and none is called so
 */
async function labelTables(tree: FileTree, layout: FolderLayout, reading: Reading): Promise<ReadTable[]> {
  const read: ReadTable[] = []
  for (const place of layout.labelsFiles) {
    const notes = place.named ? reading.notes : []
    const labels = await labelsByPath(tree, layout, place, { ...reading, notes })
    if (labels !== undefined && (place.named || holdsLabels(labels.found)))
      read.push({ place, notes, ...labels })
    else if (!place.named) reading.notes.push(...notes)
  }
  const other = read.filter(({ place }) => !place.named)
  if (other.length < 2) {
    for (const { notes } of other) reading.notes.push(...notes)
    return read
  }
  const likely = other.filter(({ place }) => OF_TRAINING.test(place.path))
  if (likely.length !== 1) {
    throw new HandfulError({
      what: 'labels file',
      where: printable(tree.place),
      got: `${listed(other.map(({ place }) => place.path))} that could each hold the labels`,
      expected: 'one',
      hint: 'call it labels.csv',
    })
  }
  const over = other.filter((each) => each !== likely[0]).map(({ place }) => place.path)
  reading.notes.push(
    ...likely[0].notes,
    `labels come from ${printable(likely[0].place.path)}; not looked at: ${listed(over)}`,
  )
  return likely
}

const holdsLabels = (found: ReadTable['found']): boolean =>
  [...found.values()].some(({ label }) => label !== '')

interface Reading {
  readonly choice: ColumnReading
  readonly notes: string[]
  readonly refusals: string[]
}

/** Path to label of one table, every path checked to be there; undefined where the table says nothing. */
async function labelsByPath(
  tree: FileTree,
  layout: FolderLayout,
  place: LabelsFilePlace,
  { choice, notes, refusals }: Reading,
): Promise<FoundLabels | undefined> {
  if (place.named) return readRows(tree, layout, place, { choice, notes })
  // Another table than one called labels.csv may have to do with something else.
  try {
    const own: string[] = []
    const found = await readRows(tree, layout, place, { choice, notes: own })
    notes.push(...own)
    return found
  } catch (error) {
    const settled = choice.fileColumn !== undefined || choice.labelColumn !== undefined
    if (!(error instanceof HandfulError) || (settled && layout.labelsFiles.length === 1)) throw error
    // Texts beside images are many things; one that is called so, or names images, was meant as labels.
    const meant = isCalledLabels(place.path) || error instanceof SeveralLabelColumns
    if (place.anyText === true && !meant) return undefined
    const refusal = `${printable(place.path)} is not taken for labels: ${error.message}`
    refusals.push(refusal)
    notes.push(refusal)
    return undefined
  }
}

async function readRows(
  tree: FileTree,
  layout: FolderLayout,
  { path: file, prefix }: LabelsFilePlace,
  { choice, notes }: Omit<Reading, 'refusals'>,
): Promise<FoundLabels | undefined> {
  const table = await tree.readLabels(file)
  const folders = layout.classFolders.size > 1
  if (table.columns.length === 0) {
    if (!folders) {
      throw new HandfulError({
        what: 'labels file',
        where: table.name,
        got: 'nothing',
        expected: 'file_name,label',
      })
    }
    notes.push(`${table.name} is empty: classes come from the folders`)
    return undefined
  }
  const roots = [...new Set([resolve(tree.place), tree.name])]
  const { paths, frames } = wholeFiles(layout, tree.framesOf)
  const options = { prefix, roots, frames }
  const names = below(table, new FileNames(paths, options), choice, { paths, notes, ...options })
  const columns = readColumns(table, names, choice)
  const shownAs = shownIn(table)
  const read = columns.rows.map(({ row, fields }) => {
    const name = usable(table, row, fields[columns.file], table.columns[columns.file])
    const label = labelOf(table, row, fields[columns.label], table.columns[columns.label] ?? 'label')
    return {
      row,
      name,
      label,
      ...(columns.split !== undefined && { split: rowSplit(fields[columns.split]) }),
      seen: label === '' ? undefined : shownAs(fields),
    }
  })
  const rows = isOwnTable(table) ? read : plainLabels(table.name, read, notes)
  if (folders && rows.every(({ label }) => label === '')) {
    notes.push(
      `${table.name} has ${rows.length === 0 ? 'no row' : 'no label'}: classes come from the folders`,
    )
    return undefined
  }
  const none = rows.filter(({ label }) => label === NONE_OF_THESE).length
  if (none > 0)
    notes.push(
      `${table.name}: ${none} ${none === 1 ? 'image is' : 'images are'} "${NONE_OF_THESE}", which is no class`,
    )
  if (columns.note !== undefined) notes.push(columns.note)
  const ofClasses = rows.map((each) => (each.label === NONE_OF_THESE ? { ...each, label: '' } : each))
  const found = labelFrames(matched(tree, table, ofClasses, { names, prefix, paths, notes }), tree.framesOf)
  return { found, splitsFrom: columns.split === undefined ? undefined : table.columns[columns.split] }
}

/** Files as a table names them: where frames are files of their own, those that they are frames of, beside the frames. */
function wholeFiles(
  { files }: FolderLayout,
  framesOf: FileTree['framesOf'] = new Map(),
): { paths: readonly string[]; frames: readonly string[] } {
  const wholeOf = new Map([...framesOf].flatMap(([file, frames]) => frames.map((frame) => [frame, file])))
  const listed = files.map(({ path }) => path)
  const frames = listed.filter((path) => wholeOf.has(path))
  return { paths: [...new Set(listed.map((path) => wholeOf.get(path) ?? path))], frames }
}

/** The label of a file counts for all its frames but those that have one of their own. */
function labelFrames(
  labels: ReadonlyMap<string, Label>,
  framesOf: FileTree['framesOf'],
): ReadonlyMap<string, Label> {
  if (framesOf === undefined) return labels
  const ofFiles = [...labels].flatMap(([path, label]) =>
    (framesOf.get(path) ?? [path]).map((frame): [string, Label] => [frame, label]),
  )
  return new Map([...ofFiles, ...[...labels].filter(([path]) => !framesOf.has(path))])
}

interface Below extends FileNamesOptions {
  readonly paths: readonly string[]
  readonly notes: string[]
}

/** Where no name is that of a file, but each is below one and the same folder, that folder is left out of the names. */
function below(
  table: LabelTable,
  names: FileNames,
  choice: ColumnChoice,
  { paths, prefix, roots, frames, notes }: Below,
) {
  const found = (each: FileNames): boolean => {
    try {
      const { file, rows } = readColumns(table, each, choice)
      return (
        rows.length > 0 && rows.every(({ fields }) => each.find(String(fields[file] ?? '')).kind === 'one')
      )
    } catch (error) {
      if (error instanceof HandfulError) return error instanceof SeveralLabelColumns
      throw error
    }
  }
  const any = table.rows.some(({ fields }) =>
    fields.some((field) => typeof field === 'string' && field !== '' && names.find(field).kind !== 'none'),
  )
  if (any) return names
  const folders = new Set(
    paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(0, path.lastIndexOf('/') + 1)),
  )
  folders.delete(prefix)
  if (folders.size > 100) return names
  const fitting = [...folders].flatMap((folder) => {
    const inner = new FileNames(paths, { prefix: folder, roots, frames })
    return found(inner) ? [{ folder, inner }] : []
  })
  if (fitting.length !== 1) return names
  notes.push(`${table.name}: its names are those of files in ${printable(fitting[0].folder)}`)
  return fitting[0].inner
}

function usable(table: LabelTable, row: number, field: string | null | undefined, column: string): string {
  if (typeof field === 'string') return field
  throw new HandfulError({
    what: 'labels',
    where: `${table.name} row ${row}`,
    got: `no usable ${quoted(column)}`,
    expected: 'a text',
  })
}

function labelOf(table: LabelTable, row: number, field: string | null | undefined, column: string): string {
  const text = field === undefined ? '' : usable(table, row, field, column)
  const label = isOwnTable(table) ? text : choiceOf(text)
  if (label !== undefined) return label.trim() === '' ? '' : className(label)
  throw new HandfulError({
    what: 'labels',
    where: `${table.name} row ${row}`,
    got: `several choices in ${quoted(column)}`,
    expected: 'one label for each image',
  })
}
