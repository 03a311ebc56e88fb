/** The study's cells as means with intervals, and what is best where. */
import { estimateAccuracy, type Estimate } from '../numerics/statistics.js'
import type { LabelCount, Study, StudyCell, StudyHead, StudyMethod, StudyMissing } from './result.js'

export interface CellEstimate extends Estimate {
  /** Half of the 95 % interval's width; the larger side where it ends at 0 or 1. */
  readonly half: number
  readonly draws: number
}

export interface HeadResult {
  readonly head: StudyHead
  readonly estimate: CellEstimate
  readonly cell: StudyCell
}

/** Student's interval over the draws; from the number of test images where there is one draw. */
export function estimateDraws(accuracies: readonly number[], testImages: number): CellEstimate {
  const estimate = estimateAccuracy(accuracies, testImages)
  const half = Math.max(estimate.mean - estimate.low, estimate.high - estimate.mean)
  return { ...estimate, half, draws: accuracies.length }
}

/** Ascending, `all` last, none twice. */
export function sortedCounts(counts: readonly LabelCount[]): LabelCount[] {
  const size = (count: LabelCount): number => (count === 'all' ? Infinity : count)
  return [...new Set(counts)].sort((a, b) => size(a) - size(b))
}

/** The cells of a method at a label count, best mean first. */
export function resultsAt(study: Study, method: string, count: LabelCount): HeadResult[] {
  return study.cells
    .filter((cell) => cell.method === method && cell.labelsPerClass === count)
    .map((cell) => ({
      cell,
      head: headOf(study, cell.head),
      estimate: estimateDraws(cell.accuracies, study.dataset.testImages),
    }))
    .sort((a, b) => b.estimate.mean - a.estimate.mean)
}

/** The head with the highest mean, picked after the fact. */
export function bestAt(study: Study, method: string, count: LabelCount): HeadResult | undefined {
  return resultsAt(study, method, count).at(0)
}

/** The reference's head; a supervised network is its own. */
export function referenceAt(study: Study, method: StudyMethod, count: LabelCount): HeadResult | undefined {
  const results = resultsAt(study, method.id, count)
  return method.kind === 'supervised' ? results.at(0) : results.find(({ head }) => head.reference)
}

export function headOf(study: Study, id: string): StudyHead {
  return study.heads.find((head) => head.id === id) ?? { id, title: id, reference: false }
}

export function methodTitle(study: Study, id: string): string {
  return study.methods.find((method) => method.id === id)?.title ?? id
}

/** Heads that are fitted to features, without the networks that classify by themselves. */
export function fittedHeads(study: Study): StudyHead[] {
  const used = new Set(
    study.cells
      .filter(({ method }) => study.methods.find(({ id }) => id === method)?.kind !== 'supervised')
      .map(({ head }) => head),
  )
  return study.heads.filter(({ id }) => used.has(id))
}

/** Label counts with a result at least, of those that the study set out to measure. */
export function measuredCounts(study: Study): LabelCount[] {
  const measured = new Set(study.cells.map(({ labelsPerClass }) => labelsPerClass))
  return sortedCounts([...study.labelCounts, ...measured]).filter((count) => measured.has(count))
}

/** Why a cell has no result, where the study says so. */
export function missingAt(
  study: Study,
  method: string,
  count: LabelCount,
  head?: string,
): StudyMissing | undefined {
  return study.missing.find(
    (gap) =>
      gap.method === method &&
      (gap.labelsPerClass === undefined || gap.labelsPerClass === count) &&
      (head === undefined || gap.head === undefined || gap.head === head),
  )
}

/** `1 label per class`, `8 labels per class`, `all labels`. */
export function countPhrase(count: LabelCount): string {
  if (count === 'all') return 'all labels'
  return `${count} ${count === 1 ? 'label' : 'labels'} per class`
}

/** `94.3`: a share in per cent with one decimal. */
export function points(value: number): string {
  return (value * 100).toFixed(1)
}

/** `94.3 ± 0.6`: a mean and half its 95 % interval, in per cent. */
export function meanWithInterval({ mean, half }: CellEstimate): string {
  return `${points(mean)} ± ${points(half)}`
}

/** The seed that the study ran with: the report's own draws are streams of it. */
export function studySeed(study: Study): number {
  const seed = study.config.seed ?? study.environment.seed
  return typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0 ? seed : 0
}
