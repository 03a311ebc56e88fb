/**
 * Images that are nearly the same, by the neighbour graph: nearer to each other than a twentieth of how near images are to
 * their nearest neighbour, in the middle. Labelling one of them says all that the other would.
 */
import type { NeighbourGraph } from '../../features/neighbour-graph.js'

const SHARE = 1 / 20
/** Cosines in float32 cannot tell less apart. */
const SMALLEST = 1e-6

export class NearDuplicates {
  readonly #graph: NeighbourGraph
  /** Cosine from which on two are the same. */
  readonly #same: number
  /** Of each image, those that have it as a neighbour and are the same. */
  readonly #others = new Map<number, number[]>()

  constructor(graph: NeighbourGraph) {
    this.#graph = graph
    const { rows, k, indices, similarities } = graph
    const distances = Float32Array.from(
      { length: k > 0 ? rows : 0 },
      (_, i) => 1 - similarities[i * k],
    ).sort()
    const median = distances[Math.floor(distances.length / 2)] ?? 0
    this.#same = 1 - Math.max(SMALLEST, SHARE * median)
    for (let i = 0; i < rows; i++) {
      for (let at = i * k; at < (i + 1) * k && similarities[at] >= this.#same; at++) {
        const known = this.#others.get(indices[at])
        if (known === undefined) this.#others.set(indices[at], [i])
        else known.push(i)
      }
    }
  }

  /** Without the image itself. */
  *of(image: number): Generator<number> {
    const { k, indices, similarities } = this.#graph
    for (let at = image * k; at < (image + 1) * k && similarities[at] >= this.#same; at++) yield indices[at]
    yield* this.#others.get(image) ?? []
  }
}
