/** Propagation from what was said of all rows: its balancing against a closed form, and what it is for. */
import { expect, it } from 'vitest'
import { balance, balancedPropagation } from '../../src/heads/balanced-propagation.js'
import type { Head } from '../../src/heads/head.js'
import { labelPropagation } from '../../src/heads/label-propagation.js'
import { argmaxRows, featureMatrix, fromRows, selectRows } from '../../src/numerics/matrix.js'
import { blobs, firstLabels, problem, share } from './problem.js'

it('balances a table of two by two to its closed form, which keeps the ratio of its diagonals', () => {
  const [[a, b], [c, d]] = [
    [0.9, 0.1],
    [0.6, 0.4],
  ]
  const given = fromRows([
    [a, b],
    [c, d],
  ])
  const table = balance(given, Float64Array.of(0.5, 0.5))
  // [[p, 1 - p], [1 - p, p]] with (p / (1 - p))^2 = ad / bc.
  const odds = Math.sqrt((a * d) / (b * c))
  const p = odds / (1 + odds)
  for (const [at, expected] of [p, 1 - p, 1 - p, p].entries()) expect(table.data[at]).toBeCloseTo(expected, 5)
})

it('brings columns of any table to their shares and leaves rows at 1', () => {
  const given = featureMatrix(60, 3)
  for (let row = 0; row < 60; row++)
    given.data.set(row % 4 === 0 ? [0.1, 0.2, 0.7] : [0.5, 0.3, 0.2], 3 * row)
  const shares = Float64Array.of(0.5, 0.3, 0.2)
  const table = balance(given, shares)
  for (const c of [0, 1, 2]) {
    const sum = [...Array(60).keys()].reduce((all, row) => all + table.data[3 * row + c], 0)
    expect(sum).toBeCloseTo(60 * shares[c], 2)
  }
  for (let row = 0; row < 60; row++) {
    expect(table.data.subarray(3 * row, 3 * row + 3).reduce((x, y) => x + y, 0)).toBeCloseTo(1, 5)
  }
})

it('errs less than propagation with one label a class, whichever rows are labelled', async () => {
  let [plain, balanced] = [0, 0]
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { features, truth } = blobs(300, 5, 8, 0.7, seed)
    const given = problem(features, firstLabels(truth, 1), 5)
    const wrong = async (head: Head) =>
      1 - share(argmaxRows(await (await head.fit(given)).probabilities()), truth)
    const [before, after] = [await wrong(labelPropagation()), await wrong(balancedPropagation())]
    expect(after).toBeLessThan(before)
    plain += before
    balanced += after
  }
  expect(balanced).toBeLessThan(0.75 * plain)
})

it('is right about classes of different sizes where it is told how often each comes', async () => {
  const { features, truth } = blobs(1200, 3, 8, 0.6, 4)
  // All of the first class, half of the second, a tenth of the third.
  const kept = Int32Array.from(truth.keys()).filter(
    (row) => Math.floor(row / 3) % 10 < [10, 5, 1][truth[row]],
  )
  const [some, classes] = [selectRows(features, kept), Int32Array.from(kept, (row) => truth[row])]
  const right = async (shares?: readonly number[]) => {
    const given = problem(some, firstLabels(classes, 2), 3, { shares })
    return share(argmaxRows(await (await balancedPropagation().fit(given)).probabilities()), classes)
  }
  const [told, alike] = [await right([10, 5, 1]), await right()]
  expect(told).toBeGreaterThan(0.95)
  expect(told).toBeGreaterThan(alike + 0.1)
})
