import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { leadingSparseEigenvectors } from '../../src/numerics/leading-eigenvectors.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { argmaxRows, featureMatrix, fromRows, rowRange, selectRows } from '../../src/numerics/matrix.js'
import type { FeatureMatrix } from '../../src/numerics/matrix.js'
import { applySmoothing, fitSmoothing, smoothedReferences } from '../../src/features/smoothing.js'
import { type SparseMatrix, symmetrise } from '../../src/numerics/sparse.js'
import { ridgeRegression } from '../../src/heads/ridge.js'

const linearAlgebra = plainLinearAlgebra()

/** Random walk on a ring: each step goes to either neighbour. */
function ring(size: number): SparseMatrix {
  const neighbours = Int32Array.from({ length: 2 * size }, (_, at) => {
    const i = at >> 1
    return at % 2 === 0 ? (i + 1) % size : (i + size - 1) % size
  })
  return symmetrise(size, 2, neighbours, new Float64Array(2 * size).fill(0.5))
}

/** Points on the unit sphere about `centres`, in turn. */
function blobs(rows: number, centres: readonly (readonly number[])[], spread: number): FeatureMatrix {
  const random = new Random(1, 'blobs')
  return fromRows(
    Array.from({ length: rows }, (_, i) => {
      const point = centres[i % centres.length].map((value) => value + spread * random.normal())
      const length = Math.hypot(...point)
      return point.map((value) => value / length)
    }),
  )
}

/**
 * Two interleaved half circles of radius 1, raised to the unit sphere (nearly flat at this scale) since neighbours are
 * found by cosine.
 */
function moons(rows: number, seed: number): { features: FeatureMatrix; truth: Int32Array } {
  const random = new Random(seed, 'moons')
  const points = Array.from({ length: rows }, (_, i) => {
    const angle = random.between(0, Math.PI)
    const upper = i % 2 === 0
    const x = upper ? Math.cos(angle) : 1 - Math.cos(angle)
    const y = upper ? Math.sin(angle) : 0.5 - Math.sin(angle)
    const point = [x + 0.06 * random.normal(), y + 0.06 * random.normal(), 4]
    const length = Math.hypot(...point)
    return point.map((value) => value / length)
  })
  return { features: fromRows(points), truth: Int32Array.from({ length: rows }, (_, i) => i % 2) }
}

const dot = ({ columns, data }: FeatureMatrix, i: number, j: number): number => {
  let sum = 0
  for (let c = 0; c < columns; c++) sum += data[i * columns + c] * data[j * columns + c]
  return sum
}

describe('leading eigenvectors of a sparse matrix', () => {
  // A random walk on a ring of n nodes has the eigenvalues cos(2 pi j / n), each but the first twice.
  it.each([60, 400])('are those of a random walk on a ring of %i nodes', async (size) => {
    const { values, vectors } = await leadingSparseEigenvectors(ring(size), 7, linearAlgebra, {
      tolerance: 1e-4,
    })
    Array.from(values).forEach((value, j) =>
      expect(value).toBeCloseTo(Math.cos((2 * Math.PI * Math.ceil(j / 2)) / size), 4),
    )
    const products = await linearAlgebra.matmul(vectors, vectors, { transposeA: true })
    products.data.forEach((value, at) => expect(value).toBeCloseTo(Number(at % 8 === 0), 4))
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < 7; j++) {
        const at = (row: number): number => vectors.data[((row + size) % size) * 7 + j]
        expect((at(i - 1) + at(i + 1)) / 2).toBeCloseTo(values[j] * at(i), 3)
      }
    }
  })
})

