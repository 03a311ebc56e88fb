/**
 * A test split that cannot leak: it shows its images and counts right answers, and nothing else. The labels are
 * private, and so are the file names, which may hold the class (`test/cat/7.png`); `images.paths` are numbers instead.
 * Only the scorer reads the labels and, once all is predicted, study.json; only what writes predictions reads the names.
 */

import { type ConfidenceBin, confidenceBins } from '../numerics/reliability.js'
import { imageBytes, type Images } from './image-set.js'
import { Originals } from './originals.js'
import type { Pixels } from './pixel-store.js'

/** Right answers, in all and class by class. */
export interface TestScore {
  /** `correct / total`, in 0 .. 1. */
  readonly accuracy: number
  readonly correct: number
  readonly total: number
  /** One entry for each class; its accuracy is null where the split has no image of the class. */
  readonly perClass: readonly ClassScore[]
  /** `confusion[true class][predicted class]`, numbers of images. */
  readonly confusion: readonly (readonly number[])[]
}

/** Right answers among the test images of one class; `accuracy` is 0 to 1, and null where the class has none. */
export interface ClassScore {
  readonly className: string
  readonly correct: number
  readonly total: number
  readonly accuracy: number | null
}

export interface TestSetParts {
  readonly name: string
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  /** `[count, height, width, channels]`. */
  readonly pixels: Pixels
  /** `[count]`, every one known; -1: of a class that is not among these, of which no prediction is right. */
  readonly labels: ArrayLike<number>
  readonly classNames: readonly string[]
  /** The file of each image; `test/00042` and so on where left out. */
  readonly fileNames?: readonly string[]
  /** Where they came from, if they are more than these pixels. */
  readonly originals?: Originals
}

/** The file names of a test split, for predictions.ts alone: class folders give the class away. */
export let revealFileNames: (test: TestSet) => readonly string[]

/** Where the images of a test split came from: it shows neither names nor labels, but may be read at another size. */
export let originalsOfTest: (test: TestSet) => Originals

/** The classes of a test split, for a result that is whole alone: nothing is predicted after. */
export let revealLabels: (test: TestSet) => Int32Array

/**
 * The images of a test split, with their labels shut inside: it counts right answers of predictions and gives nothing
 * else away, so that no code can choose by them.
 */
export class TestSet {
  readonly images: Images
  readonly classNames: readonly string[]
  readonly #labels: Int32Array
  readonly #fileNames: readonly string[]
  readonly #originals: Originals

  static {
    revealFileNames = (test) => test.#fileNames
    revealLabels = (test) => test.#labels.slice()
    originalsOfTest = (test) => test.#originals
  }

  constructor(parts: TestSetParts) {
    const { name, height, width, channels, pixels, labels, classNames, fileNames } = parts
    const count = labels.length
    const expected = count * imageBytes({ height, width, channels })
    if (pixels.length !== expected) {
      throw new RangeError(`internal: TestSet (${name}): got ${pixels.length} bytes, expected ${expected}`)
    }
    if (fileNames !== undefined && fileNames.length !== count) {
      throw new RangeError(`internal: TestSet (${name}): got ${fileNames.length} names, expected ${count}`)
    }
    this.#labels = checkedClasses(labels, classNames.length, `TestSet (${name})`, FOREIGN)
    const paths = numberedPaths('test', count)
    this.#fileNames = fileNames === undefined ? paths : [...fileNames]
    this.#originals = parts.originals ?? new Originals({ names: this.#fileNames })
    this.images = { name, count, height, width, channels, pixels, paths }
    this.classNames = classNames
  }

  get count(): number {
    return this.images.count
  }

  /**
   * The same images in another order, `[count]` places of this one: where classes lie one after the other, an image's
   * place would give its class away.
   */
  reordered(order: ArrayLike<number>): TestSet {
    const { name, height, width, channels, pixels } = this.images
    const bytes = imageBytes(this.images)
    const moved = new Uint8Array(order.length * bytes)
    for (let i = 0; i < order.length; i++) {
      moved.set(pixels.subarray(order[i] * bytes, (order[i] + 1) * bytes), i * bytes)
    }
    return new TestSet({
      name,
      height,
      width,
      channels,
      pixels: moved,
      labels: Array.from(order, (place) => this.#labels[place]),
      classNames: this.classNames,
      fileNames: Array.from(order, (place) => this.#fileNames[place]),
      originals: this.#originals.at(order),
    })
  }

  /**
   * The same images judged by other classes, which are found by their names.
   * @returns with it how many images are of a class that is not among them: every prediction of these counts as wrong
   */
  judgedBy(classNames: readonly string[]): { readonly test: TestSet; readonly foreign: number } {
    const { name, height, width, channels, pixels } = this.images
    const labels = this.#labels.map((label) => classNames.indexOf(this.classNames[label]))
    const test = new TestSet({
      name,
      height,
      width,
      channels,
      pixels,
      labels,
      classNames,
      fileNames: this.#fileNames,
      originals: this.#originals,
    })
    return { test, foreign: labels.filter((label) => label === FOREIGN).length }
  }

  /**
   * Counts right answers; those of images of foreign classes are wrong, and in no class's count.
   *
   * @param predictedClass `[count]`, a class index for every image
   * @throws RangeError if there are too few or too many predictions, or one is not a class index
   */
  score(predictedClass: ArrayLike<number>): TestScore {
    if (predictedClass.length !== this.count) {
      throw new RangeError(
        `internal: score (${this.images.name}): got ${predictedClass.length} predictions, expected ${this.count}`,
      )
    }
    const classCount = this.classNames.length
    const predicted = checkedClasses(predictedClass, classCount, `score (${this.images.name})`)
    const confusion = this.classNames.map(() => new Array<number>(classCount).fill(0))
    for (let i = 0; i < this.count; i++)
      if (this.#labels[i] !== FOREIGN) confusion[this.#labels[i]][predicted[i]] += 1
    const perClass = this.classNames.map((className, index): ClassScore => {
      const total = confusion[index].reduce((sum, value) => sum + value, 0)
      const correct = confusion[index][index]
      return { className, correct, total, accuracy: total === 0 ? null : correct / total }
    })
    const correct = perClass.reduce((sum, entry) => sum + entry.correct, 0)
    return { accuracy: correct / this.count, correct, total: this.count, perClass, confusion }
  }

  /**
   * Counts right answers by how probable they were said to be.
   *
   * @param predictedClass `[count]`, a class index for every image
   * @param probability `[count]`, 0 to 1, of each prediction
   */
  reliability(predictedClass: ArrayLike<number>, probability: ArrayLike<number>): ConfidenceBin[] {
    if (predictedClass.length !== this.count || probability.length !== this.count) {
      throw new RangeError(
        `internal: reliability (${this.images.name}): got ${predictedClass.length} predictions and ${probability.length} probabilities, expected ${this.count} of each`,
      )
    }
    return confidenceBins(probability, (i) => this.#labels[i] === predictedClass[i])
  }
}

/** Of a class that is not among those of the set. */
const FOREIGN = -1

/** `train/00000`, `train/00001`, ... */
export function numberedPaths(split: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${split}/${String(index).padStart(5, '0')}`)
}

function checkedClasses(
  classes: ArrayLike<number>,
  classCount: number,
  where: string,
  least = 0,
): Int32Array {
  for (let i = 0; i < classes.length; i++) {
    const value = classes[i]
    if (Number.isInteger(value) && value >= least && value < classCount) continue
    throw new RangeError(`internal: ${where}: got class ${value} at ${i}, expected 0 to ${classCount - 1}`)
  }
  return Int32Array.from(classes)
}
