/**
 * Tables of labels as people have them: `labels.csv` or `metadata.csv`, with tabs or semicolons too, JSON lines, JSON, and
 * what Label Studio exports. Here their text becomes rows of fields; which column is which, label-columns.ts finds out.
 * A label belongs to the image's path relative to the file's folder. An empty label means unlabelled.
 */

import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { HandfulError, printable, systemError } from '../errors.js'
import { type CsvRow, decodeText, type Delimiter, delimiterOf, isBlank, parseCsv } from '../files/csv.js'
import { jsonRows, type ObjectRow } from './label-json.js'
import { viaTableRows } from './via.js'

/** In a folder, at most one of these, in capitals or not; `.tsv` and `.json` as well. */
export const LABEL_FILES = ['metadata.csv', 'metadata.jsonl', 'labels.csv', 'labels.jsonl'] as const

const LABELS_NAME =
  /^((labels|metadata)\.(csv|tsv|jsonl|json)|_annotations(\.coco\.json|\.csv)|_classes\.csv)$/i
const TABLE_NAME = /\.(csv|tsv|jsonl|json)$/i
/** Texts that may be lists of images and labels, and may be anything else. */
const TEXT_NAME = /\.(txt|lst)$/i
/** Texts for people, whose words in lines would pass for columns. */
const PROSE_NAME = /(^|\/)(read[ _-]?me|licen[cs]e|copying|citation|changelog|credits)\b[^/]*$/i
/** Texts that say something of images, a file for each of them too. */
const SIDE_NAME = /\.(txt|lst|xml|ya?ml|names|labels|cls)$/i

/** Whether a file in a data set's folder or split, by its name there, is its labels file. */
export const isLabelsFile = (name: string): boolean => LABELS_NAME.test(name)

/** What holds labels for other programs, by its name. */
const UNREAD_NAME =
  /\.(xlsx?|xlsm|xlsb|ods|numbers)$|^(labels|metadata|annotations?)\.(ya?ml|xml|pkl|parquet|feather|db|sqlite3?|csv\.\w+)$/i

/** Whether a file looks like a table of labels that is not read, by its name. */
export const isUnreadTable = (name: string): boolean => UNREAD_NAME.test(name)

/** Whether a file could be a table of labels, by its name. */
export const isTableFile = (name: string): boolean => TABLE_NAME.test(name)

/** Whether a file is a text that may be a table of labels, and may be anything. */
export const isAnyText = (name: string): boolean => TEXT_NAME.test(name) && !PROSE_NAME.test(name)

/** Whether such a text was meant as labels, by its name. */
export const isCalledLabels = (path: string): boolean => /^(labels|metadata|annotations?)\.\w+$/i.test(path)

/** Whether a file is a text that may say something of images beside it. */
export const isSideText = (name: string): boolean => SIDE_NAME.test(name)

const LIMIT_BYTES = 256 * 2 ** 20
/** Of what is looked at besides. */
const LIMIT_TEXT_BYTES = 16 * 2 ** 20

export interface TableRow {
  /** As a spreadsheet counts: 1 is the header of a CSV file or the first line of a JSONL file. */
  readonly row: number
  /** One for each column: undefined where there is none, null for what is no text, such as a list. */
  readonly fields: readonly (string | null | undefined)[]
  /** Of a row that ends before the table does, how many fields it has; those that it leaves out are empty texts. */
  readonly ends?: number
}

/** A file of labels as rows of fields, of which nothing is interpreted yet. */
export interface LabelTable {
  /** The file's name, fit for messages. */
  readonly name: string
  /** None for an empty file. */
  readonly columns: readonly string[]
  readonly rows: readonly TableRow[]
  /** The row that names the columns, where one does. */
  readonly header?: TableRow
  /** What stands between fields of a text. */
  readonly delimiter?: Delimiter
  /** Whether an image may stand there again with the same label, as several annotators give it. */
  readonly repeats?: boolean
}

/**
 * Reads a labels file.
 *
 * @param file where it is @param name what to call it in messages
 * @throws HandfulError naming the row of what cannot be read
 */
export async function readLabelsFile(file: string | Buffer, name: string): Promise<LabelTable> {
  return parseLabels(await readLimited(file, name), name)
}

/** A text beside images; empty where it is too large to be one. */
export async function readSideText(file: string | Buffer, name: string): Promise<string> {
  try {
    return (await stat(file)).size > LIMIT_TEXT_BYTES ? '' : await readFile(file, 'utf8')
  } catch (error) {
    throw systemError('labels', name, error)
  }
}

/** The same for a content that is in memory already. */
export function parseLabels(content: Uint8Array, path: string): LabelTable {
  const name = printable(path)
  checkNoWorkbook(content, name)
  const text = decodeText(content, name)
  if (/\.jsonl$/i.test(path)) return fromObjects(name, jsonLines(text, name))
  if (/\.json$/i.test(path)) return jsonTable(text, name)
  const list = isAnyText(path) ? listTable(text, name, path) : undefined
  if (list !== undefined) return list
  const tabs = /\.tsv$/i.test(path)
  const table = withoutRemarks(text)
  const delimiter = delimiterOf(table, tabs)
  const filled = parseCsv(table, name, delimiter, 'kept').filter((each) => !isBlank(each))
  const width = filled.at(0)?.fields.length ?? 0
  const [header, ...rows] = filled.map((each) => tableRow(each, width))
  if (header === undefined) return { name, columns: [], rows: [] }
  const columns = header.fields.map((field) => String(field ?? '').trim())
  const via = viaTableRows(
    columns,
    rows.map(({ fields }) => fields),
  )
  if (via !== undefined)
    return fromObjects(
      name,
      via.map((values, i) => ({ row: i + 2, values })),
    )
  const studio = ['annotation_id', 'lead_time'].every((column) => columns.includes(column))
  return { name, columns, rows, header, delimiter, repeats: studio }
}

