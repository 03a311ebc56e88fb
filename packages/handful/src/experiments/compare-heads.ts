/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import type { LinearAlgebra, Neighbours } from '../features/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../features/matrix.js'
import type { FittedHead, Head } from '../heads/head.js'
import { labelPropagation } from '../heads/label-propagation.js'
import { logisticRegression } from '../heads/logistic-regression.js'
import { neighbourGraph } from '../heads/graph.js'

/** One kind of features of all training images and of the test images, normalised. */
export interface FeatureSet {
  /** As the report names them: `learned features`, `raw pixels`. */
  readonly name: string
  readonly baseline: boolean
  readonly train: FeatureMatrix
  readonly test?: FeatureMatrix
}

export interface NamedHead {
  readonly key: 'propagation' | 'linear'
  readonly head: Head
}

export const comparedHeads = (): readonly NamedHead[] => [
  { key: 'propagation', head: labelPropagation() },
  { key: 'linear', head: logisticRegression() },
]

export interface Comparison {
  readonly features: string
  readonly baseline: boolean
  readonly head: string
  readonly key: NamedHead['key']
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
  const { sets, draws, classCount, test, seed, signal, onFit } = options
  const results: Comparison[] = []
  const total = sets.length * draws.length * comparedHeads().length
  let done = 0
  for (const set of sets) {
    const graph = await neighbourGraph(set.train, options.linearAlgebra, {
      onProgress: (row, rows) => options.onGraph(row, rows, set.name),
    })
    const linearAlgebra = rememberingNearest(options.linearAlgebra)
    for (const { key, head } of comparedHeads()) {
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
        const fitted = await head.fit({
          features: set.train,
          labels,
          classCount,
          random,
          linearAlgebra,
          graph,
        })
        if (draw === 0) result.first = fitted
        await score(result, fitted, set, labels, test)
      }
      results.push(result)
    }
  }
  onFit(total, total)
  return results
}

const square = (size: number): number[][] =>
  Array.from({ length: size }, () => new Array<number>(size).fill(0))

/** On the test images where there are any, else on the labelled ones, each predicted from the others. */
async function score(
  result: Comparison,
  fitted: FittedHead,
  set: FeatureSet,
  labels: Int32Array,
  test?: TestSet,
): Promise<void> {
  if (test && set.test) {
    const { accuracy, confusion } = test.score(argmaxRows(await fitted.predict(set.test)))
    result.accuracies.push(accuracy)
    confusion.forEach((row, i) => row.forEach((count, j) => (result.confusion[i][j] += count)))
    return
  }
  const { leaveOneOut } = fitted
  if (!leaveOneOut) return
  const truth = labels.filter((label) => label >= 0)
  const predicted = argmaxRows(leaveOneOut)
  const known = [...truth.keys()].filter((i) => Number.isFinite(leaveOneOut.data[i * leaveOneOut.columns]))
  if (known.length === 0) return
  result.accuracies.push(known.filter((i) => predicted[i] === truth[i]).length / known.length)
  for (const i of known) result.confusion[truth[i]][predicted[i]]++
}

/** The test images' neighbours are the same for every draw: they are found once. */
function rememberingNearest(linearAlgebra: LinearAlgebra): LinearAlgebra {
  const known = new Map<string, Promise<Neighbours>>()
  return {
    ...linearAlgebra,
    nearest: (queries, references, k, options) => {
      const key = `${queries.rows}x${references.rows} ${k} ${options?.excludeSelf ?? false}`
      const found = known.get(key) ?? linearAlgebra.nearest(queries, references, k, options)
      known.set(key, found)
      return found
    },
  }
}
