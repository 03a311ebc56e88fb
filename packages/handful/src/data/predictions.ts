/**
 * Predictions as one CSV table, `file_name,label,predicted,probability,split,source`: the paths are those that came
 * in, `label` is what was known beforehand (never a test label), so the table can be filled in and read back as
 * `labels.csv`. Where it can be told how unlike all classes images are, that is one column more, `unlike`.
 */

import { writeFileAtomic } from '../files/atomic.js'
import { formatCsvRow } from '../files/csv-row.js'
import { NONE_OF_THESE } from '../names.js'
import { type FeatureMatrix, mostProbable } from '../numerics/matrix.js'
import type { Dataset } from './dataset.js'
import type { Images } from './image-set.js'
import { TestSet, revealFileNames } from './test-set.js'

/** Columns of predictions.csv in their order; a column `unlike` follows where that can be told. */
export const PREDICTION_COLUMNS = [
  'file_name',
  'label',
  'predicted',
  'probability',
  'split',
  'source',
] as const

/** What predictions.csv is written from: images and what was predicted for each, in the same order. */
export interface Predictions {
  readonly images: Images | TestSet
  readonly classNames: readonly string[]
  /** `[count]`, the labels the classifier was given, -1 where none; left out for new images and test splits. */
  readonly labels?: ArrayLike<number>
  /** `[count]`, class indices. */
  readonly predicted: ArrayLike<number>
  /** `[count]`, the probability of the predicted class, 0 .. 1. */
  readonly probability: ArrayLike<number>
  /** `[count]`, how unlike all classes each image is, 0 .. 1, where that can be told. */
  readonly unlike?: ArrayLike<number>
  /** `train`, `test` or what else the images are. */
  readonly split: string
  /** Paths of images that are known to be of none of the classes: that is their label, and nothing is predicted. */
  readonly noneOfThese?: ReadonlySet<string>
  /** What predicted: `vae + propagation`. */
  readonly source: string
}

interface OfSplits<T> {
  readonly train: T
  readonly test?: T
}

/**
 * What is predicted of a data set's training images, and of its test images where they were asked for.
 *
 * @param labels of the training images that were seen, -1 where hidden
 * @param given probabilities `[images, classes]` of each split, and how unlike all classes its images are where that can be told
 * @param source what predicted, in a few words
 */
export function predictionParts(
  { train, test, noneOfThese }: Pick<Dataset, 'train' | 'test' | 'noneOfThese'>,
  labels: Int32Array,
  given: OfSplits<FeatureMatrix> & { readonly unlike?: OfSplits<Float32Array> },
  source: string,
): Predictions[] {
  const { classNames } = train
  const own = { ...mostProbable(given.train), unlike: given.unlike?.train }
  const parts: Predictions[] = [
    { images: train, classNames, labels, noneOfThese, ...own, split: 'train', source },
  ]
  if (test && given.test) {
    const ofTest = { ...mostProbable(given.test), unlike: given.unlike?.test }
    parts.push({ images: test, classNames, ...ofTest, split: 'test', source })
  }
  return parts
}

/**
 * Writes the table, whole or not at all. Rows of a test split are sorted by file name.
 *
 * @throws HandfulError if the file cannot be written
 */
export async function writePredictions(path: string, parts: readonly Predictions[]): Promise<void> {
  await writeFileAtomic(path, inBlocks(tableRows(parts)))
}

/** The table's lines, the header first. */
export function* tableRows(parts: readonly Predictions[]): Generator<string> {
  const tells = parts.some(({ unlike }) => unlike !== undefined)
  yield formatCsvRow([...PREDICTION_COLUMNS, ...(tells ? [UNLIKE_COLUMN] : [])])
  for (const part of parts) yield* partRows(part, tells)
}

const UNLIKE_COLUMN = 'unlike'

function* partRows(part: Predictions, tells: boolean) {
  const { images, classNames, labels, predicted, probability, unlike, split, source, noneOfThese } = part
  const fileNames = images instanceof TestSet ? revealFileNames(images) : images.paths
  const count = fileNames.length
  for (const [name, values] of Object.entries({ labels, predicted, probability, unlike })) {
    if (values === undefined || values.length === count) continue
    throw new RangeError(
      `internal: writePredictions (${split}): got ${values.length} ${name}, expected ${count}`,
    )
  }
  const order = Array.from({ length: count }, (_, index) => index)
  if (images instanceof TestSet) order.sort((a, b) => (fileNames[a] < fileNames[b] ? -1 : 1))
  for (const index of order) {
    const more = tells ? [unlike?.[index].toFixed(4) ?? ''] : []
    if (noneOfThese?.has(fileNames[index])) {
      yield formatCsvRow([fileNames[index], NONE_OF_THESE, '', '', split, source, ...more])
      continue
    }
    const label = labels === undefined || labels[index] < 0 ? '' : classNames[labels[index]]
    const share = probability[index].toFixed(4)
    yield formatCsvRow([fileNames[index], label, classNames[predicted[index]], share, split, source, ...more])
  }
}

/** Some hundred rows at a time: one system call for each row would be slow. */
function* inBlocks(rows: Iterable<string>): Generator<string> {
  let block: string[] = []
  for (const row of rows) {
    block.push(row)
    if (block.length < 1000) continue
    yield block.join('')
    block = []
  }
  yield block.join('')
}
