/**
 * Whatever images may be given as: a folder of them, a zip or tar archive, a Parquet file or a folder of these. What a file is,
 * its content decides, never its name.
 */

import { stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { isImageName } from '../names.js'
import { firstBytes } from '../files/first-bytes.js'
import { listAlternatives } from '../errors/suggest.js'
import {
  isTree,
  type CollectionFormat,
  type CollectionOptions,
  type FileTree,
  type ImageCollection,
} from './collection.js'
import { diskTree, treeCollection } from './file-tree.js'
import { inFrames, treeInFrames } from './frames.js'
import type { SkippedFile } from './image-set.js'
import { isLabelsFile } from './labels-file.js'
import { className } from './layout.js'
import { withoutOwnFolders } from './own-folders.js'
import { parquet, parquetCollection } from './parquet.js'
import { packedTars, tar } from './tar.js'
import { zip } from './zip.js'

/** What images can be packed into: one file each, one line here. */
const FORMATS: readonly CollectionFormat[] = [parquet, ...packedTars, tar, zip]

/** What a path leads to: a folder, a file of one of the formats, or a file that holds no collection, such as one image. */
type Source = { readonly kind: 'folder' } | { readonly kind: 'file'; readonly format?: CollectionFormat }

/**
 * Lists the images of a folder, an archive or a table without decoding any.
 *
 * @throws HandfulError if there is nothing of the kind, or it cannot be read as meant
 */
export async function openCollection(
  place: string,
  signal?: AbortSignal,
  options: CollectionOptions = {},
): Promise<ImageCollection> {
  const opened = await openPlace(place, signal, options)
  const found = isTree(opened)
    ? await treeCollection(opened, options, signal)
    : await inFrames(opened, options, signal)
  // A class is one, whichever way its accents are stored.
  const files = found.files.map((file) => {
    const label = className(file.label)
    return label === file.label ? file : { ...file, label }
  })
  return { ...found, files }
}

async function openPlace(
  place: string,
  signal?: AbortSignal,
  { fileColumn, labelColumn, onFound }: CollectionOptions = {},
): Promise<FileTree | ImageCollection> {
  const source = await sourceOf(place)
  if (source.kind === 'folder') {
    const tree = await diskTree(place, signal, onFound)
    const files = shardsOf(tree)
    return files === undefined
      ? tree
      : parquetCollection(place, {
          files,
          skipped: tree.listing.skipped,
          signal,
          fileColumn,
          labelColumn,
        })
  }
  if (source.format !== undefined)
    return source.format.open(place, signal, { fileColumn, labelColumn, onFound })
  const wordsOf = (kind: CollectionFormat['kind']): string =>
    listAlternatives(FORMATS.flatMap((format) => (format.kind === kind ? format.words : [])).sort())
  throw new HandfulError({
    what: 'images',
    where: printable(place),
    got: 'a file of another kind',
    expected: `a folder of images, a ${wordsOf('archive')} of one, or ${wordsOf('table')}`,
    hint: /\.(7z|rar|tar\.\w+|gz|bz2|lzma|lz4?|z)$/i.test(place) ? 'unpack it first' : 'check the path',
  })
}

/** The images of a folder, an archive or a table, whatever their folders are called and whether labelled or not. */
export interface ImagePaths {
  readonly paths: readonly string[]
  readonly skipped: readonly SkippedFile[]
  /** As in ImageCollection. */
  readonly contents: ImageCollection['contents']
}

/**
 * Lists images to classify: a folder's layout says nothing about them, and labels files are passed over.
 *
 * @throws HandfulError as openCollection
 */
export async function openImagePaths(
  place: string,
  signal?: AbortSignal,
  { frames, onFound }: Pick<CollectionOptions, 'frames' | 'onFound'> = {},
): Promise<ImagePaths> {
  const opened = await openPlace(place, signal, { onFound })
  if (!isTree(opened)) return pathsOf(await inFrames(opened, { frames }, signal))
  const { listing } = withoutOwnFolders(place, opened.listing)
  const tree = await treeInFrames({ ...opened, listing }, { frames }, signal)
  const { files, skipped } = tree.listing
  const paths = files.filter((path) => !isLabelsFile(posix.basename(path)))
  return {
    paths,
    skipped,
    async *contents(indices, own) {
      for await (const content of tree.contents(
        indices.map((index) => paths[index]),
        own,
      )) {
        yield { ...content, index: indices[content.index] }
      }
    },
  }
}

function pathsOf({ files, skipped, contents }: ImageCollection): ImagePaths {
  return { paths: files.map(({ path }) => path), skipped, contents }
}

/** Whether a path leads to a folder, an archive or a table of images rather than to a single one. */
export async function holdsCollection(place: string): Promise<boolean> {
  const source = await sourceOf(place)
  return source.kind === 'folder' || source.format !== undefined
}

async function sourceOf(place: string): Promise<Source> {
  try {
    const kind = await stat(place)
    if (kind.isDirectory()) return { kind: 'folder' }
    if (!kind.isFile()) return { kind: 'file' }
    const start = await firstBytes(place, 512)
    return { kind: 'file', format: FORMATS.find(({ recognises }) => recognises(start)) }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('images', place, error)
    throw new HandfulError({
      what: 'image folder',
      where: printable(place),
      got: 'nothing there',
      expected: 'a folder of images, an archive or a Parquet file',
      hint: 'check the path',
      cause: error,
    })
  }
}

/** The Parquet files of a folder, where there are some and no images. */
function shardsOf({ listing: { files } }: FileTree): readonly string[] | undefined {
  if (files.some((path) => isImageName(path))) return undefined
  const tables = files.filter((path) => /\.parquet$/i.test(path))
  return tables.length === 0 ? undefined : tables
}
