/** Heads with a weight and a bias, against closed forms and conditions of optimality. */
import { Matrix, solve } from 'ml-matrix'
import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import type { LinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { argmaxRows, type FeatureMatrix, featureMatrix, fromRows } from '../../src/numerics/matrix.js'
import { logitScale } from '../../src/heads/calibrate.js'
import { lbfgs } from '../../src/numerics/lbfgs.js'
import { logisticRegression, solve as solveLogistic } from '../../src/heads/logistic-regression.js'
import { nearestMean } from '../../src/heads/nearest-mean.js'
import { classWeights, weighed } from '../../src/heads/proportions.js'
import { ridgeRegression } from '../../src/heads/ridge.js'
import { smallNetwork } from '../../src/heads/small-network.js'
import { trainByProgram } from '../../src/heads/small-network-program.js'
import { trainPlainly } from '../../src/heads/small-network-training.js'
import { blobs, firstLabels, linearAlgebra, problem, share } from './problem.js'

const EXACT = { tolerance: 1e-8, precision: 0 }

describe('lbfgs', () => {
  it('finds the minimum of Rosenbrock at (1, 1)', async () => {
    const minimiser = await lbfgs(
      ([x, y], gradient) => {
        gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x)
        gradient[1] = 200 * (y - x * x)
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2
      },
      Float64Array.of(-1.2, 1),
    )
    expect(minimiser[0]).toBeCloseTo(1, 5)
    expect(minimiser[1]).toBeCloseTo(1, 5)
  })
})

describe('logistic regression', () => {
  it('of one feature and two opposite rows solves w = 2 sigmoid(-2 w) / strength by hand', async () => {
    // With weights -+w and no bias, d/dw [2 log(1 + exp(-2 w)) + strength w^2] = 0.
    const two = {
      features: fromRows([[-1], [1]]),
      targets: Int32Array.of(0, 1),
      classCount: 2,
    }
    const { weight, bias } = await solveLogistic(two, 0.5, EXACT, linearAlgebra)
    const w = weight.data[1]
    expect(weight.data[0]).toBeCloseTo(-w, 5)
    expect(bias[0]).toBeCloseTo(bias[1], 5)
    expect(4 / (1 + Math.exp(2 * w)) / (2 * 0.5)).toBeCloseTo(w, 4)
  })

  it('of rows that stand twice with twice the strength, by products in float32, is that of the rows', async () => {
    const { features, truth } = blobs(300, 4, 80, 2)
    const twice = {
      features: featureMatrix(600, 80, Float32Array.from([...features.data, ...features.data])),
      targets: Int32Array.from([...truth, ...truth]),
      classCount: 4,
    }
    let products = 0
    const counting: LinearAlgebra = {
      ...linearAlgebra,
      matmul: (a, b, options) => {
        products++
        return linearAlgebra.matmul(a, b, options)
      },
    }
    const once = { features, targets: truth, classCount: 4 }
    const expected = await solveLogistic(once, 0.1, EXACT, counting)
    expect(products).toBe(0)
    const found = await solveLogistic(twice, 0.2, { tolerance: 1e-8, precision: 1e-8 }, counting)
    expect(products).toBeGreaterThan(10)
    // It ends where float32 can tell no step from another, rather than trying steps until none is left.
    expect(products).toBeLessThan(100)
    found.weight.data.forEach((value, at) => expect(value).toBeCloseTo(expected.weight.data[at], 3))
  })

  it('of few rows of many numbers is found in the space that they span', async () => {
    const { features, truth } = blobs(12, 3, 90, 1)
    // One row stands twice: the space has a dimension less.
    features.data.copyWithin(90, 0, 90)
    const labels = Int32Array.from(truth)
    labels[1] = labels[0]
    const fitted = await logisticRegression({ strengths: [0.3] }).fit(problem(features, labels, 3))
    const whole = { features, targets: labels, classCount: 3 }
    const { weight, bias } = await solveLogistic(whole, 0.3, EXACT, linearAlgebra)
    const { arrays } = fitted.parameters
    weight.data.forEach((value, at) => expect(arrays.weight.data[at]).toBeCloseTo(value, 4))
    // Equal biases of all classes change nothing.
    bias.forEach((value, c) =>
      expect(arrays.bias.data[c] - arrays.bias.data[0]).toBeCloseTo(value - bias[0], 4),
    )
  })

  it('chooses a strong penalty for noise and a weak one for signal', async () => {
    const signal = blobs(60, 2, 8, 0.2)
    const noise = blobs(60, 1, 8, 50)
    const strength = async (features: typeof signal.features) =>
      Number((await logisticRegression().fit(problem(features, signal.truth, 2))).chosen.strength)
    expect(await strength(signal.features)).toBeLessThan(0.1)
    expect(await strength(noise.features)).toBeGreaterThan(0.5)
  })
})

