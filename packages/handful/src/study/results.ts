/** The study's cells as means with intervals, and what is best where. */
import { crossedInterval, estimateAccuracy, type Estimate } from '../numerics/statistics.js'
import { isNetwork } from './method-kinds.js'
import type { LabelCount, Study, StudyCell, StudyHead, StudyMethod, StudyMissing } from './result.js'

export interface CellEstimate extends Estimate {
  /** Half of the 95 % interval's width; the larger side where it ends at 0 or 1. */
  readonly half: number
  readonly draws: number
  /** Of the model: its features by each were classified from the same draws. */
  readonly trainings: number
}

/** Accuracies of a cell, `[trainings][draws]`: the draws that all trainings have. */
export function accuracyTable({ accuracies, furtherTrainings = [] }: StudyCell): number[][] {
  const all = [accuracies, ...furtherTrainings]
  const draws = Math.min(...all.map(({ length }) => length))
  return all.length === 1 ? [accuracies] : all.map((each) => each.slice(0, draws))
}

/** The mean over all trainings and draws, with an interval that holds both. */
export function estimateCell(cell: StudyCell, testImages: number): CellEstimate {
  const table = accuracyTable(cell)
  if (table.length === 1) return estimateDraws(table[0], testImages)
  const estimate = crossedInterval(table)
  return { ...estimate, half: halfOf(estimate), draws: table[0].length, trainings: table.length }
}

const halfOf = ({ mean, low, high }: Estimate): number => Math.max(mean - low, high - mean)

export interface HeadResult {
  readonly head: StudyHead
  readonly estimate: CellEstimate
  readonly cell: StudyCell
}

/** Student's interval over the draws; from the number of test images where there is one draw. */
export function estimateDraws(accuracies: readonly number[], testImages: number): CellEstimate {
  const estimate = estimateAccuracy(accuracies, testImages)
  return { ...estimate, half: halfOf(estimate), draws: accuracies.length, trainings: 1 }
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
      estimate: estimateCell(cell, study.dataset.testImages),
    }))
    .sort((a, b) => b.estimate.mean - a.estimate.mean)
}

/** Which head a table or line is with: the study's headline head, or the reference study's. Neither looks at a result. */
export type HeadChoice = 'headline' | 'reference'

/** Heads that headlines were never chosen for, in studies from before there was a named one: the first measured counts. */
const USUAL_HEADLINES = ['auto', 'propagation']

/** The head that was fixed for headlines before anything was measured. */
export function headlineHead(study: Study): StudyHead | undefined {
  const heads = fittedHeads(study)
  const named = [study.headline, ...USUAL_HEADLINES].map((name) => heads.find(({ id }) => id === name))
  return named.find((head) => head !== undefined) ?? heads.at(0)
}

/** With the head of choice; a supervised network is its own. */
export function resultWith(
  study: Study,
  method: StudyMethod,
  count: LabelCount,
  choice: HeadChoice,
): HeadResult | undefined {
  const results = resultsAt(study, method.id, count)
  if (isNetwork(method)) return results.at(0)
  if (choice === 'reference') return results.find(({ head }) => head.reference)
  const headline = headlineHead(study)?.id
  return results.find(({ head }) => head.id === headline)
}

/** Whether it learned by comparing views, alone or as a part. */
export function isContrastive(study: Study, { kind, parts }: StudyMethod): boolean {
  return (
    kind === 'contrastive' ||
    study.methods.some((other) => other.kind === 'contrastive' && parts.includes(other.id))
  )
}

/** A generative model alone, nothing beside it and no views compared. */
export const isPurelyGenerative = ({ kind }: StudyMethod): boolean => kind === 'generative'

export function headOf(study: Study, id: string): StudyHead {
  return study.heads.find((head) => head.id === id) ?? { id, title: id, reference: false }
}

export function methodTitle(study: Study, id: string): string {
  return study.methods.find((method) => method.id === id)?.title ?? id
}

/** Heads that are fitted to features, without the networks that classify by themselves. */
export function fittedHeads(study: Study): StudyHead[] {
  const networks = new Set(study.methods.filter(isNetwork).map(({ id }) => id))
  const used = new Set(study.cells.filter(({ method }) => !networks.has(method)).map(({ head }) => head))
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

/** `94.3 ± 0.6`: a mean and half its 95 % interval, in per cent; `94.32 ± 0.04`, since no interval is of width 0. */
export const meanWithInterval = (estimate: MeanAndHalf): string =>
  `${meanInWords(estimate)} ± ${halfInWords(estimate)}`

type MeanAndHalf = Pick<CellEstimate, 'mean' | 'half'>

/** `94.3`; `94.32` beside half an interval of two digits. */
export const meanInWords = ({ mean, half }: MeanAndHalf): string =>
  (100 * mean).toFixed(half < 0.0005 ? 2 : 1)

/** `0.6`, `0.04`, `< 0.01`: half of an interval, in per cent. */
export function halfInWords({ half }: Pick<CellEstimate, 'half'>): string {
  if (half >= 0.0005) return points(half)
  return half >= 0.00005 ? (100 * half).toFixed(2) : '< 0.01'
}

/** The seed that the study ran with: the report's own draws are streams of it. */
export function studySeed(study: Study): number {
  const seed = study.config.seed ?? study.environment.seed
  return typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0 ? seed : 0
}
