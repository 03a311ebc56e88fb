import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { featureMatrix, fromRows, rowRange, type FeatureMatrix } from '../../src/numerics/matrix.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import {
  applyNormalisation,
  applyStandardisation,
  fitNormalisation,
  fitStandardisation,
} from '../../src/features/normalise.js'

const linearAlgebra = plainLinearAlgebra()

/** Gaussian rows whose column j has deviation `scales[j]`, about 3. */
function gaussian(rows: number, scales: readonly number[], seed = 0): FeatureMatrix {
  const matrix = featureMatrix(rows, scales.length)
  new Random(seed, 'gaussian').fillNormal(matrix.data)
  for (let at = 0; at < matrix.data.length; at++) {
    matrix.data[at] = 3 + scales[at % scales.length] * matrix.data[at]
  }
  return matrix
}

/** Variances of `(x - centre) projection`, before rows are scaled. */
async function projectedVariances(features: FeatureMatrix, options: Parameters<typeof fitNormalisation>[2]) {
  const { centre, projection } = await fitNormalisation(features, linearAlgebra, options)
  const centred = featureMatrix(
    features.rows,
    features.columns,
    features.data.map((value, at) => value - centre[at % features.columns]),
  )
  const projected = await linearAlgebra.matmul(centred, projection)
  return Array.from({ length: projection.columns }, (_, j) => {
    let sum = 0
    for (let i = 0; i < projected.rows; i++) sum += projected.data[i * projected.columns + j] ** 2
    return sum / projected.rows
  })
}

