/**
 * What the cells answered, image by image and class by class, and how methods compare on the same draws: for study.json, put together
 * once all is predicted. A cell keeps counts of each draw, and the predictions of its first.
 */
import { z } from 'zod'
import { revealFileNames, revealLabels, type TestScore, type TestSet } from '../data/test-set.js'
import { exactMcNemar } from '../numerics/mcnemar.js'
import { average, studentInterval } from '../numerics/statistics.js'
import type { StudyComparison, StudyInput } from './result.js'

const count = z.int().nonnegative()

/** Of one draw. */
export const detailSchema = z.strictObject({
  /** `[classes]` test images of each that were answered rightly. */
  right: z.array(count),
  /** `[classes * classes]`, true ones in rows; of few classes. */
  confusion: z.array(count).optional(),
})

export const answersFields = {
  /** Of each draw; nothing of those that an older version fitted. */
  details: z.array(detailSchema.nullable()).optional(),
  /** Classes of all test images as the first draw has them, `encodeClasses`. */
  predicted: z.string().optional(),
}

export type CellDetail = z.infer<typeof detailSchema>

/** Beyond so many classes a matrix for each draw of each cell would outweigh all else. */
const MOST_CLASSES = 20
/** Beyond so many test images their names would. */
const MOST_NAMED = 20_000

export function detailOf({ confusion }: TestScore): CellDetail {
  const right = confusion.map((row, own) => row[own])
  return confusion.length <= MOST_CLASSES ? { right, confusion: confusion.flat() } : { right }
}

/** A byte for each image, two (the low one first) where there are more than 256 classes; in base 64. */
export function encodeClasses(classes: ArrayLike<number>, classCount: number): string {
  const bytes = Buffer.alloc(classes.length * (classCount > 256 ? 2 : 1))
  for (let i = 0; i < classes.length; i++) {
    if (classCount > 256) bytes.writeUInt16LE(classes[i], 2 * i)
    else bytes[i] = classes[i]
  }
  return bytes.toString('base64')
}

/** What `encodeClasses` gave. */
export function decodeClasses(text: string, classCount: number): Int32Array {
  const bytes = Buffer.from(text, 'base64')
  if (classCount <= 256) return Int32Array.from(bytes)
  return Int32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i))
}

/** The test images as study.json has them: where each came from, and its class. */
export const testImagesOf = (test: TestSet): NonNullable<StudyInput['testSet']> => ({
  ...(test.count <= MOST_NAMED && { names: [...revealFileNames(test)] }),
  classes: encodeClasses(revealLabels(test), test.classNames.length),
})

export interface AnsweringCell {
  readonly accuracies: readonly number[]
  readonly details?: readonly (CellDetail | null)[]
  readonly predicted?: string
}

/** A cell's answers over its draws. */
export function answersOf(
  { details = [], predicted }: AnsweringCell,
  test: TestSet,
): Pick<StudyInput['cells'][number], 'perClass' | 'confusion' | 'predicted'> {
  const known = details.filter((detail) => detail !== null)
  if (known.length === 0) return { predicted }
  const size = test.classNames.length
  const sizes = new Int32Array(size)
  revealLabels(test).forEach((label) => sizes[label]++)
  const matrices = known.flatMap(({ confusion }) => (confusion === undefined ? [] : [confusion]))
  return {
    perClass: Array.from(sizes, (images, own) =>
      images === 0 ? null : Number((average(known.map(({ right }) => right[own])) / images).toFixed(4)),
    ),
    confusion:
      matrices.length === known.length
        ? Array.from({ length: size }, (_, i) =>
            Array.from({ length: size }, (__, j) =>
              matrices.reduce((sum, matrix) => sum + matrix[i * size + j], 0),
            ),
          )
        : undefined,
    predicted,
  }
}

interface Compared extends AnsweringCell {
  readonly method: string
  readonly head: string
  readonly labelsPerClass: StudyComparison['labelsPerClass']
}

/** Each pair of methods with the same head at each number of labels. */
export function comparisonsOf(cells: readonly Compared[], test: TestSet): StudyComparison[] {
  const truth = revealLabels(test)
  const size = test.classNames.length
  const right = new Map(
    cells.map((cell) => [
      cell,
      cell.predicted === undefined
        ? undefined
        : decodeClasses(cell.predicted, size).map((said, i) => Number(said === truth[i])),
    ]),
  )
  return cells.flatMap((first, place) =>
    cells
      .slice(place + 1)
      .filter((second) => second.labelsPerClass === first.labelsPerClass && second.method !== first.method)
      .map((second): StudyComparison => {
        const draws = Math.min(first.accuracies.length, second.accuracies.length)
        const apart = Array.from({ length: draws }, (_, i) => first.accuracies[i] - second.accuracies[i])
        const [own, other] = [right.get(first), right.get(second)]
        const only = (a: Int32Array, b: Int32Array): number =>
          a.reduce((sum, is, i) => sum + (is && !b[i] ? 1 : 0), 0)
        const { labelsPerClass, head } = first
        const interval = draws > 1 ? differenceInterval(apart) : {}
        const counts =
          own === undefined || other === undefined
            ? {}
            : { onlyFirst: only(own, other), onlySecond: only(other, own) }
        return {
          ...{ labelsPerClass, head, first: first.method, second: second.method, draws },
          difference: average(apart),
          ...interval,
          ...counts,
          ...(counts.onlyFirst !== undefined && { p: exactMcNemar(counts.onlyFirst, counts.onlySecond) }),
        }
      }),
  )
}

/** Differences lie between -1 and 1: Student's interval of shares, moved there and back. */
function differenceInterval(apart: readonly number[]): { readonly low: number; readonly high: number } {
  const { low, high } = studentInterval(apart.map((value) => (value + 1) / 2))
  return { low: 2 * low - 1, high: 2 * high - 1 }
}
