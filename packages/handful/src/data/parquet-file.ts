/**
 * Reading a Parquet file by row groups with hyparquet. The file is untrusted: the sizes that it claims are checked against
 * limits before anything is allocated from them, and whatever goes wrong inside the reader is one line for the user.
 */

import { open, stat } from 'node:fs/promises'
import * as zlib from 'node:zlib'
import { decompress as unzstd } from 'fzstd'
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  snappyUncompress,
  type AsyncBuffer,
  type CompressionCodec,
  type Compressors,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'

/** Of one column in one row group, compressed or not: what is in memory at once. */
const LIMIT_GROUP_BYTES = 2 ** 30
const LIMIT_METADATA_BYTES = 256 * 2 ** 20
export const LIMIT_ROWS = 10_000_000

export interface ParquetFile {
  readonly path: string
  readonly metadata: FileMetaData
  readonly columns: readonly SchemaTree[]
  readonly file: AsyncBuffer
  readonly groups: readonly RowGroupPlace[]
}

export interface RowGroupPlace {
  readonly firstRow: number
  readonly rows: number
}

/**
 * Reads what stands at the end of a file: its columns and row groups.
 *
 * @throws HandfulError if the file is damaged, cut short, or claims too many rows
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  const file = await fileBuffer(path)
  const metadata = await guarded(path, () => {
    if (file.byteLength < 12) throw new Error('too short')
    return parquetMetadataAsync(file, { geoparquet: false })
  })
  return guarded(path, () => {
    const groups: RowGroupPlace[] = []
    let firstRow = 0
    for (const { num_rows: claimed } of metadata.row_groups) {
      const rows = Number(claimed)
      if (!(rows >= 0)) throw new Error(`a row group of ${rows} rows`)
      groups.push({ firstRow, rows })
      firstRow += rows
    }
    if (firstRow > LIMIT_ROWS) {
      throw new HandfulError({
        what: 'Parquet rows',
        where: printable(path),
        got: firstRow.toLocaleString('en-US'),
        expected: `at most ${LIMIT_ROWS.toLocaleString('en-US')}`,
      })
    }
    return Promise.resolve({ path, metadata, columns: parquetSchema(metadata).children, file, groups })
  })
}

/**
 * One column of a row group: a value for every row, null where it has none. Binary values stay bytes.
 *
 * @param inner of a column of structs, the only field that is read
 * @throws HandfulError if the file is damaged, too large in memory, or compressed in a way that is not read
 */
export async function readParquetColumn(
  parquet: ParquetFile,
  { firstRow, rows }: RowGroupPlace,
  column: string,
  inner?: string,
): Promise<unknown[]> {
  if (rows === 0) return []
  const { path, file } = parquet
  const metadata = inner === undefined ? parquet.metadata : withField(parquet.metadata, column, inner)
  checkChunks(
    path,
    metadata,
    parquet.groups.findIndex((group) => group.firstRow === firstRow && group.rows === rows),
    column,
  )
  const values = await guarded(path, async () => {
    const found = await parquetReadObjects({
      file,
      metadata,
      columns: [column],
      rowStart: firstRow,
      rowEnd: firstRow + rows,
      compressors,
      utf8: false,
      geoparquet: false,
    })
    if (found.length !== rows) throw new Error(`${found.length} of ${rows} rows`)
    return found
  })
  return values.map((row): unknown => row[column])
}

/** Metadata in which a column of structs has one field: the others are then not read, however large they are. */
function withField(metadata: FileMetaData, column: string, field: string): FileMetaData {
  const { schema } = metadata
  const top = parquetSchema(metadata).children.find(({ element }) => element.name === column)
  const at = schema.findIndex((element) => element === top?.element)
  const children = schema[at]?.num_children ?? 0
  const fields = schema.slice(at + 1, at + 1 + children)
  return {
    ...metadata,
    schema: [
      ...schema.slice(0, at),
      { ...schema[at], num_children: 1 },
      ...fields.filter(({ name }) => name === field),
      ...schema.slice(at + 1 + children),
    ],
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.filter(({ meta_data: meta }) => {
        const parts = meta?.path_in_schema ?? []
        return parts[0] !== column || parts[1] === field
      }),
    })),
  }
}

