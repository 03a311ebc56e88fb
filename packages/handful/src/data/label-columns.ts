/**
 * Which column of a table names the files and which the labels: `file_name` and `label` where they are there, else the
 * names that people give them, else what the columns hold, where only one reading is left. A line says which were taken
 * whenever it was not those two. `--file-column` and `--label-column` settle it.
 */

import { HandfulError, printable, quoted, usageError } from '../errors.js'
import { wrongFields } from '../files/csv.js'
import { closest } from '../errors/suggest.js'
import {
  DESCRIPTIONS,
  FILE_NAMES,
  LABEL_NAMES,
  OWN_COLUMNS,
  OWN_TABLES,
  plainName,
  USUAL_NAMES,
} from './column-names.js'
import type { FileNames } from './file-names.js'
import { listed } from './image-set.js'
import type { LabelTable, TableRow } from './labels-file.js'
import { splitColumn } from './split-column.js'

/** Columns that the user named. */
export interface ColumnChoice {
  readonly fileColumn?: string
  readonly labelColumn?: string
}

/** Whether a column of splits is taken, besides. */
export interface ColumnReading extends ColumnChoice {
  readonly takesSplits?: boolean
}

export interface ReadColumns {
  /** Places among the fields. */
  readonly file: number
  readonly label: number
  /** The column of splits, where it is taken. */
  readonly split?: number
  readonly rows: readonly TableRow[]
  /** How they were understood, where it needs saying. */
  readonly note?: string
}

/** Whether handful wrote a table itself: then labels in it are names of classes, also such as `NaN`. */
export const isOwnTable = ({ columns }: LabelTable): boolean =>
  OWN_TABLES.some((own) => own.every((column) => columns.includes(column)))

/** How an image was shown when it was labelled, as far as it matters for what its label proves. */
export type ShownAs = 'blind' | 'accepted'

/** That of the rows of a table that handful wrote; undefined of others, and where it was shown in any other way. */
export function shownIn(table: LabelTable): (fields: TableRow['fields']) => ShownAs | undefined {
  const column = isOwnTable(table) ? table.columns.indexOf('seen') : -1
  return (fields) => {
    const seen = fields[column]
    return seen === 'blind' || seen === 'accepted' ? seen : undefined
  }
}

/** A table whose files are known, and several of whose columns could be the labels. */
export class SeveralLabelColumns extends HandfulError {}

/** Rows that are looked at to find out what a column holds. */
const LOOKED_AT = 200

/**
 * @throws HandfulError in one line where there is more than one reading or none, with the nearest match
 */
export function readColumns(table: LabelTable, names: FileNames, choice: ColumnReading = {}): ReadColumns {
  const headless = withoutHeader(table, names, choice)
  if (headless !== undefined) return columnsOf(headless, names, choice)
  checkRepeated(table)
  return columnsOf(table, names, choice)
}

function columnsOf(table: LabelTable, names: FileNames, choice: ColumnReading): ReadColumns {
  const chosen = {
    file: columnNamed(table, choice.fileColumn, '--file-column'),
    label: columnNamed(table, choice.labelColumn, '--label-column'),
  }
  const file = chosen.file ?? fileColumn(table, names, chosen.label)
  const scored = isOwnTable(table) ? undefined : splitColumn(table)
  const split = choice.takesSplits === true && scored?.clear === true ? scored.column : undefined
  const marked = chosen.label === undefined ? markedColumns(table, file) : undefined
  if (marked !== undefined) return { ...marked, split }
  const label = chosen.label ?? labelColumn(table, file)
  checkEnds(table, file, label)
  return {
    file,
    label,
    split,
    rows: table.rows,
    note: noteOf(table, { file, label, split, scored: scored?.column }),
  }
}

/**
 * What a row leaves out at its end is empty, as long as it cannot be something else: a row that ends before its label has
 * nothing behind the file's name that could be one, and others have theirs.
 */
