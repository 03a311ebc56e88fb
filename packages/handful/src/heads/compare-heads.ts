/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import { EXACT_ROWS } from '../features/approximate-neighbours.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { HEADS } from '../names.js'
import { mostProbable, type UnitRows } from '../numerics/matrix.js'
import { addBins, type ConfidenceBin, confidenceBins } from '../numerics/reliability.js'
import { type FittedHead, headProblem, type LeftOut } from './head.js'
import { fitToChosen } from './choose-space.js'
import { labelPropagation } from './label-propagation.js'
import { leftOut } from './left-out.js'
import { createHead, HEAD_ENTRIES, headEntry, type OwnHeads } from './registry.js'

/** The heads that are always compared, those that the caller brings along, and another one where that is chosen. */
export const comparedHeads = (chosen?: string, own: OwnHeads = {}): string[] => {
  const always: string[] = [...HEADS.filter((name) => HEAD_ENTRIES[name].alwaysCompared), ...Object.keys(own)]
  return chosen === undefined || always.includes(chosen) ? always : [...always, chosen]
}

/** One head on one kind of features, over all draws of the labelled images. */
export interface Comparison {
  readonly features: string
  readonly baseline: boolean
  readonly head: string
  readonly key: string
  /** One per draw; empty where there is nothing to score on. */
  readonly accuracies: number[]
  /** Summed over the draws, rows are true classes; empty without anything to score on. */
  readonly confusion: number[][]
  /** The fit to the first draw, and the space that it is in. */
  first?: { readonly fitted: FittedHead; readonly space: FeatureSpace }
  /** How often predictions of each probability were right, summed over the draws; of the chosen head alone. */
  reliability?: ConfidenceBin[]
}

export interface ComparisonOptions {
  /** Each tells of its neighbours itself. */
  readonly spaces: readonly FeatureSpace[]
  /**
   * Other spaces that the chosen head may take instead of the first one, in which all parts weigh the same: the labels of each
   * draw choose (`choose-space.ts`).
   */
  readonly candidates?: readonly FeatureSpace[]
  /** Labels of the training images for each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** Default `comparedHeads()`. */
  readonly heads?: readonly string[]
  /** Heads beside those of the registry. */
  readonly own?: OwnHeads
  /** The one whose probabilities are used, and made to mean something. */
  readonly chosen?: string
  readonly classCount: number
  /** Which training images came out of one file; see `RowProblem`. */
  readonly sources?: Int32Array
  /** Training images whose label was accepted for being sure; see `RowProblem`. */
  readonly accepted?: ReadonlySet<number>
  readonly test?: TestSet
  readonly seed: number
  readonly signal: AbortSignal
  readonly onFit: (done: number, total: number) => void
}

/** What a head's fit to a draw draws from: its own stream, whatever else is compared. */
export const drawStream = (seed: number, key: string, { name }: FeatureSpace, draw: number): Random =>
  new Random(seed, `head ${key}/${name}/draw ${draw}`)

/**
 * Of baselines of very many images heads without a neighbour graph alone: the search for it takes as long again as that of the
 * features which the predictions come from.
 */
export function headsOn(
  { baseline, rows }: { readonly baseline: boolean; readonly rows: number },
  heads: readonly string[],
  own: OwnHeads = {},
): readonly string[] {
  if (!baseline || rows <= EXACT_ROWS) return heads
  return heads.filter((key) => Object.hasOwn(own, key) || headEntry(key).worksOn === 'rows')
}

/** Whether a head spreads labels over the neighbour graph, as propagation does. */
const onGraph = (key: string, own: OwnHeads = {}): boolean =>
  !Object.hasOwn(own, key) && headEntry(key).worksOn === 'graph'

/** Fits every head to every kind of features for every draw; of baselines see `headsOn`. */
export async function compareHeads(options: ComparisonOptions): Promise<Comparison[]> {
  const { spaces, candidates = [], draws, heads = comparedHeads(), classCount, test, seed } = options
  const { sources, accepted, own: ownHeads, signal, onFit } = options
  const results: Comparison[] = []
  const onEach = spaces.map(({ baseline, train }) => headsOn({ baseline, rows: train.rows }, heads, ownHeads))
  const total = draws.length * onEach.reduce((sum, each) => sum + each.length, 0)
  let done = 0
  for (const [i, space] of spaces.entries()) {
    for (const key of onEach[i]) {
      const head = createHead(key, undefined, ownHeads)
      const wanted = key === options.chosen && !space.baseline
      const judge = onGraph(key, ownHeads) ? labelPropagation() : head
      const result: Comparison = {
        features: wanted && candidates.length > 0 ? CHOSEN_FEATURES : space.name,
        baseline: space.baseline,
        head: head.name,
        key,
        accuracies: [],
        confusion: square(classCount),
      }
      for (const [draw, labels] of draws.entries()) {
        signal.throwIfAborted()
        onFit(done++, total)
        const given = { labels, classCount, sources, accepted, random: drawStream(seed, key, space, draw) }
        if (wanted) {
          const { fitted, left, space: own } = await fitToChosen(head, judge, [space, ...candidates], given)
          if (draw === 0) result.first = { fitted, space: own }
          if (test && own.test) await scoreOnTest(result, fitted, own.test, test, wanted)
          else scoreOnLabelled(result, left, wanted)
        } else {
          const problem = headProblem(space, given)
          const fitted = await head.fit(problem)
          if (draw === 0) result.first = { fitted, space }
          if (test && space.test) await scoreOnTest(result, fitted, space.test, test, wanted)
          else {
            const left = fitted.leftOut ?? (await leftOut(fitted.settled ?? head, problem))
            scoreOnLabelled(result, left, wanted)
          }
        }
      }
      results.push(result)
    }
  }
  onFit(total, total)
  return results
}

/** As reports name what each draw's labels chose. */
const CHOSEN_FEATURES = 'features chosen by the labels'

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
