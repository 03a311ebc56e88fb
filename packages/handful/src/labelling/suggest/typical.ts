/**
 * Typical images of different groups (TypiClust: Hacohen, Dekel and Weinshall, "Active learning on a budget", ICML 2022, arXiv
 * 2202.02794): as many clusters as there are labels and suggestions together; of the largest that has no label the image whose
 * neighbours are nearest comes first.
 */
import { kMeans } from '../../numerics/k-means.js'
import type { NeighbourGraph } from '../../features/neighbour-graph.js'
import type { Ranked, Strategy } from './strategy.js'

/** As the paper has it: more of them cut kinds of images apart. */
const MOST_CLUSTERS = 500
/** A smaller cluster has no typical image. */
const SMALLEST_CLUSTER = 5

export const typical: Strategy = {
  about: 'the most typical image of each group without a label',
  needsPredictions: false,
  async pick({ features, graph, labelled, random, linearAlgebra, signal }, count, { may, take }) {
    const clusters = Math.min(MOST_CLUSTERS, labelled.length + count)
    const found = await kMeans(features, { clusters, random, linearAlgebra, signal })
    const members = membersOf(found.clusters, found.centres.rows)
    const labels = new Int32Array(members.length)
    for (const image of labelled) labels[found.clusters[image]]++
    const density = densityOf(graph)
    const picked: Ranked[] = []
    for (const all of members) all.sort((a, b) => density[b] - density[a] || a - b)
    const order = [...members.keys()].sort(
      (a, b) =>
        labels[a] - labels[b] ||
        Number(members[a].length < SMALLEST_CLUSTER) - Number(members[b].length < SMALLEST_CLUSTER) ||
        members[b].length - members[a].length ||
        a - b,
    )
    // Where clusters have nothing left to suggest, the others give another one.
    for (let taken = -1; picked.length < count && taken !== picked.length;) {
      taken = picked.length
      for (const cluster of order) {
        const image = picked.length < count ? members[cluster].find(may) : undefined
        if (image === undefined) continue
        take(image)
        picked.push({ image, why: `the typical image of a group of ${members[cluster].length}` })
      }
    }
    return picked
  },
}

export function membersOf(clusters: Int32Array, count: number): number[][] {
  const members: number[][] = Array.from({ length: count }, () => [])
  clusters.forEach((cluster, image) => members[cluster].push(image))
  return members
}

/** `[images]` mean cosine with the nearest neighbours. */
export function densityOf({ rows, k, similarities }: NeighbourGraph): Float32Array {
  return Float32Array.from({ length: rows }, (_, i) => {
    let sum = 0
    for (let at = i * k; at < (i + 1) * k; at++) sum += similarities[at]
    return sum / Math.max(1, k)
  })
}