function checkEnds({ name, rows, columns, delimiter }: LabelTable, file: number, label: number): void {
  const reach = (column: number, ends = columns.length): boolean => ends > column
  const anyLabel = rows.some(({ ends }) => reach(label, ends))
  for (const { row, fields, ends } of rows) {
    if (reach(file, ends) && (reach(label, ends) || (anyLabel && ends === file + 1))) continue
    const present = fields.slice(0, ends).map((field) => field ?? '')
    throw wrongFields(name, { number: row, fields: present }, columns.length, delimiter)
  }
}

function checkRepeated({ name, columns }: LabelTable): void {
  const repeated = columns.filter((column, index) => column !== '' && columns.indexOf(column) !== index)
  if (repeated.length === 0) return
  throw new HandfulError({
    what: 'columns',
    where: `${name} row 1`,
    got: `${listed(repeated)} twice`,
    expected: 'each column once',
  })
}

function columnNamed(
  { name, columns }: LabelTable,
  asked: string | undefined,
  flag: string,
): number | undefined {
  if (asked === undefined) return undefined
  const found = columns.indexOf(asked)
  const alike = found >= 0 ? found : columns.findIndex((column) => plainName(column) === plainName(asked))
  if (alike >= 0) return alike
  const near = closest(asked, columns)
  throw usageError({
    what: flag,
    where: name,
    got: quoted(asked),
    // The column of row numbers that pandas writes has no name.
    expected: `one of ${columns
      .filter((column) => column !== '')
      .map(printable)
      .join(', ')}`,
    hint: near === undefined ? undefined : `did you mean ${printable(near)}?`,
  })
}

/** Places of the columns with the first of these names that any has. */
function called(columns: readonly string[], names: readonly string[]): number | undefined {
  const own = columns.map(plainName)
  const name = names.find((each) => own.includes(each))
  return name === undefined ? undefined : own.indexOf(name)
}

/** The one called file_name; else the one whose values name files; else the one that is called so. */
function fileColumn(table: LabelTable, names: FileNames, label: number | undefined): number {
  const { columns } = table
  const exact = columns.indexOf('file_name')
  if (exact >= 0) return exact
  const found = columns.map((_, column) => (column === label ? 0 : namedFiles(table, names, column)))
  const most = Math.max(0, ...found)
  const best = columns.flatMap((_, column) => (most > 0 && found[column] === most ? [column] : []))
  if (best.length === 1) return best[0]
  const among =
    best.length > 1 ? best : columns.map((_, column) => column).filter((column) => column !== label)
  const byName = called(
    columns.map((column, i) => (among.includes(i) ? column : '')),
    FILE_NAMES,
  )
  if (byName !== undefined) return byName
  throw unclear(table, 'file_name', FILE_NAMES, best.length > 1 ? best : undefined, '--file-column')
}

function namedFiles({ rows }: LabelTable, names: FileNames, column: number): number {
  return rows.slice(0, LOOKED_AT).filter(({ fields }) => {
    const value = fields[column]
    return typeof value === 'string' && value !== '' && names.find(value).kind !== 'none'
  }).length
}

function labelColumn(table: LabelTable, file: number): number {
  const { columns } = table
  const exact = columns.indexOf('label')
  if (exact >= 0 && exact !== file) return exact
  const others = columns.flatMap((column, i) => {
    return i === file || OWN_COLUMNS.includes(column) || isIndex(table, i) ? [] : [i]
  })
  const named = others.filter((i) => LABEL_NAMES.includes(plainName(columns[i])))
  const [first, ...more] = named.sort(
    (a, b) => LABEL_NAMES.indexOf(plainName(columns[a])) - LABEL_NAMES.indexOf(plainName(columns[b])),
  )
  if (first !== undefined) {
    const same = named.filter((i) => i === first || saysTheSame(table, first, i))
    // A number and a name for the same class: the name is for people.
    if (same.length === named.length) return same.find((i) => !isNumeric(table, i)) ?? first
    throw unclear(table, 'label', LABEL_NAMES, [first, ...more], '--label-column')
  }
  const known = [...FILE_NAMES.slice(0, -6), ...DESCRIPTIONS]
  const unnamed = others.filter((i) => !known.includes(plainName(columns[i])))
  const possible = unnamed.filter((i) => couldBeClasses(table, i))
  if (possible.length === 1) return possible[0]
  throw unclear(table, 'label', LABEL_NAMES, unnamed.length > 1 ? unnamed : undefined, '--label-column')
}

