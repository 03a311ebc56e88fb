/**
 * Thumbnails, made once and kept below the person's cache folder, named by the image's place, size and date. A few are made at a
 * time, those asked for last first: whoever scrolls wants what is on the screen now. Where nothing is asked for, what will be.
 */
import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeFolders } from '../files/atomic.js'
import { UnusableImage } from '../data/unusable-image.js'
import type { ImageSource } from './image-source.js'

/** Each is decoded by a thread of its own; one more than two cores take, so that none waits while files are read and written. */
const AT_A_TIME = 3
/** Those that wait longest go first when more are asked for. */
const MOST_WAITING = 600

export interface Thumbnail {
  readonly body: Uint8Array
  readonly etag: string
}

interface Job {
  readonly image: number
  readonly file: string
  readonly etag: string
  readonly settle: ((result: Thumbnail | Error) => void)[]
  /** How many still want it. */
  wanted: number
}

/** Why there is none: those that asked come again, or the image cannot be shown. */
export class NoThumbnail extends Error {
  override readonly name = 'NoThumbnail'
}

export class Thumbnails {
  /** The last is the next. */
  readonly #waiting = new Map<number, Job>()
  readonly #making = new Map<number, Job>()
  readonly #unusable = new Map<number, string>()
  /** Not asked for yet; the first is the next. */
  #ahead: number[] = []
  #preparing = 0
  readonly #running = new Set<Promise<void>>()
  #closed = false

  /**
   * @param folder where they are kept
   * @param onUnusable told once of each image that cannot be shown
   */
  constructor(
    private readonly source: Pick<ImageSource, 'place' | 'paths' | 'version' | 'load'>,
    private readonly folder: string,
    private readonly onUnusable: (image: number, reason: string) => void = () => {},
  ) {}

  /** @throws NoThumbnail */
  async of(image: number, signal?: AbortSignal): Promise<Thumbnail> {
    const known = this.#unusable.get(image)
    if (known !== undefined) throw new NoThumbnail(known)
    const { file, etag } = await this.#nameOf(image)
    const kept = await readFile(file).catch(() => undefined)
    if (kept !== undefined && kept.length > 0) return { body: kept, etag }
    if (signal?.aborted === true || this.#closed) throw new NoThumbnail('no longer wanted')
    return this.#wait(image, file, etag, signal)
  }

  /** Has the first thumbnails made before a page is there to ask for them, after all that are asked for. */
  ahead(count: number): void {
    this.#ahead = Array.from({ length: Math.min(count, this.source.paths.length) }, (_, image) => image)
    this.#next()
  }

  /** Ends once nothing is made or written any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#ahead = []
    for (const job of this.#waiting.values()) settle(job, new NoThumbnail('no longer wanted'))
    this.#waiting.clear()
    await Promise.all(this.#running)
  }

  async #nameOf(image: number): Promise<{ file: string; etag: string }> {
    const { place, paths } = this.source
    const facts = ['1', place, paths[image], await this.source.version(image)].join('\0')
    const key = createHash('sha256').update(facts).digest('hex').slice(0, 40)
    return { file: path.join(this.folder, key.slice(0, 2), `${key}.webp`), etag: `"${key}"` }
  }

  #wait(image: number, file: string, etag: string, signal?: AbortSignal): Promise<Thumbnail> {
    return new Promise((resolve, reject) => {
      const job = this.#making.get(image) ??
        this.#waiting.get(image) ?? { image, file, etag, settle: [], wanted: 0 }
      job.settle.push((result) => (result instanceof Error ? reject(result) : resolve(result)))
      job.wanted++
      signal?.addEventListener('abort', () => this.#unwant(job), { once: true })
      if (this.#making.has(image)) return
      this.#waiting.delete(image)
      this.#waiting.set(image, job)
      if (this.#waiting.size > MOST_WAITING) this.#drop()
      this.#next()
    })
  }

  #unwant(job: Job): void {
    if (--job.wanted > 0 || !this.#waiting.delete(job.image)) return
    settle(job, new NoThumbnail('no longer wanted'))
  }

  #drop(): void {
    for (const [image, job] of this.#waiting) {
      this.#waiting.delete(image)
      settle(job, new NoThumbnail('too many at once'))
      return
    }
  }

  #next(): void {
    while (this.#making.size < AT_A_TIME) {
      const job = [...this.#waiting.values()].at(-1)
      if (job === undefined) {
        this.#prepare()
        return
      }
      this.#waiting.delete(job.image)
      this.#making.set(job.image, job)
      const made = this.#make(job)
      this.#running.add(made)
      void made.finally(() => this.#running.delete(made))
    }
  }

  #prepare(): void {
    while (this.#preparing < AT_A_TIME && this.#ahead.length > 0) {
      const [image] = this.#ahead.splice(0, 1)
      this.#preparing++
      // Whoever asks is told what is wrong with it.
      const made = this.of(image).catch(() => {})
      void made.then(() => {
        this.#preparing--
        this.#next()
      })
    }
  }

  async #make(job: Job): Promise<void> {
    const { image, file, etag } = job
    let kept: Promise<void> | undefined
    try {
      const { settleSharp, thumbnailOf } = await import('./pictures.js')
      settleSharp()
      const body = await thumbnailOf(await this.source.load(image))
      settle(job, { body, etag })
      kept = keep(file, body)
    } catch (error) {
      const reason = error instanceof UnusableImage ? error.message : 'cannot be read'
      this.#unusable.set(image, reason)
      this.onUnusable(image, reason)
      settle(job, new NoThumbnail(reason))
    } finally {
      this.#making.delete(image)
      this.#next()
    }
    await kept
  }
}

function settle(job: Job, result: Thumbnail | Error): void {
  for (const each of job.settle) each(result)
}

/** Whole or not at all, but not flushed to the disk: it can be made again. A full disk makes them slower, and nothing else. */
async function keep(file: string, body: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.part`
  try {
    await makeFolders(path.dirname(file))
    await writeFile(temporary, body)
    await rename(temporary, file)
  } catch {
    return
  }
}
