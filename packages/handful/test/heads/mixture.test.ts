/** The mixture of directions learns from unlabelled rows, and follows its equations. */
import { expect, it } from 'vitest'
import { directionMixture } from '../../src/heads/mixture.js'
import { nearestMean } from '../../src/heads/nearest-mean.js'
import { argmaxRows, fromRows, selectRows, unitRows } from '../../src/numerics/matrix.js'
import { blobs, firstLabels, problem, share } from './problem.js'

it('is better than means of the labelled rows where clouds overlap and labels are few', async () => {
  let gain = 0
  for (const seed of [1, 2, 3, 4]) {
    const { features, truth } = blobs(600, 5, 20, 1.1, seed)
    const given = problem(features, firstLabels(truth, 2), 5)
    const right = async (head: ReturnType<typeof nearestMean>): Promise<number> =>
      share(argmaxRows(await (await head.fit(given)).probabilities()), truth)
    gain += ((await right(directionMixture())) - (await right(nearestMean()))) / 4
  }
  expect(gain).toBeGreaterThan(0.04)
})

it('a round is shares by softmax, unlabelled ones less, and their mean directions', async () => {
  const rows = unitRows(fromRows([[1, 0], [0, 1], [0.8, 0.6], [0.1, 0.9]])) // prettier-ignore
  const head = directionMixture({ concentration: 3, unlabelledWeight: 0.5, rounds: 1 })
  const { parameters } = await head.fit(problem(rows, [0, 1, -1, -1], 2))
  const { data } = rows
  const sums = [data[0], data[1], data[2], data[3]]
  for (const row of [2, 3]) {
    const [x, y] = [data[2 * row], data[2 * row + 1]]
    const first = 1 / (1 + Math.exp(3 * (y - x)))
    sums[0] += 0.5 * first * x
    sums[1] += 0.5 * first * y
    sums[2] += 0.5 * (1 - first) * x
    sums[3] += 0.5 * (1 - first) * y
  }
  const weight = parameters.arrays.weight.data
  for (const c of [0, 1]) {
    const length = Math.hypot(sums[2 * c], sums[2 * c + 1])
    for (const j of [0, 1]) expect(weight[2 * j + c]).toBeCloseTo((3 * sums[2 * c + j]) / length, 5)
  }
})

it('of very many unlabelled rows a draw is as good', async () => {
  const { features, truth } = blobs(12_000, 4, 8, 0.8)
  const labels = firstLabels(truth, 2)
  const fitted = await directionMixture().fit(problem(features, labels, 4))
  const half = { features: selectRows(features, [...Array(6000).keys()]), labels: labels.slice(0, 6000) }
  const ofHalf = await directionMixture().fit(problem(half.features, half.labels, 4))
  const [all, some] = [fitted, ofHalf].map(({ parameters }) => parameters.arrays.weight.data)
  // Directions in units of the concentration.
  for (const [at, value] of all.entries()) expect(Math.abs(value - some[at]) / 20).toBeLessThan(0.05)
  const right = async (head: typeof fitted): Promise<number> =>
    share(argmaxRows(await head.predict(features)), truth)
  expect(Math.abs((await right(fitted)) - (await right(ofHalf)))).toBeLessThan(0.01)
})
