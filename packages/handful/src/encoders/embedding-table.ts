/** A table of features made elsewhere: a row of numbers for each image, by its file name. */
import { HandfulError, printable, quoted } from '../errors.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'

export interface EmbeddingTable {
  /** File names, or undefined where rows are in the order of the images' paths. */
  readonly names?: readonly string[]
  readonly rows: FeatureMatrix
  /** Of columns that have names of their own. */
  readonly columnNames?: readonly string[]
  /** How it was understood, in sentences. */
  readonly notes: readonly string[]
}

export const embeddingsError = (
  where: string,
  got: string,
  expected: string,
  hint?: string,
  cause?: unknown,
): HandfulError =>
  new HandfulError({ what: 'embeddings', where: printable(where), got, expected, hint, cause })

/** Columns that name the image, the likeliest first. */
export const NAME_COLUMNS: readonly string[] = [
  'file_name',
  'filename',
  'file',
  'path',
  'filepath',
  'file_path',
  'image_path',
  'image',
  'img',
  'name',
  'image_name',
  'image_id',
  'id',
  'key',
  '',
]

/** Columns that are no part of a feature though they may be numbers. */
export const OTHER_COLUMNS: ReadonlySet<string> = new Set([
  '',
  'row',
  'index',
  'unnamed: 0',
  '__index_level_0__',
  'label',
  'labels',
  'class',
  'target',
  'split',
  'predicted',
  'probability',
  'source',
])

/** The column that names the image, by its name alone. */
export const nameColumnOf = (columns: readonly string[]): string | undefined => {
  const lower = columns.map((column) => column.trim().toLowerCase())
  const found = NAME_COLUMNS.find((name) => lower.includes(name))
  return found === undefined ? undefined : columns[lower.indexOf(found)]
}

/** Of columns that hold vectors, the one that is meant. */
export function vectorColumnOf(
  where: string,
  columns: readonly string[],
  numeric: readonly string[],
): string | undefined {
  if (columns.length <= 1) return columns[0]
  const likely = columns.filter((column) => /embed|feature|vector|repr/i.test(column))
  if (likely.length === 1) return likely[0]
  throw embeddingsError(
    where,
    `several columns of vectors: ${columns.map(quoted).join(', ')}${numeric.length > 0 ? ', and numbers' : ''}`,
    'one of them',
    'call the one that is meant "embedding"',
  )
}

/** Rows that come one after the other, all of one width. */
export class RowCollector {
  readonly #where: string
  #blocks: Float32Array[] = []
  #columns = -1
  #rows = 0

  constructor(where: string) {
    this.#where = where
  }

  get rows(): number {
    return this.#rows
  }

  /** @throws HandfulError for a row of another width or with a number that is not finite */
  add(row: ArrayLike<number>, name: string): void {
    if (this.#columns < 0) this.#columns = row.length
    if (row.length !== this.#columns)
      throw embeddingsError(
        this.#where,
        `${row.length} numbers for ${quoted(name)}`,
        `${this.#columns}, as in the rows before it`,
      )
    if (row.length === 0)
      throw embeddingsError(this.#where, `no number for ${quoted(name)}`, 'a row of numbers for each image')
    const place = this.#rows % BLOCK_ROWS
    if (place === 0) this.#blocks.push(new Float32Array(BLOCK_ROWS * this.#columns))
    const block = this.#blocks[this.#blocks.length - 1]
    for (let j = 0; j < row.length; j++) {
      if (!Number.isFinite(row[j]))
        throw embeddingsError(
          this.#where,
          `${row[j]} for ${quoted(name)}, number ${j + 1}`,
          'finite numbers',
          'leave the image out, or compute its row again',
        )
      block[place * this.#columns + j] = row[j]
    }
    this.#rows++
  }

  /** @throws HandfulError where there was none */
  matrix(): FeatureMatrix {
    if (this.#rows === 0) throw embeddingsError(this.#where, 'no row', 'a row of numbers for each image')
    const result = featureMatrix(this.#rows, this.#columns)
    for (const [i, block] of this.#blocks.entries()) {
      const start = i * BLOCK_ROWS * this.#columns
      result.data.set(block.subarray(0, Math.min(block.length, result.data.length - start)), start)
    }
    this.#blocks = []
    return result
  }
}

const BLOCK_ROWS = 1024
