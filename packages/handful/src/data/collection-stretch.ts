/** The stretch of a collection's scientific images, found when the first of them is read (stretch.ts). */

import { Random } from 'onnx-autodiff/random'
import type { ImageCollection, LabelledFile } from './collection.js'
import { deepImage } from './decode-content.js'
import type { RawImage } from './raw-image.js'
import type { ImageReading } from './reading.js'
import { type DeepKind, SAMPLED_IMAGES, Stretch } from './stretch.js'
import { UnusableImage } from './unusable-image.js'

/** Images that a sample is drawn from. */
export interface Sampled extends Pick<ImageCollection, 'contents'> {
  readonly files: readonly Pick<LabelledFile, 'split'>[]
}

/**
 * Collections without scientific images are not looked at for it. The sample is of training images; test images are taken
 * where there are no others.
 *
 * @param seed of the draw
 */
export function collectionStretch(
  collection: Sampled,
  reading: ImageReading,
  seed: number,
  signal?: AbortSignal,
): Stretch {
  return new Stretch(reading, (kind) => sampled(collection, kind, { reading, seed, signal }), seed)
}

async function* sampled(
  { files, contents }: Sampled,
  kind: DeepKind,
  { reading, seed, signal }: { reading: ImageReading; seed: number; signal: AbortSignal | undefined },
): AsyncGenerator<RawImage> {
  let found = 0
  for (const split of ['train', 'test'] as const) {
    const own = files.flatMap((file, index) => (file.split === split ? [index] : []))
    new Random(seed, `stretch/${split}`).shuffle(own)
    // Where scientific images are rare among others, more and more are looked at until there are some.
    for (let from = 0, count = SAMPLED_IMAGES; from < own.length && found === 0; from += count, count *= 4) {
      const drawn = own.slice(from, from + count).sort((a, b) => a - b)
      for await (const { load, frame = 0 } of contents(drawn, signal)) {
        signal?.throwIfAborted()
        const image = await loaded(load).then((bytes) => bytes && deepImage(bytes, frame, reading.channels))
        if (image?.kind !== kind) continue
        yield image
        if (++found === SAMPLED_IMAGES) return
      }
    }
    if (found > 0) return
  }
}

/** What cannot be loaded is told when its turn comes to be decoded. */
async function loaded(load: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await load()
  } catch (error) {
    if (error instanceof UnusableImage || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}
