/** What counts as nearly the same: copies however many, no chain of images of which each is nearly the next, and all in little time. */
import { expect, test } from 'vitest'
import type { NeighbourGraph } from '../../src/features/neighbour-graph.js'
import { NearDuplicates } from '../../src/labelling/suggest/near-duplicates.js'
import { featureMatrix, unitRows, type UnitRows } from '../../src/numerics/matrix.js'

/** Directions in a plane, in radians. */
const directions = (angles: readonly number[]): UnitRows =>
  unitRows(
    featureMatrix(angles.length, 2, Float32Array.from(angles.flatMap((a) => [Math.cos(a), Math.sin(a)]))),
  )

/** Of each image those that `listed` names, nearest first. */
function graphOf(
  { rows, columns, data }: UnitRows,
  k: number,
  listed: (image: number) => number[],
): NeighbourGraph {
  const cosine = (a: number, b: number): number => {
    let sum = 0
    for (let j = 0; j < columns; j++) sum += data[a * columns + j] * data[b * columns + j]
    return sum
  }
  const near = Array.from({ length: rows }, (_, i) =>
    listed(i)
      .map((other) => ({ other, similarity: cosine(i, other) }))
      .sort((a, b) => b.similarity - a.similarity),
  )
  return {
    rows,
    k,
    indices: Int32Array.from(near.flat(), ({ other }) => other),
    similarities: Float32Array.from(near.flat(), ({ similarity }) => similarity),
  }
}

function closedBy(alike: NearDuplicates, ...images: number[]): number[] {
  const [closed, followed] = [new Set<number>(), new Set<number>()]
  for (const image of images) alike.close(image, closed, followed)
  return [...closed].sort((a, b) => a - b)
}

test('frames of which each is nearly the next are not all the same, and each closes those that are as near to itself', () => {
  // Frames 0.01 apart beside images 0.1 apart: a twentieth of what lies between images is 0.00025, the cosine of 0.022.
  const frames = Array.from({ length: 30 }, (_, i) => i * 0.01)
  const images = Array.from({ length: 50 }, (_, i) => 1 + i * 0.1)
  const features = directions([...frames, ...images])
  const last = features.rows - 1
  const graph = graphOf(features, 2, (i) => (i === 0 ? [1, 2] : i === last ? [i - 1, i - 2] : [i - 1, i + 1]))
  const alike = new NearDuplicates(graph, features)
  expect(closedBy(alike, 10)).toEqual([8, 9, 10, 11, 12])
  expect(closedBy(alike, 40)).toEqual([40])
  expect(closedBy(alike, 10, 13)).toEqual([8, 9, 10, 11, 12, 13, 14, 15])
})

test('60,000 images, a third of them copies of one, are all closed within seconds', () => {
  const [rows, copies] = [60_000, 20_000]
  const features = directions(Array.from({ length: rows }, (_, i) => (i < copies ? 0 : i * 1e-4)))
  // The copies in a ring of fifteen neighbours each, so that the farthest are reached through a thousand others.
  const ring = (i: number, j: number, from: number, count: number): number =>
    from + ((i - from + j + 1) % count)
  const graph = graphOf(features, 15, (i) =>
    Array.from({ length: 15 }, (_, j) =>
      i < copies ? ring(i, j, 0, copies) : ring(i, j, copies, rows - copies),
    ),
  )
  const alike = new NearDuplicates(graph, features)
  const started = performance.now()
  expect(closedBy(alike, 123).filter((image) => image < copies).length).toBe(copies)
  expect(closedBy(alike, ...Array.from({ length: rows }, (_, i) => i)).length).toBe(rows)
  // Half a second by itself.
  expect(performance.now() - started).toBeLessThan(10_000)
})
