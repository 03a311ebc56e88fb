/** Runs images through a trained network in batches and collects one output as a matrix, a row an image. */
import { openSession, Random } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import { imageBytes } from '../data/image-set.js'
import type { FeatureNetwork } from '../models/model.js'
import { featureMatrix, type FeatureMatrix } from './matrix.js'

export interface ExtractOptions {
  /** Of the noise that a network may need. */
  readonly seed: number
  readonly threads?: number
  readonly device?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Large enough to keep the cores busy, small enough to stay in memory with any network. */
const BATCH = 250

/** The outputs named, [images, numbers] each. */
export async function extractFeatures(
  { program, drawInputs, batch = BATCH }: FeatureNetwork,
  images: Images,
  outputs: readonly string[],
  { seed, threads, device, signal, onProgress }: ExtractOptions,
): Promise<Record<string, FeatureMatrix>> {
  const { count, height, width, channels, pixels } = images
  const bytes = imageBytes(images)
  const result = Object.fromEntries(
    outputs.map((name) => [name, featureMatrix(count, program.outputs[name].shape[1])]),
  )
  const session = await openSession(program, { threads, device })
  try {
    for (let start = 0; start < count; start += batch) {
      signal?.throwIfAborted()
      const end = Math.min(start + batch, count)
      const data = pixels.slice(start * bytes, end * bytes)
      const shape = [end - start, height, width, channels]
      const places = Array.from({ length: end - start }, (_, i) => start + i)
      const drawn = drawInputs?.((name) => new Random(seed, `features/${name}`), places)
      const found = await session.run({ image: { dtype: 'uint8', shape, data }, ...drawn })
      for (const name of outputs) {
        result[name].data.set(found[name].data as Float32Array, start * result[name].columns)
      }
      onProgress?.(end, count)
    }
    return result
  } finally {
    await session.close()
  }
}

/** The images' own numbers as features, in 0..1: the baseline that every model has to beat. */
export function rawPixels(images: Images): FeatureMatrix {
  const columns = imageBytes(images)
  return featureMatrix(images.count, columns, Float32Array.from(images.pixels, (value) => value / 255))
}
