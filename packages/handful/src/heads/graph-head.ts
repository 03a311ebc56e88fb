/**
 * What label propagation and Poisson learning share. Both solve `(I - alpha S) x = D^-1/2 b` or a variant of it on the
 * neighbour graph, and both are linear in their sources, so one solve with a column for each class and one for each of
 * some labelled rows gives the scores and exact leave-one-out scores: taking a label away takes its column away.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import type { SparseMatrix } from '../numerics/sparse.js'
import { logitScale } from './calibrate.js'
import { graphWeights, type Kernel } from '../features/neighbour-graph.js'
import { connectComponents } from './graph.js'
import {
  canJudge,
  type FittedHead,
  type Head,
  type HeadProblem,
  labelledRows,
  type LabelledRows,
  overAllClasses,
  softmaxRows,
} from './head.js'
import { neighbourHead } from './predictor.js'

export interface GraphHeadOptions {
  /** Neighbours of each row that make the graph, at most. */
  readonly k: number
  readonly kernel: Kernel
  /**
   * Labelled rows, drawn at random, whose label is left out in turn; each costs as much as a class. Default 20. Their
   * likelihood sets the temperature, and `leaveOneOut` holds them.
   */
  readonly leaveOut?: number
}

/** Solutions at all rows, and what leave-one-out needs of the labels left out. */
export interface Diffused {
  /** `[rows, classes]` response to all labels of each class. */
  readonly scores: Float64Array
  /** Sums of the scores over all rows. */
  readonly mass: Float64Array
  /** Labelled rows (positions in LabelledRows) whose label is left out in turn, */
  readonly left: Int32Array
  /** the response of each at its own row, */
  readonly ownScore: Float64Array
  /** and its sum over all rows. */
  readonly ownMass: Float64Array
}

export interface GraphMethod extends GraphHeadOptions {
  readonly name: string
  readonly chosen: Readonly<Record<string, number | string>>
  /**
   * What solves on a graph for columns of sources, `[rows, columns]`; each column holds numbers on labelled rows only.
   * Residuals end below a column's tolerance, in shares of its sources.
   */
  solver(
    weights: SparseMatrix,
    labelled: LabelledRows,
  ): (sources: Float64Array, tolerances: Float64Array) => Promise<Float64Array>
  /** `[rows, classes]` logits before scaling, from scores and their sums over all rows. */
  logits(scores: Float64Array, mass: Float64Array, labelled: LabelledRows): FeatureMatrix
  /** Scores and mass at the labelled row `left[index]` when its own label is gone. */
  without(
    diffused: Diffused,
    labelled: LabelledRows,
    index: number,
  ): { scores: Float64Array; mass: Float64Array }
  /** The scale of the logits without evidence, from the scores. */
  expectedScale(scores: Float64Array, labelled: LabelledRows): number
}

/** Labels left out in turn at most: enough for one temperature, few enough to solve beside the classes. */
const LEAVE_OUT = 20
/** Of the scores that predictions come from, and of the labels left out, which give one temperature together. */
const TOLERANCE = 1e-3
const LEFT_OUT_TOLERANCE = 1e-2

export function graphHead(method: GraphMethod): Head {
  return { name: method.name, fit: (problem) => fitGraphHead(method, problem) }
}

async function fitGraphHead(method: GraphMethod, problem: HeadProblem): Promise<FittedHead> {
  const labelled = labelledRows(problem)
  const { features, classCount } = problem
  const graph = await problem.graph()
  const weights = connectComponents(graphWeights(graph, method.k, method.kernel), features, labelled.rows)
  const diffused = await diffuse(method, weights, labelled, problem)
  const leftLogits = leaveOneOutLogits(method, diffused, labelled)
  const scale = logitScale(leftLogits, labelled.targets, method.expectedScale(diffused.scores, labelled))
  const logits = method.logits(diffused.scores, diffused.mass, labelled)
  softmaxRows(logits, scale)
  softmaxRows(leftLogits, scale)
  const probabilities = overAllClasses(logits, labelled.classes, classCount)
  return neighbourHead(
    {
      name: method.name,
      chosen: { ...method.chosen, 'logit scale': scale },
      k: method.k,
      kernel: method.kernel,
      probabilities,
      leaveOneOut: overAllClasses(leftLogits, labelled.classes, classCount),
    },
    problem,
  )
}

async function diffuse(
  method: GraphMethod,
  weights: SparseMatrix,
  labelled: LabelledRows,
  problem: HeadProblem,
): Promise<Diffused> {
  const size = weights.size
  const classes = labelled.classes.length
  const { rows, targets } = labelled
  const judged = Int32Array.from(rows.keys()).filter((i) => canJudge(labelled, i))
  const left = problem.random
    .child('labels left out')
    .shuffle(judged)
    .slice(0, method.leaveOut ?? LEAVE_OUT)
    .sort()
  const width = classes + left.length
  const sources = new Float64Array(size * width)
  rows.forEach((row, i) => (sources[row * width + targets[i]] = 1))
  left.forEach((i, index) => (sources[rows[i] * width + classes + index] = 1))
  const tolerances = new Float64Array(width).fill(TOLERANCE, 0, classes).fill(LEFT_OUT_TOLERANCE, classes)
  const solved = await method.solver(weights, labelled)(sources, tolerances)
  const scores = new Float64Array(size * classes)
  for (let row = 0; row < size; row++) {
    scores.set(solved.subarray(row * width, row * width + classes), row * classes)
  }
  const mass = columnSums(solved, width)
  return {
    scores,
    mass: mass.slice(0, classes),
    left,
    ownScore: Float64Array.from(left, (i, index) => solved[rows[i] * width + classes + index]),
    ownMass: mass.slice(classes),
  }
}

function columnSums(values: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(width)
  for (let at = 0; at < values.length; at += width) for (let c = 0; c < width; c++) sums[c] += values[at + c]
  return sums
}

/** `[labelled, classes]`; rows that are not left out are NaN. */
function leaveOneOutLogits(method: GraphMethod, diffused: Diffused, labelled: LabelledRows): FeatureMatrix {
  const classes = labelled.classes.length
  const logits = featureMatrix(labelled.rows.length, classes)
  logits.data.fill(NaN)
  for (const [index, i] of diffused.left.entries()) {
    const { scores, mass } = method.without(diffused, labelled, index)
    logits.data.set(method.logits(scores, mass, labelled).data, i * classes)
  }
  return logits
}
