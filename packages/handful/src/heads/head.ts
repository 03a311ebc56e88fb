/**
 * What every few-label head offers: fit to features of which a handful are labelled, probabilities of the rows given at
 * fit (transductive), and a predictor for new rows that solves nothing again (inductive) and can be stored.
 */
import type { Random } from 'onnx-autodiff'
import { HandfulError } from '../errors.js'
import type { FeatureSpace } from '../features/feature-space.js'
import {
  checkFinite,
  featureMatrix,
  selectRows,
  type FeatureMatrix,
  type UnitRows,
} from '../numerics/matrix.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'

/** What every head is fitted to. */
export interface RowProblem {
  /** Labelled and unlabelled rows. */
  readonly features: FeatureMatrix
  /** `[rows]` class of each row, -1 where it has no label. */
  readonly labels: Int32Array
  readonly classCount: number
  /** Folds, initial weights and batches are drawn from children of this stream. */
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
  /**
   * `[rows]` which rows came out of one file, as frames and pages do, by equal numbers: they are left out together, or
   * each would be predicted from its like. All apart unless said otherwise.
   */
  readonly sources?: Int32Array
  /**
   * Rows whose label is a prediction that was accepted with others for being sure. It teaches as any other; that fits without
   * it say the same proves nothing, so that no accuracy, no probability and no choice comes of it. None unless said otherwise.
   */
  readonly accepted?: ReadonlySet<number>
  /** `[classCount]` how often each class is known to come, in any unit: heads that hold classes to a size hold them to these. */
  readonly shares?: readonly number[]
}

/** The same with what the rows' feature space knows, found when it is asked for; of its test rows nothing is seen. */
export interface HeadProblem
  extends RowProblem, Pick<FeatureSpace, 'references' | 'graph' | 'smoothed' | 'neighboursOf'> {
  readonly features: UnitRows
}

/** A problem on the training rows of a space. */
export function headProblem(
  space: FeatureSpace,
  given: Pick<HeadProblem, 'labels' | 'classCount' | 'random' | 'sources' | 'accepted' | 'shares'>,
): HeadProblem {
  return {
    ...given,
    features: space.train,
    linearAlgebra: space.linearAlgebra,
    references: () => space.references(),
    graph: () => space.graph(),
    smoothed: () => space.smoothed(),
    neighboursOf: (rows, k) => space.neighboursOf(rows, k),
  }
}

/**
 * How a predictor gets from rows to probabilities. `views`: the mean of what one linear layer says of each of several views of an
 * image, whose rows stand side by side; the other words say it themselves.
 */
export const PREDICTOR_KINDS = ['linear', 'mlp', 'neighbours', 'product', 'views'] as const

/** A predictor as plain data: JSON settings and float32 matrices. `restorePredictor` makes it a function again. */
export interface PredictorParameters {
  readonly kind: (typeof PREDICTOR_KINDS)[number]
  readonly classCount: number
  readonly settings: Readonly<Record<string, number | string>>
  readonly arrays: Readonly<Record<string, FeatureMatrix>>
  /** Of a product: its factors, each to the power of its weight. */
  readonly factors?: readonly { readonly weight: number; readonly parameters: PredictorParameters }[]
}

/** A head after its fit: probabilities of the rows it saw, and of new ones. */
export interface FittedHead<P extends RowProblem = HeadProblem> {
  readonly name: string
  /** What was chosen at fit (strength, k, ...), for the report. */
  readonly chosen: Readonly<Record<string, number | string>>
  /** Of a product of heads: how much each of them weighs, by its name. */
  readonly weights?: Readonly<Record<string, number>>
  /** `[rows, classCount]` probabilities of the rows given at fit, transductive where the head is. */
  probabilities(): Promise<FeatureMatrix>
  /** `[rows, classCount]` probabilities of new rows, from the stored parameters alone. */
  predict(features: FeatureMatrix): Promise<FeatureMatrix>
  readonly parameters: PredictorParameters
  /**
   * `[labelled, classCount]` probabilities of each labelled row, in the order of the rows, from a fit without its label,
   * where the head has them at little cost; rows it has none for are NaN.
   */
  readonly leaveOneOut?: FeatureMatrix
  /** What fits without some of the labels give for these, where the head has made such fits already. */
  readonly leftOut?: LeftOut
  /** The head with what it has chosen as given, where choosing takes most of its time: for fits to nearly the same labels. */
  readonly settled?: Head<P>
}

/** Labelled rows as heads see them that do not know their labels. */
export interface LeftOut {
  /** Rows of the problem whose labels were left out in turn, ascending; those of a class's only label, and accepted ones, never are. */
  readonly rows: Int32Array
  /** `[rows]` their classes. */
  readonly truth: Int32Array
  /** `[rows, classCount]` probabilities, as unlabelled rows of the fit have them. */
  readonly transductive: FeatureMatrix
  /** The same as new images have them. */
  readonly inductive: FeatureMatrix
}

