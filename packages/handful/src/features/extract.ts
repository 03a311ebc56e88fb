/** Runs images through a trained network in batches and collects its outputs as matrices, a row an image. */
import { openSession, Random, type Runnable } from 'onnx-autodiff'
import { imageBytes, type Images } from '../data/image-set.js'
import { partsOf } from '../data/pixel-store.js'
import type { FeatureNetwork } from '../models/model.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'

export interface ExtractOptions {
  /** Of the noise that a network may need. */
  readonly seed: number
  readonly threads?: number
  readonly device?: string
  readonly signal?: AbortSignal
  /** Of the first image, where these are a part of many (see Extractor). */
  readonly firstPlace?: number
  readonly onProgress?: (done: number, total: number) => void
}

/** Large enough to keep the cores busy, small enough to stay in memory with any network. */
const BATCH = 250

/** A model's features, or the network of a run that was read again. */
export type Extractable = Omit<FeatureNetwork, 'program'> & { readonly program: Runnable }

/** A network that stays open while images come in blocks. */
export interface Extractor {
  /** Numbers of each output. */
  readonly columns: Readonly<Record<string, number>>
  /**
   * Features of images, uint8 [n, size, size, channels]: [n, numbers] of each output. `places` says where in their set
   * they stand, from which alone an image's noise is drawn; whatever the blocks, an image gets the same features.
   */
  extract(
    images: Pick<Images, 'count' | 'height' | 'width' | 'channels' | 'pixels'>,
    firstPlace: number,
    onBatch?: (done: number) => void,
  ): Promise<Record<string, FeatureMatrix>>
  close(): Promise<void>
}

/** Opens a network for the outputs named. Close it when done. */
export async function openExtractor(
  { program, drawInputs, batch = BATCH }: Extractable,
  outputs: readonly string[],
  { seed, threads, device, signal }: Omit<ExtractOptions, 'onProgress' | 'firstPlace'>,
): Promise<Extractor> {
  const columns = Object.fromEntries(outputs.map((name) => [name, program.outputs[name].shape[1]]))
  const session = await openSession(program, { threads, device })
  return {
    columns,
    async extract(images, firstPlace, onBatch) {
      const { count, height, width, channels, pixels } = images
      const bytes = imageBytes(images)
      const result = Object.fromEntries(outputs.map((name) => [name, featureMatrix(count, columns[name])]))
      for (let start = 0; start < count; start += batch) {
        signal?.throwIfAborted()
        const end = Math.min(start + batch, count)
        const data = pixels.slice(start * bytes, end * bytes)
        const shape = [end - start, height, width, channels]
        const places = Array.from({ length: end - start }, (_, i) => firstPlace + start + i)
        const drawn = drawInputs?.((name) => new Random(seed, `features/${name}`), places)
        const found = await session.run({ image: { dtype: 'uint8', shape, data }, ...drawn })
        for (const name of outputs) {
          result[name].data.set(found[name].data as Float32Array, start * columns[name])
        }
        onBatch?.(end)
      }
      return result
    },
    close: () => session.close(),
  }
}

/** The outputs named, [images, numbers] each. */
export async function extractFeatures(
  network: Extractable,
  images: Images,
  outputs: readonly string[],
  { onProgress, firstPlace = 0, ...options }: ExtractOptions,
): Promise<Record<string, FeatureMatrix>> {
  const extractor = await openExtractor(network, outputs, options)
  try {
    return await extractor.extract(images, firstPlace, (done) => onProgress?.(done, images.count))
  } finally {
    await extractor.close()
  }
}

/** Matrices of the same rows side by side, in their order; a single one as it is. */
export function besideEachOther(matrices: readonly FeatureMatrix[]): FeatureMatrix {
  if (matrices.length === 1) return matrices[0]
  const rows = matrices[0]?.rows ?? 0
  const joined = featureMatrix(
    rows,
    matrices.reduce((sum, { columns }) => sum + columns, 0),
  )
  let left = 0
  for (const { columns, data } of matrices) {
    for (let row = 0; row < rows; row++) {
      joined.data.set(data.subarray(row * columns, (row + 1) * columns), row * joined.columns + left)
    }
    left += columns
  }
  return joined
}

/** The images' own numbers as features, in 0..1: the baseline that every model has to beat. */
export function rawPixels(images: Images): FeatureMatrix {
  const result = featureMatrix(images.count, imageBytes(images))
  // No `Float32Array.from` with a function: it goes by way of an array, and 60,000 colour images pass what one can hold.
  for (const { at, bytes } of partsOf(images.pixels))
    for (let i = 0; i < bytes.length; i++) result.data[at + i] = bytes[i] / 255
  return result
}
