/** What labels that are left out in turn say of the predictions: an estimate with its interval, confusion, suspects. */
import { ENOUGH_ALONE } from '../heads/judges.js'
import { confidenceBins } from '../numerics/reliability.js'
import { mostProbable } from '../numerics/matrix.js'
import { wilsonInterval } from '../numerics/statistics.js'
import type { Judged, LabelledImages } from './quick-fit.js'

/** How good the predictions are. */
export interface Estimate {
  /** 0 to 1. */
  readonly accuracy: number
  readonly low: number
  readonly high: number
  /** Behind it. */
  readonly labels: number
  /** `audit`: of images drawn at random and labelled blind; `folds`: of whatever is labelled, which may be harder or easier. */
  readonly from: 'audit' | 'folds'
}

export interface Suspect {
  readonly image: number
  /** Number of the class that it carries, */
  readonly label: number
  /** and of the one that the other labels speak for, */
  readonly predicted: number
  /** with this probability. */
  readonly probability: number
}

export interface Assessment {
  readonly estimate: Estimate | undefined
  /** `[true][predicted]` by position in the classes. */
  readonly confusion: readonly (readonly number[])[]
  /** Images of each cell that has some, keyed `true,predicted`. */
  readonly cells: Readonly<Record<string, readonly number[]>>
  readonly reliability: readonly {
    readonly confidence: number
    readonly accuracy: number
    readonly count: number
  }[]
  /** Worst first. */
  readonly suspects: readonly Suspect[]
}

/** Of fewer labels no share is told. */
const LEAST_FOLDS = 5

/** @param auditOfNone blind labels that are none of the classes: the predictions of these are wrong */
export function assess(
  { images, targets, classes, audit }: LabelledImages,
  { positions, probabilities }: Judged,
  auditOfNone: number,
): Assessment {
  const { predicted, probability } = mostProbable(probabilities)
  const right = (at: number): boolean => predicted[at] === targets[positions[at]]
  const confusion = classes.map(() => new Array<number>(classes.length).fill(0))
  const cells: Record<string, number[]> = {}
  const suspects: Suspect[] = []
  positions.forEach((i, at) => {
    const [truth, guess] = [targets[i], predicted[at]]
    confusion[truth][guess]++
    ;(cells[`${truth},${guess}`] ??= []).push(images[i])
    if (truth !== guess)
      suspects.push({
        image: images[i],
        label: classes[truth],
        predicted: classes[guess],
        probability: probability[at],
      })
  })
  const bins = confidenceBins(probability, right).filter(({ count }) => count > 0)
  return {
    estimate: estimate({ audit, positions, right, lost: auditOfNone + alone({ targets, classes, audit }) }),
    confusion,
    cells,
    reliability: bins.map(({ count, confidence, right: hits }) => ({
      confidence: confidence / count,
      accuracy: hits / count,
      count,
    })),
    suspects: suspects.sort((a, b) => b.probability - a.probability || a.image - b.image),
  }
}

/** Blind labels that are the only one of their class: without them nothing would predict that class. */
function alone({ targets, classes, audit }: Pick<LabelledImages, 'targets' | 'classes' | 'audit'>): number {
  const counts = new Int32Array(classes.length)
  for (const target of targets) counts[target]++
  return audit.filter((blind, i) => blind && counts[targets[i]] === 1).length
}

interface Judgement {
  readonly audit: readonly boolean[]
  readonly positions: Int32Array
  readonly right: (at: number) => boolean
  /** Blind labels that no prediction can be right of. */
  readonly lost: number
}

function estimate({ audit, positions, right, lost }: Judgement): Estimate | undefined {
  const all = [...positions.keys()]
  const blind = all.filter((at) => audit[positions[at]])
  const audited = blind.length + lost
  const [from, judged, labels] =
    audited >= ENOUGH_ALONE ? (['audit', blind, audited] as const) : (['folds', all, all.length] as const)
  if (labels < LEAST_FOLDS) return undefined
  const share = judged.filter(right).length / labels
  const { low, high } = wilsonInterval(share, labels)
  return { accuracy: share, low, high, labels, from }
}
