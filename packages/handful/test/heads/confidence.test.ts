/** Probabilities that mean what they say: the two numbers, where they come from, and that predictions stay. */
import { Random } from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import { TestSet } from '../../src/data/test-set.js'
import { fitCalibrated } from '../../src/heads/calibrated.js'
import {
  AS_SAID,
  confidenceFrom,
  confidenceOf,
  confidenceSettings,
  doubtOf,
  leftOutLikelihood,
  sharpened,
  weightedProduct,
} from '../../src/heads/confidence.js'
import { balancedFolds } from '../../src/heads/left-out.js'
import { createHead } from '../../src/heads/registry.js'
import { argmaxRows, featureMatrix, fromRows, mostProbable, rowRange } from '../../src/numerics/matrix.js'
import { calibrationError, confidenceBins } from '../../src/numerics/reliability.js'
import { blobs, firstLabels, problem, share } from './problem.js'

describe('sharpening', () => {
  it('is a power of the probabilities, scaled to sum 1', () => {
    const [row] = [sharpened(fromRows([[0.8, 0.2, 0]]), { exponent: 2, bend: 1, doubt: 0 })]
    expect(row.data[0]).toBeCloseTo(0.64 / 0.68, 6)
    expect(row.data[1]).toBeCloseTo(0.04 / 0.68, 6)
    expect(row.data[2]).toBe(0)
  })

  it('leaves the doubt of so many labels, among the classes that can be', () => {
    const { data } = sharpened(fromRows([[1 - 1e-6, 1e-6, 0]]), { exponent: 5, bend: 1, doubt: doubtOf(12) })
    // Of 12 labels that were all right the rule of succession makes 13 in 14; half of the doubt is the class's own.
    expect(data[0]).toBeCloseTo(1 - 1 / 28, 6)
    expect(data[1]).toBeCloseTo(1 / 28, 6)
    expect(data[2]).toBe(0)
  })

  it('bends distances from the most probable class', () => {
    const behind = Math.log(0.6 / 0.1) ** 0.5
    const bent = sharpened(fromRows([[0.6, 0.1, 0.3]]), { exponent: 3, bend: 0.5, doubt: 0 })
    expect(bent.data[1] / bent.data[0]).toBeCloseTo(Math.exp(-3 * behind), 6)
  })

  it('leaves every prediction as it is, and everything where it says nothing', () => {
    const given = featureMatrix(200, 5, new Random(1, 'p').fillUniform(new Float32Array(1000), 0.01, 1))
    for (const confidence of [
      { exponent: 0.1, bend: 0.4, doubt: 0 },
      { exponent: 6, bend: 2, doubt: 0.1 },
    ]) {
      expect(argmaxRows(sharpened(given, confidence))).toEqual(argmaxRows(given))
    }
    expect(sharpened(given, AS_SAID)).toBe(given)
  })

  it('is kept as settings, which older predictors do not have', () => {
    const confidence = { exponent: 2.5, bend: 0.6, doubt: 0.02 }
    expect(confidenceOf(confidenceSettings(confidence))).toEqual(confidence)
    expect(confidenceOf({ k: 10 })).toEqual(AS_SAID)
    expect(() => confidenceOf({ 'confidence exponent': -1 })).toThrow()
  })
})

describe('what labels speak for', () => {
  /** Rows whose true classes are drawn by their probabilities. */
  const random = new Random(3, 'calibration')
  const honest = fromRows(
    Array.from({ length: 2000 }, () => {
      const logits = Array.from({ length: 4 }, () => Math.exp(2 * random.normal()))
      const sum = logits.reduce((a, b) => a + b, 0)
      return logits.map((value) => value / sum)
    }),
  )
  const truth = Int32Array.from({ length: honest.rows }, (_, i) => {
    let left = random.uniform()
    let c = 0
    while (c < 3 && (left -= honest.data[4 * i + c]) >= 0) c++
    return c
  })

  it.each([[{ exponent: 0.3, bend: 1, doubt: 0 }], [{ exponent: 3, bend: 1, doubt: 0 }]])(
    'undoes a distortion by %o',
    (distortion) => {
      const found = confidenceFrom(sharpened(honest, distortion), truth, truth.length)
      expect(found.exponent * distortion.exponent).toBeGreaterThan(0.85)
      expect(found.exponent * distortion.exponent).toBeLessThan(1.2)
      expect(found.bend).toBeGreaterThan(0.85)
      expect(found.bend).toBeLessThan(1.2)
    },
  )

  it('is the best of all that are tried, as if each had been', () => {
    for (const [rows, distortion] of [
      [5, { exponent: 4, bend: 1, doubt: 0 }],
      [60, { exponent: 0.2, bend: 1.6, doubt: 0 }],
      [400, { exponent: 6, bend: 0.6, doubt: 0.1 }],
    ] as const) {
      const given = sharpened(rowRange(honest, 0, rows), distortion)
      const some = truth.subarray(0, rows)
      const value = ({ exponent, bend }: { exponent: number; bend: number }): number =>
        leftOutLikelihood(given, some, { exponent, bend, doubt: 0 }) -
        ((Math.log(exponent) / 0.7) ** 2 + (Math.log(bend) / 0.5) ** 2) / 2
      const found = confidenceFrom(given, some, rows)
      let best = -Infinity
      for (let k = -50; k <= 50; k++)
        for (let l = -10; l <= 10; l++)
          best = Math.max(best, value({ exponent: Math.exp(k / 20), bend: Math.exp(l / 10) }))
      expect(value(found)).toBeCloseTo(best, 6)
    }
  })

  it('is nothing without labels, and little with three', () => {
    expect(confidenceFrom(featureMatrix(0, 4), new Int32Array(), 8)).toEqual({ ...AS_SAID, doubt: 0.1 })
    const three = confidenceFrom(
      fromRows([
        [0.4, 0.3, 0.3],
        [0.3, 0.4, 0.3],
        [0.3, 0.3, 0.4],
      ]),
      Int32Array.of(0, 1, 2),
      3,
    )
    expect(three.exponent).toBeLessThan(4)
  })
})