describe('normalisation', () => {
  const features = gaussian(2000, [8, 4, 2, 1])

  it('whitened fully gives every component variance 1', async () => {
    for (const variance of await projectedVariances(features, { whitening: 1 }))
      expect(variance).toBeCloseTo(1, 3)
  })

  it('whitened with power p leaves variances to the power 1 - p', async () => {
    const plain = await projectedVariances(features, { whitening: 0 })
    const half = await projectedVariances(features, { whitening: 0.5 })
    half.forEach((variance, j) => expect(variance).toBeCloseTo(Math.sqrt(plain[j]), 4))
    expect(plain.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4)
  })

  it('standardised by dimension makes columns of unlike scale weigh the same', async () => {
    const variances = await projectedVariances(features, { whitening: 0, standardise: 'dimension' })
    for (const variance of variances) expect(Math.abs(variance - 1)).toBeLessThan(0.1)
  })

  it('by blocks makes concatenated layers weigh the same', async () => {
    const { explained } = await fitNormalisation(gaussian(4000, [100, 100, 1, 1]), linearAlgebra, {
      blocks: [2, 2],
    })
    for (const share of explained) expect(Math.abs(share - 0.25)).toBeLessThan(0.02)
  })

  it('gives rows of length 1, the same for a row alone as among others', async () => {
    const fitted = await fitNormalisation(rowRange(features, 0, 1000), linearAlgebra, { components: 3 })
    const all = await applyNormalisation(fitted, features, linearAlgebra)
    for (let i = 0; i < all.rows; i++) {
      expect(Math.hypot(...all.data.subarray(3 * i, 3 * i + 3))).toBeCloseTo(1, 5)
    }
    const alone = await applyNormalisation(fitted, rowRange(features, 1500, 1501), linearAlgebra)
    expect(alone.data).toEqual(all.data.subarray(4500, 4503))
  })

  it('keeps no more components than the features have dimensions that vary', async () => {
    const flat = fromRows([
      [1, 2, 5],
      [2, 4, 5],
      [3, 6, 5],
      [4, 8, 5],
    ])
    const { projection, explained } = await fitNormalisation(flat, linearAlgebra)
    expect(projection.columns).toBe(1)
    expect(explained[0]).toBeCloseTo(1, 5)
  })

  it('finds the same leading components by subspace iteration as by full decomposition', async () => {
    // 600 inputs pass the limit of the full decomposition; variances fall off as 1 / j.
    const wide = gaussian(
      700,
      Array.from({ length: 600 }, (_, j) => 10 / (1 + j)),
    )
    const leading = await fitNormalisation(wide, linearAlgebra, { components: 20, whitening: 0 })
    const full = await fitNormalisation(wide, linearAlgebra, { components: 599, whitening: 0 })
    for (let j = 0; j < 20; j++) expect(leading.explained[j] / full.explained[j]).toBeCloseTo(1, 3)
    const inner = await linearAlgebra.matmul(leading.projection, full.projection, { transposeA: true })
    const scale =
      full.projection.data.reduce((sum, value) => sum + value * value, 0) / full.projection.columns
    for (let j = 0; j < 10; j++) expect(Math.abs(inner.data[j * inner.columns + j]) / scale).toBeCloseTo(1, 2)
  })

  it('needs no covariance of tens of thousands of inputs, and finds the same components', async () => {
    const narrow = gaussian(60, [8, 4, 2, 1])
    const wide = featureMatrix(narrow.rows, 12_000)
    for (let i = 0; i < narrow.rows; i++)
      for (let j = 0; j < 4; j++) wide.data[i * wide.columns + 3000 * j] = narrow.data[i * 4 + j]
    const options = { components: 4, whitening: 0.5 }
    const [of, ofWide] = [
      await fitNormalisation(narrow, linearAlgebra, options),
      await fitNormalisation(wide, linearAlgebra, options),
    ]
    const [rows, rowsOfWide] = [
      await applyNormalisation(of, narrow, linearAlgebra),
      await applyNormalisation(ofWide, wide, linearAlgebra),
    ]
    of.explained.forEach((share, j) => expect(ofWide.explained[j]).toBeCloseTo(share, 4))
    // Each component may point the other way.
    rows.data.forEach((value, at) => expect(Math.abs(rowsOfWide.data[at])).toBeCloseTo(Math.abs(value), 3))
  })

  it('finds the same components from the inner products of few rows as from products with the covariance', async () => {
    const columns = 9000
    const rows = gaussian(
      120,
      Array.from({ length: 40 }, (_, j) => 10 / (1 + j)),
    )
    const wide = featureMatrix(rows.rows, columns)
    for (let i = 0; i < rows.rows; i++)
      for (let j = 0; j < columns; j++)
        wide.data[i * columns + j] = rows.data[i * 40 + (j % 40)] / (1 + Math.floor(j / 40))
    const fitted = await fitNormalisation(wide, linearAlgebra, { components: 10, whitening: 0 })
    const narrow = await fitNormalisation(rows, linearAlgebra, { components: 10, whitening: 0 })
    // Copies of the columns, weighed, hold the same variance in the same directions.
    narrow.explained.forEach((share, j) => expect(fitted.explained[j] / share).toBeCloseTo(1, 3))
    const [own, ofWide] = [
      await applyNormalisation(narrow, rows, linearAlgebra),
      await applyNormalisation(fitted, wide, linearAlgebra),
    ]
    own.data.forEach((value, at) => expect(Math.abs(ofWide.data[at])).toBeCloseTo(Math.abs(value), 3))
  })

  it('says what is wrong in one line', async () => {
    const fit = (matrix: FeatureMatrix, options = {}) => fitNormalisation(matrix, linearAlgebra, options)
    await expect(fit(fromRows([[1, 2]]))).rejects.toThrow('got too few rows, expected at least two rows')
    await expect(
      fit(
        fromRows([
          [1, 2],
          [1, 2],
        ]),
      ),
    ).rejects.toThrow('got rows that are all equal')
    await expect(
      fit(
        fromRows([
          [1, 2],
          [3, NaN],
        ]),
      ),
    ).rejects.toThrow('row 1, column 1): got NaN')
    await expect(fit(features, { blocks: [2, 3] })).rejects.toThrow('got 2 + 3 = 5 columns, expected 4')
    const fitted = await fit(features)
    await expect(applyNormalisation(fitted, featureMatrix(1, 3), linearAlgebra)).rejects.toThrow(
      'got 3, expected 4',
    )
  })
})

describe('standardising', () => {
  it('brings each column of the fitted rows to mean 0 and variance 1, and other rows by the same', () => {
    const rows = gaussian(5000, [0.5, 20])
    const form = fitStandardisation(rows)
    const { data } = applyStandardisation(form, rows)
    for (const j of [0, 1]) {
      const column = [...data].filter((_, at) => at % 2 === j)
      const mean = column.reduce((sum, value) => sum + value, 0) / column.length
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length
      expect(mean).toBeCloseTo(0, 4)
      expect(variance).toBeCloseTo(1, 4)
    }
    const [first] = applyStandardisation(form, fromRows([[3.5, 23]])).data
    expect(first).toBeCloseTo(1, 1)
  })

  it('does not blow up a column that hardly ever differs, and leaves constant rows at 0', () => {
    const [, small] = applyStandardisation(
      fitStandardisation(
        fromRows([
          [1, 1e-6],
          [-1, -1e-6],
        ]),
      ),
      fromRows([[0, 1e-6]]),
    ).data
    expect(small).toBeLessThan(1e-3)
    const constant = fromRows([
      [2, 2],
      [2, 2],
    ])
    expect([...applyStandardisation(fitStandardisation(constant), constant).data]).toEqual([0, 0, 0, 0])
  })
})
