/**
 * Which columns of a Parquet file hold the images and the labels, as Hugging Face's datasets writes them: the features
 * stand as JSON in the key "huggingface", images are structs {bytes, path} or plain binary, classes are numbers whose
 * names stand among the features. Without that key the columns are known by their names.
 */

import type { SchemaTree } from 'hyparquet'
import { z } from 'zod'
import { HandfulError, printable, quoted, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { listed } from './image-set.js'
import type { ColumnChoice } from './label-columns.js'
import type { ParquetFile } from './parquet-file.js'

export interface ImageColumns {
  readonly image: string
  /** Whether images are structs with `bytes`, rather than bytes. */
  readonly isStruct: boolean
  /** Whether the structs have a `path`. */
  readonly hasPath: boolean
  readonly label?: string
  /** By number, where the file names its classes. */
  readonly classNames?: readonly string[]
}

const IMAGE_NAMES = ['image', 'img', 'images', 'picture', 'photo']
/** Of CIFAR-100's two levels the fine one counts, as in its binary form. */
const LABEL_NAMES = ['label', 'labels', 'fine_label', 'class', 'target']

const featureSchema = z.looseObject({ _type: z.string().optional(), names: z.array(z.string()).optional() })
const metadataSchema = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) })

type Features = Readonly<Record<string, z.infer<typeof featureSchema>>>

/** @throws HandfulError if there is no column of images, or several that might be meant */
export function imageColumns(parquet: ParquetFile, choice: ColumnChoice = {}): ImageColumns {
  const features = readFeatures(parquet)
  const image = named(parquet, choice.fileColumn, '--file-column') ?? imageColumn(parquet, features)
  if (!holdsBytes(image)) throw withoutBytes(parquet, image)
  const fields = image.children.map(({ element }) => element.name)
  const label =
    named(parquet, choice.labelColumn, '--label-column')?.element.name ??
    labelColumn(parquet, features, image.element.name)
  return {
    image: image.element.name,
    isStruct: fields.length > 0,
    hasPath: fields.includes('path'),
    label,
    classNames: label === undefined ? undefined : features[label]?.names,
  }
}

function imageColumn({ path, columns }: ParquetFile, features: Features): SchemaTree {
  const marked = columns.filter(({ element }) => features[element.name]?._type === 'Image')
  const candidates = marked.length > 0 ? marked : columns.filter(holdsBytes)
  const named = IMAGE_NAMES.map((name) => candidates.find(({ element }) => element.name === name))
  const found =
    named.find((column) => column !== undefined) ?? (candidates.length === 1 ? candidates[0] : undefined)
  const names = columns.map(({ element }) => element.name)
  if (found !== undefined && holdsBytes(found)) return found
  const several = candidates.length > 1 && found === undefined
  throw new HandfulError({
    what: 'Parquet columns',
    where: printable(path),
    got: several
      ? `several columns of bytes, ${listed(candidates.map(({ element }) => element.name))}`
      : found === undefined
        ? names.map(printable).join(', ') || 'none'
        : `${quoted(found.element.name)} without the bytes of images`,
    expected: 'a column "image" of encoded images, as binary or as {bytes, path}',
    hint: several ? 'rename the one that is meant to image' : undefined,
  })
}

/** The column that the user named. */
function named(
  { path, columns }: ParquetFile,
  asked: string | undefined,
  flag: string,
): SchemaTree | undefined {
  if (asked === undefined) return undefined
  const found = columns.find(({ element }) => element.name === asked)
  if (found !== undefined) return found
  const names = columns.map(({ element }) => element.name)
  const near = closest(asked, names)
  throw usageError({
    what: flag,
    where: printable(path),
    got: quoted(asked),
    expected: `one of ${names.map(printable).join(', ')}`,
    hint: near === undefined ? undefined : `did you mean ${printable(near)}?`,
  })
}

function withoutBytes({ path }: ParquetFile, { element }: SchemaTree): HandfulError {
  return new HandfulError({
    what: 'Parquet columns',
    where: printable(path),
    got: `${quoted(element.name)} without the bytes of images`,
    expected: 'a column "image" of encoded images, as binary or as {bytes, path}',
  })
}

function holdsBytes({ element, children }: SchemaTree): boolean {
  const isBinary = (one: SchemaTree['element']): boolean =>
    one.type === 'BYTE_ARRAY' &&
    one.repetition_type !== 'REPEATED' &&
    one.converted_type === undefined &&
    one.logical_type === undefined
  if (children.length === 0) return isBinary(element)
  const flat = children.every((child) => child.children.length === 0)
  return flat && children.some((child) => child.element.name === 'bytes' && isBinary(child.element))
}

function labelColumn({ path, columns }: ParquetFile, features: Features, image: string): string | undefined {
  const flat = columns.filter(
    ({ element, children }) =>
      children.length === 0 && element.name !== image && element.repetition_type !== 'REPEATED',
  )
  const names = flat.map(({ element }) => element.name)
  const named = LABEL_NAMES.find((name) => names.includes(name))
  if (named !== undefined) return named
  const classes = names.filter((name) => features[name]?._type === 'ClassLabel')
  if (classes.length < 2) return classes[0]
  throw new HandfulError({
    what: 'Parquet columns',
    where: printable(path),
    got: `several columns of classes, ${listed(classes)}`,
    expected: 'one column "label"',
    hint: 'rename the one that is meant to label',
  })
}

function readFeatures({ path, metadata }: ParquetFile): Features {
  const value = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value
  if (value === undefined) return {}
  let json: unknown
  try {
    json = JSON.parse(value)
  } catch (cause) {
    throw metadataError(path, 'no JSON', cause)
  }
  const parsed = metadataSchema.safeParse(json)
  if (!parsed.success) throw metadataError(path, 'no features', parsed.error)
  return Object.fromEntries(
    Object.entries(parsed.data.info.features).map(([name, feature]) => [
      name,
      featureSchema.safeParse(feature).data ?? {},
    ]),
  )
}

function metadataError(path: string, got: string, cause: unknown): HandfulError {
  return new HandfulError({
    what: 'Parquet metadata "huggingface"',
    where: printable(path),
    got,
    expected: '{"info": {"features": {...}}}',
    cause,
  })
}