describe('smoothed features', () => {
  it('are indicators of the parts where the graph falls into parts', async () => {
    const parts = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const features = blobs(90, parts, 0.05)
    const smoothing = await fitSmoothing(features, undefined, { dimensions: 3, k: 5 }, linearAlgebra)
    for (const value of smoothing.eigenvalues) expect(value).toBeCloseTo(1, 5)
    const smoothed = smoothedReferences(smoothing)
    for (let i = 0; i < 90; i++) {
      for (let j = 0; j < 90; j++) expect(dot(smoothed, i, j)).toBeCloseTo(Number(i % 3 === j % 3), 4)
    }
    const fresh = await applySmoothing(smoothing, fromRows([[0.1, 0.9, 0.1]]), linearAlgebra)
    expect(
      dot({ ...fresh, data: Float32Array.from([...fresh.data, ...smoothed.data.slice(3, 6)]) }, 0, 1),
    ).toBeCloseTo(1, 4)
  })

  it('make two moons apart for a linear head with one label each, new points too', async () => {
    const train = moons(400, 1)
    const test = moons(200, 2)
    const smoothing = await fitSmoothing(
      train.features,
      undefined,
      { dimensions: 8, time: 400 },
      linearAlgebra,
    )
    const labels = [0, 1]
    const accuracy = async (few: FeatureMatrix, seen: FeatureMatrix): Promise<number> => {
      const problem = { features: few, labels: Int32Array.from(labels), classCount: 2, linearAlgebra }
      const fitted = await ridgeRegression().fit({ ...problem, random: new Random(1, 'head') })
      const found = argmaxRows(await fitted.predict(seen))
      return found.filter((label, i) => label === test.truth[i]).length / found.length
    }
    const plain = await accuracy(selectRows(train.features, labels), test.features)
    const smoothed = await accuracy(
      selectRows(smoothedReferences(smoothing), labels),
      await applySmoothing(smoothing, test.features, linearAlgebra),
    )
    expect(plain).toBeLessThan(0.9)
    expect(smoothed).toBeGreaterThan(0.97)
  })

  it('of a new image depend on no other new image, and leave the fit as it was', async () => {
    const features = blobs(
      120,
      [
        [1, 0, 0.2],
        [0.2, 1, 0],
      ],
      0.4,
    )
    const smoothing = await fitSmoothing(features, undefined, { dimensions: 6, k: 6 }, linearAlgebra)
    const before = structuredClone(smoothing)
    const fresh = blobs(10, [[1, 1, 1]], 0.5)
    const together = await applySmoothing(smoothing, fresh, linearAlgebra)
    for (let i = 0; i < fresh.rows; i++) {
      const alone = await applySmoothing(smoothing, rowRange(fresh, i, i + 1), linearAlgebra)
      expect(alone.data).toEqual(rowRange(together, i, i + 1).data)
    }
    expect(smoothing).toEqual(before)
  })

  it('of a copy of an image lie by that image', async () => {
    const features = blobs(
      200,
      [
        [1, 0, 0.2],
        [0.2, 1, 0],
      ],
      0.4,
    )
    const smoothing = await fitSmoothing(features, undefined, { dimensions: 6 }, linearAlgebra)
    const copies = await applySmoothing(smoothing, features, linearAlgebra)
    const own = smoothedReferences(smoothing)
    let sum = 0
    for (let i = 0; i < own.rows; i++) {
      const pair = featureMatrix(2, own.columns)
      pair.data.set(rowRange(copies, i, i + 1).data)
      pair.data.set(rowRange(own, i, i + 1).data, own.columns)
      sum += dot(pair, 0, 1)
    }
    expect(sum / own.rows).toBeGreaterThan(0.97)
  })

  it('refuse what does not fit', async () => {
    const features = blobs(
      30,
      [
        [1, 0],
        [0, 1],
      ],
      0.2,
    )
    const graph = await linearAlgebra.nearest(features, features, 5, { excludeSelf: true })
    await expect(fitSmoothing(rowRange(features, 0, 20), graph, {}, linearAlgebra)).rejects.toThrow(
      'smoothing of features (20 rows): got neighbours of 30',
    )
    await expect(fitSmoothing(features, graph, { time: -1 }, linearAlgebra)).rejects.toThrow(
      "smoothing's time",
    )
    const smoothing = await fitSmoothing(features, graph, { dimensions: 2 }, linearAlgebra)
    await expect(applySmoothing(smoothing, fromRows([[1, 2, 3]]), linearAlgebra)).rejects.toThrow(
      'feature columns',
    )
  })
})
