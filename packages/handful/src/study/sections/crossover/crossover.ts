/**
 * Up to which number of labels features beat a supervised network. Between two label counts the difference of the
 * accuracies is taken as straight over the logarithm of the count; its uncertainty comes from drawing the draws again
 * with replacement (Efron's bootstrap), and of a model that was trained several times the trainings too, both by themselves
 * (Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007). Features are judged with one head, fixed beforehand.
 */
import { Random } from 'onnx-autodiff'
import { average } from '../../../numerics/statistics.js'
import { accuracyTable, type HeadChoice, resultWith, studySeed } from '../../results.js'
import { isNetwork } from '../../method-kinds.js'
import type { LabelCount, Study, StudyMethod } from '../../result.js'

const RESAMPLES = 2000

/** A number of labels per class; -Infinity where the method is never ahead, Infinity where it never falls behind. */
export type Crossing = number

export interface Crossover {
  readonly method: StudyMethod
  /** The supervised network that it is against at each of the sizes: the one that is right more often there. */
  readonly rivals: readonly { readonly size: number; readonly rival: StudyMethod }[]
  readonly heads: HeadChoice
  readonly at: Crossing
  /** 95 % interval; undefined where every cell has one draw only. */
  readonly low?: Crossing
  readonly high?: Crossing
  readonly smallest: number
  readonly largest: number
  /** Whether the method is ahead again at more labels. */
  readonly again: boolean
}

/**
 * Where a difference falls below 0 for the first time after it was at least 0.
 *
 * @param counts labels per class, ascending
 * @param differences accuracy less the rival's, at each
 */
export function crossingOf(counts: readonly number[], differences: readonly number[]): Crossing {
  const start = differences.findIndex((difference) => difference >= 0)
  if (start < 0) return -Infinity
  for (let i = start + 1; i < counts.length; i++) {
    if (differences[i] >= 0) continue
    const share = differences[i - 1] / (differences[i - 1] - differences[i])
    const [from, to] = [Math.log(counts[i - 1]), Math.log(counts[i])]
    return Math.exp(from + share * (to - from))
  }
  return Infinity
}

/**
 * Each method that takes features against the stronger supervised network at each label count. Which one that is the test
 * images say, which can only be to the features' loss.
 */
export function crossovers(study: Study, heads: HeadChoice): Crossover[] {
  const rivals = study.methods.filter(({ kind }) => kind === 'supervised')
  const others = study.methods.filter((method) => !isNetwork(method))
  return others.flatMap((method) => {
    const found = crossover(study, method, rivals, heads)
    return found === undefined ? [] : [found]
  })
}

function crossover(
  study: Study,
  method: StudyMethod,
  rivals: readonly StudyMethod[],
  heads: HeadChoice,
): Crossover | undefined {
  const pairs = study.labelCounts
    .flatMap((count) => {
      const cell = resultWith(study, method, count, heads)?.cell
      const best = strongestAt(study, rivals, count)
      return cell === undefined || best === undefined
        ? []
        : [{ size: sizeOf(study, count), mine: accuracyTable(cell), ...best }]
    })
    .sort((a, b) => a.size - b.size)
    .filter(({ size }, i, all) => i === 0 || size > all[i - 1].size)
  if (pairs.length === 0) return undefined
  const sizes = pairs.map(({ size }) => size)
  const differences = pairs.map(({ mine, its }) => average(mine.flat()) - average(its))
  const at = crossingOf(sizes, differences)
  const fixed = {
    method,
    rivals: pairs.map(({ size, rival }) => ({ size, rival })),
    heads,
    at,
    smallest: sizes[0],
    largest: sizes[sizes.length - 1],
    again: Number.isFinite(at) && differences.some((difference, i) => difference >= 0 && sizes[i] > at),
  }
  if (pairs.every(({ mine, its }) => mine.flat().length < 2 && its.length < 2)) return fixed
  const random = new Random(studySeed(study), `study report/crossover/${method.id}/${heads}`)
  const most = Math.max(...pairs.map(({ mine }) => mine.length))
  const drawn = Array.from({ length: RESAMPLES }, () => {
    // A training is good or bad at all label counts together.
    const trainings = most === 1 ? [0] : Array.from({ length: most }, () => random.integer(most))
    return crossingOf(
      sizes,
      pairs.map(({ mine, its }) => resampledTable(mine, trainings, random) - resampled(its, random)),
    )
  }).sort((a, b) => (a === b ? 0 : a - b))
  return {
    ...fixed,
    low: drawn[Math.floor(0.025 * RESAMPLES)],
    high: drawn[Math.ceil(0.975 * RESAMPLES) - 1],
  }
}