test('a product of probabilities is their weighted geometric mean; what one rules out is only unlikely', () => {
  const product = weightedProduct([fromRows([[0.9, 0.1, 0]]), fromRows([[0.4, 0.6, 0]])], [0.75, 0.25])
  const [a, b] = [0.9 ** 0.75 * 0.4 ** 0.25, 0.1 ** 0.75 * 0.6 ** 0.25]
  expect(product.data[0]).toBeCloseTo(a / (a + b), 6)
  expect(product.data[2]).toBe(0)
  const ruled = weightedProduct([fromRows([[1, 0]]), fromRows([[0.5, 0.5]])], [0.5, 0.5])
  expect(ruled.data[1]).toBeGreaterThan(0)
})

test('folds of left-out labels take of each class alike, and never its last one', () => {
  const targets = Int32Array.from([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
  const folds = balancedFolds(
    { targets, counts: Int32Array.from([4, 4, 2, 1]) },
    { random: new Random(1, 'f') },
  )
  expect(folds).toHaveLength(4)
  for (const fold of folds) {
    const of = (c: number): number => fold.filter((i) => targets[i] === c).length
    expect([of(0), of(1), of(3)]).toEqual([1, 1, 0])
    expect(of(2)).toBeLessThanOrEqual(1)
  }
  expect(folds.flat().sort((a, b) => a - b)).toEqual([...Array(10).keys()])
})

test('reliability counts by tenths, of a test set without showing a label', () => {
  const test = new TestSet({
    name: 'four',
    height: 1,
    width: 1,
    channels: 1,
    pixels: new Uint8Array(4),
    labels: [0, 1, 1, 0],
    classNames: ['a', 'b'],
  })
  const bins = test.reliability([0, 1, 0, 0], [0.95, 0.85, 0.85, 1])
  expect(bins[8]).toMatchObject({ count: 2, right: 1 })
  expect(bins[9]).toMatchObject({ count: 2, right: 2 })
  // (|1.7 - 1| + |1.95 - 2|) / 4
  expect(calibrationError(bins)).toBeCloseTo(0.1875, 6)
  expect(() => test.reliability([0], [1])).toThrow(/got 1 predictions/)
})

/** Classes that overlap, of which some are rare: their shares are drawn from Dirichlet(2). */
function unbalanced(seed: number) {
  const { features, truth } = blobs(1600, 5, 12, 0.9, seed)
  const random = new Random(seed, 'shares')
  const gamma = (): number => -Math.log(random.uniform() * random.uniform())
  const shares = Array.from({ length: 5 }, gamma)
  const most = Math.max(...shares)
  const kept = [...truth.keys()].filter((row) => random.uniform() < shares[truth[row]] / most)
  const rows = featureMatrix(kept.length, 12)
  kept.forEach((row, i) => rows.data.set(features.data.subarray(12 * row, 12 * row + 12), 12 * i))
  return { rows, truth: truth.filter((_, row) => kept.includes(row)) }
}

test.each(['auto', 'propagation', 'linear'])(
  '%s: unbalanced classes lose no right answer, and probabilities are nearer to what is so',
  async (name) => {
    let [before, after] = [0, 0]
    for (const seed of [1, 2, 3, 4]) {
      const { rows, truth } = unbalanced(seed)
      const given = problem(rowRange(rows, 0, rows.rows), firstLabels(truth, 6), 5)
      const head = createHead(name)
      const plain = await (await head.fit(given)).probabilities()
      const told = await (await fitCalibrated(head, given)).fitted.probabilities()
      expect(share(argmaxRows(told), truth)).toBe(share(argmaxRows(plain), truth))
      const error = (of: typeof told): number => {
        const { predicted, probability } = mostProbable(of)
        return calibrationError(confidenceBins(probability, (i) => predicted[i] === truth[i]))
      }
      before += error(plain) / 4
      after += error(told) / 4
    }
    expect(after).toBeLessThan(Math.max(before, 0.12))
    expect(after).toBeLessThan(0.15)
  },
)
