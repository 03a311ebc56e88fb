/**
 * Principal components of the pixels: the simplest features that are learned at all. The image's numbers in 0..1, less
 * their means, times the leading eigenvectors of their covariance (features/normalise.ts finds them), as a network.
 */
import { flattenImage, input, matmul, Random, sub } from 'onnx-autodiff'
import { z } from 'zod'
import { type Images, imagesAt } from '../../data/image-set.js'
import { HandfulError } from '../../errors.js'
import { imageInput, toUnitRange } from '../../models/common.js'
import type { FeatureNetwork, ImageShape, Weights } from '../../models/model.js'
import { rawPixels } from '../extract.js'
import type { LinearAlgebra } from '../../numerics/linear-algebra.js'
import { fitNormalisation } from '../normalise.js'
import { defineBaseline, type FittedKind } from './baseline.js'

const pcaSchema = z.strictObject({
  /** Kept, at most. */
  components: z.int().min(1),
  /** Images that the components are found from, drawn at random where there are more. */
  samples: z.int().min(2),
})

const defaultPca: z.infer<typeof pcaSchema> = { components: 128, samples: 10_000 }

export interface PcaOptions extends Partial<z.infer<typeof pcaSchema>> {
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
}

/** Name of the network's output. */
export const COMPONENTS = 'components'

/**
 * `centre` [numbers] and `projection` [numbers, components].
 *
 * @throws HandfulError with fewer than two images or images that are all equal
 */
export async function fitPca(
  images: Images,
  { components = defaultPca.components, samples = defaultPca.samples, seed, linearAlgebra }: PcaOptions,
): Promise<Weights> {
  const drawn = new Random(seed, 'pca images').permutation(images.count).slice(0, samples)
  const some = rawPixels(imagesAt(images, drawn))
  const { centre, projection } = await fitNormalisation(some, linearAlgebra, { components, whitening: 0 })
  const { rows, columns, data } = projection
  return {
    centre: { dtype: 'float32', shape: [rows], data: centre },
    projection: { dtype: 'float32', shape: [rows, columns], data },
  }
}

/**
 * Pixels to `components` [n, components], the greatest variance first.
 * @throws HandfulError for images of other numbers than the components were found from
 */
export function pcaNetwork(weights: Weights, image: ImageShape): FeatureNetwork {
  const [numbers] = weights.centre.shape
  if (image.size ** 2 * image.channels !== numbers) {
    throw new HandfulError({
      what: 'images',
      where: 'principal components',
      got: `${image.size}x${image.size} with ${image.channels} channels`,
      expected: `${numbers} numbers each, as in the images that they were found from`,
      hint: 'find them from images of the same kind',
    })
  }
  const pixels = imageInput(image)
  const [centre, projection] = ['centre', 'projection'].map((name) => input(name, weights[name].shape))
  const components = matmul(sub(flattenImage(toUnitRange(pixels)), centre), projection)
  return {
    program: { inputs: [pixels], outputs: { [COMPONENTS]: components }, parameters: weights },
  }
}

const keptSchema = pcaSchema.pick({ components: true })

const kept: FittedKind = {
  shapes: (options, { size, channels }) => {
    const numbers = size ** 2 * channels
    return { centre: [numbers], projection: [numbers, keptSchema.parse(options).components] }
  },
  network: (fitted, image) => ({
    network: pcaNetwork(fitted.weights, image),
    outputs: [COMPONENTS],
    detail: `${fitted.weights.projection.shape[1]} principal components of the pixels`,
    fitted,
  }),
}

export const pca = defineBaseline({
  name: 'pca',
  title: 'PCA',
  imagesPerSecond: 10_000,
  schema: pcaSchema,
  values: defaultPca,
  fitted: kept,
  fit: async (images, values, { seed, linearAlgebra }) => {
    const image: ImageShape = { size: images.height, channels: images.channels }
    const weights = await fitPca(images, { ...values, seed, linearAlgebra })
    const [, components] = weights.projection.shape
    return kept.network({ kind: 'pca', image, options: { components }, weights }, image)
  },
  studyFields: { pcaComponents: z.number().int().min(1).max(4096).default(128) },
  studyValues: ({ pcaComponents: components }) => ({ ...defaultPca, components }),
  studySettings: ({ pcaComponents: components }) => ({ components }),
})
