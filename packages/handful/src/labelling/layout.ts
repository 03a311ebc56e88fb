/**
 * Where images lie on the map of a run, kept beside its features: something at once, and UMAP's layout of the kept graph once
 * it is made.
 *
 *     labelling/map-<key>.safetensors
 */
import path from 'node:path'
import { readArrays, writeArrays } from '../files/array-file.js'
import { systemCode } from '../errors.js'
import type { NeighbourGraph } from '../features/neighbour-graph.js'
import { umapLayout } from '../features/umap.js'
import { contentKey } from '../files/content-key.js'
import { type FeatureMatrix, matrixArray, matrixOf } from '../numerics/matrix.js'

export interface Positions {
  /** `quick`: the two widest directions of the features; `map`: UMAP. */
  readonly kind: 'quick' | 'map'
  /** `[images * 2]`, -1 to 1. */
  readonly positions: Float32Array
}

export interface MapPlace {
  readonly folder: string
  /** Of the features. */
  readonly key: string
  readonly seed: number
}

const fileOf = ({ folder, key, seed }: MapPlace): string =>
  path.join(folder, 'labelling', `map-${contentKey({ key, seed }).slice(0, 8)}.safetensors`)

/** The kept layout; one that is damaged is made again. */
export async function keptMap(place: MapPlace, images: number): Promise<Positions | undefined> {
  try {
    const { arrays } = await readArrays(fileOf(place))
    const { rows, data } = matrixOf(arrays.positions)
    return rows === images ? { kind: 'map', positions: data } : undefined
  } catch (error) {
    if ([undefined, 'ENOENT'].includes(systemCode(error))) return undefined
    throw error
  }
}

export async function makeMap(
  place: MapPlace,
  graph: NeighbourGraph,
  signal?: AbortSignal,
): Promise<Positions> {
  const layout = await umapLayout(graph, { seed: place.seed, signal })
  const positions = intoSquare(layout.data)
  const array = matrixArray({ ...layout, data: positions })
  await writeArrays(fileOf(place), { positions: array })
  return { kind: 'map', positions }
}

/** The two columns that vary most. */
export function quickMap({ rows, columns, data }: FeatureMatrix): Positions {
  const spread = Array.from({ length: columns }, (_, j) => {
    let [sum, squares] = [0, 0]
    for (let i = 0; i < rows; i++) {
      sum += data[i * columns + j]
      squares += data[i * columns + j] ** 2
    }
    return squares / rows - (sum / rows) ** 2
  })
  const [first, second = first] = [...spread.keys()].sort((a, b) => spread[b] - spread[a] || a - b)
  const positions = new Float32Array(rows * 2)
  for (let i = 0; i < rows; i++) {
    positions[2 * i] = data[i * columns + first]
    positions[2 * i + 1] = data[i * columns + second]
  }
  return { kind: 'quick', positions: intoSquare(positions) }
}

/** The middle of each axis to 0 and the farthest point to the edge, in the same scale along both. */
function intoSquare(points: Float32Array): Float32Array {
  const lowest = [Infinity, Infinity]
  const highest = [-Infinity, -Infinity]
  points.forEach((value, at) => {
    lowest[at % 2] = Math.min(lowest[at % 2], value)
    highest[at % 2] = Math.max(highest[at % 2], value)
  })
  const half = Math.max(highest[0] - lowest[0], highest[1] - lowest[1]) / 2 || 1
  return points.map((value, at) =>
    Math.min(1, Math.max(-1, (value - (lowest[at % 2] + highest[at % 2]) / 2) / half)),
  )
}