/** Several columns, each called as a class, of which a row marks one by 1 and the others by 0, as competitions give labels. */
function markedColumns(table: LabelTable, file: number): ReadColumns | undefined {
  const { name, columns, rows } = table
  if (
    called(
      columns.map((column, i) => (i === file ? '' : column)),
      LABEL_NAMES,
    ) !== undefined
  )
    return undefined
  const classes = columns.flatMap((column, i) =>
    i !== file && column !== '' && !isIndex(table, i) && isMark(table, i) ? [i] : [],
  )
  const marks = rows.map(({ fields }) => classes.filter((i) => Number(fields[i]) === 1))
  if (classes.length < 2 || marks.some((own) => own.length > 1) || marks.every((own) => own.length === 0))
    return undefined
  const marked = rows.map((row, i) => {
    const [own] = marks[i]
    return { ...row, fields: [...row.fields, own === undefined ? '' : columns[own]] }
  })
  const note = `${name}: files from column ${quoted(columns[file])}, labels from the columns ${listed(classes.map((i) => columns[i]))}, of which one is 1 in a row`
  return { file, label: columns.length, rows: marked, note }
}

const isMark = (table: LabelTable, column: number): boolean =>
  valuesOf(table, column).every((value) => /^([01](\.0*)?)?$/.test(value))

const valuesOf = ({ rows }: LabelTable, column: number): string[] =>
  rows.map(({ fields }) => String(fields[column] ?? '').trim())

/** Row numbers as pandas writes them: without a name, or called so, and counting up. */
function isIndex(table: LabelTable, column: number): boolean {
  if (!/^(unnamed: ?\d+|index|)$/i.test(table.columns[column])) return false
  const values = valuesOf(table, column)
  return values.every((value, i) => /^\d+$/.test(value) && (i === 0 || Number(value) > Number(values[i - 1])))
}

const isNumeric = (table: LabelTable, column: number): boolean =>
  valuesOf(table, column).every((value) => value === '' || /^-?\d+(\.\d+)?$/.test(value))

function saysTheSame(table: LabelTable, a: number, b: number): boolean {
  const [first, second] = [valuesOf(table, a), valuesOf(table, b)]
  const pairs = new Set(first.map((value, i) => JSON.stringify([value, second[i]])))
  return pairs.size === new Set(first).size && pairs.size === new Set(second).size
}

/** Words that come again, unless there are few: not a sentence for each image, nor a measurement such as a confidence. */
function couldBeClasses(table: LabelTable, column: number): boolean {
  const values = valuesOf(table, column).filter((value) => value !== '')
  if (values.length > 0 && values.every((value) => Number.isFinite(Number(value))) && values.some(isFraction))
    return false
  return values.length < 30 || new Set(values).size <= values.length / 2
}

/** 0.9, and not 1.0, which is how programs write the number of a class. */
const isFraction = (value: string): boolean => !Number.isInteger(Number(value))

