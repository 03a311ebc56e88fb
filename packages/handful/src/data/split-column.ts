/**
 * A column of a table that says which images are for training and which for scoring. It means what folders of these names
 * mean (split-folders.ts): images of `test` score; those of `validation` do in their place where there is no `test`, else they
 * are left out. Images without a row, or with an empty field, are trained on. Where folders are splits, they say it.
 */

import { printable, quoted } from '../errors.js'
import type { LabelTable } from './labels-file.js'
import type { PlacedFile } from './layout.js'
import { splitNamed } from './split-folders.js'

/** What a row may say. */
export type RowSplit = 'train' | 'validation' | 'test' | 'unlabelled'

export interface SplitColumn {
  /** Place among the fields. */
  readonly column: number
  /** Whether all its values are splits, training and another among them. */
  readonly clear: boolean
}

/** What such a column is called, without capitals, blanks and lines. */
export const SPLIT_NAMES = [
  'split',
  'splits',
  'set',
  'subset',
  'partition',
  'phase',
  'usage',
  'datasplit',
  'datasetsplit',
]

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** As the data set FER2013 calls them: the public part of the test chose models, the private one scored them. */
const OF_COMPETITIONS: Readonly<Record<string, RowSplit>> = { publictest: 'validation', privatetest: 'test' }

/** The split that a field stands for; undefined for any other word. */
export function rowSplit(field: string | null | undefined): RowSplit | undefined {
  const text = String(field ?? '').trim()
  return splitNamed(text) ?? OF_COMPETITIONS[text.toLowerCase()]
}

/** The column that would put some images aside for scoring; undefined where none would. */
export function splitColumn({ columns, rows }: LabelTable): SplitColumn | undefined {
  for (const [column, name] of columns.entries()) {
    if (!SPLIT_NAMES.includes(plain(name))) continue
    const values = new Set(rows.map(({ fields }) => String(fields[column] ?? '').trim()))
    const splits = new Set([...values].map(rowSplit))
    if (!splits.has('test') && !splits.has('validation')) continue
    const clear =
      splits.has('train') && [...values].every((value) => value === '' || rowSplit(value) !== undefined)
    return { column, clear }
  }
  return undefined
}

interface Labelled extends PlacedFile {
  readonly label: string
}

/** Splits of files by the rows of a table. */
export interface RowSplits {
  /** Where they come from, in words. */
  readonly source: string
  readonly of: ReadonlyMap<string, RowSplit>
}

/**
 * Files in the splits that their rows say, without those that are left out.
 * @param notes told of what became of validation
 */
export function inRowSplits(
  files: readonly Labelled[],
  { source, of }: RowSplits,
  notes: string[],
): Labelled[] {
  const held = [...of.values()]
  const tests = held.includes('test')
  const validation = held.filter((split) => split === 'validation').length
  if (validation > 0)
    notes.push(
      tests
        ? `${validation} images of validation in ${source} are left out: those of test are for scoring`
        : `${validation} images of validation in ${source} are held out for scoring`,
    )
  return files.flatMap((file): Labelled[] => {
    const split = of.get(file.path) ?? 'train'
    if (split === 'validation' && tests) return []
    const { path, folderClass } = file
    const label = split === 'unlabelled' ? '' : file.label
    return [
      { path, folderClass, label, split: split === 'test' || split === 'validation' ? 'test' : 'train' },
    ]
  })
}

/** @param column the name of the column @param table the table's */
export const splitSource = (column: string, table: string): string =>
  `column ${quoted(column)} of ${printable(table)}`
