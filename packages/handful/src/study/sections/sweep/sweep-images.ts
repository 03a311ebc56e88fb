/** The images of a sweep: the labelled ones of all draws, some unlabelled ones, half of those augmented, some test images. */
import { Random } from 'onnx-autodiff'
import { type Images, imagesAt } from '../../../data/image-set.js'
import type { TestSet } from '../../../data/test-set.js'
import { augment, photoAugmentation, shapeAugmentation } from '../../../training/augment.js'
import type { SweepImages } from './noised-features.js'

const SOME_IMAGES = 2000

export interface ImageChoice {
  readonly train: Images
  readonly test?: TestSet
  /** Unlabelled training images that features are normalised by; half of them are augmented. Default 2,000. */
  readonly unlabelledImages?: number
  /** Test images that accuracies are counted on, drawn at random; Infinity for all. Default 2,000. */
  readonly testImages?: number
}

export interface ImagesOfSweep {
  readonly images: SweepImages
  /** The training image of each row of `images.train`. */
  readonly rows: Int32Array
  readonly scored?: TestSet
  readonly notes: string[]
}

/** @param draws of which all labelled images are taken */
export function sweepImages(
  { train, test, unlabelledImages = SOME_IMAGES, testImages = SOME_IMAGES }: ImageChoice,
  draws: readonly Int32Array[],
  seed: number,
): ImagesOfSweep {
  const unlabelled = new Random(seed, 'sweep/unlabelled').permutation(train.count).slice(0, unlabelledImages)
  const taken = new Set(unlabelled)
  for (const labels of draws) labels.forEach((label, image) => label >= 0 && taken.add(image))
  const rows = Int32Array.from(taken).sort()
  const rowOf = new Map(Array.from(rows, (image, row) => [image, row]))
  const inRows = (some: ArrayLike<number>): Int32Array =>
    Int32Array.from(some, (image) => rowOf.get(image) ?? 0)
  const augmented = unlabelled.slice(0, Math.ceil(unlabelled.length / 2))
  const order = test && new Random(seed, 'sweep/test part').permutation(test.count).slice(0, testImages)
  const scored = test && order && (order.length < test.count ? test.reordered(order) : test)
  const notes = [
    `features are normalised by ${unlabelled.length} unlabelled training images`,
    ...(scored && test && scored.count < test.count
      ? [`accuracies are counted on ${scored.count} test images, drawn at random from ${test.count}`]
      : []),
  ]
  return {
    images: {
      train: imagesAt(train, rows),
      unlabelled: inRows(unlabelled),
      originals: inRows(augmented),
      augmented: augmentedImages(imagesAt(train, augmented), new Random(seed, 'sweep/augmentation')),
      test: scored?.images,
    },
    rows,
    scored,
    notes,
  }
}

/** A distorted version of each image, of the same class: digits and small shapes where it is grey, photographs in colour. */
function augmentedImages(images: Images, random: Random): Images {
  const { pixels, count, height: size, channels } = images
  const options = channels === 1 ? shapeAugmentation : photoAugmentation
  return { ...images, pixels: augment({ pixels: pixels.subarray(), count, size, channels }, options, random) }
}
