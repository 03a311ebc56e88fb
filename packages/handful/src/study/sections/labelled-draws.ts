/** Draws of labelled images at small numbers of labels, as sections compare features with them. */
import type { LabelCount } from '../result.js'
import { type StudyData, studyDraws } from '../study-data.js'

/** Draws of one number of labels. */
export interface LabelledDraws {
  readonly labelsPerClass: number
  /** `[images]` each, -1 where hidden. */
  readonly draws: readonly Int32Array[]
}

export const drawsOf = (
  data: StudyData,
  labelsPerClass: number,
  options: { readonly draws: number; readonly seed: number },
): LabelledDraws => ({ labelsPerClass, draws: studyDraws(data, labelsPerClass, options) })

/** Label counts that are numbers. */
export const numbersOf = (sizes: readonly LabelCount[]): number[] => sizes.filter((size) => size !== 'all')
