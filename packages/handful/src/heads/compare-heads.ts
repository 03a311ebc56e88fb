/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../numerics/matrix.js'
import { neighbourGraph } from '../features/neighbour-graph.js'
import { rememberingNearest } from '../features/remembering-nearest.js'
import type { FittedHead, Head, HeadProblem } from './head.js'
import { createHead, type HeadName, isSmoothed } from './registry.js'
import { smoothedFeatures } from './smoothed.js'
import type { FeatureSet } from '../features/feature-sets.js'
import { leaveOneOut } from './leave-one-out.js'

/** In every comparison: the one made for few labels, and the plain one beside it. */
const ALWAYS = ['propagation', 'linear'] as const satisfies readonly HeadName[]

/** The heads that are always compared, and another one where that is chosen. */
export const comparedHeads = (chosen?: HeadName): HeadName[] => [
  ...new Set<HeadName>(chosen === undefined ? ALWAYS : [...ALWAYS, chosen]),
]

export interface Comparison {
  readonly features: string
  readonly baseline: boolean
  readonly head: string
  readonly key: HeadName
  /** One per draw; empty where there is nothing to score on. */
  readonly accuracies: number[]
  /** Summed over the draws, rows are true classes; empty without anything to score on. */
  readonly confusion: number[][]
  /** The fit to the first draw. */
  first?: FittedHead
}

export interface ComparisonOptions {
  readonly sets: readonly FeatureSet[]
  /** Labels of the training images for each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** Default `comparedHeads()`. */
  readonly heads?: readonly HeadName[]
  readonly classCount: number
  readonly test?: TestSet
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  readonly signal: AbortSignal
  readonly onGraph: (done: number, total: number, set: string) => void
  readonly onFit: (done: number, total: number) => void
}

/** Fits every head to every kind of features for every draw. */
export async function compareHeads(options: ComparisonOptions): Promise<Comparison[]> {
  const { sets, draws, heads = comparedHeads(), classCount, test, seed, signal, onFit } = options
  const results: Comparison[] = []
  const total = sets.length * draws.length * heads.length
  let done = 0
  for (const set of sets) {
    const graph = await neighbourGraph(set.train, options.linearAlgebra, {
      onProgress: (row, rows) => options.onGraph(row, rows, set.name),
    })
    const linearAlgebra =
      set.test === undefined
        ? options.linearAlgebra
        : rememberingNearest(options.linearAlgebra, { queries: set.test, references: set.train })
    const smoothed = heads.some(isSmoothed)
      ? await smoothedFeatures({ features: set.train, graph, linearAlgebra })
      : undefined
    for (const key of heads) {
      const head = createHead(key)
      const result: Comparison = {
        features: set.name,
        baseline: set.baseline,
        head: head.name,
        key,
        accuracies: [],
        confusion: square(classCount),
      }
      for (const [draw, labels] of draws.entries()) {
        signal.throwIfAborted()
        onFit(done++, total)
        const random = new Random(seed, `head ${key}/${set.name}/draw ${draw}`)
        const problem = { features: set.train, labels, classCount, random, linearAlgebra, graph, smoothed }
        const fitted = await head.fit(problem)
        if (draw === 0) result.first = fitted
        if (test && set.test) await scoreOnTest(result, fitted, set.test, test)
        else await scoreOnLabelled(result, head, fitted, problem)
      }
      results.push(result)
    }
  }
  onFit(total, total)
  return results
}

const square = (size: number): number[][] =>
  Array.from({ length: size }, () => new Array<number>(size).fill(0))

async function scoreOnTest(
  result: Comparison,
  fitted: FittedHead,
  features: FeatureMatrix,
  test: TestSet,
): Promise<void> {
  const { accuracy, confusion } = test.score(argmaxRows(await fitted.predict(features)))
  result.accuracies.push(accuracy)
  confusion.forEach((row, i) => row.forEach((count, j) => (result.confusion[i][j] += count)))
}

/** On the labelled images, each predicted from the others. */
async function scoreOnLabelled(
  result: Comparison,
  head: Head,
  fitted: FittedHead,
  problem: HeadProblem,
): Promise<void> {
  const { truth, predicted } = await leaveOneOut(head, fitted, problem)
  if (truth.length === 0) return
  result.accuracies.push(truth.filter((label, i) => predicted[i] === label).length / truth.length)
  truth.forEach((label, i) => result.confusion[label][predicted[i]]++)
}
