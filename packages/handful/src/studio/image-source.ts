/**
 * The images that the page shows: a folder's, an archive's or a table's, as `fit` would read them, by their positions in the
 * catalogue. Paths are sorted and stay as they are; nothing is decoded here.
 */
import { formatCount } from '../draw/format.js'
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { CollectionOptions, ImageCollection } from '../data/collection.js'
import type { ImageContent } from '../data/decode.js'
import { imageFormat, isReadable, unreadFormat } from '../data/image-format.js'
import type { SkippedFile } from '../data/image-set.js'
import { openCollection } from '../data/open-collection.js'
import { HandfulError, printable } from '../errors.js'
import type { NamedDecision } from '../labels/journal.js'
import { isImageName, NONE_OF_THESE } from '../names.js'
import { noteForThePage } from './page-words.js'

export interface KnownLabels {
  readonly classNames: readonly string[]
  readonly decisions: readonly NamedDecision[]
}

export interface ImageSource {
  /** Its full path. */
  readonly place: string
  /** Short, for headings. */
  readonly name: string
  /** Sorted by code units. */
  readonly paths: readonly string[]
  readonly skipped: readonly SkippedFile[]
  readonly notes: readonly string[]
  /** One line. */
  readonly understood: string | undefined
  /** What folders or a table say already. */
  readonly labels: KnownLabels
  /** Where the files are, for those of a folder. */
  readonly folder: string | undefined
  indexOf(path: string): number | undefined
  /** Reads the file of an image, as it is. @throws UnusableImage, or what the system says */
  load(image: number): Promise<LoadedImage>
  /** The side that training brings them to where none is asked for, in pixels; looks at a few of them. */
  usualSize(signal?: AbortSignal): Promise<number>
  /** Changes when the file does. */
  version(image: number): Promise<string>
}

export interface LoadedImage {
  readonly content: Buffer
  readonly frame?: number
}

/** Files that are no image by their name are looked into, as long as they are few. */
const MOST_LOOKED_INTO = 400

/** @throws HandfulError where there are no images */
export async function openImageSource(
  place: string,
  signal?: AbortSignal,
  onFound?: CollectionOptions['onFound'],
): Promise<ImageSource> {
  const full = await realpath(place).catch(() => path.resolve(place))
  const collection = await openCollection(full, signal, { onFound })
  const { files, notes, understood } = collection
  const other = await withoutImages(collection, signal)
  const kept = other.size === 0 ? files : files.filter((_, index) => !other.has(index))
  // Places in the collection, in the order of the catalogue: nothing else of its files is kept here.
  const shown = Uint32Array.from(
    files.flatMap(({ split }, index) => (split === 'train' && !other.has(index) ? [index] : [])),
  )
  if (shown.length === 0) {
    throw new HandfulError({
      what: 'images',
      where: printable(place),
      got: 'none',
      expected: 'a folder with images in it, or an archive of them',
      hint: 'PNG, JPEG, WebP, GIF, TIFF, AVIF, HEIC, BMP, PGM and PPM are read',
    })
  }
  shown.sort((a, b) => (files[a].path < files[b].path ? -1 : 1))
  const folder = (await stat(full)).isDirectory() ? full : undefined
  const reader = new ContentReader(collection, folder !== undefined)
  const paths = Array.from(shown, (index) => files[index].path)
  const places = new Map(paths.map((each, position) => [each, position]))
  const test = kept.length - shown.length
  return {
    place: full,
    name: path.basename(full) || full,
    paths,
    skipped: [
      ...collection.skipped,
      ...[...other].map(([index, reason]) => ({ path: files[index].path, reason })),
    ],
    notes: [
      ...notes.map(noteForThePage),
      ...(test > 0
        ? [
            `${formatCount(test)} ${test === 1 ? 'image of the test split is' : 'images of the test split are'} not shown, so that no label is chosen on them`,
          ]
        : []),
    ],
    understood: understood?.(kept),
    labels: knownLabels(
      Array.from(shown, (index) => files[index]),
      collection.shown,
    ),
    folder,
    indexOf: (each) => places.get(each),
    load: (image) => reader.load(shown[image]),
    async usualSize(signal) {
      const { chooseSize } = await import('../data/choose-size.js')
      return (await chooseSize(collection, 0, signal)).size
    },
    version: async (image) => {
      const file = folder === undefined ? full : path.join(folder, paths[image])
      // A name that is not UTF-8 is not found by its characters: it counts as never changed.
      const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }))
      return `${size} ${mtimeMs}`
    },
  }
}

function knownLabels(files: ImageCollection['files'], shown: ImageCollection['shown']): KnownLabels {
  const names = new Set<string>()
  const decisions = files.flatMap(({ path, label }): NamedDecision[] => {
    const seen = shown?.blind.has(path) ? 'blind' : shown?.accepted.has(path) ? 'accepted' : undefined
    if (label !== '') names.add(label)
    else if (seen !== 'blind') return []
    return [{ image: path, name: label === '' ? NONE_OF_THESE : label, seen }]
  })
  return { classNames: [...names].sort(), decisions }
}

/** Files that are no images, with the reason: a text beside them, a video. */
async function withoutImages(
  { files, contents }: ImageCollection,
  signal: AbortSignal | undefined,
): Promise<Map<number, string>> {
  const doubtful = files.flatMap(({ path }, index) => (isImageName(path) ? [] : [index]))
  const found = new Map<number, string>()
  // Names without endings are usual in some places, and then all of them are images.
  if (doubtful.length === 0 || doubtful.length > MOST_LOOKED_INTO) return found
  for await (const { index, load } of contents(doubtful, signal)) {
    const content = await load().catch(() => undefined)
    const bytes = Buffer.from(content ?? [])
    if (!isReadable(imageFormat(bytes))) found.set(index, unreadFormat(bytes))
  }
  return found
}

interface Waiting {
  readonly resolve: (loaded: LoadedImage) => void
  readonly reject: (error: unknown) => void
}

/** Reads contents by position: each by itself from a disk; from an archive, which is read from its start, those together that wait. */
class ContentReader {
  #waiting = new Map<number, Waiting[]>()
  #reading = false

  constructor(
    private readonly collection: Pick<ImageCollection, 'contents'>,
    private readonly eachByItself: boolean,
  ) {}

  async load(index: number): Promise<LoadedImage> {
    if (!this.eachByItself) {
      return new Promise((resolve, reject) => {
        this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), { resolve, reject }])
        if (!this.#reading) void this.#readTogether()
      })
    }
    for await (const content of this.collection.contents([index])) return loaded(content)
    throw gone()
  }

  async #readTogether(): Promise<void> {
    this.#reading = true
    while (this.#waiting.size > 0) {
      const batch = this.#waiting
      this.#waiting = new Map()
      try {
        for await (const content of this.collection.contents([...batch.keys()].sort((a, b) => a - b))) {
          const result = loaded(content)
          for (const { resolve, reject } of batch.get(content.index) ?? []) await result.then(resolve, reject)
          batch.delete(content.index)
        }
        for (const { reject } of [...batch.values()].flat()) reject(gone())
      } catch (error) {
        for (const { reject } of [...batch.values()].flat()) reject(error)
      }
    }
    this.#reading = false
  }
}

async function loaded({ load, frame }: ImageContent): Promise<LoadedImage> {
  const bytes = await load()
  return { content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), frame }
}

const gone = (): HandfulError =>
  new HandfulError({ what: 'image', got: 'nothing there any more', expected: 'the file as it was' })
