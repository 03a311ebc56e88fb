/**
 * Which labelled images say how often a classifier is right where there is no test set. All of them, each predicted by a fit
 * without its label; but some judge better than others, and from twenty on they judge alone: images that were drawn at random
 * and labelled without a prediction in sight, since what a person picked or was asked for is harder or easier than the rest;
 * and labelled images that a draw of the labels left out, which its fit has never seen.
 */
import { concatenateRows, type FeatureMatrix, mostProbable, selectRows } from '../numerics/matrix.js'
import { type ConfidenceBin, confidenceBins } from '../numerics/reliability.js'
import type { LeftOut } from './head.js'

/** From so many labels of a better kind on they alone judge: of fewer no share is told. */
export const ENOUGH_ALONE = 20

/** What was drawn at random and labelled blind. */
export interface BlindLabels {
  /** Rows of a class. */
  readonly rows: ReadonlySet<number>
  /** How many more turned out to be of none of the classes: no prediction of these is right. */
  readonly ofNone: number
}

/** What is known of the labels beside those of a fit. */
export interface JudgingLabels {
  /** `[rows]` all labels that there are, -1 where there is none. */
  readonly known: Int32Array
  readonly blind?: BlindLabels
  /** As `RowProblem` has both. */
  readonly sources?: Int32Array
  readonly accepted?: ReadonlySet<number>
}

/** In the words of reports. */
export type JudgingKind = 'blind labels' | 'unseen labels' | 'leave one out'

/** Who judges fits to the labels of a draw. */
export interface Judges {
  /** Rows that the fit has no label of, ascending: it predicts them itself, as new images. */
  readonly unseen: Int32Array
  /** Whether the fit's own labels judge too, each predicted by a fit without it: */
  readonly leftOut: boolean
  /** those of them that do, where they can be left out. */
  readonly may: (row: number) => boolean
  readonly kind: JudgingKind
  /** Blind labels that are the only one of their class in the fit: without them nothing predicts that class. */
  readonly alone: readonly number[]
  /** Blind labels of none of the classes. */
  readonly ofNone: number
}

const enoughBlind = (blind: BlindLabels | undefined): blind is BlindLabels =>
  blind !== undefined && blind.rows.size + blind.ofNone >= ENOUGH_ALONE

/** @param labels `[rows]` of the fit, -1 where it has none */
export function judgesOf(labels: Int32Array, { known, blind, sources, accepted }: JudgingLabels): Judges {
  const audit = enoughBlind(blind) ? blind : undefined
  const may = (row: number): boolean =>
    audit === undefined ? accepted?.has(row) !== true : audit.rows.has(row)
  const files = new Set(sources === undefined ? [] : sources.filter((_, row) => labels[row] >= 0))
  const unseen = Int32Array.from(known.keys()).filter(
    // A frame of a file that the fit knows others of is half seen.
    (row) => known[row] >= 0 && labels[row] < 0 && may(row) && !(sources && files.has(sources[row])),
  )
  const leftOut = unseen.length < ENOUGH_ALONE
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return {
    unseen,
    leftOut,
    may,
    kind: audit ? 'blind labels' : leftOut ? 'leave one out' : 'unseen labels',
    alone:
      leftOut && audit
        ? [...audit.rows].filter((row) => labels[row] >= 0 && counts.get(labels[row]) === 1)
        : [],
    ofNone: audit?.ofNone ?? 0,
  }
}

/** Rows that judge, their classes, and what was predicted of them. */
export interface JudgedRows {
  readonly rows: Int32Array
  readonly truth: Int32Array
  /** `[rows, classes]` */
  readonly probabilities: FeatureMatrix
}

/** Of labels that were left out, those that judge. */
export function judgingRows(
  { rows, truth, inductive }: Pick<LeftOut, 'rows' | 'truth' | 'inductive'>,
  { may }: Pick<Judges, 'may'>,
): JudgedRows {
  const places = Array.from(rows.keys()).filter((at) => may(rows[at]))
  return {
    rows: Int32Array.from(places, (at) => rows[at]),
    truth: Int32Array.from(places, (at) => truth[at]),
    probabilities: selectRows(inductive, places),
  }
}

/** How often predictions are right. */
export interface Verdict {
  readonly accuracy: number
  /** `[true class][predicted class]` of the rows that something was predicted of. */
  readonly confusion: number[][]
  readonly reliability: ConfidenceBin[]
  /** Rows that judged; those of none of the classes have to be counted beside them. */
  readonly rows: readonly number[]
}

/** By all parts together; undefined where nobody judges. */
export function verdictOf(
  parts: readonly JudgedRows[],
  { alone, ofNone }: Pick<Judges, 'alone' | 'ofNone'>,
  classCount: number,
): Verdict | undefined {
  const rows = [...parts.flatMap((part) => [...part.rows]), ...alone]
  const total = rows.length + ofNone
  if (total === 0) return undefined
  const truth = parts.flatMap((part) => [...part.truth])
  const told = concatenateRows(...parts.map(({ probabilities }) => probabilities))
  const { predicted, probability } = mostProbable(told)
  const isRight = (i: number): boolean => predicted[i] === truth[i]
  const confusion = square(classCount)
  truth.forEach((label, i) => confusion[label][predicted[i]]++)
  return {
    accuracy: truth.filter((_, i) => isRight(i)).length / total,
    confusion,
    reliability: confidenceBins(probability, isRight),
    rows,
  }
}

/** Of so many classes, nothing counted yet. */
export const square = (classes: number): number[][] =>
  Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
