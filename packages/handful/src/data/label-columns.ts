/**
 * Which column of a table names the files and which the labels: `file_name` and `label` where they are there, else the
 * names that people give them, else what the columns hold, where only one reading is left. A line says which were taken
 * whenever it was not those two. `--file-column` and `--label-column` settle it.
 */

import { HandfulError, printable, quoted, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import type { FileNames } from './file-names.js'
import { listed } from './image-set.js'
import type { LabelTable, TableRow } from './labels-file.js'

/** Columns that the user named. */
export interface ColumnChoice {
  readonly fileColumn?: string
  readonly labelColumn?: string
}

export interface ReadColumns {
  /** Places among the fields. */
  readonly file: number
  readonly label: number
  readonly rows: readonly TableRow[]
  /** How they were understood, where it needs saying. */
  readonly note?: string
}

/** Columns that predictions.ts writes besides file_name and label. They are read over. */
const OWN_COLUMNS = ['predicted', 'probability', 'split', 'source']

/** What people call them, without capitals, blanks and lines; the likelier name first. */
const FILE_NAMES = [
  ...[
    'filename',
    'file',
    'filepath',
    'imagename',
    'imagepath',
    'imagefile',
    'imagefilename',
    'image',
    'images',
  ],
  ...[
    'img',
    'imgname',
    'imgpath',
    'imgfile',
    'path',
    'relativepath',
    'relpath',
    'photo',
    'picture',
    'imageid',
    'imgid',
  ],
  ...['id', 'name', 'fname', 'key', 'uri', 'url'],
]
const LABEL_NAMES = [
  ...[
    'label',
    'labels',
    'class',
    'classname',
    'classes',
    'classlabel',
    'labelname',
    'category',
    'categoryname',
  ],
  ...[
    'target',
    'choice',
    'species',
    'tag',
    'y',
    'annotation',
    'groundtruth',
    'gt',
    'classid',
    'labelid',
    'categoryid',
  ],
]

/** What describes a file and is no class. */
const DESCRIPTIONS = [
  ...[
    'width',
    'height',
    'channels',
    'size',
    'bytes',
    'filesize',
    'format',
    'mode',
    'depth',
    'md5',
    'sha1',
    'sha256',
  ],
  ...[
    'date',
    'datetime',
    'time',
    'timestamp',
    'license',
    'licence',
    'author',
    'source',
    'url',
    'set',
    'subset',
  ],
  ...['fold', 'dataset', 'split', 'comment', 'comments', 'note', 'notes', 'description'],
]

/** Rows that are looked at to find out what a column holds. */
const LOOKED_AT = 200

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/**
 * @throws HandfulError in one line where there is more than one reading or none, with the nearest match
 */
export function readColumns(table: LabelTable, names: FileNames, choice: ColumnChoice = {}): ReadColumns {
  const { columns } = table
  checkRepeated(table)
  const headless = withoutHeader(table, names, choice)
  if (headless !== undefined) return headless
  const chosen = {
    file: columnNamed(table, choice.fileColumn, '--file-column'),
    label: columnNamed(table, choice.labelColumn, '--label-column'),
  }
  const file = chosen.file ?? fileColumn(table, names, chosen.label)
  const marked = chosen.label === undefined ? markedColumns(table, file) : undefined
  if (marked !== undefined) return marked
  const label = chosen.label ?? labelColumn(table, file)
  return { file, label, rows: table.rows, note: noteOf(table, columns[file], columns[label]) }
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
  const alike = found >= 0 ? found : columns.findIndex((column) => plain(column) === plain(asked))
  if (alike >= 0) return alike
  const near = closest(asked, columns)
  throw usageError({
    what: flag,
    where: name,
    got: quoted(asked),
    expected: `one of ${columns.map(printable).join(', ')}`,
    hint: near === undefined ? undefined : `did you mean ${printable(near)}?`,
  })
}

/** Places of the columns with the first of these names that any has. */
function called(columns: readonly string[], names: readonly string[]): number | undefined {
  const own = columns.map(plain)
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
  const named = others.filter((i) => LABEL_NAMES.includes(plain(columns[i])))
  const [first, ...more] = named.sort(
    (a, b) => LABEL_NAMES.indexOf(plain(columns[a])) - LABEL_NAMES.indexOf(plain(columns[b])),
  )
  if (first !== undefined) {
    const same = named.filter((i) => i === first || saysTheSame(table, first, i))
    // A number and a name for the same class: the name is for people.
    if (same.length === named.length) return same.find((i) => !isNumeric(table, i)) ?? first
    throw unclear(table, 'label', LABEL_NAMES, [first, ...more], '--label-column')
  }
  const known = [...FILE_NAMES.slice(0, -6), ...DESCRIPTIONS]
  const unnamed = others.filter((i) => !known.includes(plain(columns[i])))
  if (unnamed.length === 1 && couldBeClasses(table, unnamed[0])) return unnamed[0]
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

/** Words that come again, unless there are few: not a sentence for each image, nor a measurement. */
function couldBeClasses(table: LabelTable, column: number): boolean {
  const values = valuesOf(table, column).filter((value) => value !== '')
  return values.length < 30 || new Set(values).size <= values.length / 2
}

function unclear(
  { name, columns }: LabelTable,
  wanted: 'file_name' | 'label',
  known: readonly string[],
  several: readonly number[] | undefined,
  flag: string,
): HandfulError {
  const near =
    columns.find((column) => closest(column, [wanted]) !== undefined) ??
    columns.find((column) => closest(plain(column), known.slice(0, 12)) !== undefined)
  const example = several?.[0] === undefined ? near : columns[several[0]]
  return new HandfulError({
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

/** A table that begins with its first image: where a field of the first row is a file, it names no column. */
function withoutHeader(
  table: LabelTable,
  names: FileNames,
  { fileColumn: asked, labelColumn: askedLabel }: ColumnChoice,
): ReadColumns | undefined {
  const { name, columns, header, rows } = table
  if (header === undefined || columns.length !== 2 || asked !== undefined || askedLabel !== undefined)
    return undefined
  const file = columns.findIndex((column) => /\.\w+$/.test(column) && names.find(column).kind === 'one')
  if (file < 0) return undefined
  const label = 1 - file
  const note = `${name}: no row names the columns; files in column ${file + 1}, labels in column ${label + 1}`
  return { file, label, rows: [header, ...rows], note }
}

function noteOf({ name, columns }: LabelTable, file: string, label: string): string | undefined {
  const left = columns.filter(
    (column) => ![file, label, '', ...OWN_COLUMNS].includes(column) && !/^unnamed: ?\d+$/i.test(column),
  )
  if (file === 'file_name' && label === 'label' && left.length === 0) return undefined
  const over = left.length === 0 ? '' : `; not looked at: ${listed(left)}`
  return `${name}: files from column ${quoted(file)}, labels from column ${quoted(label)}${over}`
}
