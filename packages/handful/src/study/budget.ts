/**
 * What fits a time: training gets at most half of it, shared between the models as their minutes were asked for, and of
 * the rest goes what costs most for what it is worth. Only estimates decide, never what is done already or how fast this machine is, so
 * that going on with a study plans the same again.
 */
import { formatDuration } from '../draw/format.js'
import type { StudyMissing } from './result.js'
import { missingOf, type StudyStage } from './study-stage.js'

const TRAINING_SHARE = 0.5

/** Reading the images, and the report. */
export const OVERHEAD_SECONDS = 15

/** Factor of all training times. */
export function trainingShare(minutesAsked: readonly number[], budgetSeconds: number | undefined): number {
  const asked = 60 * minutesAsked.reduce((sum, minutes) => sum + minutes, 0)
  if (budgetSeconds === undefined || asked === 0) return 1
  return Math.min(1, (TRAINING_SHARE * budgetSeconds) / asked)
}

export interface Fitted {
  readonly stages: StudyStage[]
  readonly dropped: StudyMissing[]
}

/** Numbers of draws to try in turn, when leaving out the dearest stages is not enough. */
export const fewerDraws = (draws: number): number[] => [draws, ...[10, 5].filter((fewer) => fewer < draws)]

/** Label counts up to the first number are worth the second. */
const WORTH_OF_LABELS = [
  [8, 8],
  [16, 5],
  [32, 3],
  [64, 2],
  [256, 1.5],
] as const

/**
 * What a stage is worth a second of: few labels more than many, the supervised networks, which all methods are measured
 * against and which are their only head, more than a cell of features.
 */
function worth({ kind, head, labelsPerClass = 'all' }: StudyStage): number {
  if (kind !== 'cell') return 10
  const found = WORTH_OF_LABELS.find(([most]) => labelsPerClass !== 'all' && labelsPerClass <= most)
  const labels = found?.[1] ?? 1
  // Heads for few labels.
  if (head !== 'network')
    return ['auto', 'propagation'].includes(head ?? '') && labels > 1.5 ? 3 * labels : labels
  return 20 * labels
}

/** Seconds for what it is worth, above which a stage goes before there are fewer draws. */
const DEAR = 15

/**
 * Leaves out what does not fit, what costs most for what it is worth first.
 *
 * @param which only dear stages, or any but training and features
 */
export function fitBudget(
  stages: readonly StudyStage[],
  budgetSeconds: number,
  which: 'dear' | 'any',
): Fitted {
  const rated = stages
    .filter(({ kind }) => kind !== 'model' && kind !== 'features')
    .map((stage) => ({ stage, cost: stage.seconds / worth(stage) }))
    .filter(({ cost }) => which === 'any' || cost > DEAR)
    .sort((a, b) => b.cost - a.cost)
  let total = totalSeconds(stages)
  const gone = new Set<StudyStage>()
  for (const { stage } of rated) {
    if (total <= budgetSeconds) break
    gone.add(stage)
    total -= stage.seconds
  }
  return {
    stages: stages.filter((stage) => !gone.has(stage)),
    dropped: [...gone].map((stage) =>
      missingOf(
        stage,
        'budget',
        `about ${formatDuration(stage.seconds)}, which does not fit ${formatDuration(budgetSeconds)} for all`,
      ),
    ),
  }
}

export interface NetworkLimit {
  readonly isOne: (stage: StudyStage) => boolean
  readonly minutes: number
  /** That says so. */
  readonly option: string
}

/** A network at ascending label counts until its time is used up. */
export function fitNetwork(stages: readonly StudyStage[], { isOne, minutes, option }: NetworkLimit): Fitted {
  let used = 0
  const over = new Set<StudyStage>()
  for (const stage of stages) {
    if (stage.kind !== 'cell' || !isOne(stage)) continue
    used += stage.seconds
    if (used > 60 * minutes) over.add(stage)
  }
  return {
    stages: stages.filter((stage) => !over.has(stage)),
    dropped: [...over].map((stage) =>
      missingOf(
        stage,
        'budget',
        `about ${formatDuration(stage.seconds)}, beyond the ${formatDuration(60 * minutes)} of ${option}`,
      ),
    ),
  }
}

export const totalSeconds = (stages: readonly StudyStage[]): number =>
  stages.reduce((sum, { seconds }) => sum + seconds, OVERHEAD_SECONDS)
