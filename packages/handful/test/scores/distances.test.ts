/** Distances between sets of features against closed forms and definitions written out. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { nearestEuclidean } from '../../src/scores/euclidean.js'
import { fitGaussian, frechetDistance, frechetDistanceOfFeatures } from '../../src/scores/frechet.js'
import { kernelDistance } from '../../src/scores/kernel-distance.js'
import { precisionAndRecall } from '../../src/scores/precision-recall.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, fromRows } from '../../src/numerics/matrix.js'

const linearAlgebra = plainLinearAlgebra()

const normalRows = (rows: number, columns: number, name: string, shift = 0, scale = 1): FeatureMatrix => {
  const data = new Random(3, name).fillNormal(new Float32Array(rows * columns))
  return featureMatrix(
    rows,
    columns,
    data.map((value) => shift + scale * value),
  )
}

test('Frechet distance of Gaussians along the axes: |m1 - m2|^2 + sum (sqrt a - sqrt b)^2', () => {
  const a = { mean: Float64Array.of(1, 2), covariance: Float64Array.of(4, 0, 0, 9) }
  const b = { mean: Float64Array.of(0, 4), covariance: Float64Array.of(1, 0, 0, 25) }
  expect(frechetDistance(a, b)).toBeCloseTo(1 + 4 + 1 + 4, 10)
  expect(frechetDistance(a, a)).toBeCloseTo(0, 10)
})

test('Frechet distance of Gaussians that do not share their axes: trace of the root from trace and determinant', () => {
  const [c, d] = [Float64Array.of(3, 1, 1, 2), Float64Array.of(2, -0.7, -0.7, 1)]
  const zero = new Float64Array(2)
  // In two dimensions (trace sqrt M)^2 = trace M + 2 sqrt(det M), here of M = C^(1/2) D C^(1/2).
  const trace = c[0] * d[0] + 2 * c[1] * d[1] + c[3] * d[3]
  const root = Math.sqrt(trace + 2 * Math.sqrt((c[0] * c[3] - c[1] ** 2) * (d[0] * d[3] - d[1] ** 2)))
  const expected = c[0] + c[3] + d[0] + d[3] - 2 * root
  const distance = (first: Float64Array, second: Float64Array): number =>
    frechetDistance({ mean: zero, covariance: first }, { mean: zero, covariance: second })
  expect(distance(c, d)).toBeCloseTo(expected, 10)
  expect(distance(d, c)).toBeCloseTo(expected, 10)
})

test('Frechet distance of a singular covariance, as few rows give, stays finite', () => {
  const few = fromRows([
    [0, 0, 0],
    [1, 1, 1],
  ])
  expect(frechetDistanceOfFeatures(few, few)).toBeCloseTo(0, 6)
  expect(
    frechetDistanceOfFeatures(
      few,
      fromRows([
        [2, 0, 0],
        [3, 1, 1],
      ]),
    ),
  ).toBeCloseTo(4, 6)
})

test('mean and covariance of rows are the unbiased ones', () => {
  const { mean, covariance } = fitGaussian(
    fromRows([
      [0, 1],
      [2, 1],
      [4, 7],
    ]),
  )
  expect([...mean]).toEqual([2, 3])
  expect([...covariance]).toEqual([4, 6, 6, 12])
})

test('Frechet distance of many draws comes near that of their distributions', () => {
  // Four dimensions, means 0.5 apart, deviations 1 and 1.5: 4 (0.25 + 0.25).
  const found = frechetDistanceOfFeatures(normalRows(8000, 4, 'a'), normalRows(8000, 4, 'b', 0.5, 1.5))
  expect(found).toBeGreaterThan(1.85)
  expect(found).toBeLessThan(2.15)
})

test('kernel distance equals its definition, and is near zero between draws of one distribution', async () => {
  const [a, b] = [normalRows(7, 3, 'a'), normalRows(5, 3, 'b', 1)]
  const kernel = (x: FeatureMatrix, i: number, y: FeatureMatrix, j: number): number =>
    ([0, 1, 2].reduce((sum, k) => sum + x.data[i * 3 + k] * y.data[j * 3 + k], 0) / 3 + 1) ** 3
  const average = (x: FeatureMatrix, y: FeatureMatrix): number => {
    let [sum, count] = [0, 0]
    for (let i = 0; i < x.rows; i++) {
      for (let j = 0; j < y.rows; j++) {
        if (x === y && i === j) continue
        sum += kernel(x, i, y, j)
        count++
      }
    }
    return sum / count
  }
  const options = { random: new Random(0, 'kid'), linearAlgebra }
  const five = featureMatrix(5, 3, a.data.subarray(0, 15))
  const expected = average(five, five) + average(b, b) - 2 * average(five, b)
  const exact = await kernelDistance(five, b, options)
  expect(exact.distance).toBeCloseTo(expected, 4)
  expect(exact.standardError).toBe(0)
  const many = { ...options, subsets: 10, subsetRows: 200 }
  const same = await kernelDistance(normalRows(600, 3, 'c'), normalRows(700, 3, 'd'), many)
  expect(Math.abs(same.distance)).toBeLessThan(4 * same.standardError + 0.02)
  const apart = await kernelDistance(normalRows(600, 3, 'c'), normalRows(700, 3, 'd', 1), many)
  expect(apart.distance).toBeGreaterThan(1)
  expect(await kernelDistance(normalRows(600, 3, 'c'), normalRows(700, 3, 'd', 1), many)).toEqual(apart)
})

test('nearest rows are those of the least Euclidean distance, far from the origin too', async () => {
  const queries = normalRows(20, 5, 'queries', 100)
  const references = normalRows(60, 5, 'references', 100, 2)
  const { indices, distances } = await nearestEuclidean(queries, references, 2, linearAlgebra)
  for (let i = 0; i < 20; i++) {
    const all = Array.from({ length: 60 }, (_, j) =>
      Math.hypot(...[0, 1, 2, 3, 4].map((k) => queries.data[i * 5 + k] - references.data[j * 5 + k])),
    )
    const sorted = all.map((_, j) => j).sort((x, y) => all[x] - all[y])
    expect([...indices.subarray(2 * i, 2 * i + 2)]).toEqual(sorted.slice(0, 2))
    expect(distances[2 * i]).toBeCloseTo(all[sorted[0]], 8)
  }
})

test('precision and recall equal their definition', async () => {
  const [generated, real] = [normalRows(40, 2, 'generated', 0.5, 0.6), normalRows(50, 2, 'real')]
  const distance = (x: FeatureMatrix, i: number, y: FeatureMatrix, j: number): number =>
    Math.hypot(x.data[2 * i] - y.data[2 * j], x.data[2 * i + 1] - y.data[2 * j + 1])
  const inside = (rows: FeatureMatrix, centres: FeatureMatrix): number => {
    const radii = Array.from(
      { length: centres.rows },
      (_, i) =>
        Array.from({ length: centres.rows }, (__, j) => distance(centres, i, centres, j)).sort(
          (a, b) => a - b,
        )[3],
    )
    const hit = Array.from({ length: rows.rows }, (_, i) =>
      radii.some((radius, j) => distance(rows, i, centres, j) <= radius),
    )
    return hit.filter(Boolean).length / rows.rows
  }
  const found = await precisionAndRecall(generated, real, linearAlgebra)
  expect(found).toEqual({ precision: inside(generated, real), recall: inside(real, generated) })
  expect(found.precision).toBeGreaterThan(found.recall)
})

test('one mode of two makes precision high and recall half; noise everywhere the other way round', async () => {
  const cluster = (count: number, at: number, name: string): number[][] => {
    const { data } = normalRows(count, 2, name, 0, 0.1)
    return Array.from({ length: count }, (_, i) => [data[2 * i] + at, data[2 * i + 1]])
  }
  const real = fromRows([...cluster(60, 0, 'left'), ...cluster(60, 10, 'right')])
  const one = await precisionAndRecall(fromRows(cluster(120, 0, 'one mode')), real, linearAlgebra)
  expect(one.precision).toBeGreaterThan(0.8)
  expect(one.recall).toBeLessThan(0.55)
  const everywhere = await precisionAndRecall(normalRows(120, 2, 'noise', 5, 8), real, linearAlgebra)
  expect(everywhere.precision).toBeLessThan(0.1)
  expect(everywhere.recall).toBeGreaterThan(0.9)
})

test('too few rows, and numbers that are none, give one line', async () => {
  const three = fromRows([[0], [1], [2]])
  await expect(precisionAndRecall(three, three, linearAlgebra)).rejects.toThrow(
    'precision and recall (features): got 3 generated and 3 real rows, expected more than 3 of each; draw more samples',
  )
  expect(() => fitGaussian(fromRows([[1]]))).toThrow(
    'Frechet distance (features): got 1 rows, expected at least 2',
  )
  const broken = fromRows([[0], [NaN]])
  expect(() => fitGaussian(broken)).toThrow(
    'feature (Frechet distance, row 1, column 0): got NaN, expected a finite number',
  )
  await expect(kernelDistance(three, broken, { random: new Random(0, 'x'), linearAlgebra })).rejects.toThrow(
    'got NaN',
  )
})
