/**
 * Tables of features made elsewhere: Parquet, npy or CSV, told apart by their content.
 *
 *     Parquet, CSV   a column that names the image (file_name, path, ...), and one of vectors or many of numbers
 *     npy            a matrix; names in <file>.csv as `handful features` writes them, or a name a line in <file>.txt; else
 *                    rows are in the order of the images' paths
 */
import { readFile, stat } from 'node:fs/promises'
import { CsvError, parse } from 'csv-parse/sync'
import type { SchemaTree } from 'hyparquet'
import { openParquet, type ParquetFile, readParquetColumn } from '../data/parquet-file.js'
import { printable, quoted, systemCode, systemError } from '../errors.js'
import { firstBytes } from '../files/first-bytes.js'
import { decodeText, parseCsv } from '../files/csv.js'
import { isNpy, readNpy } from '../files/npy.js'
import {
  embeddingsError,
  type EmbeddingTable,
  nameColumnOf,
  OTHER_COLUMNS,
  RowCollector,
  vectorColumnOf,
} from './embedding-table.js'

/** Read whole; Node itself ends at 2 GiB. Parquet is read by row groups and may be larger. */
const LIMIT_BYTES = 2 ** 31 - 1
const LIMIT_TEXT_BYTES = 2 ** 29 - 1

/** @throws HandfulError in one line for what is no such table */
export async function readEmbeddings(file: string): Promise<EmbeddingTable> {
  const size = await sizeOf(file)
  const start = await firstBytes(file, 16)
  if (start.toString('latin1', 0, 4) === 'PAR1') return parquetEmbeddings(file)
  if (size > LIMIT_BYTES)
    throw embeddingsError(
      file,
      `${(size / 2 ** 30).toFixed(1)} GiB`,
      'at most 2 GiB',
      'Parquet may be larger',
    )
  if (isNpy(start)) return npyEmbeddings(file)
  if (size > LIMIT_TEXT_BYTES)
    throw embeddingsError(
      file,
      `${Math.round(size / 2 ** 20)} MiB of text`,
      'at most 512 MiB',
      'save it as Parquet or npy',
    )
  return csvEmbeddings(file, await readFile(file))
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file)
    if (found.isFile() && found.size > 0) return found.size
    throw embeddingsError(
      file,
      found.isFile() ? 'an empty file' : 'no file',
      'a Parquet, npy or CSV file of a row for each image',
    )
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('embeddings', file, error)
    throw embeddingsError(file, 'nothing there', 'a Parquet, npy or CSV file', 'check the path', error)
  }
}

async function npyEmbeddings(file: string): Promise<EmbeddingTable> {
  const matrix = await readFile(file).then((bytes) => {
    try {
      return readNpy(bytes)
    } catch (error) {
      throw embeddingsError(
        file,
        (error as Error).message,
        'a matrix of numbers, a row for each image',
        'numpy.save("embeddings.npy", rows.astype("float32"))',
        error,
      )
    }
  })
  const named = await namesBeside(file)
  if (named !== undefined && named.names.length !== matrix.rows)
    throw embeddingsError(
      named.file,
      `${named.names.length} names`,
      `${matrix.rows}, a name for each row of ${printable(file)}`,
    )
  const rows = new RowCollector(file)
  const row = new Float64Array(matrix.columns)
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j < matrix.columns; j++) row[j] = matrix.at(i, j)
    rows.add(row, named?.names[i] ?? `row ${i}`)
  }
  const note =
    named === undefined
      ? `${printable(file)} has no names beside it (${printable(file)}.csv or .txt): its rows are taken in the order of the images' paths`
      : `names of the rows of ${printable(file)} are those in ${printable(named.file)}`
  return { names: named?.names, rows: rows.matrix(), notes: [note] }
}

