/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { HEADS, type HeadName } from '../names.js'
import { argmaxRows, type UnitRows } from '../numerics/matrix.js'
import { type FittedHead, type Head, headProblem, type HeadProblem } from './head.js'
import { leaveOneOut } from './leave-one-out.js'
import { createHead, HEAD_ENTRIES } from './registry.js'

/** The heads that are always compared, and another one where that is chosen. */
export const comparedHeads = (chosen?: HeadName): HeadName[] => {
  const always = HEADS.filter((name) => HEAD_ENTRIES[name].alwaysCompared)
  return chosen === undefined || always.includes(chosen) ? always : [...always, chosen]
}

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
  /** Each tells of its neighbours itself. */
  readonly spaces: readonly FeatureSpace[]
  /** Labels of the training images for each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** Default `comparedHeads()`. */
  readonly heads?: readonly HeadName[]
  readonly classCount: number
  readonly test?: TestSet
  readonly seed: number
  readonly signal: AbortSignal
  readonly onFit: (done: number, total: number) => void
}

/** What a head's fit to a draw draws from: its own stream, whatever else is compared. */
export const drawStream = (seed: number, key: HeadName, { name }: FeatureSpace, draw: number): Random =>
  new Random(seed, `head ${key}/${name}/draw ${draw}`)

/** Fits every head to every kind of features for every draw. */
export async function compareHeads(options: ComparisonOptions): Promise<Comparison[]> {
  const { spaces, draws, heads = comparedHeads(), classCount, test, seed, signal, onFit } = options
  const results: Comparison[] = []
  const total = spaces.length * draws.length * heads.length
  let done = 0
  for (const space of spaces) {
    for (const key of heads) {
      const head = createHead(key)
      const result: Comparison = {
        features: space.name,
        baseline: space.baseline,
        head: head.name,
        key,
        accuracies: [],
        confusion: square(classCount),
      }
      for (const [draw, labels] of draws.entries()) {
        signal.throwIfAborted()
        onFit(done++, total)
        const random = drawStream(seed, key, space, draw)
        const problem = headProblem(space, { labels, classCount, random })
        const fitted = await head.fit(problem)
        if (draw === 0) result.first = fitted
        if (test && space.test) await scoreOnTest(result, fitted, space.test, test)
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
  features: UnitRows,
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
