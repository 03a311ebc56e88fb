/**
 * A published feature space beside that of the score network: the rows that an encoder made elsewhere gives, such as a
 * classifier of ImageNet. Real images are enlarged to its size from the pixels that the model saw, as samples have to be:
 * read from their files they would differ from samples by their sharpness alone.
 */
import { imagesKey } from '../data/content.js'
import type { Images } from '../data/image-set.js'
import { Originals } from '../data/originals.js'
import { type EncodeOptions, encodeSets } from '../encoders/encode-images.js'
import type { EncoderOptions } from '../encoders/encoder-options.js'
import {
  encoderKey,
  type OpenEncoderOptions,
  openOutsideEncoder,
  type OutsideEncoder,
} from '../encoders/outside-encoder.js'
import type { FeatureMatrix } from '../numerics/matrix.js'

/** The features of an encoder made elsewhere, as scores are measured in them. */
export interface EncoderSpace {
  /** `1280 numbers of efficientnet-lite0, from images of 224x224`. */
  readonly title: string
  /** Of what runs: the encoder, and how it takes images. */
  readonly key: string
  readonly secondsPerImage: number
  /** What was found in the file, in sentences. */
  readonly notes: readonly string[]
  /** `[images, numbers]` */
  rows(images: Images, options: EncodeOptions): Promise<FeatureMatrix>
}

/** @throws HandfulError in one line for a file that is no encoder */
export async function openEncoderSpace(
  options: EncoderOptions & { readonly encoder: string },
  running: OpenEncoderOptions,
): Promise<EncoderSpace> {
  return encoderSpace(await openOutsideEncoder(options.encoder, options, running))
}

/** Rows of images that were asked for before are kept: several models are compared with the same ones. */
export function encoderSpace(encoder: OutsideEncoder): EncoderSpace {
  const { title, columns, size, notes, secondsPerImage } = encoder.description
  const known = new Map<string, FeatureMatrix>()
  return {
    title: `${columns} numbers of ${title}, from images of ${size}x${size}`,
    key: encoderKey(encoder),
    ...{ notes, secondsPerImage },
    async rows(images, options) {
      const key = imagesKey(images)
      const before = known.get(key)
      if (before !== undefined) return before
      const originals = new Originals({ names: images.paths })
      const [found] = await encodeSets(encoder, [{ images, originals }], options)
      known.set(key, found)
      return found
    },
  }
}
