/** A run's outcome in a few lines for the terminal, and as data for `--json`. Both say what the page's headline says. */
import { formatCount, formatPercent } from './format.js'
import {
  average,
  estimateResult,
  FEWEST_LABELS_TO_JUDGE,
  type Estimate,
  imagesBehind,
} from '../numerics/statistics.js'
import type { Result, RunReport } from './run-report.js'

export interface Summary {
  readonly lines: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Whether the accuracies can be believed at all: not without anything to check against, and not when they are measured
 * on whatever is labelled and a class has fewer than three of them.
 */
export function canJudge(report: RunReport): boolean {
  const { kind } = report.evaluation
  if (kind === 'none' || report.results.length === 0) return false
  return kind !== 'leave one out' || Math.min(...report.dataset.labelled) >= FEWEST_LABELS_TO_JUDGE
}

export function chosenResult(report: RunReport): Result | undefined {
  return report.results.find((result) => result.chosen)
}

/** The best baseline, and the baseline with the same head as `result`. */
export function baselinesOf(report: RunReport, result: Result): { same?: Result; best?: Result } {
  const baselines = report.results.filter((other) => other.baseline)
  const mean = (other: Result): number => average(other.accuracies)
  const best = [...baselines].sort((a, b) => mean(b) - mean(a))[0]
  return { same: baselines.find((other) => other.head === result.head), best }
}

/**
 * Fewer are too few to learn from: 159 steps of a VAE on 1,238 hand signs gave 44 % of images right where 330 gave 68 and
 * 1,196 gave 73 (4 labels a class).
 */
const FEW_STEPS = 300

/** That a model has hardly learnt yet, and what helps. */
export function fewSteps({ training }: Pick<RunReport, 'training'>): string | undefined {
  if (training === undefined || training.steps >= FEW_STEPS) return undefined
  const steps = `${formatCount(training.steps)} ${training.steps === 1 ? 'step' : 'steps'}`
  return `The model was trained for ${steps} only, too few to learn much: more --minutes or a smaller --size.`
}

/** `4 labels per class`, `3 to 8 labels per class`. */
export function labelsPerClass(labelled: readonly number[]): string {
  const least = Math.min(...labelled)
  const most = Math.max(...labelled)
  if (least === most) return `${formatCount(least)} ${least === 1 ? 'label' : 'labels'} per class`
  return `${formatCount(least)} to ${formatCount(most)} labels per class`
}

/** Who judges, and what is to be known of them. */
const JUDGES = {
  'test set': ['test images', ''],
  'unseen labels': ['labelled images', ', none of which it was fitted to'],
  'blind labels': ['images', ', drawn at random and labelled blind, each predicted without its label'],
  'leave one out': ['labelled images', ', each predicted from the others'],
  none: ['images', ''],
} as const

/** `10,000 test images`, `40 labelled images, each predicted from the others`. */
export function checkedOn({ evaluation: { kind, images } }: RunReport): string {
  const [who, how] = JUDGES[kind]
  return kind === 'none' ? 'nothing' : `${formatCount(images)} ${who}${how}`
}

/**
 * An accuracy as it should be read: a percentage on a test set; on labelled images `17 of 18`, because `100 %` would
 * promise what so few can't. They are the row's own: what judges one need not judge another.
 */
export function formatAccuracy({ evaluation }: RunReport, result: Result): string {
  const share = average(result.accuracies)
  if (evaluation.kind === 'test set') return formatPercent(share)
  const images = imagesBehind(evaluation, result)
  return `${Math.round(share * images)} of ${images}`
}

/** `17 of 18 labelled images right, each predicted from the others`. */
export function accuracyInWords(report: RunReport, result: Result): string {
  const [who, how] = JUDGES[report.evaluation.kind]
  return `${formatAccuracy(report, result)} ${who} right${how}`
}

export function summarise(report: RunReport): Summary {
  const { dataset, evaluation } = report
  const judged = canJudge(report)
  const rows = report.results.map((result) => ({
    features: result.features,
    head: result.head,
    baseline: result.baseline,
    chosen: result.chosen,
    draws: result.accuracies.length,
    images: imagesBehind(evaluation, result),
    accuracy: formatAccuracy(report, result),
    ...estimateOf(report, result),
  }))
  const lines = [`${dataset.name}: ${labelsPerClass(dataset.labelled)}, checked on ${checkedOn(report)}`]
  if (judged) lines.push(...table(rows))
  else lines.push('Too few labels to judge how often this is right: label at least 3 of each class.')
  const few = fewSteps(report)
  if (few !== undefined) lines.push(few)
  if (report.skipped.length > 0)
    lines.push(`${formatCount(report.skipped.length)} files skipped; the report lists them.`)
  return {
    lines,
    data: {
      dataset: dataset.name,
      labelled: Object.fromEntries(
        dataset.classes.map((name, index) => [name, dataset.labelled[index] ?? 0]),
      ),
      evaluation,
      judged,
      results: rows,
      skipped: report.skipped.length,
    },
  }
}

/** A result with its interval. */
export const estimateOf = ({ evaluation }: RunReport, result: Result): Estimate =>
  estimateResult(evaluation, result)

interface Row extends Estimate {
  readonly features: string
  readonly head: string
  readonly chosen: boolean
  readonly accuracy: string
}

function table(rows: readonly Row[]): string[] {
  const names = rows.map((row) => `${row.features}, ${row.head}`)
  const width = Math.max(0, ...names.map((name) => name.length))
  return rows.map((row, index) => {
    const interval = `95 % interval ${formatPercent(row.low)} to ${formatPercent(row.high)}`
    const mark = row.chosen ? '*' : ' '
    return ` ${mark} ${names[index].padEnd(width)}  ${row.accuracy.padStart(8)}   ${interval}`
  })
}
