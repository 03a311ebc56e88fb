/** Groups of images that are alike, for the map's legend and for labelling many at once. */
import { Random } from 'onnx-autodiff'
import type { NeighbourGraph } from '../features/neighbour-graph.js'
import { kMeans } from '../numerics/k-means.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { UnitRows } from '../numerics/matrix.js'
import { densityOf, membersOf } from './suggest/typical.js'

export interface Clusters {
  /** `[images]` cluster of each, the largest first. */
  readonly clusters: Int32Array
  /** `[clusters]` its most typical image. */
  readonly typical: readonly number[]
}

/** As many as one can tell apart on a map. */
const FEWEST = 4
const MOST = 30
const IMAGES_PER_SQUARE = 16

export async function findClusters(
  features: UnitRows,
  graph: NeighbourGraph,
  { seed, linearAlgebra }: { readonly seed: number; readonly linearAlgebra: LinearAlgebra },
): Promise<Clusters> {
  const wanted = Math.round(Math.sqrt(features.rows / IMAGES_PER_SQUARE))
  const clusters = Math.min(features.rows, MOST, Math.max(FEWEST, wanted))
  const found = await kMeans(features, { clusters, random: new Random(seed, 'clusters'), linearAlgebra })
  const members = membersOf(found.clusters, found.centres.rows)
  const order = [...members.keys()]
    .filter((cluster) => members[cluster].length > 0)
    .sort((a, b) => members[b].length - members[a].length || a - b)
  const place = new Int32Array(members.length)
  order.forEach((cluster, i) => (place[cluster] = i))
  const density = densityOf(graph)
  // Both dense and near to the middle: a dense image at the edge of a cluster is typical of none.
  const worth = (image: number): number => density[image] + found.similarities[image]
  return {
    clusters: found.clusters.map((cluster) => place[cluster]),
    typical: order.map((cluster) =>
      members[cluster].reduce((best, image) => (worth(image) > worth(best) ? image : best)),
    ),
  }
}
