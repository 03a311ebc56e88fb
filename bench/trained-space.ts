/** Images and the features of a trained model on them, patches beside them, as a fit makes both: for benchmarks of what works on features. */
import type { ImageSet } from '../packages/handful/src/data/image-set.js'
import { openDataset } from '../packages/handful/src/data/open.js'
import { TestSet } from '../packages/handful/src/data/test-set.js'
import { encoderOf, fitDictionary, mirroredEncoder } from '../packages/handful/src/features/encoder.js'
import type { FeatureSpace } from '../packages/handful/src/features/feature-space.js'
import { learnedSpaces } from '../packages/handful/src/features/feature-sources.js'
import { looksMirrored } from '../packages/handful/src/features/mirror.js'
import type { WeightedModel } from '../packages/handful/src/models/model.js'
import type { LinearAlgebra } from '../packages/handful/src/numerics/linear-algebra.js'
import { heldOutImages } from './held-out.js'

export interface Source {
  /** A folder with train/ and test/; else images are drawn from the training images of a known set. */
  readonly folder?: string
  readonly size?: string
  readonly dataset?: string
  readonly dataDir?: string
  readonly train: string
  readonly test: string
}

/** The options of `parseArgs` that say where images come from. */
export const sourceOptions = {
  folder: { type: 'string' },
  size: { type: 'string', default: '32' },
  dataset: { type: 'string' },
  'data-dir': { type: 'string' },
  train: { type: 'string', default: '10000' },
  test: { type: 'string', default: '5000' },
} as const

export async function splitImages(
  { folder, size, dataset, dataDir, train: count, test: held }: Source,
  seed: number,
): Promise<{ readonly train: ImageSet; readonly test: TestSet }> {
  if (folder !== undefined) {
    const { train, test } = await openDataset({ folder, size: Number(size), seed })
    if (test === undefined) throw new Error('folder: got no test split, expected test/ beside train/')
    return { train, test }
  }
  const [images, others] = [Number(count), Number(held)]
  const { train, test } = await heldOutImages({ dataset, dataDir, train: images, test: others, seed })
  return { train, test: new TestSet(test) }
}

/** The space of all features together, its test rows those of the held-out images. */
export async function trainedSpace(
  images: { readonly train: ImageSet; readonly test: TestSet },
  trained: WeightedModel,
  {
    patches,
    seed,
    threads,
    linearAlgebra,
  }: {
    readonly patches: number
    readonly seed: number
    readonly threads: number
    readonly linearAlgebra: LinearAlgebra
  },
): Promise<FeatureSpace> {
  const { signal } = new AbortController()
  const dictionary = await fitDictionary(images.train, patches, { seed, linearAlgebra, signal })
  const plain = encoderOf(trained, trained.model.defaultFeatures, dictionary)
  const encoder = (await looksMirrored(images.train, { seed, linearAlgebra }))
    ? mirroredEncoder(plain)
    : plain
  const context = { threads, device: 'cpu', seed, signal }
  const [space] = await learnedSpaces(images, encoder, linearAlgebra, context, 'alike')
  return space
}
