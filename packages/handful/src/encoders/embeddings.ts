/** A table of features made elsewhere, brought into the order of the images: what `--embeddings` gives. */
import path from 'node:path'
import { z } from 'zod'
import type { Originals } from '../data/originals.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { embeddingsError, type EmbeddingTable } from './embedding-table.js'
import { matchRows, unusedInWords } from './match-names.js'
import { readEmbeddings } from './read-embeddings.js'

export const embeddingsSchema = z.object({
  /** As tables and reports name it. */
  title: z.string().min(1),
  /** Numbers of a feature. */
  columns: z.int().positive(),
  /** Where columns have names of their own, which new tables have to have too. */
  columnNames: z.array(z.string()).optional(),
  /** How it was understood, in sentences. */
  notes: z.array(z.string()),
})

export type EmbeddingsDescription = z.infer<typeof embeddingsSchema>

export interface Embeddings {
  readonly description: EmbeddingsDescription
  /** Rows of each set of images. */
  readonly rows: readonly FeatureMatrix[]
}

/**
 * Reads a table for some sets of images, such as the splits of a data set.
 *
 * @throws HandfulError for a table that cannot be read, and for images without a row
 */
export async function openEmbeddings(file: string, sets: readonly Originals[]): Promise<Embeddings> {
  const table = await readEmbeddings(file)
  const { rows, notes, columnNames } = table
  const places = table.names === undefined ? rowsInOrder(file, table, sets) : rowsByName(file, table, sets)
  const images = sets.reduce((sum, { count }) => sum + count, 0)
  return {
    description: {
      title: path.basename(file).replace(/\.(parquet|npy|csv|tsv)$/i, '') || 'embeddings',
      columns: rows.columns,
      columnNames: columnNames && [...columnNames],
      notes: [...notes, ...unusedInWords(file, rows.rows, images)],
    },
    rows: places.map((own) => picked(rows, own)),
  }
}

function rowsByName(file: string, { names = [] }: EmbeddingTable, sets: readonly Originals[]): Int32Array[] {
  const all = sets.flatMap((set) => set.findByName((own) => [...own]))
  const found = matchRows(file, names, all)
  let first = 0
  return sets.map(({ count }) => found.subarray(first, (first += count)))
}

/** Rows in the order of all paths; images without files are in their own order, training before test. */
function rowsInOrder(file: string, { rows }: EmbeddingTable, sets: readonly Originals[]): Int32Array[] {
  const named = sets.flatMap((set, of) =>
    set.findByName((names) => names.map((name, place) => ({ name, of, place }))),
  )
  if (named.length !== rows.rows)
    throw embeddingsError(
      file,
      `${rows.rows} rows without names`,
      `${named.length}, one for each image`,
      'put the names beside it, one a line in <file>.txt',
    )
  if (sets.some(({ haveFiles }) => haveFiles)) named.sort((a, b) => (a.name < b.name ? -1 : 1))
  const places = sets.map(({ count }) => new Int32Array(count))
  named.forEach(({ of, place }, row) => void (places[of][place] = row))
  return places
}

function picked({ columns, data }: FeatureMatrix, rows: Int32Array): FeatureMatrix {
  const result = featureMatrix(rows.length, columns)
  for (const [i, row] of rows.entries())
    result.data.set(data.subarray(row * columns, (row + 1) * columns), i * columns)
  return result
}

/**
 * Rows for new images, which have to be of the kind that a classifier was fitted to.
 * @throws HandfulError as openEmbeddings, and for another number of columns or other names
 */
export async function newEmbeddings(
  file: string,
  images: Originals,
  { columns, columnNames }: EmbeddingsDescription,
): Promise<FeatureMatrix> {
  const { description, rows } = await openEmbeddings(file, [images])
  if (description.columns !== columns)
    throw embeddingsError(
      file,
      `${description.columns} numbers an image`,
      `${columns}, as the classifier was fitted to`,
    )
  const names = description.columnNames
  const other = names?.find((name, j) => columnNames !== undefined && name !== columnNames[j])
  if (other !== undefined)
    throw embeddingsError(
      file,
      `a column "${other}"`,
      'the columns that the classifier was fitted to, in their order',
    )
  return rows[0]
}
