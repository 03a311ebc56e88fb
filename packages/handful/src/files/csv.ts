/**
 * CSV as RFC 4180 defines it, read strictly and written so that every reader agrees: comma, double quotes, quotes
 * doubled inside quotes, CRLF or LF, an optional byte order mark. No guessing: a broken quote or a row of another
 * length is an error that names the row, counted as spreadsheets do, the header being row 1.
 */

import { HandfulError, printable, quoted } from '../errors.js'

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
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  for (let number = 1; at < text.length; number++) {
    const fields: string[] = []
    let end = false
    while (!end) {
      const [field, next] =
        text[at] === '"' ? quotedField(text, at, number, where) : bareField(text, at, number, where)
      fields.push(field)
      end = text[next] !== ','
      at = next + 1
      if (end && text[next] === '\r' && text[next + 1] === '\n') at = next + 2
    }
    if (fields.length === 1 && fields[0] === '') continue
    if (rows.length > 0 && fields.length !== rows[0].fields.length) {
      throw new HandfulError({
        what: 'fields',
        where: `${where} row ${number}`,
        got: `${fields.length}`,
        expected: `${rows[0].fields.length}, as in the header`,
        hint: 'put a field that holds a comma in double quotes',
      })
    }
    rows.push({ number, fields })
  }
  return rows
}

/** Reads up to the next comma or line end; returns the field and the position of what ended it. */
function bareField(text: string, start: number, row: number, where: string): [string, number] {
  let at = start
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') {
    if (text[at] === '"') throw quoteError(where, row, 'a quote inside a field that does not begin with one')
    at++
  }
  return [text.slice(start, at), at]
}

function quotedField(text: string, start: number, row: number, where: string): [string, number] {
  let field = ''
  let from = start + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote < 0) throw quoteError(where, row, 'a quote that is never closed')
    field += text.slice(from, quote)
    if (text[quote + 1] !== '"') {
      const after = text[quote + 1]
      if (after !== undefined && after !== ',' && after !== '\n' && after !== '\r') {
        throw quoteError(where, row, `${quoted(after)} after a closing quote`)
      }
      return [field, quote + 1]
    }
    field += '"'
    from = quote + 2
  }
}

function quoteError(where: string, row: number, got: string): HandfulError {
  return new HandfulError({
    what: 'CSV quoting',
    where: `${printable(where)} row ${row}`,
    got,
    expected: 'fields in double quotes with "" for a quote inside',
  })
}

/** One row with its line end, quoted where needed. */
export function formatCsvRow(fields: readonly string[]): string {
  return `${fields.map(formatField).join(',')}\r\n`
}

function formatField(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
