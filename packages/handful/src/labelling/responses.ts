/**
 * Label propagation (`heads/label-propagation.ts`) as a person labels on: `F = (I - alpha S)^-1 Y` on one graph that stays. It
 * is linear in the labels, so that leaving one out needs no other solution than the response to that label alone:
 *
 *   F_i without i  =  F_i - G_ii y_i,     mass_c without i  =  mass_c - sum_r G_ri
 *
 * Of the response G_i two numbers are needed, at its own image and in sum. They depend on the graph and the image alone, are
 * found once for each labelled image and kept: a refit solves for the classes and for what labels have come since. Columns
 * are solved each for itself (`conjugate-gradients.ts`), so results do not depend on what was solved together or before.
 */
import { graphWeights, type NeighbourGraph } from '../features/neighbour-graph.js'
import { connectComponents } from '../heads/graph.js'
import { solveDiffusion } from '../numerics/conjugate-gradients.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { type SparseMatrix, symmetricNormalised } from '../numerics/sparse.js'

/** Those of `labelPropagation`. */
const NEIGHBOURS = 10
const ALPHA = 0.99
const KERNEL = 'cosine cubed'
const TOLERANCE = 1e-3
/** Of responses to single labels, which give temperatures and estimates together. */
const OWN_TOLERANCE = 1e-2
/** Images by which parts of the graph that nothing joins are joined, whichever images are labelled. */
const ANCHORS = 256

export interface OwnResponse {
  /** At the image itself, */
  readonly score: number
  /** and summed over all images. */
  readonly mass: number
}

export interface Responses {
  /** `[images, classes]` to all labels of each class. */
  readonly scores: Float64Array
  /** `[classes]` sums of the scores over all images. */
  readonly mass: Float64Array
  /** To each label that is to be left out, in their order. */
  readonly own: readonly OwnResponse[]
}

export class Propagation {
  readonly #matrix: SparseMatrix
  readonly #own = new Map<number, OwnResponse>()

  constructor(graph: NeighbourGraph, features: FeatureMatrix) {
    const anchors = Int32Array.from({ length: Math.min(ANCHORS, graph.rows) }, (_, i) =>
      Math.floor((i * graph.rows) / Math.min(ANCHORS, graph.rows)),
    )
    const weights = graphWeights(graph, NEIGHBOURS, KERNEL)
    this.#matrix = symmetricNormalised(connectComponents(weights, features, anchors))
  }

  /** Whether the response to an image's label is known: then leaving it out costs nothing. */
  knows(image: number): boolean {
    return this.#own.has(image)
  }

  /**
   * @param images that carry a label, @param targets `[labelled]` their classes, by position
   * @param left images whose labels are left out in turn
   */
  async respond(
    images: Int32Array,
    targets: Int32Array,
    classes: number,
    left: Int32Array,
    signal?: AbortSignal,
  ): Promise<Responses> {
    const { size } = this.#matrix
    const unknown = left.filter((image) => !this.#own.has(image))
    const width = classes + unknown.length
    const sources = new Float64Array(size * width)
    images.forEach((image, i) => (sources[image * width + targets[i]] = 1))
    unknown.forEach((image, i) => (sources[image * width + classes + i] = 1))
    const tolerance = new Float64Array(width).fill(TOLERANCE, 0, classes).fill(OWN_TOLERANCE, classes)
    const { solution } = await solveDiffusion(this.#matrix, ALPHA, sources, width, { tolerance })
    signal?.throwIfAborted()
    const sums = new Float64Array(width)
    const scores = new Float64Array(size * classes)
    for (let row = 0; row < size; row++) {
      for (let c = 0; c < width; c++) sums[c] += solution[row * width + c]
      for (let c = 0; c < classes; c++) scores[row * classes + c] = solution[row * width + c]
    }
    unknown.forEach((image, i) => {
      const column = classes + i
      this.#own.set(image, { score: solution[image * width + column], mass: sums[column] })
    })
    const own = Array.from(left, (image) => this.#own.get(image) ?? { score: 0, mass: 0 })
    return { scores, mass: sums.slice(0, classes), own }
  }
}
