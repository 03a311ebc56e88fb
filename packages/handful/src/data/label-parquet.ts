/** A Parquet file as a table of labels: its columns of text and numbers, read by row groups; others, such as images, are not read. */
import { printable } from '../errors.js'
import type { LabelTable } from './labels-file.js'
import { openParquet, readParquetColumn } from './parquet-file.js'

const SIMPLE = new Set<unknown>(['BYTE_ARRAY', 'INT32', 'INT64', 'FLOAT', 'DOUBLE', 'BOOLEAN'])

/**
 * @param file where it is @param name what to call it in messages
 * @throws HandfulError for a file that is damaged or too large in memory
 */
export async function readParquetLabels(file: string, name: string): Promise<LabelTable> {
  const parquet = await openParquet(file)
  const columns = parquet.columns
    .filter(({ children, element }) => children.length === 0 && SIMPLE.has(element.type))
    .filter(({ element }) => element.type !== 'BYTE_ARRAY' || isText(element))
    .map(({ element }) => element.name)
  const rows: LabelTable['rows'][number][] = []
  for (const group of parquet.groups) {
    const values = await Promise.all(columns.map((column) => readParquetColumn(parquet, group, column)))
    for (let i = 0; i < group.rows; i++) {
      rows.push({ row: rows.length + 1, fields: values.map((column) => fieldOf(column[i])) })
    }
  }
  return { name: printable(name), columns, rows }
}

const isText = ({
  converted_type: converted,
  logical_type: logical,
}: {
  readonly converted_type?: string
  readonly logical_type?: { readonly type: string }
}): boolean => converted === 'UTF8' || converted === 'ENUM' || logical?.type === 'STRING'

function fieldOf(value: unknown): string | null {
  if (value === null || value === undefined) return ''
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : null
}