/** `<file>.csv` with a column that names the image, or a name a line in `<file>.txt`; with or without the ending `.npy`. */
async function namesBeside(
  file: string,
): Promise<{ readonly file: string; readonly names: readonly string[] } | undefined> {
  const stems = [file, file.replace(/\.npy$/i, '')]
  for (const place of stems.flatMap((stem) => [`${stem}.csv`, `${stem}.txt`])) {
    const bytes = await readFile(place).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw systemError('names of embeddings', place, error)
    })
    if (bytes === undefined) continue
    const text = decodeText(bytes, printable(place))
    if (place.endsWith('.txt'))
      return { file: place, names: text.split(/\r?\n/).filter((line) => line !== '') }
    const [header, ...rows] = parseCsv(text, printable(place))
    const column = nameColumnOf(header?.fields ?? [])
    const at = header?.fields.indexOf(column ?? '') ?? -1
    if (column === undefined)
      throw embeddingsError(place, 'no column that names the image', 'a column file_name')
    return { file: place, names: rows.map(({ fields }) => fields[at]) }
  }
  return undefined
}

/** Cells that are lists, such as `[0.1, 0.2]`. */
const LIST = /^\s*\[.*\]\s*$/s
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
/** What tables write for numbers that are none: they count as numbers here, and are told as not finite. */
const NO_NUMBER = /^\s*([+-]?(nan|inf(inity)?))?\s*$/i

