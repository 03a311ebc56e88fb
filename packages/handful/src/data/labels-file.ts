/**
 * Labels from `metadata.csv`, `metadata.jsonl`, `labels.csv` or `labels.jsonl`: `file_name,label` for a few images, as
 * in Hugging Face's imagefolder layout. A label belongs to the image's path relative to the file's folder. An empty
 * label means unlabelled. The columns of Handful's own predictions are let through, so an exported table with some
 * labels filled in can come back as it is. Whatever is unclear is an error that names the row.
 */

import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { HandfulError, printable, quoted, systemError } from '../errors.js'
import { decodeText, parseCsv } from '../files/csv.js'
import { listed } from './image-set.js'

/** In a folder, at most one of these. */
export const LABEL_FILES = ['metadata.csv', 'metadata.jsonl', 'labels.csv', 'labels.jsonl'] as const

const LIMIT_BYTES = 256 * 2 ** 20

/** Columns besides file_name and label: what predictions.ts writes. They are read over. */
const OWN_COLUMNS = ['predicted', 'probability', 'split', 'source'] as const
const COLUMNS: readonly string[] = ['file_name', 'label', ...OWN_COLUMNS]
const EXPECTED_COLUMNS = 'file_name,label'

export interface LabelRow {
  /** As a spreadsheet counts: 1 is the header of a CSV file or the first line of a JSONL file. */
  readonly row: number
  /** Relative to the labels file's folder, with `/`. */
  readonly path: string
  /** Empty where the image is unlabelled. */
  readonly label: string
}

const jsonRow = z.strictObject({
  file_name: z.string(),
  label: z.union([z.string(), z.number(), z.null()]).optional(),
  predicted: z.unknown().optional(),
  probability: z.unknown().optional(),
  split: z.unknown().optional(),
  source: z.unknown().optional(),
})

/**
 * Reads a labels file.
 *
 * @param file where it is @param name what to call it in messages
 * @throws HandfulError naming the row: unknown or missing columns, broken rows, a path outside the folder, two labels
 *   for one file
 */
export async function readLabelsFile(file: string, name: string): Promise<LabelRow[]> {
  return parseLabels(await readLimited(file, name), name)
}

/** The same for a content that is in memory already. */
export function parseLabels(content: Uint8Array, name: string): LabelRow[] {
  const text = decodeText(content, printable(name))
  const rows = name.endsWith('.jsonl') ? jsonlRows(text, printable(name)) : csvRows(text, printable(name))
  return withoutRepeats(rows, printable(name))
}

async function readLimited(file: string, name: string): Promise<Uint8Array> {
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

function csvRows(text: string, name: string): LabelRow[] {
  const rows = parseCsv(text, name)
  if (rows.length === 0) {
    throw new HandfulError({ what: 'labels file', where: name, got: 'nothing', expected: EXPECTED_COLUMNS })
  }
  const columns = rows[0].fields.map((field) => field.trim())
  checkColumns(columns, name)
  const pathColumn = columns.indexOf('file_name')
  const labelColumn = columns.indexOf('label')
  return rows.slice(1).map(({ number, fields }) => ({
    row: number,
    path: cleanPath(fields[pathColumn], `${name} row ${number}`),
    label: fields[labelColumn].trim(),
  }))
}

function checkColumns(columns: readonly string[], name: string): void {
  const where = `${name} row 1`
  if (columns.length === 1 && /[;\t]/.test(columns[0])) {
    throw new HandfulError({
      what: 'columns',
      where,
      got: quoted(columns[0]),
      expected: EXPECTED_COLUMNS,
      hint: 'save the file with commas between the fields',
    })
  }
  const repeated = columns.filter((column, index) => columns.indexOf(column) !== index)
  if (repeated.length > 0) {
    throw new HandfulError({
      what: 'columns',
      where,
      got: `${listed(repeated)} twice`,
      expected: 'each column once',
    })
  }
  const missing = ['file_name', 'label'].filter((column) => !columns.includes(column))
  if (missing.length > 0) {
    throw new HandfulError({
      what: 'columns',
      where,
      got: columns.map(printable).join(','),
      expected: EXPECTED_COLUMNS,
      hint: `the first row has to name the columns; add ${listed(missing)}`,
    })
  }
  const unknown = columns.filter((column) => !COLUMNS.includes(column))
  if (unknown.length > 0) {
    throw new HandfulError({
      what: unknown.length === 1 ? 'unknown column' : 'unknown columns',
      where,
      got: listed(unknown),
      expected: EXPECTED_COLUMNS,
      hint: 'remove what is not needed, so that no column is misread',
    })
  }
}

function jsonlRows(text: string, name: string): LabelRow[] {
  const rows: LabelRow[] = []
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return
    const where = `${name} row ${index + 1}`
    const parsed = jsonRow.safeParse(parseJson(line, where))
    if (!parsed.success) {
      throw new HandfulError({
        what: 'labels',
        where,
        got: parsed.error.issues.map(describeIssue).join(' and '),
        expected: '{"file_name": "...", "label": "..."}',
      })
    }
    const { file_name: path, label } = parsed.data
    rows.push({ row: index + 1, path: cleanPath(path, where), label: String(label ?? '').trim() })
  })
  return rows
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown ${listed(issue.keys)}`
  const place = issue.path.join('.')
  return place === '' ? 'no object' : `no usable ${quoted(place)}`
}

function parseJson(line: string, where: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new HandfulError({
      what: 'labels',
      where,
      got: 'a line that is not JSON',
      expected: 'one object on each line',
      cause,
    })
  }
}

/** Forward slashes, no leading `./`, nothing that leaves the folder. */
function cleanPath(path: string, where: string): string {
  const parts: string[] = []
  let outside = path.startsWith('/') || /^[a-z]:[\\/]/i.test(path)
  for (const part of path.trim().replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) outside = true
  }
  if (outside) {
    throw new HandfulError({
      what: 'file_name',
      where,
      got: quoted(path),
      expected: "a path relative to the labels file's folder, such as cats/7.png",
    })
  }
  if (parts.length === 0) {
    throw new HandfulError({ what: 'file_name', where, got: 'nothing', expected: 'the path of an image' })
  }
  return parts.join('/').normalize('NFC')
}

function withoutRepeats(rows: readonly LabelRow[], name: string): LabelRow[] {
  const seen = new Map<string, LabelRow>()
  for (const row of rows) {
    const first = seen.get(row.path)
    if (first === undefined) {
      seen.set(row.path, row)
      continue
    }
    const what = first.label === row.label ? 'duplicate row' : 'conflicting rows'
    throw new HandfulError({
      what,
      where: `${name} rows ${first.row} and ${row.row}`,
      got:
        first.label === row.label
          ? `${quoted(row.path)} twice`
          : `${quoted(row.path)} with the labels ${quoted(first.label)} and ${quoted(row.label)}`,
      expected: 'each file once',
      hint: 'remove one of the rows',
    })
  }
  return [...seen.values()]
}
