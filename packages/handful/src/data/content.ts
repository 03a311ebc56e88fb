/** Keys by content for images and labels: what is computed from them is theirs, wherever the files lie. */
import { createHash, type Hash } from 'node:crypto'
import { Random } from 'onnx-autodiff/random'
import { contentKey } from '../files/content-key.js'
import { imageBytes, type Images } from './image-set.js'
import { partsOf, pixelPart } from './pixel-store.js'
import type { TestSet } from './test-set.js'

export function imagesKey(images: Images): string {
  const { count, height, width, channels, pixels } = images
  const hash = createHash('sha256')
  for (const { bytes } of partsOf(pixelPart(pixels, 0, count * imageBytes(images)))) hash.update(bytes)
  return keyOf(hash, [[count, height, width, channels]])
}

/** Of labels, -1 where unknown, or hidden. */
export const labelsKey = (labels: Int32Array, classNames: readonly string[]): string =>
  digest(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength), classNames)

export const testKey = (test: TestSet, seed: number): string =>
  contentKey({ images: imagesKey(test.images), scores: fingerprint(test, seed) })

const digest = (bytes: Uint8Array, ...more: readonly unknown[]): string =>
  keyOf(createHash('sha256').update(bytes), more)

const keyOf = (hash: Hash, more: readonly unknown[]): string =>
  hash.update(JSON.stringify(more)).digest('hex').slice(0, 32)

const GUESSES = 16

/** What tells two test splits of the same images apart, without their labels: the scores of a few guesses. */
function fingerprint(test: TestSet, seed: number): number[] {
  return Array.from({ length: GUESSES }, (_, i) => {
    const random = new Random(seed, `fingerprint/${i}`)
    return test.score(Int32Array.from({ length: test.count }, () => random.integer(test.classNames.length)))
      .correct
  })
}