/**
 * A way from features and a few labels to probabilities. `RowHead` needs the rows alone, others the whole feature
 * space.
 */
export interface Head<P extends RowProblem = HeadProblem> {
  readonly name: string
  /** Throws HandfulError on labels that cannot be learnt from and on features that are not finite. */
  readonly fit: (problem: P) => Promise<FittedHead<P>>
}

/** A head that works on rows alone, of any length. */
export type RowHead = Head<RowProblem>

/** The labelled rows of a problem. Classes without a label are left out: heads never predict them. */
export interface LabelledRows {
  /** Rows of the problem, ascending. */
  readonly rows: Int32Array
  readonly features: FeatureMatrix
  /** `[labelled]` positions in `classes`. */
  readonly targets: Int32Array
  /** Classes that have a label, ascending. */
  readonly classes: Int32Array
  /** `[classes]` labels of each. */
  readonly counts: Int32Array
  /** `[labelled]` of what file each is, where several are of one. */
  readonly sources?: Int32Array
  /** `[labelled]` 1 where the label was accepted for being sure. */
  readonly accepted?: Uint8Array
}

/** Whether a label can judge a fit that has not seen it: its class has others, and it is no prediction itself. */
export const canJudge = (
  { targets, counts, accepted }: Pick<LabelledRows, 'targets' | 'counts' | 'accepted'>,
  i: number,
): boolean => counts[targets[i]] > 1 && accepted?.[i] !== 1

/** Checks a problem and takes its labelled rows out. */
export function labelledRows({ features, labels, classCount, sources, accepted }: RowProblem): LabelledRows {
  const problem = (got: string, expected: string, hint: string, where = 'few-label head') =>
    new HandfulError({ what: 'labels', where, got, expected, hint })
  if (labels.length !== features.rows) {
    throw problem(
      `${labels.length} labels`,
      `${features.rows}, one for each row`,
      'use -1 for unlabelled rows',
    )
  }
  checkFinite(features, 'few-label head')
  const counts = new Int32Array(classCount)
  for (const [row, label] of labels.entries()) {
    if (label >= classCount || label < -1) {
      throw problem(`class ${label}`, `-1 to ${classCount - 1}`, 'check the class list', `row ${row}`)
    }
    if (label >= 0) counts[label]++
  }
  const classes = Int32Array.from(counts.keys()).filter((c) => counts[c] > 0)
  if (classes.length < 2) {
    const got = classes.length === 0 ? 'no label' : `one class only (class ${classes[0]})`
    throw problem(got, 'labels of at least two classes', 'label at least one image of another class')
  }
  const position = new Int32Array(classCount).fill(-1)
  classes.forEach((c, i) => (position[c] = i))
  const rows = Int32Array.from(labels.keys()).filter((row) => labels[row] >= 0)
  return {
    rows,
    features: selectRows(features, rows),
    targets: Int32Array.from(rows, (row) => position[labels[row]]),
    classes,
    counts: Int32Array.from(classes, (c) => counts[c]),
    sources: sources && Int32Array.from(rows, (row) => sources[row]),
    accepted: accepted && Uint8Array.from(rows, (row) => Number(accepted.has(row))),
  }
}

/** Rows of labelled images hold their class alone, in place. @param shares `[rows, labelled classes]` */
export function setLabels(
  { columns, data }: FeatureMatrix,
  { rows, targets }: Pick<LabelledRows, 'rows' | 'targets'>,
): void {
  for (const [i, row] of rows.entries()) {
    data.fill(0, row * columns, (row + 1) * columns)
    data[row * columns + targets[i]] = 1
  }
}

/** Columns of the labelled classes spread over all classes; the others stay 0. */
export function overAllClasses(
  scores: { readonly rows: number; readonly data: ArrayLike<number> },
  classes: Int32Array,
  classCount: number,
): FeatureMatrix {
  const spread = featureMatrix(scores.rows, classCount)
  for (let i = 0; i < scores.rows; i++) {
    for (let c = 0; c < classes.length; c++) {
      spread.data[i * classCount + classes[c]] = scores.data[i * classes.length + c]
    }
  }
  return spread
}

/** Probabilities of each row's logits times `scale`, in place. A logit of -Infinity is a class that cannot be. */
export function softmaxRows({ rows, columns, data }: FeatureMatrix, scale = 1): void {
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns)
    let largest = -Infinity
    for (const logit of row) if (logit > largest) largest = logit
    let sum = 0
    for (let c = 0; c < columns; c++) sum += row[c] = Math.exp(scale * (row[c] - largest))
    for (let c = 0; c < columns; c++) row[c] /= sum
  }
}