function checkChunks(path: string, metadata: FileMetaData, group: number, column: string): void {
  for (const { meta_data: meta } of metadata.row_groups[group]?.columns ?? []) {
    if (meta?.path_in_schema[0] !== column) continue
    if (!READABLE_CODECS.has(meta.codec)) {
      throw new HandfulError({
        what: 'Parquet compression',
        where: `${printable(path)} column ${printable(column)}`,
        got: meta.codec,
        expected: [...READABLE_CODECS].join(', '),
        hint: "write the file again with compression 'snappy'",
      })
    }
    const bytes = Math.max(Number(meta.total_uncompressed_size), Number(meta.total_compressed_size))
    if (bytes <= LIMIT_GROUP_BYTES) continue
    throw new HandfulError({
      what: 'Parquet row group',
      where: `${printable(path)} column ${printable(column)}`,
      got: `${(bytes / 2 ** 30).toFixed(1)} GiB`,
      expected: 'at most 1 GiB, as a row group is in memory whole',
      hint: 'write the file again with smaller row groups, such as 1,000 rows',
    })
  }
}

const unpackers: Partial<Record<CompressionCodec, (input: Uint8Array, bytes: number) => Uint8Array>> = {
  SNAPPY: (input, bytes) => {
    const output = new Uint8Array(bytes)
    snappyUncompress(input, output)
    return output
  },
  GZIP: (input, maxOutputLength) => zlib.gunzipSync(input, { maxOutputLength }),
  BROTLI: (input, maxOutputLength) => zlib.brotliDecompressSync(input, { maxOutputLength }),
  // Node's own is there from 22.15 on.
  ZSTD: (input, bytes) => unzstd(input, new Uint8Array(bytes)),
}

const READABLE_CODECS: ReadonlySet<string> = new Set(['UNCOMPRESSED', ...Object.keys(unpackers)])

/** Each page claims its size, which the limits of its row group bound. */
const compressors: Compressors = Object.fromEntries(
  Object.entries(unpackers).map(([codec, unpack]) => [
    codec,
    (input: Uint8Array, bytes: number): Uint8Array => {
      if (!(bytes >= 0 && bytes <= LIMIT_GROUP_BYTES)) throw new Error(`a page of ${bytes} bytes`)
      return bytes === 0 ? new Uint8Array() : unpack(input, bytes)
    },
  ]),
)

async function fileBuffer(path: string): Promise<AsyncBuffer> {
  let byteLength: number
  try {
    byteLength = (await stat(path)).size
  } catch (error) {
    throw systemError('Parquet file', path, error)
  }
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = end - start
      if (!(start >= 0 && end <= byteLength && bytes >= 0)) throw new Error('a place outside the file')
      if (bytes > LIMIT_GROUP_BYTES + LIMIT_METADATA_BYTES) throw new Error(`a part of ${bytes} bytes`)
      const handle = await open(path, 'r')
      try {
        const part = new Uint8Array(bytes)
        for (let at = 0; at < bytes;) {
          const { bytesRead } = await handle.read(part, at, bytes - at, start + at)
          if (bytesRead === 0) throw new Error('a place outside the file')
          at += bytesRead
        }
        return part.buffer
      } finally {
        await handle.close()
      }
    },
  }
}

/** Errors of the reader, which say little to a user, as one line. */
async function guarded<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof HandfulError) throw error
    if (systemCode(error) !== undefined) throw systemError('Parquet file', path, error)
    throw new HandfulError({
      what: 'Parquet file',
      where: printable(path),
      got: `a damaged or truncated file (${printable(error instanceof Error ? error.message : String(error))})`,
      expected: 'a whole Parquet file',
      hint: 'copy or download it again',
      cause: error,
    })
  }
}