describe('ridge regression', () => {
  const { features, truth } = blobs(24, 3, 5, 0.8)

  it('is the closed form on centred data', async () => {
    const fitted = await ridgeRegression({ strengths: [0.7] }).fit(problem(features, truth, 3))
    const x = Matrix.from1DArray(24, 5, Array.from(features.data))
    x.subRowVector(x.mean('column'))
    const y = Matrix.zeros(24, 3)
    truth.forEach((label, row) => y.set(row, label, 1))
    y.subRowVector(y.mean('column'))
    const weight = solve(x.transpose().mmul(x).add(Matrix.eye(5).mul(0.7)), x.transpose().mmul(y))
    const scale = Number(fitted.chosen['logit scale'])
    const ours = fitted.parameters.arrays.weight.data
    weight.to1DArray().forEach((value, at) => expect(ours[at] / scale).toBeCloseTo(value, 4))
  })

  it('knows its leave-one-out predictions without fitting again', async () => {
    const labels = firstLabels(truth, 5)
    const head = ridgeRegression({ strengths: [0.7] })
    const whole = await head.fit(problem(features, labels, 3))
    const without = await head.fit(
      problem(
        features,
        labels.map((label, row) => (row === 4 ? -1 : label)),
        3,
      ),
    )
    const scores = (p: ArrayLike<number>, scale: number) =>
      Array.from(p, (value) => (Math.log(value) - Math.log(p[0])) / scale)
    const ours = scores(whole.leaveOneOut!.data.subarray(12, 15), Number(whole.chosen['logit scale']))
    const again = await without.probabilities()
    const theirs = scores(again.data.subarray(12, 15), Number(without.chosen['logit scale']))
    ours.forEach((value, c) => expect(value).toBeCloseTo(theirs[c], 4))
  })
})

describe('nearest class mean', () => {
  it('decides halfway between the means', async () => {
    const rows = fromRows([
      [0, 0],
      [0, 2],
      [4, 0],
      [4, 2],
      [1.9, 9],
      [2.1, -9],
    ])
    const fitted = await nearestMean().fit(problem(rows, [0, 0, 1, 1, -1, -1], 2))
    const { data } = await fitted.probabilities()
    expect(data[8]).toBeGreaterThan(0.5)
    expect(data[10]).toBeLessThan(0.5)
  })
})

