/** Neighbours of very many rows: nearly all of the true ones, the same each time, and how many is said. */
import { expect, test } from 'vitest'
import { approximateNeighbours } from '../../src/features/approximate-neighbours.js'
import { neighbourGraph } from '../../src/features/neighbour-graph.js'
import { rowRange, unitRows } from '../../src/numerics/matrix.js'
import { blobs, linearAlgebra } from '../heads/problem.js'

const { features } = blobs(3000, 20, 24, 0.8)
const K = 15

test('are at least 95 of 100 of the true ones, by the true similarities', async ({ skip }) => {
  const found = await approximateNeighbours(features, K, linearAlgebra)
  if (found === undefined) return skip('the library for approximate neighbours does not run here')
  const exact = await linearAlgebra.nearest(features, features, K, { excludeSelf: true })
  let right = 0
  for (let row = 0; row < features.rows; row++) {
    const own = [...found.indices.subarray(row * K, (row + 1) * K)]
    expect(own).not.toContain(row)
    expect(new Set(own).size).toBe(K)
    const truth = new Set(exact.indices.subarray(row * K, row * K + 10))
    right += own.filter((other) => truth.has(other)).length
    for (let j = 1; j < K; j++)
      expect(found.similarities[row * K + j]).toBeLessThanOrEqual(found.similarities[row * K + j - 1])
  }
  const recall = right / (10 * features.rows)
  expect(recall).toBeGreaterThan(0.95)
  expect(found.recall).toBeCloseTo(recall, 1)
  const [first, second] = [0, found.indices[0]].map((row) => rowRange(features, row, row + 1).data)
  const cosine = first.reduce((sum, value, i) => sum + value * second[i], 0)
  expect(found.similarities[0]).toBeCloseTo(cosine, 5)
})

test('are the same for the same rows', async ({ skip }) => {
  const some = unitRows(rowRange(features, 0, 800))
  const [one, other] = [
    await approximateNeighbours(some, K, linearAlgebra),
    await approximateNeighbours(some, K, linearAlgebra),
  ]
  if (one === undefined || other === undefined) return skip('the library does not run here')
  expect(one.indices).toEqual(other.indices)
})

test('are searched beyond a number of rows alone', async () => {
  const some = unitRows(rowRange(features, 0, 400))
  expect((await neighbourGraph(some, linearAlgebra)).recall).toBeUndefined()
  const graph = await neighbourGraph(some, linearAlgebra, { exactRows: 399 })
  expect(graph.recall ?? 1).toBeGreaterThan(0.95)
})
