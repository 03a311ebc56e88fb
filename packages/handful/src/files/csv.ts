/**
 * CSV as RFC 4180 defines it, read strictly: one delimiter, double quotes, quotes doubled inside quotes, CRLF or LF, an
 * optional byte order mark. A broken quote or a row of another length is an error that names the row, counted as
 * spreadsheets do, the header being row 1.
 */

import { CsvError, type Info, parse } from 'csv-parse/sync'
import { HandfulError, printable } from '../errors.js'

/** A row of a table with the line that it began at. */
export interface CsvRow {
  /** 1 for the header. */
  readonly number: number
  readonly fields: readonly string[]
}

/**
 * Decodes a text file: UTF-8, or UTF-16 where its first bytes say so, as spreadsheets save "Unicode text". A byte order
 * mark is dropped.
 * @throws HandfulError for bytes that are neither
 */
export function decodeText(bytes: Uint8Array, where: string): string {
  const encoding = encodingOf(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HandfulError({
      what: 'text encoding',
      where,
      got: `bytes that are not ${encoding.toUpperCase().replace(/[BL]E$/, '')}`,
      expected: 'UTF-8',
      hint: 'save it again as UTF-8 (in a spreadsheet: "CSV UTF-8")',
      cause,
    })
  }
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  // Without its mark: letters of a header have a zero beside them, and no text in UTF-8 has any.
  const start = bytes.subarray(0, 8)
  const zeros = (from: number): boolean =>
    start.length === 8 && start.every((byte, i) => (byte === 0) === (i % 2 === from))
  if (zeros(1)) return 'utf-16le'
  return zeros(0) ? 'utf-16be' : 'utf-8'
}

export type Delimiter = ',' | ';' | '\t' | '|'

/** A first line that says what stands between the fields, as Excel writes it and reads it. */
const SEPARATOR_LINE = /^\ufeff?"?sep=(.)"?\r?\n/i

/**
 * What stands between the fields: what the header has most of, outside of quotes.
 * @param tabs whether the file's name says tabs
 */
export function delimiterOf(text: string, tabs = false): Delimiter {
  const choices: readonly Delimiter[] = tabs ? ['\t', ',', ';', '|'] : [',', ';', '\t', '|']
  const said = SEPARATOR_LINE.exec(text)?.[1]
  const own = choices.find((choice) => choice === said)
  if (own !== undefined) return own
  const header = /^\s*?([^\r\n]*\S[^\r\n]*)/.exec(text)?.[1].replace(/"[^"]*"/g, '') ?? ''
  const counts = choices.map((choice) => header.split(choice).length)
  return choices[counts.indexOf(Math.max(...counts))]
}

/**
 * Splits a text into rows of fields. Empty lines are left out but counted.
 *
 * @param where the file's name, for messages
 * @param short whether rows of fewer fields than the header are refused, or given as they are
 * @throws HandfulError naming the row of a misplaced or open quote, or of a row with another number of fields
 */
export function parseCsv(
  text: string,
  where: string,
  delimiter: Delimiter = ',',
  short: 'refused' | 'kept' = 'refused',
): CsvRow[] {
  const rows: CsvRow[] = []
  const before = SEPARATOR_LINE.test(text) ? 1 : 0
  const keep = (fields: string[], { records, empty_lines }: Info): null => {
    if (fields.length > 1 || fields[0] !== '') {
      rows.push({ number: records + empty_lines + before, fields })
    }
    return null
  }
  try {
    parse(text.replace(SEPARATOR_LINE, ''), {
      bom: true,
      delimiter,
      on_record: keep,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new HandfulError({
      what: 'CSV quoting',
      where: `${printable(where)} row ${Number(error.records) + Number(error.empty_lines) + 1}`,
      got: quoteFault(error),
      expected: 'fields in double quotes with "" for a quote inside',
    })
  }
  const columns = (rows.find((row) => !isBlank(row)) ?? rows.at(0))?.fields.length
  const trimmed = rows.map((row) => withoutEmptyEnd(row, columns ?? 0))
  const fits = ({ fields }: CsvRow): boolean =>
    fields.length === columns || (short === 'kept' && fields.length < (columns ?? 0))
  const wrong = trimmed.find((row) => !fits(row) && !isBlank(row))
  if (wrong !== undefined) throw wrongFields(where, wrong, columns ?? 0, delimiter)
  return trimmed.filter((row) => fits(row) && (row.fields.length === columns || !isBlank(row)))
}

/** What is said of a row with more or fewer fields than there are columns. */
export const wrongFields = (
  where: string,
  { number, fields }: CsvRow,
  columns: number,
  delimiter: Delimiter = ',',
): HandfulError =>
  new HandfulError({
    what: 'fields',
    where: `${printable(where)} row ${number}`,
    got: `${fields.length}`,
    expected: `${columns}, as in the header`,
    hint:
      fields.length < columns
        ? `put ${IN_WORDS[delimiter]} where a field is empty`
        : `put a field that holds ${IN_WORDS[delimiter]} in double quotes`,
  })

/** Delimiters at the end of a row that stand for nothing, as spreadsheets and scripts leave them. */
const withoutEmptyEnd = ({ number, fields }: CsvRow, columns: number): CsvRow => ({
  number,
  fields: fields.slice(columns).every((field) => field === '') ? fields.slice(0, columns) : fields,
})

/** Whether a row holds nothing but blanks, as spreadsheets leave them: of any length, and of no meaning in a table of names. */
export const isBlank = ({ fields }: CsvRow): boolean => fields.every((field) => field.trim() === '')

const IN_WORDS = { ',': 'a comma', ';': 'a semicolon', '\t': 'a tab', '|': 'a bar' } as const

function quoteFault({ code, message }: CsvError): string {
  if (code === 'INVALID_OPENING_QUOTE') return 'a quote inside a field that does not begin with one'
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote that is never closed'
  const after = /got (".*?") at line/s.exec(message)
  return after === null ? printable(message) : `${printable(after[1])} after a closing quote`
}
