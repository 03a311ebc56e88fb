/**
 * Parquet files of images as a collection: one file, or a folder of shards whose names tell the splits apart, such as
 * `data/train-00000-of-00002.parquet` and `data/test-00000-of-00001.parquet`. Images are read one row group at a time.
 */

import { basename, join, resolve } from 'node:path'
import { HandfulError, printable, quoted } from '../errors.js'
import type { CollectionFormat, ImageCollection, LabelledFile } from './collection.js'
import type { ImageContent } from './decode.js'
import { listed, type SkippedFile } from './image-set.js'
import { splitNamed, type Split } from './layout.js'
import type { ColumnChoice } from './label-columns.js'
import { UnusableImage } from './unusable-image.js'
import { imageColumns, type ImageColumns } from './parquet-columns.js'
import {
  LIMIT_ROWS,
  openParquet,
  readParquetColumn,
  type ParquetFile,
  type RowGroupPlace,
} from './parquet-file.js'

interface Shard {
  readonly parquet: ParquetFile
  readonly columns: ImageColumns
  readonly split: Split
}

/** A row group with the place of its first row in the collection. */
interface Part extends Shard {
  readonly group: RowGroupPlace
  readonly first: number
}

/**
 * @param place the file, or the folder that the files lie in
 * @param files paths relative to the folder; of a single file the split is not looked at
 * @throws HandfulError if a file is damaged, has no column of images, or labels of several kinds; if a shard is missing
 */
export async function parquetCollection(
  place: string,
  {
    files,
    skipped = [],
    signal,
    ...choice
  }: { files?: readonly string[]; skipped?: readonly SkippedFile[]; signal?: AbortSignal } & ColumnChoice,
): Promise<ImageCollection> {
  const notes: string[] = []
  const splits =
    files === undefined
      ? [{ path: place, split: 'train' as const }]
      : shardSplits(place, files, notes).map(({ path, split }) => ({ path: join(place, path), split }))
  const shards: Shard[] = []
  for (const { path, split } of splits) {
    signal?.throwIfAborted()
    const parquet = await openParquet(path)
    shards.push({ parquet, columns: imageColumns(parquet, choice), split })
  }
  checkClassNames(shards)
  if (shards.every(({ columns }) => columns.label === undefined))
    notes.push('no column "label": no image has a label')
  const { parts, labelled } = await readRows(place, shards, signal)
  return {
    name: basename(resolve(place)).replace(/\.parquet$/i, ''),
    place,
    files: labelled,
    skipped,
    notes,
    contents: (indices, own = signal) => contents(parts, labelled, indices, own),
  }
}

/** Splits as Hugging Face tells them: by a word in the file's name or a folder's. */
function shardSplits(
  place: string,
  files: readonly string[],
  notes: string[],
): { path: string; split: Split }[] {
  checkComplete(place, files)
  const named = files.map((path) => {
    const words = path.replace(/\.parquet$/i, '').split(/[^a-z]+/i)
    return { path, name: words.map(splitNamed).findLast((split) => split !== undefined) }
  })
  const has = (wanted: string): boolean => named.some(({ name }) => name === wanted)
  if (has('validation')) {
    notes.push(
      has('test')
        ? 'the validation split is left out: the test split is for scoring'
        : 'the validation split is held out for scoring',
    )
  }
  return named.flatMap(({ path, name }): { path: string; split: Split }[] => {
    if (name === 'test') return [{ path, split: 'test' }]
    if (name === 'validation') return has('test') ? [] : [{ path, split: 'test' }]
    if (name === undefined && has('train')) {
      notes.push(`${printable(path)} is left out: its name says no split, and others say train`)
      return []
    }
    return [{ path, split: 'train' }]
  })
}

/** Shards count themselves: `train-00001-of-00002`. */
function checkComplete(place: string, files: readonly string[]): void {
  const groups = new Map<string, { total: number; found: Set<number> }>()
  for (const path of files) {
    const match = /^(.*)-(\d{1,9})-of-(\d{1,9})\.parquet$/i.exec(path)
    if (match === null) continue
    const [, stem, number, total] = match
    const key = `${stem}-of-${total}`
    const group = groups.get(key) ?? { total: Number(total), found: new Set<number>() }
    group.found.add(Number(number))
    groups.set(key, group)
  }
  for (const [key, { total, found }] of groups) {
    if (found.size >= total) continue
    throw new HandfulError({
      what: 'Parquet files',
      where: printable(place),
      got: `${found.size} of ${total} files ${printable(key)}`,
      expected: 'all of them',
      hint: 'fetch the rest, or give one file alone',
    })
  }
}

function checkClassNames(shards: readonly Shard[]): void {
  const [first, ...others] = shards.filter(({ columns }) => columns.label !== undefined)
  const key = ({ columns }: Shard): string => JSON.stringify(columns.classNames ?? null)
  const different = others.find((shard) => key(shard) !== key(first))
  if (different === undefined) return
  throw new HandfulError({
    what: 'class names',
    where: printable(different.parquet.path),
    got: 'others',
    expected: `those of ${printable(first.parquet.path)}`,
  })
}

