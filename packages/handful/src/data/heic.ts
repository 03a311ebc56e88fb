/**
 * HEIC files, as phones make them: decoded by libheif as WebAssembly (libheif-js), which sharp's build lacks, in threads beside
 * the others. Colours are taken as sRGB.
 */
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { builtProgram } from '../files/built-program.js'
import { printable } from '../errors.js'
import type { HeicImage, HeicReply, HeicRequest } from './heic-messages.js'
import { UnusableImage } from './unusable-image.js'

/** Each holds the numbers of one image, which may be 200 megabytes, and as much again while it decodes. */
const MOST_THREADS = 4

interface Waiting {
  readonly resolve: (image: HeicImage) => void
  readonly reject: (error: Error) => void
}

/** One decoding thread, and what it has been asked. */
class HeicThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  ended = false

  constructor() {
    const file = builtProgram(import.meta.url, 'data', 'heic-thread.js', 'HEIC images')
    this.#worker = new Worker(pathToFileURL(file), { execArgv: [] })
    // Nobody waits for a thread that has nothing to do.
    this.#worker.unref()
    this.#worker.on('message', ({ id, ...reply }: HeicReply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#worker.unref()
      if ('error' in reply) waiting?.reject(new Error(reply.error))
      else waiting?.resolve(reply)
    })
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('its thread ended')))
  }

  get load(): number {
    return this.#waiting.size
  }

  decode(content: Uint8Array, most: number): Promise<HeicImage> {
    const id = this.#next++
    this.#worker.ref()
    // A copy of its own can be handed over; a part of a buffer would take all of it along.
    const own = new Uint8Array(content)
    this.#worker.postMessage({ id, content: own, most } satisfies HeicRequest, [own.buffer])
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #fail(error: Error): void {
    this.ended = true
    const reason = `a HEIC file, whose decoder does not run: ${printable(error.message)}; convert it to PNG`
    for (const { reject } of this.#waiting.values()) reject(new UnusableImage(reason, { cause: error }))
    this.#waiting.clear()
  }
}

let threads: HeicThread[] = []

/**
 * The primary image of a file.
 *
 * @param most pixels; a larger image comes without them
 * @throws Error for a damaged file, UnusableImage where the decoder does not run
 */
export function decodeHeic(content: Uint8Array, most: number): Promise<HeicImage> {
  threads = threads.filter(({ ended }) => !ended)
  const idle = threads.find(({ load }) => load === 0)
  if (idle === undefined && threads.length < Math.min(MOST_THREADS, availableParallelism()))
    threads.push(new HeicThread())
  const [thread] = idle === undefined ? threads.toSorted((a, b) => a.load - b.load) : [idle]
  return thread.decode(content, most)
}
