/**
 * Images that are nearly the same: nearer to each other than a twentieth of how near images are to their nearest neighbour, in
 * the middle. Labelling one of them says all that the other would.
 *
 * The neighbour graph lists a few of them for each image. Of many copies the others are found through those, and each has to be
 * the same as the image that it began with: in a film every frame is nearly the next one, and the last is not the first.
 */
import type { NeighbourGraph } from '../../features/neighbour-graph.js'
import type { UnitRows } from '../../numerics/matrix.js'

const SHARE = 1 / 20
/** Cosines in float32 cannot tell less apart. */
const SMALLEST = 1e-6

export class NearDuplicates {
  readonly #graph: NeighbourGraph
  readonly #features: UnitRows
  /** Cosine from which on two are the same. */
  readonly #same: number
  /** Of each image, those that have it as a neighbour and are the same. */
  readonly #others = new Map<number, number[]>()

  /** @param features `[images]`, of which the graph is */
  constructor(graph: NeighbourGraph, features: UnitRows) {
    this.#graph = graph
    this.#features = features
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

  /**
   * Closes an image and all that are the same.
   * @param closed which they are added to
   * @param followed images that were gone through before, for this image or others: none is gone through twice, so that closing
   *   all images takes no longer than the graph is large
   */
  close(image: number, closed: Set<number>, followed: Set<number>): void {
    closed.add(image)
    const waiting = this.#listed(image)
    followed.add(image)
    for (const other of waiting) closed.add(other)
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (followed.has(next)) continue
      followed.add(next)
      for (const other of this.#listed(next)) {
        if (followed.has(other) || this.#cosine(image, other) < this.#same) continue
        closed.add(other)
        waiting.push(other)
      }
    }
  }

  /** Those that the graph has beside an image and that are the same, the image itself left out. */
  #listed(image: number): number[] {
    const { k, indices, similarities } = this.#graph
    const found = [...(this.#others.get(image) ?? [])]
    for (let at = image * k; at < (image + 1) * k && similarities[at] >= this.#same; at++)
      found.push(indices[at])
    return found
  }

  #cosine(a: number, b: number): number {
    const { columns, data } = this.#features
    let sum = 0
    for (let j = 0; j < columns; j++) sum += data[a * columns + j] * data[b * columns + j]
    return sum
  }
}
