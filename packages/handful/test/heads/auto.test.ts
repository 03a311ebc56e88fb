/** The head that chooses: what its parts weigh with labels to judge by and without, and how classes follow a graph. */
import { Random } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { labelDraws } from '../../src/data/draw-labels.js'
import { openDataset } from '../../src/data/open.js'
import { rawPixels } from '../../src/features/extract.js'
import { normalisedSpace } from '../../src/features/feature-space.js'
import { chosenProduct } from '../../src/heads/auto.js'
import { headProblem } from '../../src/heads/head.js'
import { modularity } from '../../src/heads/modularity.js'
import { nearestMean } from '../../src/heads/nearest-mean.js'
import { createHead } from '../../src/heads/registry.js'
import { argmaxRows } from '../../src/numerics/matrix.js'
import { symmetrise } from '../../src/numerics/sparse.js'
import { blobs, firstLabels, linearAlgebra, problem, share } from './problem.js'

describe('modularity', () => {
  // Two triangles and an edge between them: 7 edges, of which one leaves its class.
  const neighbours = [1, 2, 0, 2, 0, 1, 4, 5, 3, 5, 3, 4]
  const triangles = symmetrise(
    6,
    2,
    Int32Array.from(neighbours),
    Float64Array.from({ length: 12 }, () => 1),
  )

  test('of two parts without an edge between them is a half', () => {
    expect(modularity(triangles, [0, 0, 0, 1, 1, 1])).toBeCloseTo(1 / 2, 12)
    expect(modularity(triangles, [0, 0, 0, 0, 0, 0])).toBeCloseTo(0, 12)
  })

  test('is less where classes cut them, by the edges that are cut', () => {
    // Of 6 edges 2 are cut; degrees are 4 of 12 and 8 of 12.
    expect(modularity(triangles, [0, 0, 1, 1, 1, 1])).toBeCloseTo(4 / 6 - (1 / 9 + 4 / 9), 12)
  })
})

const shares = async (given: ReturnType<typeof problem>): Promise<number[]> => {
  const { chosen } = await createHead('auto').fit(given)
  return ['label propagation', 'logistic regression', 'mixture of directions'].map((name) =>
    Number(chosen[`share of ${name}`]),
  )
}

describe('auto with one label a class', () => {
  test('takes the mixture in where classes are clouds', async () => {
    for (const seed of [1, 2, 3]) {
      const { features, truth } = blobs(600, 5, 20, 0.9, seed)
      expect(await shares(problem(features, firstLabels(truth, 1), 5))).toEqual([0.5, 0, 0.5])
    }
  })

  test('is propagation alone where the mixture cuts through what the graph joins, as with written signs', async () => {
    const { train } = await openDataset({ dataset: 'strokes', count: 1200, testCount: 0 })
    const space = await normalisedSpace({ train: rawPixels(train) }, { components: 64 }, { linearAlgebra })
    for (const labels of labelDraws(train, { labelsPerClass: 1, draws: 3, seed: 0 })) {
      const given = headProblem(space, { labels, classCount: 10, random: new Random(1, 'strokes') })
      expect(await shares(given)).toEqual([1, 0, 0])
    }
  })
})

test('as long as labels do not tell heads apart, they weigh what is expected', async () => {
  const { features, truth } = blobs(200, 4, 10, 0.8)
  const heads = [nearestMean(), nearestMean(), nearestMean()]
  const given = problem(features, firstLabels(truth, 4), 4)
  for (const judged of [
    [0.75, 0, 0.25],
    [0.25, 0.5, 0.25],
  ]) {
    const expected = { judged, unjudged: [1, 0, 0] }
    const fitted = await chosenProduct(heads, () => Promise.resolve(expected), 'of equals').fit(given)
    expect(fitted.parameters.factors?.map(({ weight }) => weight)).toEqual(judged)
  }
})

test('with labels to judge by, weights are quarters that sum one, and the product is that of the heads', async () => {
  const { features, truth } = blobs(300, 4, 10, 0.8)
  const given = problem(features, firstLabels(truth, 4), 4)
  const weights = await shares(given)
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(1)
  for (const weight of weights) expect(Number.isInteger(4 * weight)).toBe(true)
  const fitted = await createHead('auto').fit(given)
  expect(fitted.parameters.factors?.map(({ weight }) => weight)).toEqual(weights)
  expect(share(argmaxRows(await fitted.probabilities()), truth)).toBeGreaterThan(0.8)
})
