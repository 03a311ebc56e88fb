/**
 * Does a model copy? For each generated image the distance to the nearest training image, beside the same for real images
 * that it was not trained on: a model that learned the distribution lies about as far from its training images as those do,
 * one that memorises lies nearer. Distances are root mean squares over pixels in 0..1.
 */
import { z } from 'zod'
import { imageBytes, type Images } from '../data/image-set.js'
import { HandfulError } from '../errors.js'
import { rawPixels } from '../features/extract.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { nearestEuclidean } from './euclidean.js'

const nearestSchema = z.object({
  /** Places in the two sets. */
  sample: z.int(),
  training: z.int(),
  distance: z.number(),
})

export type NearestImage = z.infer<typeof nearestSchema>

export const memorisationSchema = z.object({
  /** Of the generated images to their nearest training image. */
  median: z.number(),
  /** The same of real images that were held out. */
  heldOutMedian: z.number(),
  /** `median / heldOutMedian`: about 1 is well, far below 1 is copying. */
  ratio: z.number(),
  /** Share of generated images nearer to a training image than 99 % of the held-out ones are: 0.01 by chance. */
  suspicious: z.number(),
  /** The nearest pairs, nearest first, to be looked at. */
  nearest: z.array(nearestSchema),
})

export type Memorisation = z.infer<typeof memorisationSchema>

export interface MemorisationOptions {
  readonly generated: Images
  readonly training: Images
  /** Real images that the model has not seen. */
  readonly heldOut: Images
  readonly linearAlgebra: LinearAlgebra
  /** Pairs to give. Default 10. */
  readonly shown?: number
  readonly signal?: AbortSignal
}

/** Training images that are compared at once: as floats, CIFAR's take 100 MB. */
const BLOCK = 8192
const SUSPICIOUS_SHARE = 0.01

/** @throws HandfulError if a set is empty or the sizes of the images differ */
export async function memorisation({
  generated,
  training,
  heldOut,
  linearAlgebra,
  shown = 10,
  signal,
}: MemorisationOptions): Promise<Memorisation> {
  const samples = await nearestImages(generated, training, linearAlgebra, signal)
  const others = await nearestImages(heldOut, training, linearAlgebra, signal)
  const [own, usual] = [samples, others].map((pairs) =>
    pairs.map(({ distance }) => distance).sort((a, b) => a - b),
  )
  const [median, heldOutMedian] = [quantile(own, 0.5), quantile(usual, 0.5)]
  const limit = quantile(usual, SUSPICIOUS_SHARE)
  return {
    median,
    heldOutMedian,
    ratio: heldOutMedian > 0 ? median / heldOutMedian : 1,
    suspicious: own.filter((distance) => distance < limit).length / own.length,
    nearest: samples.toSorted((a, b) => a.distance - b.distance).slice(0, shown),
  }
}

/** By linear interpolation between the sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
}

/** The nearest training image of each image, in their order; training images pass in blocks. */
export async function nearestImages(
  images: Images,
  training: Images,
  linearAlgebra: LinearAlgebra,
  signal?: AbortSignal,
): Promise<NearestImage[]> {
  const bytes = imageBytes(training)
  if (images.count === 0 || training.count === 0 || imageBytes(images) !== bytes) {
    const size = ({ count, width, height, channels }: Images): string =>
      `${count} of ${width}x${height}x${channels}`
    throw new HandfulError({
      what: 'nearest training images',
      where: images.name,
      got: `${size(images)} against ${size(training)}`,
      expected: 'images of one size on both sides',
      hint: 'use the data set that the model was trained on',
    })
  }
  const best = Array.from({ length: images.count }, (_, sample) => ({
    sample,
    training: -1,
    distance: Infinity,
  }))
  const queries = rawPixels(images)
  for (let start = 0; start < training.count; start += BLOCK) {
    signal?.throwIfAborted()
    const end = Math.min(start + BLOCK, training.count)
    const block = rawPixels({
      ...training,
      count: end - start,
      pixels: training.pixels.subarray(start * bytes, end * bytes),
    })
    const { indices, distances } = await nearestEuclidean(queries, block, 1, linearAlgebra)
    distances.forEach((distance, i) => {
      const rms = distance / Math.sqrt(bytes)
      if (rms < best[i].distance) best[i] = { sample: i, training: start + indices[i], distance: rms }
    })
  }
  return best
}
