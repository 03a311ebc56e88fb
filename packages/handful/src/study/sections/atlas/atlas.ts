/**
 * A map that opens elsewhere: one Parquet file with features, map coordinates, neighbours, labels, predictions and pictures,
 * in the form that embedding-atlas reads as it is (and pandas, DuckDB and the Hugging Face viewers). Pictures have the
 * Hugging Face form, `struct<bytes, path>`. Row groups are made and written one after another, so memory stays bounded.
 */
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import sharp from 'sharp'
import { writeFileAtomic } from '../../../files/atomic.js'
import { type Images, imageAt } from '../../../data/image-set.js'
import { HandfulError, printable } from '../../../errors.js'
import { shellWord } from '../../../errors/shell.js'
import type { Neighbours } from '../../../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../../../numerics/matrix.js'
import { pause } from '../../../numerics/pause.js'

export interface AtlasPredictions {
  /** `[images]`, class indices. */
  readonly predicted: ArrayLike<number>
  /** `[images]`, of the predicted class, 0 to 1. */
  readonly probability: ArrayLike<number>
}

/** Images with features, places and predictions, as embedding-atlas shows them. */
export interface AtlasContent {
  readonly images: Images
  /** Split of each image, such as `train`. */
  readonly splits?: readonly string[]
  /** `[images, columns]` */
  readonly features: FeatureMatrix
  /** `[images, 2]` */
  readonly coordinates: FeatureMatrix
  readonly neighbours?: Neighbours
  /** `[images]`, -1 where unknown. */
  readonly labels?: ArrayLike<number>
  readonly predictions?: AtlasPredictions
  readonly classNames: readonly string[]
  /** Whether the images themselves go in. Default true. */
  readonly thumbnails?: boolean
  readonly signal?: AbortSignal
  /** Told of images written. */
  readonly onProgress?: (done: number, total: number) => void
}

const GROUP_ROWS = 1000

/** The words of the command that opens a file of `writeAtlas`: the columns that it has, so that nothing is computed again. */
export function atlasArguments(
  file: string,
  { thumbnails = true, neighbours }: Pick<AtlasContent, 'thumbnails' | 'neighbours'> = {},
): string[] {
  return [
    ...['embedding-atlas', file, '--x', 'x', '--y', 'y'],
    ...(neighbours === undefined ? [] : ['--neighbors', 'neighbors']),
    ...(thumbnails ? ['--image', 'image'] : []),
  ]
}

/** The same as a line for a shell. */
export const atlasCommand = (...given: Parameters<typeof atlasArguments>): string =>
  atlasArguments(...given)
    .map(shellWord)
    .join(' ')

/**
 * Writes the file, whole or not at all.
 * @throws HandfulError where the parts are not of as many images, or the file cannot be written
 */
export async function writeAtlas(path: string, content: AtlasContent): Promise<void> {
  checkRows(path, content)
  await writeFileAtomic(path, parquetChunks(content))
}

async function* parquetChunks(content: AtlasContent): AsyncGenerator<Uint8Array> {
  const { images, signal, onProgress } = content
  const columns = columnsOf(content)
  const bytes = new ByteWriter()
  const take = (): Uint8Array => {
    const chunk = bytes.getBytes().slice()
    bytes.index = 0
    return chunk
  }
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap((column) => column.schema),
  ]
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'handful' })
  const rest = pause()
  for (let start = 0; start < images.count; start += GROUP_ROWS) {
    signal?.throwIfAborted()
    const rows = Array.from({ length: Math.min(GROUP_ROWS, images.count - start) }, (_, i) => start + i)
    const columnData: ColumnSource[] = []
    for (const { name, value, plain } of columns) {
      await rest()
      const data: unknown[] = await Promise.all(rows.map((row) => value(row)))
      columnData.push({ name, data, ...(plain ? { encoding: 'PLAIN' as const, statistics: false } : {}) })
    }
    await writer.write({ columnData, rowGroupSize: GROUP_ROWS })
    yield take()
    onProgress?.(start + rows.length, images.count)
  }
  await writer.finish()
  yield take()
}

