/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { HEADS, type HeadName } from '../names.js'
import { mostProbable, type UnitRows } from '../numerics/matrix.js'
import { addBins, type ConfidenceBin, confidenceBins } from '../numerics/reliability.js'
import { type FittedHead, headProblem, type LeftOut } from './head.js'
import { fitCalibrated } from './calibrated.js'
import { leftOut } from './left-out.js'
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
  /** How often predictions of each probability were right, summed over the draws; of the chosen head alone. */
  reliability?: ConfidenceBin[]
}

export interface ComparisonOptions {
  /** Each tells of its neighbours itself. */
  readonly spaces: readonly FeatureSpace[]
  /** Labels of the training images for each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** Default `comparedHeads()`. */
  readonly heads?: readonly HeadName[]
  /** The one whose probabilities are used, and made to mean something. */
  readonly chosen?: HeadName
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
        const wanted = key === options.chosen && !space.baseline
        const { fitted, left } = wanted
          ? await fitCalibrated(head, problem)
          : { fitted: await head.fit(problem), left: undefined }
        if (draw === 0) result.first = fitted
        if (test && space.test) await scoreOnTest(result, fitted, space.test, test, wanted)
        else scoreOnLabelled(result, left ?? (await leftOut(fitted.settled ?? head, problem)), wanted)
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
  reliability: boolean,
): Promise<void> {
  const { predicted, probability } = mostProbable(await fitted.predict(features))
  const { accuracy, confusion } = test.score(predicted)
  result.accuracies.push(accuracy)
  confusion.forEach((row, i) => row.forEach((count, j) => (result.confusion[i][j] += count)))
  if (reliability) addReliability(result, test.reliability(predicted, probability))
}

/** On the labelled images, each predicted by a fit without its label. */
function scoreOnLabelled(result: Comparison, { truth, inductive }: LeftOut, reliability: boolean): void {
  if (truth.length === 0) return
  const { predicted, probability } = mostProbable(inductive)
  const isRight = (i: number): boolean => predicted[i] === truth[i]
  result.accuracies.push(truth.filter((_, i) => isRight(i)).length / truth.length)
  truth.forEach((label, i) => result.confusion[label][predicted[i]]++)
  if (reliability) addReliability(result, confidenceBins(probability, isRight))
}

function addReliability(result: Comparison, bins: ConfidenceBin[]): void {
  result.reliability = result.reliability === undefined ? bins : addBins(result.reliability, bins)
}