describe('small network', () => {
  it('learns what no linear head can', async () => {
    const xor = fromRows([
      [1, 1],
      [-1, -1],
      [1, -1],
      [-1, 1],
    ])
    const fitted = await smallNetwork({ epochs: 500 }).fit(problem(xor, [0, 0, 1, 1], 2))
    const { data } = await fitted.probabilities()
    for (const at of [0, 2, 5, 7]) expect(data[at]).toBeGreaterThan(0.8)
  })

  it('takes thousands of columns', async () => {
    const { features, truth } = blobs(4, 2, 2048, 0.1)
    const fitted = await smallNetwork({ epochs: 20 }).fit(problem(features, truth, 2))
    expect(share(argmaxRows(await fitted.probabilities()), truth)).toBe(1)
  })

  it('comes to the same through the engine as in plain TypeScript, batches that are not full included', async () => {
    const { features, truth } = blobs(45, 3, 6, 0.5)
    const random = new Random(3, 'test')
    const layer = (rows: number, columns: number) => ({
      weight: featureMatrix(rows, columns, random.fillNormal(new Float32Array(rows * columns))),
      bias: random.fillNormal(new Float32Array(columns)),
    })
    const wanted = featureMatrix(45, 3)
    // Labels, and one row of which more than one class is likely.
    truth.forEach((c, i) => (wanted.data[3 * i + c] = 1))
    wanted.data.set([0.5, 0.3, 0.2])
    const initial = [layer(6, 8), layer(8, 3)]
    const training = () => {
      const order = new Random(4, 'test')
      return {
        ...{ features, targets: wanted, initial, inputScale: Math.sqrt(6), epochs: 70, batchSize: 32 },
        learningRate: 1e-2,
        orderOf: () => order.permutation(features.rows),
      }
    }
    const [plain, engine] = [await trainPlainly(training()), await trainByProgram(training())]
    for (const [l, { weight, bias }] of plain.entries()) {
      const largest = (a: Float32Array, b: Float32Array) =>
        a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0)
      expect(largest(weight.data, engine[l].weight.data)).toBeLessThan(2e-3)
      expect(largest(bias, engine[l].bias)).toBeLessThan(2e-3)
      expect(largest(weight.data, initial[l].weight.data)).toBeGreaterThan(0.1)
    }
  })
})

describe('logitScale', () => {
  it('without evidence is what was expected, and softens what was sure and wrong', () => {
    const nothing = featureMatrix(2, 2, new Float32Array(4).fill(NaN))
    expect(logitScale(nothing, Int32Array.of(0, 1), 3)).toBeCloseTo(3, 2)
    const wrong = fromRows(Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? [5, 0] : [0, 5])))
    const targets = Int32Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? 1 - (i % 2) : i % 2))
    // Right two times in three: the logits' difference should be log 2.
    expect(5 * logitScale(wrong, targets, 0.2)).toBeCloseTo(Math.log(2), 0)
  })
})

describe('class weights', () => {
  const p = fromRows([
    [0.9, 0.1],
    [0.8, 0.2],
    [0.7, 0.3],
    [0.6, 0.4],
  ])
  const sumsOf = ({ data, columns }: FeatureMatrix): number[] =>
    Array.from({ length: columns }, (_, c) =>
      data.reduce((sum, own, at) => sum + (at % columns === c ? own : 0), 0),
    )

  it('scale columns to the shares asked for, whatever their unit, and leave rows with sum 1', () => {
    for (const [shares, sums] of [
      [
        [1, 1],
        [2, 2],
      ],
      [
        [30, 10],
        [3, 1],
      ],
    ]) {
      const found = weighed(p, classWeights(p, shares))
      sumsOf(found).forEach((sum, c) => expect(sum).toBeCloseTo(sums[c], 2))
      for (let row = 0; row < 4; row++)
        expect(found.data[2 * row] + found.data[2 * row + 1]).toBeCloseTo(1, 5)
      expect(found.data[0]).toBeGreaterThan(found.data[6])
    }
  })

  it('leave a class out that nothing is of', () => {
    const none = fromRows([
      [0.9, 0, 0.1],
      [0.6, 0, 0.4],
    ])
    sumsOf(weighed(none, classWeights(none, [1, 2, 1]))).forEach((sum, c) =>
      expect(sum).toBeCloseTo([1, 0, 1][c], 2),
    )
  })

  it('are those of all rows where only some of very many are looked at', () => {
    const many = fromRows(Array.from({ length: 50_000 }, (_, i) => [(i % 97) / 97, 1 - (i % 97) / 97]))
    expect(sumsOf(weighed(many, classWeights(many, [1, 4])))[1] / 50_000).toBeCloseTo(0.8, 2)
  })
})