function csvEmbeddings(file: string, bytes: Uint8Array): EmbeddingTable {
  const text = decodeText(bytes, printable(file))
  const [firstLine] = text.split(/\r?\n/, 1)
  const delimiter = [',', '\t', ';'].reduce((best, each) =>
    firstLine.split(each).length > firstLine.split(best).length ? each : best,
  )
  const rows = new RowCollector(file)
  const names: string[] = []
  let header: readonly string[] | undefined
  let plan: ReturnType<typeof csvPlan> | undefined
  let line = 0
  try {
    parse(text, {
      bom: true,
      delimiter,
      skip_empty_lines: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      on_record: (fields: string[]) => {
        line++
        if (header === undefined) {
          header = fields.map((field) => field.trim())
          return null
        }
        if (fields.every((field) => field.trim() === '')) return null
        if (fields.length !== header.length)
          throw embeddingsError(`${file} row ${line}`, `${fields.length} fields`, `${header.length}`)
        plan ??= csvPlan(file, header, fields)
        const name = fields[plan.name].trim()
        names.push(name)
        rows.add(plan.read(fields, name), name)
        return null
      },
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw embeddingsError(file, printable(error.message), 'a table with commas between its fields')
  }
  if (plan === undefined) throw embeddingsError(file, 'no row', 'a header, and a row for each image')
  return { names, rows: rows.matrix(), columnNames: plan.columnNames, notes: plan.notes }
}

function csvPlan(file: string, header: readonly string[], first: readonly string[]) {
  const lists = header.filter((_, j) => LIST.test(first[j]))
  const isNumber = (j: number): boolean => NUMBER.test(first[j]) || NO_NUMBER.test(first[j])
  const named = nameColumnOf(header) ?? header.find((_, j) => !isNumber(j) && !LIST.test(first[j]))
  if (named === undefined)
    throw embeddingsError(
      file,
      `no column that names the image among ${header.slice(0, 4).map(quoted).join(', ')}${header.length > 4 ? ', ...' : ''}`,
      'a column file_name, and numbers beside it',
    )
  const name = header.indexOf(named)
  const others = header.flatMap((column, j) =>
    j === name || OTHER_COLUMNS.has(column.toLowerCase()) ? [] : [j],
  )
  const numeric = others.filter(isNumber)
  const vector = vectorColumnOf(
    file,
    lists,
    numeric.map((j) => header[j]),
  )
  const notes = [`${printable(file)}: images are named by its column ${quoted(named)}`]
  if (vector !== undefined) {
    const at = header.indexOf(vector)
    return {
      name,
      notes,
      columnNames: undefined,
      read: (fields: readonly string[], image: string) => listOf(file, fields[at], image),
    }
  }
  const left = others.filter((j) => !isNumber(j)).map((j) => quoted(header[j]))
  if (left.length > 0) notes.push(`columns that are no numbers are passed over: ${left.join(', ')}`)
  return {
    name,
    notes,
    columnNames: numeric.map((j) => header[j]),
    read: (fields: readonly string[], image: string): number[] =>
      numeric.map((j) => {
        if (NUMBER.test(fields[j])) return Number(fields[j])
        if (NO_NUMBER.test(fields[j])) return NaN
        throw embeddingsError(
          file,
          `${quoted(fields[j])} for ${quoted(image)} in column ${quoted(header[j])}`,
          'a number',
        )
      }),
  }
}

function listOf(file: string, text: string, image: string): number[] {
  const inner = text
    .trim()
    .replace(/^\[|\]$/g, '')
    .trim()
  // NumPy prints spaces between numbers, JSON has commas.
  const parts = inner === '' ? [] : inner.split(/\s*,\s*|\s+/)
  return parts.map((part) => {
    if (NUMBER.test(part)) return Number(part)
    if (part !== '' && NO_NUMBER.test(part)) return NaN
    const expected = part.includes('...') ? 'all numbers of the list' : 'a list of numbers'
    throw embeddingsError(file, `${quoted(part)} for ${quoted(image)}`, expected)
  })
}

async function parquetEmbeddings(file: string): Promise<EmbeddingTable> {
  const parquet = await openParquet(file)
  const plan = parquetPlan(file, parquet)
  const rows = new RowCollector(file)
  const names: string[] = []
  for (const group of parquet.groups) {
    const found = await readParquetColumn(parquet, group, plan.name)
    const own = found.map((value) => textOf(file, plan.name, value))
    names.push(...own)
    const columns: unknown[][] = []
    for (const column of plan.columns) columns.push(await readParquetColumn(parquet, group, column))
    for (const [i, name] of own.entries()) {
      const values = plan.isVector ? vectorOf(columns[0][i]) : columns.map((column) => numberOf(column[i]))
      if (values === undefined)
        throw embeddingsError(file, `no list of numbers for ${quoted(name)}`, `one in ${plan.columns[0]}`)
      rows.add(values, name)
    }
  }
  return {
    names,
    rows: rows.matrix(),
    columnNames: plan.isVector ? undefined : plan.columns,
    notes: [`${printable(file)}: images are named by its column ${quoted(plan.name)}`],
  }
}

const NUMBER_TYPES = ['FLOAT', 'DOUBLE', 'INT32', 'INT64', 'FIXED_LEN_BYTE_ARRAY']

function parquetPlan(file: string, { columns }: ParquetFile) {
  const nameOf = ({ element }: SchemaTree): string => element.name
  const flat = columns.filter(({ children }) => children.length === 0)
  const texts = flat.filter(({ element }) => element.type === 'BYTE_ARRAY').map(nameOf)
  const ids = flat.filter(({ element }) => element.type?.startsWith('INT') === true).map(nameOf)
  const name = nameColumnOf([...texts, ...ids]) ?? (texts.length === 1 ? texts[0] : undefined)
  if (name === undefined)
    throw embeddingsError(
      file,
      `no column that names the image among ${columns.slice(0, 5).map(nameOf).map(quoted).join(', ')}`,
      'a column file_name, and one of vectors or many of numbers',
    )
  const numeric = flat
    .filter(
      (column) =>
        NUMBER_TYPES.includes(column.element.type ?? '') && column.element.repetition_type !== 'REPEATED',
    )
    .map(nameOf)
    .filter((column) => column !== name && !OTHER_COLUMNS.has(column.toLowerCase()))
  const lists = columns.filter(isNumberList).map(nameOf)
  const vector = vectorColumnOf(file, lists, numeric)
  if (vector === undefined && numeric.length === 0)
    throw embeddingsError(file, 'no column of numbers', 'one of vectors, or many of numbers')
  return {
    name,
    isVector: vector !== undefined,
    columns: vector === undefined ? numeric : [vector],
  }
}

/** A list of numbers: `list.element` of some depth, or a repeated number. */
function isNumberList({ element, children }: SchemaTree): boolean {
  if (children.length === 0)
    return element.repetition_type === 'REPEATED' && NUMBER_TYPES.includes(element.type ?? '')
  let inner: SchemaTree | undefined = children[0]
  if (children.length !== 1) return false
  while (inner.children.length === 1) inner = inner.children[0]
  return inner.children.length === 0 && NUMBER_TYPES.includes(inner.element.type ?? '')
}

function textOf(file: string, column: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  throw embeddingsError(file, `a row without a name in ${quoted(column)}`, 'the file name of an image')
}

const numberOf = (value: unknown): number =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : NaN

function vectorOf(value: unknown): number[] | undefined {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView))) return undefined
  return Array.from(value as ArrayLike<unknown>, numberOf)
}