/**
 * A path and a label on each line, as ImageNet's lists have them: between blanks, of which a path may hold some too. In
 * MXNet's `.lst`, between tabs, a number, the label and the path. Undefined where commas or other marks stand between.
 */
function listTable(text: string, name: string, path: string): LabelTable | undefined {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line, i) =>
      line.trim() === '' || line.startsWith('#') ? [] : [{ row: i + 1, line: line.trim() }],
    )
  const everywhere = (mark: RegExp): boolean => lines.every(({ line }) => mark.test(line))
  if (everywhere(/\t/)) {
    const rows = lines.map(({ row, line }) => ({
      row,
      fields: line.split('\t').map((field) => field.trim()),
    }))
    if (/\.lst$/i.test(path) && rows.every(({ fields }) => fields.length === 3))
      return { name, columns: ['index', 'label', 'file_name'], rows }
    return undefined
  }
  if (everywhere(/[,;|]/)) return undefined
  const parts = lines.map(({ row, line }) => ({ row, fields: line.split(/\s+/) }))
  const [count] = parts.map(({ fields }) => fields.length)
  const rows = parts.every(({ fields }) => fields.length === count)
    ? parts
    : lines.map(({ row, line }) => ({ row, fields: /^(.*?)\s+(\S+)$/.exec(line)?.slice(1) ?? [line, ''] }))
  const [header, ...others] = rows
  if (header === undefined) return { name, columns: [], rows: [] }
  return { name, columns: header.fields, rows: others, header }
}

/** Spreadsheets and scripts may leave out the empty fields that a row ends with. */
const tableRow = ({ number, fields }: CsvRow, width: number): TableRow =>
  fields.length === width
    ? { row: number, fields }
    : {
        row: number,
        fields: [...fields, ...new Array<string>(width - fields.length).fill('')],
        ends: fields.length,
      }

/** Excel's and other programs' own files, under the name of a text. */
function checkNoWorkbook(content: Uint8Array, name: string): void {
  const start = Buffer.from(content.subarray(0, 4)).toString('latin1')
  if (start !== 'PK\x03\x04' && start !== '\xd0\xcf\x11\xe0') return
  throw new HandfulError({
    what: 'labels file',
    where: name,
    got: 'a workbook as Excel saves it',
    expected: 'text',
    hint: 'save it as "CSV UTF-8"',
  })
}

/** Lines before the table that begin with `#` and have no field are remarks: they become empty, so that rows are counted alike. */
const withoutRemarks = (text: string): string =>
  text.replace(
    /^(\ufeff?)((?:#[^,;\t|\r\n]*\r?\n)+)/,
    (_, mark: string, lines: string) => mark + lines.replace(/[^\r\n]/g, ''),
  )

async function readLimited(file: string | Buffer, name: string): Promise<Uint8Array> {
  let bytes: number
  try {
    bytes = (await stat(file)).size
    if (bytes <= LIMIT_BYTES) return await readFile(file)
  } catch (error) {
    throw systemError('labels file', name, error)
  }
  const got = `${Math.round(bytes / 2 ** 20)} MiB`
  throw new HandfulError({ what: 'labels file', where: printable(name), got, expected: 'at most 256 MiB' })
}

const objectSchema = z.record(z.string(), z.unknown())

function jsonLines(text: string, name: string): ObjectRow[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const where = `${name} row ${index + 1}`
    return [
      objectRow(
        parseJson(line, where, 'a line that is not JSON', 'one object on each line'),
        where,
        index + 1,
      ),
    ]
  })
}

/** A list of objects, or one of the other forms of label-json.ts. */
function jsonTable(text: string, name: string): LabelTable {
  const parsed = parseJson(
    text,
    name,
    'a file that is not JSON',
    'a list of {"file_name": "...", "label": "..."}',
  )
  const known = jsonRows(parsed)
  if (known !== undefined) return { ...fromObjects(name, known.rows), repeats: known.repeats }
  if (!Array.isArray(parsed)) {
    throw new HandfulError({
      what: 'labels',
      where: name,
      got: 'no list',
      expected: 'a list of {"file_name": "...", "label": "..."}',
    })
  }
  return fromObjects(
    name,
    parsed.map((value, i) => objectRow(value, `${name} row ${i + 1}`, i + 1)),
  )
}

function objectRow(value: unknown, where: string, row: number): ObjectRow {
  const parsed = objectSchema.safeParse(value)
  if (parsed.success && !Array.isArray(value)) return { row, values: parsed.data }
  throw new HandfulError({
    what: 'labels',
    where,
    got: 'no object',
    expected: '{"file_name": "...", "label": "..."}',
  })
}

function fromObjects(name: string, objects: readonly ObjectRow[]): LabelTable {
  const columns = [...new Set(objects.flatMap(({ values }) => Object.keys(values)))]
  const rows = objects.map(({ row, values }) => ({
    row,
    fields: columns.map((column) => textOf(Object.hasOwn(values, column) ? values[column] : undefined)),
  }))
  return { name, columns, rows }
}

function textOf(value: unknown): string | null | undefined {
  if (value === undefined) return undefined
  if (value === null) return ''
  if (Array.isArray(value) && value.length < 2) return textOf(value[0] ?? null)
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : null
}

function parseJson(text: string, where: string, got: string, expected: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HandfulError({ what: 'labels', where, got, expected, cause })
  }
}