interface Column {
  readonly name: string
  readonly schema: readonly SchemaElement[]
  readonly value: (row: number) => unknown
  /** Numbers that hardly repeat, and bytes: a dictionary is of no use. */
  readonly plain?: boolean
}

function columnsOf(content: AtlasContent): Column[] {
  const { images, splits, features, coordinates, neighbours, labels, predictions, classNames } = content
  const named = (index: number): string | null => (index < 0 ? null : classNames[index])
  const columns: Column[] = [
    textColumn('file_name', (row) => images.paths[row]),
    numberColumn('x', (row) => coordinates.data[2 * row]),
    numberColumn('y', (row) => coordinates.data[2 * row + 1]),
  ]
  if (splits !== undefined) columns.push(textColumn('split', (row) => splits[row]))
  if (labels !== undefined) columns.push(textColumn('label', (row) => named(labels[row])))
  if (predictions !== undefined) {
    columns.push(
      textColumn('predicted', (row) => named(predictions.predicted[row])),
      numberColumn('probability', (row) => predictions.probability[row]),
    )
  }
  columns.push({
    name: 'features',
    schema: listOf('features', 'FLOAT'),
    value: (row) => [...features.data.subarray(row * features.columns, (row + 1) * features.columns)],
    plain: true,
  })
  if (neighbours !== undefined) columns.push(neighbourColumn(neighbours))
  if (content.thumbnails ?? true) columns.push(imageColumn(images))
  return columns
}

const textColumn = (name: string, value: Column['value']): Column => ({
  name,
  schema: [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }],
  value,
})

const numberColumn = (name: string, value: Column['value']): Column => ({
  name,
  schema: [{ name, type: 'FLOAT', repetition_type: 'OPTIONAL' }],
  value,
  plain: true,
})

/** A list in the three levels of Parquet's own convention. */
const listOf = (name: string, type: 'FLOAT' | 'INT32'): SchemaElement[] => [
  { name, converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  { name: 'element', type, repetition_type: 'OPTIONAL' },
]

/** `{ ids, distances }`, places of the rows in the file and cosine distances, as embedding-atlas's `--neighbors` wants them. */
function neighbourColumn({ k, indices, similarities }: Neighbours): Column {
  return {
    name: 'neighbors',
    schema: [
      { name: 'neighbors', num_children: 2, repetition_type: 'OPTIONAL' },
      ...listOf('ids', 'INT32'),
      ...listOf('distances', 'FLOAT'),
    ],
    value: (row) => ({
      ids: [...indices.subarray(row * k, (row + 1) * k)],
      distances: Array.from(similarities.subarray(row * k, (row + 1) * k), (cosine) =>
        Math.max(0, 1 - cosine),
      ),
    }),
    plain: true,
  }
}

function imageColumn(images: Images): Column {
  const { height, width, channels } = images
  return {
    name: 'image',
    schema: [
      { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ],
    value: async (row) => {
      const png = await sharp(imageAt(images, row), { raw: { height, width, channels } }).png().toBuffer()
      return { bytes: new Uint8Array(png), path: pngName(images.paths[row]) }
    },
    plain: true,
  }
}

/** The file's name with the ending of what is inside: readers go by it. */
const pngName = (path: string): string => `${path.replace(/\.[a-z0-9]{1,5}$/i, '')}.png`

function checkRows(
  path: string,
  { images, splits, features, coordinates, neighbours, labels, predictions }: AtlasContent,
): void {
  const counts = {
    splits: splits?.length,
    'rows of features': features.rows,
    coordinates: coordinates.rows,
    'rows of neighbours': neighbours?.rows,
    labels: labels?.length,
    predictions: predictions?.predicted.length,
    probabilities: predictions?.probability.length,
  }
  for (const [what, count] of Object.entries(counts)) {
    if (count === undefined || count === images.count) continue
    const expected = `${images.count}, one for each image`
    throw new HandfulError({ what, where: printable(path), got: String(count), expected })
  }
}
