import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import type { Neighbours } from '../../src/numerics/linear-algebra.js'
import { fromRows } from '../../src/numerics/matrix.js'
import { neighbourhoodPurity, silhouette } from '../../src/features/neighbourhood.js'
import { spreadPoints } from '../../src/features/spread.js'

const neighbours = (rows: readonly (readonly number[])[]): Neighbours => ({
  rows: rows.length,
  k: rows[0].length,
  indices: Int32Array.from(rows.flat()),
  similarities: new Float32Array(rows.flat().length).fill(1),
})

describe('neighbourhoodPurity', () => {
  it('averages the share of neighbours of the same class', () => {
    // 1, 1/2, 1/2 and 0 of two neighbours; classes of 2: another point is of the same class in 1 of 3 cases.
    const found = neighbourhoodPurity(neighbours([[1, 1], [0, 2], [3, 0], [0, 1]]), [0, 0, 1, 1]) // prettier-ignore
    expect(found?.purity).toBeCloseTo(0.5, 12)
    expect(found?.byChance).toBeCloseTo(1 / 3, 12)
  })

  it('leaves out points without a label, as points and as neighbours', () => {
    const found = neighbourhoodPurity(neighbours([[1, 2], [0, 2], [0, 1], [2, 2]]), [0, 0, -1, 1]) // prettier-ignore
    expect(found?.purity).toBe(1)
    expect(found?.byChance).toBeCloseTo(((2 / 3) * 1) / 2, 12)
    expect(neighbourhoodPurity(neighbours([[1], [0]]), [-1, -1])).toBeUndefined()
  })

  it('refuses labels of another number of images', () => {
    expect(() => neighbourhoodPurity(neighbours([[1], [0]]), [0])).toThrow(
      'labels (measuring neighbourhoods): got 1, expected 2, one for each row of features',
    )
  })
})

describe('silhouette', () => {
  const random = new Random(0, 'silhouette')

  it('is that of its definition', async () => {
    // On a line: 0 and 1 of one class, 4 and 6 of the other. a = 1, 1, 2, 2; b = 5, 4, 3.5, 5.5.
    const features = fromRows([[0], [1], [4], [6]])
    const wanted = (4 / 5 + 3 / 4 + 1.5 / 3.5 + 3.5 / 5.5) / 4
    expect(await silhouette(features, [0, 0, 1, 1], { random })).toBeCloseTo(wanted, 12)
  })

  it('counts a point alone in its class as 0, and unlabelled ones not at all', async () => {
    const features = fromRows([[0], [1], [9], [0.5]])
    expect(await silhouette(features, [0, 0, 1, -1], { random })).toBeCloseTo((8 / 9 + 7 / 8 + 0) / 3, 12)
    expect(await silhouette(features, [0, 0, 0, -1], { random })).toBeUndefined()
  })

  it('is about the same of a part of many', async () => {
    const values = new Random(1, 'points').fillNormal(new Float32Array(1200))
    const features = fromRows(Array.from(values, (value, i) => [value + 3 * (i % 2)]))
    const labels = Array.from(values, (_, i) => i % 2)
    const whole = await silhouette(features, labels, { random, most: 1200 })
    const part = await silhouette(features, labels, { random, most: 400 })
    expect(Math.abs((part ?? 0) - (whole ?? 1))).toBeLessThan(0.05)
  })
})

describe('spreadPoints', () => {
  it('takes about so many points, whose squares do not overlap', () => {
    const random = new Random(0, 'plane')
    const rows = Array.from({ length: 2000 }, () => [random.normal(), random.normal()])
    const points = spreadPoints(fromRows(rows), 60, new Random(0, 'spread'))
    expect(points.length).toBeGreaterThan(50)
    expect(points.length).toBeLessThanOrEqual(60)
    let nearest = Infinity
    for (const a of points) {
      for (const b of points) {
        const apart = Math.max(Math.abs(rows[a][0] - rows[b][0]), Math.abs(rows[a][1] - rows[b][1]))
        if (a !== b) nearest = Math.min(nearest, apart)
      }
    }
    // Sixty squares of a plane some six wide.
    expect(nearest).toBeGreaterThan(0.3)
  })

  it('takes all where there are few, and one of those in the same place', () => {
    expect(spreadPoints(fromRows([[0, 0], [1, 1]]), 9, new Random(0, 's')).sort()).toEqual([0, 1]) // prettier-ignore
    expect(spreadPoints(fromRows([[2, 2], [2, 2], [5, 5]]), 2, new Random(0, 's'))).toHaveLength(2) // prettier-ignore
  })
})
