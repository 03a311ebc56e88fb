/**
 * What to label next: each strategy is a line of the registry and knows of the images no more than stands here. It ranks; what
 * is labelled already, asked not to be shown, or nearly the same as an image before it is kept away by `suggest.ts`.
 */
import type { Random } from 'onnx-autodiff'
import type { NeighbourGraph } from '../../features/neighbour-graph.js'
import type { LinearAlgebra } from '../../numerics/linear-algebra.js'
import type { FeatureMatrix, UnitRows } from '../../numerics/matrix.js'

export interface SuggestionProblem {
  /** Of all images. */
  readonly features: UnitRows
  readonly graph: NeighbourGraph
  /** Images with a label, or known to be of no class, ascending. */
  readonly labelled: Int32Array
  /** `[images, classes]`; undefined before there are labels of two classes. */
  readonly probabilities?: FeatureMatrix
  /** Of the columns of probabilities. */
  readonly classNames: readonly string[]
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
}

export interface Ranked {
  readonly image: number
  /** In a few words, for the person who is asked. */
  readonly why: string
}

/** @param may whether an image can be suggested once those in `chosen` are */
export type May = (image: number) => boolean

export interface Strategy {
  readonly about: string
  /** Takes predictions to work. */
  readonly needsPredictions: boolean
  /** Images, best first, at most `count`, none twice; each is one that `may` allows at its turn, and is given to `take` then. */
  pick(problem: SuggestionProblem, count: number, chosen: Chosen): Promise<Ranked[]>
}

/** What can still be suggested. */
export interface Chosen {
  readonly may: May
  /** Says that an image is suggested: what is nearly the same is not any more. */
  take(image: number): void
}

/** Takes images in an order until there are enough. */
export function inOrderOf(
  images: Iterable<number>,
  count: number,
  { may, take }: Chosen,
  why: (image: number) => string,
): Ranked[] {
  const picked: Ranked[] = []
  for (const image of images) {
    if (picked.length === count) break
    if (!may(image)) continue
    take(image)
    picked.push({ image, why: why(image) })
  }
  return picked
}
