/** Intervals against published tables, and numbers as they are printed. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { lossChart } from '../../src/draw/loss-chart.js'
import { formatCount, formatDuration, formatPercent, formatProbability } from '../../src/draw/format.js'
import { Random } from 'onnx-autodiff'
import {
  crossedInterval,
  estimateAccuracy,
  studentInterval,
  studentShare,
  wilsonInterval,
} from '../../src/numerics/statistics.js'
import { thumbnail } from '../../src/draw/thumbnails.js'

describe('intervals', () => {
  test("Wilson's, 8 of 10 right: 49 to 94 %", () => {
    // R: prop.test(8, 10, correct = FALSE)$conf.int
    expect(wilsonInterval(0.8, 10).low).toBeCloseTo(0.4901625, 6)
    expect(wilsonInterval(0.8, 10).high).toBeCloseTo(0.9433178, 6)
  })

  test('3 of 3 right may still mean one in two wrong', () => {
    const { low, high } = wilsonInterval(1, 3)
    expect(low).toBeCloseTo(0.4385, 3)
    expect(high).toBe(1)
  })

  test("Student's, over five draws", () => {
    // scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem) of these five
    const { mean, low, high } = studentInterval([0.9, 0.92, 0.88, 0.91, 0.89])
    expect(mean).toBeCloseTo(0.9, 10)
    expect(low).toBeCloseTo(0.8803676, 5)
    expect(high).toBeCloseTo(0.9196324, 5)
  })

  // Half of them 0.5 below the mean, half above: the half width is t s / sqrt(n) = t / (2 sqrt(n - 1)).
  test.each([
    [2, 12.7062047],
    [10, 2.26215716],
    [12, 2.20098516],
    [20, 2.09302405],
    [100, 1.98421695],
  ])("Student's, over %i draws: the table's quantile %d", (draws, quantile) => {
    const values = Array.from({ length: draws }, (_, i) => 0.5 + (i % 2 === 0 ? 0.005 : -0.005))
    const { high } = studentInterval(values)
    expect((high - 0.5) * 200 * Math.sqrt(draws - 1)).toBeCloseTo(quantile, 3)
  })

  test('over trainings and draws hold both', () => {
    // Rows 0.49 and 0.51, columns -0.01, 0, 0.01: MS 0.0006 and 0.0002, nothing rests, 1.68 degrees of freedom, so t of one.
    const table = [0.49, 0.51].map((row) => [-0.01, 0, 0.01].map((column) => row + column))
    const { mean, low, high } = crossedInterval(table)
    expect(mean).toBeCloseTo(0.5, 10)
    expect(high - 0.5).toBeCloseTo(12.7062 * Math.sqrt(0.0008 / 6), 6)
    expect(0.5 - low).toBeCloseTo(high - 0.5, 10)
    // One draw: Student's over the trainings; one training: over the draws.
    expect(crossedInterval([[0.4], [0.5], [0.6]])).toEqual(studentInterval([0.4, 0.5, 0.6]))
    expect(crossedInterval([[0.4, 0.5, 0.6]])).toEqual(studentInterval([0.4, 0.5, 0.6]))
  })

  test('over trainings and draws hold the truth as often as they say, where draws alone do not', () => {
    const random = new Random(3, 'trainings and draws')
    let [both, draws] = [0, 0]
    const times = 500
    for (let time = 0; time < times; time++) {
      const columns = Array.from({ length: 20 }, () => 0.02 * random.normal())
      const table = Array.from({ length: 3 }, () => {
        const row = 0.5 + 0.02 * random.normal()
        return columns.map((column) => row + column + 0.005 * random.normal())
      })
      const holds = ({ low, high }: { low: number; high: number }) => Number(low <= 0.5 && 0.5 <= high)
      both += holds(crossedInterval(table))
      draws += holds(studentInterval(table[0]))
    }
    expect(both / times).toBeGreaterThan(0.9)
    expect(draws / times).toBeLessThan(0.6)
  })

  test('never leave 0 to 1', () => {
    expect(studentInterval([0.01, 0.3])).toMatchObject({ low: 0 })
    expect(studentInterval([1, 0.7])).toMatchObject({ high: 1 })
    expect(estimateAccuracy([0.5], 0)).toEqual({ mean: 0.5, low: 0, high: 1 })
  })
})

test.each([
  [formatCount(1234567), '1,234,567'],
  [formatCount(3.14159), '3.1'],
  [formatCount(0.0123), '0.012'],
  [formatDuration(7.46), '7.5 s'],
  [formatDuration(125), '2 min 05 s'],
  [formatDuration(3599.7), '1 h 00 min'],
  [formatDuration(4020), '1 h 07 min'],
  [formatPercent(0.5), '50.0 %'],
  [formatPercent(0.99996), '99.9 %'],
  [formatPercent(1), '100.0 %'],
  [formatProbability(0.9999), '>99 %'],
  [formatProbability(0.0001), '<1 %'],
  [formatProbability(0.314), '31 %'],
])('%s reads %s', (shown, expected) => {
  expect(shown).toBe(expected)
})

describe('the loss chart', () => {
  const step = [0, 1, 2, 3]

  test('says in words where each curve ends', () => {
    const chart = lossChart([{ name: 'training', step, value: [4, 3, 2, 1.25] }])
    expect(chart?.text).toContain('Loss over 3 steps: training ends at 1.25')
  })

  test('of a loss that falls a hundredfold has a logarithmic axis', () => {
    expect(lossChart([{ name: 'a', step, value: [100, 30, 5, 1] }])?.text).toContain('logarithmic scale')
    expect(lossChart([{ name: 'a', step, value: [4, 3, 2, 1] }])?.text).not.toContain('logarithmic scale')
  })

  test.each([
    ['nothing', []],
    ['one point', [1]],
    ['no finite value', [NaN, Infinity]],
  ])('is left out with %s', (_, value) => {
    expect(lossChart([{ name: 'a', step, value }])).toBeUndefined()
  })

  test('holds no NaN, whatever the curve', () => {
    for (const value of [
      [1, 1, 1, 1],
      [0, 0, 0, 0],
      [-5, NaN, 3, Infinity],
      [1e-9, 1e9, 1, 2],
    ])
      expect(lossChart([{ name: 'a', step, value }])?.text).not.toMatch(/NaN|Infinity/)
    expect(
      lossChart([
        {
          name: 'a',
          step: Array(5000)
            .fill(0)
            .map((_, i) => i),
          value: Array(5000).fill(2),
        },
      ])?.text.length,
    ).toBeLessThan(8000)
  })
})

describe('thumbnails', () => {
  test('keep the pixels of small images', async () => {
    const pixels = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => i * 4)
    const uri = await thumbnail({ height: 5, width: 4, channels: 3, pixels })
    const decoded = await sharp(Buffer.from(uri.split(',')[1], 'base64'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(decoded.info).toMatchObject({ width: 4, height: 5, channels: 3 })
    expect([...decoded.data]).toEqual([...pixels])
  })

  test('scale large ones down to 96 pixels', async () => {
    const uri = await thumbnail({ height: 100, width: 200, channels: 1, pixels: new Uint8Array(20_000) })
    expect(await sharp(Buffer.from(uri.split(',')[1], 'base64')).metadata()).toMatchObject({
      width: 96,
      height: 48,
    })
  })

  test('refuse pixels of another size', async () => {
    await expect(thumbnail({ height: 2, width: 2, channels: 1, pixels: new Uint8Array(3) })).rejects.toThrow(
      'got 3 bytes, expected 2 x 2 x 1',
    )
  })
})

test("Student's t: shares below tabulated quantiles, far tails and one degree of freedom", () => {
  // Quantiles of Abramowitz and Stegun, table 26.10; with one degree of freedom 1/2 + atan(t) / pi.
  expect(studentShare(2.5706, 5)).toBeCloseTo(0.975, 4)
  expect(studentShare(1.8125, 10)).toBeCloseTo(0.95, 4)
  expect(studentShare(-2.0227, 39)).toBeCloseTo(0.025, 4)
  for (const t of [-3, -0.2, 0, 0.7, 12])
    expect(studentShare(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 10)
  expect(studentShare(60, 39)).toBeCloseTo(1, 10)
})