function unclear(
  { name, columns }: LabelTable,
  wanted: 'file_name' | 'label',
  known: readonly string[],
  several: readonly number[] | undefined,
  flag: string,
): HandfulError {
  const near =
    columns.find((column) => closest(column, [wanted]) !== undefined) ??
    columns.find((column) => closest(plainName(column), known.slice(0, 12)) !== undefined)
  const example = several?.[0] === undefined ? near : columns[several[0]]
  const Unclear = several !== undefined && wanted === 'label' ? SeveralLabelColumns : HandfulError
  return new Unclear({
    what: 'columns',
    where: `${name} row 1`,
    got:
      several === undefined
        ? columns.map(printable).join(',')
        : `${listed(several.map((i) => columns[i]))} that could each be the ${wanted}`,
    expected: several === undefined ? 'file_name,label' : 'one',
    hint:
      several === undefined
        ? `the first row has to name the columns; ${example === undefined ? '' : `is it ${quoted(example)}? `}say which by ${flag}`
        : `say which by ${flag} ${printable(example ?? '')}`,
  })
}

/**
 * A table that begins with its first image: where a field of the first row is a file, it names no column. A name without
 * extension is one where no column has a usual name, and this one names files all the way down.
 */
function withoutHeader(
  table: LabelTable,
  names: FileNames,
  { fileColumn: file, labelColumn: label }: ColumnChoice,
): LabelTable | undefined {
  const { columns, header, rows } = table
  // A number may be a class of the first image, or say which column is meant, as they are called without a header.
  const asked = [file, label].some(
    (name) =>
      name !== undefined && columns.includes(name) && !(Number(name) >= 1 && Number(name) <= columns.length),
  )
  if (header === undefined || columns.length < 2 || asked) return undefined
  const usual = columns.some((column) => USUAL_NAMES.has(plainName(column)))
  const isFile = (field: string | null | undefined): boolean =>
    typeof field === 'string' && field !== '' && names.find(field).kind === 'one'
  const begins = columns.some((column, i) => {
    if (!isFile(column)) return false
    if (/\.\w+$/.test(column)) return true
    return !usual && rows.slice(0, LOOKED_AT).every(({ fields }) => isFile(fields[i]))
  })
  if (!begins) return undefined
  return { ...table, columns: columns.map((_, i) => `${i + 1}`), header: undefined, rows: [header, ...rows] }
}

/** A table without a row of names: its columns are called by their numbers. */
const isHeadless = ({ columns, header }: LabelTable): boolean =>
  header === undefined && columns.length > 1 && columns.every((column, i) => column === `${i + 1}`)

interface TakenColumns extends Pick<ReadColumns, 'file' | 'label' | 'split'> {
  /** The column that looks like splits, taken or not. */
  readonly scored?: number
}

function noteOf(table: LabelTable, { file, label, split: taken, scored }: TakenColumns): string | undefined {
  const { name, columns } = table
  const passedOver = isOwnTable(table) ? [...OWN_COLUMNS, 'seen', 'who', 'at', 'sha256'] : OWN_COLUMNS
  const left = columns.filter(
    (column, i) =>
      ![file, label, scored].includes(i) &&
      !['', ...passedOver].includes(column) &&
      !/^unnamed: ?\d+$/i.test(column),
  )
  const split =
    scored === undefined
      ? ''
      : taken !== undefined
        ? `, splits from column ${quoted(columns[taken])}`
        : `; ${quoted(columns[scored])} is not looked at: its test images are trained on unless they lie in test/`
  const ending = table.rows.filter(({ ends }) => ends !== undefined).length
  const short =
    ending === 0
      ? ''
      : `; ${ending} ${ending === 1 ? 'row ends' : 'rows end'} early: what is left out is empty`
  const unread = left.length === 0 ? '' : `; not looked at: ${listed(left)}`
  const over = (taken === undefined ? unread + split : split + unread) + short
  if (isHeadless(table))
    return `${name}: no row names the columns; files in column ${columns[file]}, labels in column ${columns[label]}${over}`
  if (columns[file] === 'file_name' && columns[label] === 'label' && over === '') return undefined
  return `${name}: files from column ${quoted(columns[file])}, labels from column ${quoted(columns[label])}${over}`
}
