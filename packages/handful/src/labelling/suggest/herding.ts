/**
 * Images that stand for many others: each covers those that are like it, as far as nothing that is labelled or suggested
 * covers them already, and the one that covers most comes first (MaxHerding: Bae, Noh and Sutherland, "Generalized coverage
 * for more robust low-budget active learning", ECCV 2024, arXiv 2407.12212):
 *
 *     next = argmax_x  mean_n  u_n max(0, k(x, x_n) - max_(y chosen) k(y, x_n)),    k = exp(-|x - x'|^2 / (2 s^2))
 *
 * with `u = 1` before there are predictions, and how unsure they are (`uncertainty.ts`) after that (Bae, Oliveira and
 * Sutherland, "Uncertainty herding", ICLR 2025, arXiv 2412.20644). Where there are many images a part of them, drawn at random,
 * stands for all.
 */
import { selectRows } from '../../numerics/matrix.js'
import type { Chosen, Ranked, Strategy, SuggestionProblem } from './strategy.js'
import { doubtInWords, doubtOf } from './uncertainty.js'

/** That are covered, and that can be suggested. */
const MOST_COVERED = 3000
const MOST_CANDIDATES = 1500
/** Of the labelled ones, those that cover are the last this many, at most, drawn at random. */
const MOST_LABELLED = 3000
/** From this similarity on an image is said to stand for another. */
const LIKE = 0.5

export const herding: Strategy = {
  about: 'those that stand for most images unlike all that is labelled',
  needsPredictions: false,
  pick: (problem, count, chosen) => pick(problem, count, chosen),
}

export const uncertaintyHerding: Strategy = {
  about: 'those that stand for most images of which the predictions are unsure',
  needsPredictions: true,
  async pick(problem, count, chosen) {
    const { probabilities, classNames } = problem
    if (probabilities === undefined) return []
    const found = doubtOf(probabilities)
    return pick(problem, count, chosen, {
      weight: found.doubt,
      words: (image) => doubtInWords(found, classNames, image),
    })
  },
}

interface Unsure {
  /** `[images]` */
  readonly weight: Float32Array
  readonly words: (image: number) => string
}

async function pick(
  { features, labelled, random, linearAlgebra, signal }: SuggestionProblem,
  count: number,
  { may, take }: Chosen,
  unsure?: Unsure,
): Promise<Ranked[]> {
  const { rows } = features
  const covered = random.child('covered').permutation(rows).slice(0, MOST_COVERED)
  const candidates = random
    .child('candidates')
    .permutation(rows)
    .filter(may)
    .slice(0, Math.max(MOST_CANDIDATES, 2 * count))
  if (candidates.length === 0) return []
  const target = selectRows(features, covered)
  const cosines = async (of: ArrayLike<number>): Promise<Float32Array> => {
    const { data } = await linearAlgebra.matmul(selectRows(features, of), target, { transposeB: true })
    return data
  }
  const near = await cosines(candidates)
  signal?.throwIfAborted()
  const kernel = kernelOf(near)
  for (let at = 0; at < near.length; at++) near[at] = kernel(near[at])
  const known = await coverOf(
    random
      .child('labelled')
      .shuffle([...labelled])
      .slice(0, MOST_LABELLED),
    cosines,
    covered.length,
    kernel,
  )
  const weight = Float32Array.from(covered, (image) => unsure?.weight[image] ?? 1)
  const share = rows / covered.length
  const picked: Ranked[] = []
  const gone = new Uint8Array(candidates.length)
  while (picked.length < count) {
    const best = bestOf(near, candidates, { gone, known, weight, may })
    if (best < 0) break
    gone[best] = 1
    const image = candidates[best]
    take(image)
    const alike = cover(near, best, known)
    const about = Math.round(alike * share)
    const others = about > 1 ? `, like ${about} others` : ''
    const words =
      unsure === undefined ? represents(about, labelled.length > 0) : `${unsure.words(image)}${others}`
    picked.push({ image, why: words })
  }
  return picked
}

/** @param known whether anything is labelled that they could be like */
function represents(images: number, known: boolean): string {
  if (images > 1)
    return `stands for about ${images} ${known ? 'unlike all that is labelled' : 'that are alike'}`
  return known ? 'unlike all that is labelled' : 'unlike most others'
}

/** The width is such that a random pair is as similar as a few standard deviations of them would say: the median distance. */
function kernelOf(cosines: Float32Array): (cosine: number) => number {
  const step = Math.max(1, Math.floor(cosines.length / 10_000))
  const squares: number[] = []
  for (let at = 0; at < cosines.length; at += step) squares.push(Math.max(0, 2 - 2 * cosines[at]))
  squares.sort((a, b) => a - b)
  // A twentieth of the pairs: about what is of one kind where there are a few kinds.
  const width = Math.max(1e-6, squares[Math.floor(squares.length / 20)])
  return (cosine) => Math.exp(-Math.max(0, 2 - 2 * cosine) / width)
}

const BLOCK = 256

async function coverOf(
  images: readonly number[],
  cosines: (of: ArrayLike<number>) => Promise<Float32Array>,
  columns: number,
  kernel: (cosine: number) => number,
): Promise<Float32Array> {
  const known = new Float32Array(columns)
  for (let start = 0; start < images.length; start += BLOCK) {
    const block = await cosines(images.slice(start, start + BLOCK))
    for (let at = 0; at < block.length; at++) {
      const n = at % columns
      known[n] = Math.max(known[n], kernel(block[at]))
    }
  }
  return known
}

interface Standing {
  readonly gone: Uint8Array
  readonly known: Float32Array
  readonly weight: Float32Array
  readonly may: (image: number) => boolean
}

/** The candidate that covers most of what is not covered, -1 where none is left. */
function bestOf(
  near: Float32Array,
  candidates: ArrayLike<number>,
  { gone, known, weight, may }: Standing,
): number {
  const columns = known.length
  let best = -1
  let most = -1
  for (let i = 0; i < candidates.length; i++) {
    if (gone[i] === 1) continue
    if (!may(candidates[i])) {
      gone[i] = 1
      continue
    }
    let gain = 0
    for (let n = 0, at = i * columns; n < columns; n++, at++) {
      const more = near[at] - known[n]
      if (more > 0) gain += weight[n] * more
    }
    if (gain > most) [best, most] = [i, gain]
  }
  return best
}

/** Takes a candidate's cover in; returns how many images it is the first to stand for. */
function cover(near: Float32Array, candidate: number, known: Float32Array): number {
  const columns = known.length
  let alike = 0
  for (let n = 0; n < columns; n++) {
    const similarity = near[candidate * columns + n]
    if (similarity >= LIKE && known[n] < LIKE) alike++
    known[n] = Math.max(known[n], similarity)
  }
  return alike
}
