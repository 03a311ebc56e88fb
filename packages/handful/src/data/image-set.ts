/**
 * What every reader of this folder delivers: images as bytes in one block, and the data set made of them. Images stay
 * uint8 until they are inside a graph. A test split is not here but in test-set.ts, which keeps its labels to itself.
 */

import { HandfulError, quoted } from '../errors.js'
import { Originals } from './originals.js'
import type { Pixels } from './pixel-store.js'

/** Images without labels. */
export interface Images {
  readonly name: string
  readonly count: number
  /** In pixels. */
  readonly height: number
  /** In pixels. */
  readonly width: number
  /** 1 grey, 3 red-green-blue. */
  readonly channels: 1 | 3
  /** `[count, height, width, channels]`, 0 dark to 255 bright (sRGB). */
  readonly pixels: Pixels
  /** One for each image: its path relative to the data set's folder with `/` between parts, or `train/00042`. */
  readonly paths: readonly string[]
}

/** Images with the labels that are known. */
export interface ImageSet extends Images {
  /** `[count]`, the class index, -1 where unknown. */
  readonly labels: Int32Array
  /** Class names by class index. */
  readonly classNames: readonly string[]
  /** Where they came from, if they are more than these pixels. */
  readonly originals?: Originals
}

/** Where images came from; what is known of images that are nothing but pixels is what they are called. */
export const originalsOf = ({ originals, paths }: Pick<ImageSet, 'originals' | 'paths'>): Originals =>
  originals ?? new Originals({ names: paths })

/** A file that could not be used, and why, in words that follow the path: `a.png: a truncated PNG file`. */
export interface SkippedFile {
  readonly path: string
  readonly reason: string
}

/** Numbers of bytes in one image. */
export function imageBytes(images: Pick<Images, 'height' | 'width' | 'channels'>): number {
  return images.height * images.width * images.channels
}

/** The bytes of image `index`, `[height, width, channels]`, as a view. */
export function imageAt(images: Images, index: number): Uint8Array {
  const bytes = imageBytes(images)
  return images.pixels.subarray(index * bytes, (index + 1) * bytes)
}

/** The images at `indices`, in that order, copied; labels go along. */
export function selectImages(set: ImageSet, indices: ArrayLike<number>): ImageSet {
  const { labels, classNames, originals } = set
  return {
    ...imagesAt(set, indices),
    classNames,
    labels: Int32Array.from(indices, (index) => labels[index]),
    originals: originals?.at(indices),
  }
}

/** The images at `indices`, copied, and nothing else that the set may hold. */
export function imagesAt(images: Images, indices: ArrayLike<number>): Images {
  const { name, height, width, channels } = images
  const bytes = imageBytes(images)
  const pixels = new Uint8Array(indices.length * bytes)
  const paths: string[] = []
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]
    if (!Number.isInteger(index) || index < 0 || index >= images.count) {
      throw new RangeError(`internal: imagesAt: got index ${index}, expected 0 to ${images.count - 1}`)
    }
    pixels.set(imageAt(images, index), i * bytes)
    paths.push(images.paths[index])
  }
  return { name, count: indices.length, height, width, channels, pixels, paths }
}

/** Number of labelled images of each class, `[classes]`. */
export function countLabels(labels: Int32Array, classCount: number): Int32Array {
  const counts = new Int32Array(classCount)
  for (const label of labels) if (label >= 0) counts[label] += 1
  return counts
}

/**
 * Refuses labels that no classifier can be fitted to.
 *
 * @param tested classes that images held back for scoring have
 * @throws HandfulError if there is no label, one class only, or a class without a labelled image
 */
export function checkLabels(set: ImageSet, tested: ReadonlySet<string> = new Set()): void {
  const { name, labels, classNames } = set
  const counts = countLabels(labels, classNames.length)
  if (labels.every((label) => label < 0)) {
    throw new HandfulError({
      what: 'labels',
      where: name,
      got: `${set.count} images and no label`,
      expected: 'labels for a few images of each class',
      hint:
        'sort some images into one sub-folder per class, or list them in labels.csv as file_name,label; or let handful ' +
        'prepare make features of them first, and label them by what handful suggest proposes',
    })
  }
  if (classNames.length === 1) {
    throw new HandfulError({
      what: 'labels',
      where: name,
      got: `one class only, ${quoted(classNames[0])}`,
      expected: 'at least two classes',
      hint: 'label a few images of another class',
    })
  }
  const missing = classNames.filter((_, index) => counts[index] === 0)
  if (missing.length > 0) {
    const spelled = missing.flatMap((name) =>
      classNames.filter((own, i) => counts[i] > 0 && own.toLowerCase() === name.toLowerCase()),
    )
    throw new HandfulError({
      what: missing.length === 1 ? 'class' : 'classes',
      where: name,
      got: `no labelled training image of ${listed(missing)}${missing.every((name) => tested.has(name)) ? ', of which there are test images' : ''}`,
      expected: 'at least one of every class',
      hint:
        spelled.length > 0
          ? `${listed(spelled)} of training differs in capitals alone`
          : 'label one, or remove the class',
    })
  }
}

/** @throws HandfulError if there are fewer images than one batch takes */
export function checkBatchSize(images: Pick<Images, 'name' | 'count'>, batchSize: number): void {
  if (images.count >= batchSize) return
  throw new HandfulError({
    what: 'images',
    where: images.name,
    got: `${images.count}`,
    expected: `at least ${batchSize}, one batch`,
    hint: images.count > 1 ? `add images or set the batch size to at most ${images.count}` : 'add images',
  })
}

/** `"a", "b" and 3 more`, for messages. */
export function listed(items: readonly string[], limit = 3): string {
  const shown = items.slice(0, limit).map(quoted)
  const more = items.length - shown.length
  if (more > 0) return `${shown.join(', ')} and ${more} more`
  if (shown.length < 2) return shown.join('')
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`
}
