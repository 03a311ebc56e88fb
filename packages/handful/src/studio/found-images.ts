/** The first images of a folder, to be looked at while the rest of it is still gone through. */
import { statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { FoundSoFar } from '../data/walk.js'
import { isImageName } from '../names.js'
import type { StudioState } from './protocol.js'
import type { Served } from './routes.js'
import { NoThumbnail, Thumbnails } from './thumbnails.js'

/** A screenful, and few enough that making them keeps nobody waiting. */
const MOST_SHOWN = 60

export class FoundImages {
  readonly #paths: string[] = []
  readonly #cache: string
  #thumbnails: Thumbnails | undefined
  #isFolder: boolean | undefined
  #looked = 0
  #skipped = 0
  #closed = false

  /** @param cache where thumbnails are kept */
  constructor(cache: string) {
    this.#cache = cache
  }

  /** @param place a folder; the files of an archive are counted, not shown: it is read to its end first */
  take(place: string, { files, skipped }: FoundSoFar): void {
    this.#isFolder ??= statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false
    while (this.#looked < files.length && this.#paths.length < MOST_SHOWN) {
      const file = files[this.#looked++]
      if (isImageName(file)) this.#paths.push(file)
    }
    this.#looked = files.length
    this.#skipped = skipped.length
    if (this.#isFolder && this.#paths.length > 0 && !this.#closed)
      this.#thumbnails ??= this.#thumbnailsOf(place)
  }

  get count(): NonNullable<StudioState['reading']> {
    const found = this.#thumbnails === undefined ? 0 : this.#paths.length
    return { done: this.#looked, total: 0, skipped: this.#skipped, found }
  }

  async thumbnail(index: number): Promise<Served | undefined> {
    if (this.#thumbnails === undefined || index >= this.#paths.length) return undefined
    try {
      const { body, etag } = await this.#thumbnails.of(index)
      return { body, etag, type: 'image/webp', maxAge: 0 }
    } catch (error) {
      if (error instanceof NoThumbnail) return undefined
      throw error
    }
  }

  close(): void {
    this.#closed = true
    void this.#thumbnails?.close()
    this.#thumbnails = undefined
  }

  #thumbnailsOf(place: string): Thumbnails {
    const file = (image: number): string => path.join(place, this.#paths[image])
    const source = {
      place,
      paths: this.#paths,
      version: async (image: number) => {
        const { size, mtimeMs } = await stat(file(image)).catch(() => ({ size: 0, mtimeMs: 0 }))
        return `${size} ${mtimeMs}`
      },
      load: async (image: number) => ({ content: await readFile(file(image)) }),
    }
    return new Thumbnails(source, this.#cache)
  }
}