interface Rival {
  readonly rival: StudyMethod
  readonly its: readonly number[]
}

/** The network that is right most often at a label count, and its accuracies; of equals the first. */
function strongestAt(study: Study, rivals: readonly StudyMethod[], count: LabelCount): Rival | undefined {
  const found = rivals.flatMap((rival): Rival[] => {
    const its = resultWith(study, rival, count, 'headline')?.cell.accuracies
    return its === undefined ? [] : [{ rival, its }]
  })
  return found.length === 0
    ? undefined
    : found.reduce((best, other) => (average(other.its) > average(best.its) ? other : best))
}

/** `ResNet-18 at 1 to 4, ResNet-18, 3x3 stem at 16`: which network is the stronger one where. */
export function rivalsInWords({ rivals }: Pick<Crossover, 'rivals'>): string {
  const spans: { readonly title: string; readonly from: number; to: number }[] = []
  for (const { size, rival } of rivals) {
    const last = spans.at(-1)
    if (last?.title === rival.title) last.to = size
    else spans.push({ title: rival.title, from: size, to: size })
  }
  if (spans.length === 1) return spans[0].title
  return spans
    .map(({ title, from, to }) => {
      const [first, last] = [from, to].map(roundedCount)
      return `${title} at ${first === last ? first : `${first} to ${last}`}`
    })
    .join('; ')
}

/** `all` labels are as many as the training images have on average for a class. */
function sizeOf(study: Study, count: LabelCount): number {
  return count === 'all' ? study.dataset.trainImages / study.dataset.classes.length : count
}

/**
 * The mean over trainings and draws that are drawn again.
 * @param trainings places of those that were drawn; of a table with fewer, the ones that it has
 */
function resampledTable(table: readonly number[][], trainings: readonly number[], random: Random): number {
  if (table.length === 1) return resampled(table[0], random)
  const rows = trainings.map((training) => table[training % table.length])
  const draws = table[0].map(() => random.integer(table[0].length))
  return average(rows.map((row) => average(draws.map((draw) => row[draw]))))
}

/** The mean over draws that are drawn again. */
function resampled(accuracies: readonly number[], random: Random): number {
  let sum = 0
  for (let i = 0; i < accuracies.length; i++) sum += accuracies[random.integer(accuracies.length)]
  return sum / accuracies.length
}

/** `up to 43`, `beyond 256, the largest measured`, `nowhere from 1 on`. */
export function crossingInWords({ at, smallest, largest, again }: Crossover): string {
  if (at === Infinity) return `beyond ${roundedCount(largest)}, the largest measured`
  if (at === -Infinity) return `nowhere: behind from ${roundedCount(smallest)} on`
  return `up to ${roundedCount(at)}${again ? ', and ahead again at more' : ''}`
}

/** `31 to 60`, `31 to beyond 256`. */
export function intervalInWords({ low, high, smallest, largest }: Crossover): string {
  if (low === undefined || high === undefined) return 'one draw: unknown'
  const word = (value: Crossing): string => {
    if (value === Infinity) return `beyond ${roundedCount(largest)}`
    return value === -Infinity ? `below ${roundedCount(smallest)}` : roundedCount(value)
  }
  const [from, to] = [word(low), word(high)]
  return from === to ? from : `${from} to ${to}`
}

/** `2.6`, `43`: no more digits than an interpolation deserves. */
export function roundedCount(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 1 : 0)))
}
