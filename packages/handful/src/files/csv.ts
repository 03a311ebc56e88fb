/**
 * CSV as RFC 4180 defines it, read strictly: comma, double quotes, quotes
 * doubled inside quotes, CRLF or LF, an optional byte order mark. No guessing: a broken quote or a row of another
 * length is an error that names the row, counted as spreadsheets do, the header being row 1.
 */

import { CsvError, type Info, parse } from 'csv-parse/sync'
import { HandfulError, printable } from '../errors.js'

export interface CsvRow {
  /** 1 for the header. */
  readonly number: number
  readonly fields: readonly string[]
}

/** Decodes a text file, refusing what is not UTF-8. A byte order mark is dropped. */
export function decodeText(bytes: Uint8Array, where: string): string {
  const hint = 'save it again as UTF-8 (in a spreadsheet: "CSV UTF-8")'
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new HandfulError({ what: 'text encoding', where, got: 'UTF-16', expected: 'UTF-8', hint })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HandfulError({
      what: 'text encoding',
      where,
      got: 'bytes that are not UTF-8',
      expected: 'UTF-8',
      hint,
      cause,
    })
  }
}

/**
 * Splits a text into rows of fields. Empty lines are left out but counted.
 *
 * @param where the file's name, for messages
 * @throws HandfulError naming the row of a misplaced or open quote, or of a row with another number of fields
 */
export function parseCsv(text: string, where: string): CsvRow[] {
  const rows: CsvRow[] = []
  const keep = (fields: string[], { records, empty_lines }: Info): null => {
    if (fields.length > 1 || fields[0] !== '') rows.push({ number: records + empty_lines, fields })
    return null
  }
  try {
    parse(text, {
      bom: true,
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
  const wrong = rows.find(({ fields }) => fields.length !== rows[0].fields.length)
  if (wrong === undefined) return rows
  throw new HandfulError({
    what: 'fields',
    where: `${where} row ${wrong.number}`,
    got: `${wrong.fields.length}`,
    expected: `${rows[0].fields.length}, as in the header`,
    hint: 'put a field that holds a comma in double quotes',
  })
}

function quoteFault({ code, message }: CsvError): string {
  if (code === 'INVALID_OPENING_QUOTE') return 'a quote inside a field that does not begin with one'
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote that is never closed'
  const after = /got (".*?") at line/s.exec(message)
  return after === null ? printable(message) : `${printable(after[1])} after a closing quote`
}