/** Labels and names of all rows; the images themselves are not touched. */
async function readRows(
  place: string,
  shards: readonly Shard[],
  signal: AbortSignal | undefined,
): Promise<{ parts: Part[]; labelled: LabelledFile[] }> {
  const parts: Part[] = []
  const labels: string[] = []
  const stored: string[] = []
  for (const shard of shards) {
    const { parquet, columns } = shard
    for (const group of parquet.groups) {
      signal?.throwIfAborted()
      parts.push({ ...shard, group, first: labels.length })
      if (labels.length + group.rows > LIMIT_ROWS) {
        const expected = `at most ${LIMIT_ROWS.toLocaleString('en-US')}`
        throw new HandfulError({ what: 'Parquet rows', where: printable(place), got: 'more', expected })
      }
      const values =
        columns.label === undefined ? undefined : await readParquetColumn(parquet, group, columns.label)
      const paths = columns.hasPath ? await readParquetColumn(parquet, group, columns.image, 'path') : []
      for (let row = 0; row < group.rows; row++) {
        labels.push(labelOf(values?.[row], columns, parquet.path, group.firstRow + row))
        stored.push(storedPath(paths[row]))
      }
    }
  }
  const splitOf = parts.flatMap(({ split, group }) => new Array<Split>(group.rows).fill(split))
  const paths =
    stored.every((path) => path !== '') && new Set(stored).size === stored.length ? stored : numbered(splitOf)
  const labelled = labels.map((label, row) => ({
    path: paths[row],
    split: splitOf[row],
    folderClass: '',
    label,
  }))
  if (labelled.length > 0) return { parts, labelled }
  throw new HandfulError({ what: 'Parquet rows', where: printable(place), got: 'none', expected: 'images' })
}

/** `train/00042`: the split and the row in it, where the table does not give every image a path of its own. */
function numbered(splits: readonly Split[]): string[] {
  const next = { train: 0, test: 0 }
  return splits.map((split) => `${split}/${String(next[split]++).padStart(5, '0')}`)
}

/** The `path` of an image, '' where it is none that stays inside a folder. */
function storedPath(value: unknown): string {
  const struct = typeof value === 'object' && value !== null && 'path' in value ? value.path : undefined
  if (typeof struct !== 'string' || struct.startsWith('/') || /^[a-z]:[\\/]/i.test(struct)) return ''
  const parts = struct.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? '' : parts.join('/')
}

/** A class name, '' for null, an empty text and -1, which Hugging Face writes where a test split hides its labels. */
function labelOf(
  value: unknown,
  { label = '', classNames }: ImageColumns,
  path: string,
  row: number,
): string {
  if (value === null || value === undefined) return ''
  const wrong = (got: string, expected: string): HandfulError =>
    new HandfulError({
      what: `Parquet column ${quoted(label)}`,
      where: `${printable(path)} row ${row}`,
      got,
      expected,
    })
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return new TextDecoder().decode(value).trim()
  const number = typeof value === 'bigint' ? Number(value) : value
  // Tables with gaps turn whole numbers into fractions with NaN.
  if (typeof number === 'number' && Number.isNaN(number)) return ''
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw wrong(typeof value === 'number' ? String(value) : 'no class', 'a whole number or a text')
  }
  if (classNames === undefined) return number === -1 ? '' : String(number)
  if (number === -1) return ''
  const name = classNames.at(number)
  if (number >= 0 && name !== undefined) return name
  throw wrong(
    String(number),
    `0 to ${classNames.length - 1}, the classes that the file names: ${listed(classNames)}`,
  )
}

async function* contents(
  parts: readonly Part[],
  files: readonly LabelledFile[],
  indices: readonly number[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageContent> {
  const wanted = new Set(indices)
  for (const { parquet, columns, group, first } of parts) {
    const rows = Array.from({ length: group.rows }, (_, row) => row).filter((row) => wanted.has(first + row))
    if (rows.length === 0) continue
    signal?.throwIfAborted()
    const values = await readParquetColumn(
      parquet,
      group,
      columns.image,
      columns.isStruct ? 'bytes' : undefined,
    )
    for (const row of rows) {
      const index = first + row
      yield { index, path: files[index].path, load: () => Promise.resolve(imageBytesOf(values[row])) }
    }
  }
}

function imageBytesOf(value: unknown): Uint8Array {
  const bytes = typeof value === 'object' && value !== null && 'bytes' in value ? value.bytes : value
  if (bytes instanceof Uint8Array) return bytes
  throw new UnusableImage('no image bytes in the table')
}

export const parquet: CollectionFormat = {
  name: 'parquet',
  kind: 'table',
  words: 'a Parquet file',
  recognises: (start) => start.toString('latin1', 0, 4) === 'PAR1',
  open: (place, signal, { fileColumn, labelColumn } = {}) =>
    parquetCollection(place, { signal, fileColumn, labelColumn }),
}
