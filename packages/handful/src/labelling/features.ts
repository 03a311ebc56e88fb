/** The features of a run as labelling works on them: rows in the order of the sorted paths, with the neighbours of each. */
import { z } from 'zod'
import { FeatureSpace, type SpaceContext } from '../features/feature-space.js'
import type { NeighbourGraph } from '../features/neighbour-graph.js'
import { HandfulError } from '../errors.js'
import { selectRows, type UnitRows } from '../numerics/matrix.js'
import { readRunConfig } from '../runs/run-files.js'
import { readRunImages } from '../runs/run-images.js'
import { keepGraph, readSpace, spacesSchema } from '../runs/space-file.js'
import { StageStore } from '../stages/stage-store.js'

export interface RunFeatures {
  readonly name: string
  /** Sorted by code units. */
  readonly paths: readonly string[]
  readonly classNames: readonly string[]
  /** That the run was made with, -1 where unknown. */
  readonly labels: Int32Array
  /** Paths; see RunImages. */
  readonly blind?: readonly string[]
  readonly accepted?: readonly string[]
  readonly space: FeatureSpace
  readonly graph: NeighbourGraph
  /** Of the features: what is derived from them is kept under it. */
  readonly key: string
}

const chosenSchema = z.object({ space: z.int().min(0) })

/** @throws HandfulError where the run's features are not made yet */
export async function openRunFeatures(folder: string, context: SpaceContext): Promise<RunFeatures> {
  const { method } = await readRunConfig(folder)
  if (method !== undefined && method !== 'features')
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: `a run of --method ${String(method)}, which has no features to label by`,
      expected: 'a run of handful prepare, or of handful fit with features',
      hint: 'prepare the same images and label them there; then fit again with the labels',
      exitCode: 2,
    })
  const store = new StageStore(folder)
  const record = await store.latest('features')
  const found = spacesSchema.safeParse(record?.result)
  if (record === undefined || !found.success) {
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: 'a run without features',
      expected: 'a run of handful fit or handful prepare whose features are made',
      hint: `go on with it by --resume ${folder}`,
    })
  }
  const { learned } = found.data
  // The labels of a fit have chosen among its features; before any, the neighbours of images have.
  const choices = [await store.latest('heads'), await store.latest('neighbours')]
  const chosen = choices
    .map((choice) => chosenSchema.safeParse(choice?.result))
    .find(({ success }) => success)
  const place = learned[chosen?.data?.space ?? 0] ?? learned[0]
  const images = await readRunImages(folder)
  const space = await readSpace(folder, place, context)
  if (space.train.rows !== images.paths.length) {
    throw new HandfulError({
      what: 'run folder',
      where: folder,
      got: `features of ${space.train.rows} images and paths of ${images.paths.length}`,
      expected: 'as many of both',
      hint: 'the run is damaged, or not at its end: go on with it by --resume',
    })
  }
  await keepGraph(folder, place, space)
  const graph = await space.graph()
  const { name, blind, accepted } = images
  return { ...inOrder({ ...images, space, graph }, context), name, blind, accepted, key: place.file }
}

interface Unordered {
  readonly paths: readonly string[]
  readonly classNames: readonly string[]
  readonly labels: readonly number[]
  readonly space: FeatureSpace
  readonly graph: NeighbourGraph
}

function inOrder(
  { paths, classNames, labels, space, graph }: Unordered,
  context: SpaceContext,
): Omit<RunFeatures, 'name' | 'key' | 'blind' | 'accepted'> {
  const order = Int32Array.from(paths.keys()).sort((a, b) => (paths[a] < paths[b] ? -1 : 1))
  if (order.every((row, i) => row === i))
    return { paths, classNames, labels: Int32Array.from(labels), space, graph }
  const train: UnitRows = selectRows(space.train, order)
  const sorted = sortedGraph(graph, order)
  return {
    paths: Array.from(order, (row) => paths[row]),
    classNames,
    labels: Int32Array.from(order, (row) => labels[row]),
    space: new FeatureSpace({ train, normalisation: () => space.normalisation() }, context, {
      graph: sorted,
    }),
    graph: sorted,
  }
}

function sortedGraph({ rows, k, indices, similarities }: NeighbourGraph, order: Int32Array): NeighbourGraph {
  const placeOf = new Int32Array(rows)
  order.forEach((row, place) => (placeOf[row] = place))
  const sorted = { rows, k, indices: new Int32Array(rows * k), similarities: new Float32Array(rows * k) }
  order.forEach((row, place) => {
    for (let j = 0; j < k; j++) sorted.indices[place * k + j] = placeOf[indices[row * k + j]]
    sorted.similarities.set(similarities.subarray(row * k, (row + 1) * k), place * k)
  })
  return sorted
}
