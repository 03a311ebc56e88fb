/** A file by its kind, as what counts in it: tensors, rows, pixels, text. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import {
  digest,
  normaliseJson,
  normalisePage,
  normaliseText,
  type Normaliser,
  pixelsOf,
} from './normalise.js'
import type { Category, Value } from './recording.js'

/** Longer texts are recorded by digests of so many lines each, so that a difference still has a place. */
const LONGEST_TEXT = 100_000
/** Pages are kept whole: where they differ, that has to be seen. */
const LONGEST_PAGE = 2_000_000
const LINES_TOGETHER = 500

export type Found = Partial<Record<Category, Value>>

export async function contentsOf(file: string, normaliser: Normaliser): Promise<Found> {
  const bytes = await readFile(file)
  const text = (): string => bytes.toString('utf8')
  switch (path.extname(file)) {
    case '.json':
      return jsonContents(JSON.parse(text()), path.basename(file), normaliser)
    case '.jsonl':
      return jsonContents(
        text()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as unknown),
        path.basename(file),
        normaliser,
      )
    case '.safetensors':
      return { numbers: tensorsOf(bytes), bytes: digest(bytes) }
    case '.png':
      return { numbers: await pixelsOf(bytes), bytes: digest(bytes) }
    case '.parquet':
      return { numbers: await rowsOf(bytes), bytes: digest(bytes) }
    case '.onnx':
      return { onnx: { bytes: bytes.length, sha256: digest(bytes) } }
    case '.svg':
      return { svg: linesOf(await normalisePage(text(), normaliser)) }
    case '.html':
    case '.md':
      return { pages: linesOf(await normalisePage(text(), normaliser), LONGEST_PAGE) }
    case '.csv':
    case '.yaml':
      return { numbers: linesOf(normaliseText(text(), normaliser)) }
    default:
      return { numbers: { bytes: bytes.length, sha256: digest(bytes) } }
  }
}

async function jsonContents(json: unknown, name: string, normaliser: Normaliser): Promise<Found> {
  const { value, keys } = await normaliseJson(
    name === 'manifest.json' ? withoutStates(json) : json,
    normaliser,
  )
  return Object.keys(keys).length > 0 ? { numbers: value, keys } : { numbers: value }
}

/** The digest of a checkpoint's state.json hangs on the key and the seconds in it, which are recorded with the file itself. */
function withoutStates(json: unknown): unknown {
  const { files, ...rest } = json as { files?: Record<string, unknown> }
  if (files === undefined) return json
  const kept = Object.entries(files).map(([name, about]) => [
    name,
    name.endsWith('.json') ? '<state>' : about,
  ])
  return { ...rest, files: Object.fromEntries(kept) as unknown }
}

/** Each tensor's type, shape and digest, and what is said beside them. */
function tensorsOf(bytes: Buffer): Value {
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, Tensor>
  return Object.fromEntries(
    Object.entries(header).map(([name, about]): [string, Value] => {
      if (name === '__metadata__') return [name, about as unknown as Value]
      const [begin, end] = about.data_offsets
      const data = bytes.subarray(8 + length + begin, 8 + length + end)
      return [name, `${about.dtype} [${about.shape.join(', ')}] ${digest(data)}`]
    }),
  )
}

interface Tensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** The first row, and a digest of each column. */
async function rowsOf(bytes: Buffer): Promise<Value> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const rows = await parquetReadObjects({ file })
  const columns = Object.keys(rows[0] ?? {})
  return {
    rows: rows.length,
    ...Object.fromEntries(
      columns.map((name) => [name, digest(plain(rows.map((row) => row[name] as unknown)))]),
    ),
  }
}

const plain = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner instanceof Uint8Array ? digest(inner) : inner,
  )

export function linesOf(text: string, longest = LONGEST_TEXT): Value {
  const lines = text.split('\n')
  if (text.length <= longest) return lines
  const parts: Record<string, Value> = {}
  for (let from = 0; from < lines.length; from += LINES_TOGETHER) {
    const some = lines.slice(from, from + LINES_TOGETHER)
    parts[`lines ${from + 1} to ${from + some.length}`] = digest(some.join('\n'))
  }
  return { first: lines.slice(0, 5), ...parts }
}
