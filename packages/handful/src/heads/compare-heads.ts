/**
 * The comparison at the heart of a run: the same heads on learned features and on raw pixels, for each draw of the
 * labelled images. Nothing here sees a test label: a test set scores predictions and that is all.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../data/test-set.js'
import { EXACT_ROWS } from '../features/approximate-neighbours.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { HEADS } from '../names.js'
import { type FeatureMatrix, mostProbable, type UnitRows } from '../numerics/matrix.js'
import { addBins, type ConfidenceBin } from '../numerics/reliability.js'
import { type FittedHead, type Head, headProblem, type LeftOut } from './head.js'
import { fitToChosen } from './choose-space.js'
import {
  type BlindLabels,
  type JudgedRows,
  type Judges,
  judgesOf,
  judgingRows,
  square,
  verdictOf,
} from './judges.js'
import { labelPropagation } from './label-propagation.js'
import { fitAsking, leftOut } from './left-out.js'
import { inProportion } from './proportions.js'
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
  /** Images that these are of, each counted once however many draws it judged. */
  images: number
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
  /** All labels that there are, -1 where there is none: those that a draw hides judge it where there is no test set. */
  readonly known?: Int32Array
  /** How often each class comes, above 0 in any unit, where that is known: all probabilities are made to agree with it. */
  readonly shares?: readonly number[]
  /** What was drawn at random and labelled blind; see judges.ts. */
  readonly blind?: BlindLabels
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
  const judges =
    test === undefined
      ? draws.map((labels) => judgesOf(labels, { ...options, known: options.known ?? labels }))
      : []
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
        images: 0,
        confusion: square(classCount),
      }
      const judged = new Set<number>()
      for (const [draw, labels] of draws.entries()) {
        signal.throwIfAborted()
        onFit(done++, total)
        const random = drawStream(seed, key, space, draw)
        const given = { labels, classCount, sources, accepted, shares: options.shares, random }
        const asked = judges.at(draw)
        const unseen = asked?.unseen.length ? asked.unseen : undefined
        const plain = wanted
          ? await chosenFit(head, judge, [space, ...candidates], given, unseen)
          : await fitTo(head, space, given, unseen)
        const fit = options.shares ? await proportioned(plain, options.shares) : plain
        if (draw === 0) result.first = { fitted: fit.fitted, space: fit.space }
        if (test && fit.space.test) await scoreOnTest(result, fit.fitted, fit.space.test, test, wanted)
        else if (asked)
          await scoreOnLabelled(result, fit, { known: options.known ?? labels, asked, judged, wanted })
      }
      result.images =
        test?.count ?? judged.size + (result.accuracies.length > 0 ? (judges[0]?.ofNone ?? 0) : 0)
      results.push(result)
    }
  }
  onFit(total, total)
  return results
}

/** As reports name what each draw's labels chose. */
const CHOSEN_FEATURES = 'features chosen by the labels'

/** A fit, and what it says of labels that it, or fits without them, have not seen. */
interface AskedFit {
  readonly fitted: FittedHead
  readonly space: FeatureSpace
  readonly ofUnseen?: FeatureMatrix
  readonly leftOut: () => Promise<LeftOut>
}

async function chosenFit(...asked: Parameters<typeof fitToChosen>): Promise<AskedFit> {
  const { left, ...fit } = await fitToChosen(...asked)
  return { ...fit, leftOut: () => Promise.resolve(left) }
}

/** A head in one space, as it is: neither chosen nor sharpened. */
async function fitTo(
  head: Head,
  space: FeatureSpace,
  given: Parameters<typeof headProblem>[1],
  unseen?: Int32Array,
): Promise<AskedFit> {
  const problem = headProblem(space, given)
  const { fitted, ofUnseen } = await fitAsking(problem, unseen, async (asked) => ({
    fitted: await head.fit(asked),
  }))
  return {
    fitted,
    space,
    ofUnseen,
    leftOut: async () => fitted.leftOut ?? leftOut(fitted.settled ?? head, problem),
  }
}

async function proportioned(
  { fitted, space, ofUnseen, leftOut: left }: AskedFit,
  shares: readonly number[],
): Promise<AskedFit> {
  const { fitted: weighed, ofRows, ofLeftOut } = await inProportion(fitted, shares, space.train.columns)
  return {
    fitted: weighed,
    space,
    ofUnseen: ofUnseen && ofRows(ofUnseen),
    leftOut: async () => ofLeftOut(await left()),
  }
}

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
  addCounts(result, confusion)
  if (reliability) addReliability(result, test.reliability(predicted, probability))
}

interface Asking {
  readonly known: Int32Array
  readonly asked: Judges
  /** Rows that judged a draw so far. */
  readonly judged: Set<number>
  readonly wanted: boolean
}

/** On labelled images, each predicted by a fit without its label. */
async function scoreOnLabelled(
  result: Comparison,
  { ofUnseen, leftOut: leftOutOf }: Pick<AskedFit, 'ofUnseen' | 'leftOut'>,
  { known, asked, judged, wanted }: Asking,
): Promise<void> {
  const parts: JudgedRows[] = []
  if (ofUnseen !== undefined)
    parts.push({ rows: asked.unseen, truth: asked.unseen.map((row) => known[row]), probabilities: ofUnseen })
  if (asked.leftOut) parts.push(judgingRows(await leftOutOf(), asked))
  const verdict = verdictOf(parts, asked, result.confusion.length)
  if (verdict === undefined) return
  result.accuracies.push(verdict.accuracy)
  addCounts(result, verdict.confusion)
  for (const row of verdict.rows) judged.add(row)
  if (wanted) addReliability(result, verdict.reliability)
}

function addCounts(result: Comparison, confusion: readonly (readonly number[])[]): void {
  confusion.forEach((row, i) => row.forEach((count, j) => (result.confusion[i][j] += count)))
}

function addReliability(result: Comparison, bins: ConfidenceBin[]): void {
  result.reliability = result.reliability === undefined ? bins : addBins(result.reliability, bins)
}
