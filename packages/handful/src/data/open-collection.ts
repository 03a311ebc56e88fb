/**
 * Whatever images may be given as: a folder of them, a tar archive, a Parquet file or a folder of these. What a file is,
 * its content decides, never its name.
 */

import { open, stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import type { ImageCollection } from './collection.js'
import { diskTree, treeCollection, type FileTree } from './file-tree.js'
import type { SkippedFile } from './image-set.js'
import { LABEL_FILES } from './labels-file.js'
import { parquetCollection } from './parquet.js'
import { tarTree } from './tar.js'

export type SourceForm = 'folder' | 'tar' | 'tar.gz' | 'parquet'

/**
 * Lists the images of a folder, an archive or a table without decoding any.
 *
 * @throws HandfulError if there is nothing of the kind, or it cannot be read as meant
 */
export async function openCollection(place: string, signal?: AbortSignal): Promise<ImageCollection> {
  const form = await sourceForm(place)
  switch (form) {
    case 'folder': {
      const tree = await diskTree(place, signal)
      const files = shardsOf(tree)
      if (files === undefined) return treeCollection(tree)
      return parquetCollection(place, { files, skipped: tree.listing.skipped, signal })
    }
    case 'parquet':
      return parquetCollection(place, { signal })
    case 'tar':
    case 'tar.gz':
      return treeCollection(await tarTree(place, { gzip: form === 'tar.gz', signal }))
    case undefined:
      throw new HandfulError({
        what: 'images',
        where: printable(place),
        got: 'a file of another kind',
        expected: 'a folder of images, a .tar or .tar.gz of one, or a Parquet file',
        hint: /\.(zip|7z|rar|tar\.\w+|txz|tbz2?)$/i.test(place) ? 'unpack it first' : 'check the path',
      })
  }
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
export async function openImagePaths(place: string, signal?: AbortSignal): Promise<ImagePaths> {
  const form = await sourceForm(place)
  if (form === 'parquet') return pathsOf(await parquetCollection(place, { signal }))
  const tree =
    form === 'tar' || form === 'tar.gz'
      ? await tarTree(place, { gzip: form === 'tar.gz', signal })
      : await diskTree(place, signal)
  const { files, skipped } = tree.listing
  const shards = shardsOf(tree)
  if (form === 'folder' && shards !== undefined) {
    return pathsOf(await parquetCollection(place, { files: shards, skipped, signal }))
  }
  const paths = files.filter((path) => !LABEL_FILES.some((name) => name === posix.basename(path)))
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

/** What a path leads to; undefined for a file that holds no collection of images, such as a single image. */
export async function sourceForm(place: string): Promise<SourceForm | undefined> {
  try {
    const kind = await stat(place)
    if (kind.isDirectory()) return 'folder'
    if (!kind.isFile()) return undefined
    return fileForm(await firstBytes(place))
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

/** The magic numbers of Parquet, of gzip and, 257 bytes into its first header, of tar. */
function fileForm(start: Buffer): SourceForm | undefined {
  if (start.toString('latin1', 0, 4) === 'PAR1') return 'parquet'
  if (start[0] === 0x1f && start[1] === 0x8b) return 'tar.gz'
  return start.toString('latin1', 257, 262) === 'ustar' ? 'tar' : undefined
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const IMAGE_NAME = /\.(png|jpe?g|webp|gif|tiff?|avif)$/i

/** The Parquet files of a folder, where there are some and no images. */
function shardsOf({ listing: { files } }: FileTree): readonly string[] | undefined {
  if (files.some((path) => IMAGE_NAME.test(path))) return undefined
  const tables = files.filter((path) => /\.parquet$/i.test(path))
  return tables.length === 0 ? undefined : tables
}
