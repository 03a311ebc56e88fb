import { Random } from 'onnx-autodiff'
import { UMAP } from 'umap-js'
import { describe, expect, it } from 'vitest'
import { type Neighbours, plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, fromRows, unitRows } from '../../src/numerics/matrix.js'
import { neighbourGraph } from '../../src/features/neighbour-graph.js'
import { neighbourhoodPurity } from '../../src/features/neighbourhood.js'
import { fuzzyGraph } from '../../src/features/umap-graph.js'
import { distanceCurve, umapLayout } from '../../src/features/umap.js'

/** Points of `classes` clusters around random directions. */
function clusters(
  classes: number,
  each: number,
  spread: number,
): { features: FeatureMatrix; labels: number[] } {
  const random = new Random(0, 'clusters')
  const centres = random.fillNormal(new Float32Array(classes * 8))
  const noise = random.fillNormal(new Float32Array(classes * each * 8))
  const features = featureMatrix(classes * each, 8)
  const labels = Array.from({ length: classes * each }, (_, i) => i % classes)
  labels.forEach((label, i) => {
    for (let j = 0; j < 8; j++) features.data[8 * i + j] = centres[8 * label + j] + spread * noise[8 * i + j]
  })
  return { features, labels }
}

const neighboursOf = (features: FeatureMatrix, k = 15): Promise<Neighbours> =>
  neighbourGraph(unitRows(features), plainLinearAlgebra(), { k })

/** The weights that umap-js gives to the same neighbours; it counts a point as its own first neighbour. */
function referenceWeights({ rows, k, indices, similarities }: Neighbours): number[][] {
  const row = (i: number): number[] => Array.from({ length: k }, (_, j) => i * k + j)
  const points = Array.from({ length: rows }, (_, i) => i)
  const umap = new UMAP({ nNeighbors: k + 1, random: () => 0.5 })
  umap.setPrecomputedKNN(
    points.map((i) => [i, ...row(i).map((at) => indices[at])]),
    points.map((i) => [0, ...row(i).map((at) => 1 - similarities[at])]),
  )
  umap.initializeFit(points.map((i) => [i]))
  // The graph has no public accessor.
  const { graph } = umap as unknown as { graph: { toArray(): number[][] } }
  return graph.toArray()
}

describe('fuzzyGraph', () => {
  it('weighs edges as umap-js does', async () => {
    const neighbours = await neighboursOf(clusters(3, 30, 0.7).features, 10)
    const { size, offsets, columns, values } = await fuzzyGraph(neighbours)
    const dense = Array.from({ length: size }, () => new Array<number>(size).fill(0))
    for (let i = 0; i < size; i++) {
      for (let at = offsets[i]; at < offsets[i + 1]; at++) dense[i][columns[at]] = values[at]
    }
    const reference = referenceWeights(neighbours)
    const differences = reference.flatMap((row, i) => row.map((value, j) => Math.abs(value - dense[i][j])))
    expect(Math.max(...differences)).toBeLessThan(1e-4)
    expect(reference.flat().filter((value) => value > 0).length).toBeGreaterThan(size * 10)
  })

  it('gives rows of zeros no edges of their own', async () => {
    const neighbours = await neighboursOf(fromRows([[1, 0], [1, 0.1], [0.9, 0.2], [0, 0]]), 2) // prettier-ignore
    const { offsets, values } = await fuzzyGraph(neighbours)
    expect(offsets[4] - offsets[3]).toBe(0)
    expect([...values].every((value) => value > 0 && value <= 1)).toBe(true)
  })
})

describe('distanceCurve', () => {
  // umap-learn 0.5.12, find_ab_params(spread = 1, min_dist).
  it.each([
    [0.1, 1.57694, 0.895061],
    [0.5, 0.58303, 1.334167],
    [0, 1.932808, 0.790495],
  ])('is the curve of umap-learn at %f', (minDistance, a, b) => {
    const curve = distanceCurve(minDistance)
    expect(curve.a).toBeCloseTo(a, 3)
    expect(curve.b).toBeCloseTo(b, 3)
  })
})

describe('umapLayout', () => {
  const planeNeighbours = (layout: FeatureMatrix): Promise<Neighbours> => {
    // On a far sphere, cosines order as distances in the plane do.
    const lifted = fromRows(
      Array.from({ length: layout.rows }, (_, i) => [layout.data[2 * i], layout.data[2 * i + 1], 1000]),
    )
    return neighboursOf(lifted)
  }

  it('keeps clusters together and apart from others', async () => {
    const { features, labels } = clusters(4, 60, 0.3)
    const layout = await umapLayout(await neighboursOf(features), { seed: 0, epochs: 200 })
    const found = neighbourhoodPurity(await planeNeighbours(layout), labels)
    expect(found?.purity).toBeGreaterThan(0.97)
    expect(layout.data.every(Number.isFinite)).toBe(true)
  })

  it('is the same again with the same seed, another with another', async () => {
    const neighbours = await neighboursOf(clusters(3, 40, 0.6).features)
    const [first, again, other] = await Promise.all(
      [5, 5, 6].map((seed) => umapLayout(neighbours, { seed, epochs: 20 })),
    )
    expect(again.data).toEqual(first.data)
    expect(other.data).not.toEqual(first.data)
  })

  it('lays out a graph that falls into parts, and images that are all equal', async () => {
    const separate = await neighboursOf(clusters(5, 20, 0.01).features, 5)
    const apart = await umapLayout(separate, { seed: 0, epochs: 50 })
    expect(apart.data.every(Number.isFinite)).toBe(true)
    const equal = await neighboursOf(featureMatrix(12, 2, new Float32Array(24).fill(1)), 3)
    expect((await umapLayout(equal, { seed: 0, epochs: 20 })).data.every(Number.isFinite)).toBe(true)
  })

  it('begins where it is told, and tells how far it is', async () => {
    const { features } = clusters(2, 20, 0.4)
    const initial = featureMatrix(
      40,
      2,
      Float32Array.from({ length: 80 }, (_, i) => i),
    )
    const told: number[] = []
    const layout = await umapLayout(await neighboursOf(features, 5), {
      seed: 0,
      epochs: 1,
      initial,
      onProgress: (done) => told.push(done),
    })
    expect(told).toEqual([1])
    expect(layout.data[78]).toBeGreaterThan(layout.data[0])
  })

  it('stops when asked to', async () => {
    const neighbours = await neighboursOf(clusters(2, 20, 0.4).features, 5)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(umapLayout(neighbours, { seed: 0, signal })).rejects.toThrow('enough')
  })
})
