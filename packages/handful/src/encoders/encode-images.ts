/**
 * An encoder made elsewhere over images at its own size: they are read again from their files, a few at a time, while
 * those before them run.
 */
import { openSession } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import type { OriginalBlock, Originals } from '../data/originals.js'
import { readOriginals } from '../data/read-again.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { encoderError } from './encoder-error.js'
import { ENCODER_BATCH, type OutsideEncoder } from './outside-encoder.js'
import { wrappedProgram } from './wrap-model.js'

export interface EncodeOptions {
  readonly threads?: number
  readonly device?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Images as they are in memory, and where they came from. */
export interface Encodable {
  readonly images: Images
  readonly originals: Originals
}

export interface EncoderSession {
  /** Rows `[images, columns]` in the images' order. */
  encode(of: Encodable, onBatch?: (done: number) => void): Promise<FeatureMatrix>
  /** Rows of images that are at its size already, `[count, size, size, channels]`. */
  run(pixels: Uint8Array, count: number): Promise<Float32Array>
  close(): Promise<void>
}

/** Opens an encoder for use. Close it when done. */
export async function openEncoderSession(
  { model, description }: OutsideEncoder,
  { threads, device, signal }: Omit<EncodeOptions, 'onProgress'>,
): Promise<EncoderSession> {
  const { size, channels, columns, single, image, features, title } = description
  const session = await openSession(wrappedProgram({ model, image, features }, description, columns), {
    threads,
    device,
  })
  const bytes = size * size * channels
  const run = async (pixels: Uint8Array, count: number): Promise<Float32Array> => {
    const rows = new Float32Array(count * columns)
    const step = single ? 1 : ENCODER_BATCH
    for (let start = 0; start < count; start += step) {
      signal?.throwIfAborted()
      const end = Math.min(count, start + step)
      const data = pixels.slice(start * bytes, end * bytes)
      const shape = [end - start, size, size, channels]
      const { [features]: found } = await session.run({ [image]: { dtype: 'uint8', shape, data } })
      rows.set(found.data as Float32Array, start * columns)
    }
    return rows
  }
  return {
    run,
    async encode({ images, originals }, onBatch) {
      const result = featureMatrix(images.count, columns)
      let done = 0
      const put = async ({ places, pixels }: OriginalBlock): Promise<void> => {
        const rows = await run(pixels, places.length)
        for (const [i, place] of places.entries()) {
          const row = rows.subarray(i * columns, (i + 1) * columns)
          if (!row.every(Number.isFinite))
            throw encoderError(
              title,
              `a feature of image ${images.paths[place]} that is not finite`,
              'finite numbers',
              'say what numbers it takes by --encoder-range',
            )
          result.data.set(row, place * columns)
        }
        done += places.length
        onBatch?.(done)
      }
      const blocks = readOriginals(originals, images, { size, channels, block: ENCODER_BATCH, signal })
      await eachInFlight(blocks, put)
      if (done !== images.count)
        throw new Error(`internal: encode: got ${done} images, expected ${images.count}`)
      return result
    },
    close: () => session.close(),
  }
}

/** Uses each while the next one is on its way. */
async function eachInFlight<T>(source: AsyncIterable<T>, use: (each: T) => Promise<void>): Promise<void> {
  const iterator = source[Symbol.asyncIterator]()
  let busy: Promise<void> = Promise.resolve()
  try {
    for (;;) {
      const [next] = await Promise.all([iterator.next(), busy])
      if (next.done === true) return
      busy = use(next.value)
      // Told by the next turn; a failure in between is no unhandled one.
      busy.catch(() => undefined)
    }
  } finally {
    await iterator.return?.()
    await busy.catch(() => undefined)
  }
}

/** Rows of several sets, such as the splits of a data set; progress counts the images of all. */
export async function encodeSets(
  encoder: OutsideEncoder,
  sets: readonly Encodable[],
  { onProgress, ...options }: EncodeOptions,
): Promise<FeatureMatrix[]> {
  const session = await openEncoderSession(encoder, options)
  try {
    const total = sets.reduce((sum, { images }) => sum + images.count, 0)
    const rows: FeatureMatrix[] = []
    let before = 0
    for (const set of sets) {
      rows.push(await session.encode(set, (done) => onProgress?.(before + done, total)))
      before += set.images.count
    }
    return rows
  } finally {
    await session.close()
  }
}
