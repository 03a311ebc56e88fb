import fc from 'fast-check'
import { Matrix, solve } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import { argmaxRows, fromRows, unitRows } from '../../src/numerics/matrix.js'
import { graphWeights, neighbourGraph } from '../../src/features/neighbour-graph.js'
import { connectComponents } from '../../src/heads/graph.js'
import { labelPropagation } from '../../src/heads/label-propagation.js'
import { poissonLearning } from '../../src/heads/poisson.js'
import { components, degrees, symmetricNormalised, symmetrise } from '../../src/numerics/sparse.js'
import type { SparseMatrix } from '../../src/numerics/sparse.js'
import { solveDiffusion } from '../../src/numerics/conjugate-gradients.js'
import { blobs, firstLabels, linearAlgebra, problem, share } from './problem.js'

function dense({ size, offsets, columns, values }: SparseMatrix): Matrix {
  const matrix = Matrix.zeros(size, size)
  for (let i = 0; i < size; i++) {
    for (let at = offsets[i]; at < offsets[i + 1]; at++) matrix.set(i, columns[at], values[at])
  }
  return matrix
}

async function weightsOf(features = blobs(40, 3, 5, 0.6).features, k = 4) {
  return graphWeights(await neighbourGraph(features, linearAlgebra), k, 'cosine cubed')
}

describe('symmetrise', () => {
  it('is (W + W^T) / 2 of any directed graph, each entry once', () => {
    const graph = fc.integer({ min: 2, max: 12 }).chain((size) =>
      fc.tuple(
        fc.constant(size),
        fc.array(fc.uniqueArray(fc.nat(size - 1), { minLength: 2, maxLength: 2 }), {
          minLength: size,
          maxLength: size,
        }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2 * size, maxLength: 2 * size }),
      ),
    )
    fc.assert(
      fc.property(graph, ([size, targets, weights]) => {
        const w = Matrix.zeros(size, size)
        targets.flat().forEach((j, at) => w.set(Math.floor(at / 2), j, weights[at]))
        const ours = symmetrise(size, 2, Int32Array.from(targets.flat()), Float64Array.from(weights))
        const expected = Matrix.add(w, w.transpose()).div(2)
        expect(Matrix.sub(dense(ours), expected).norm()).toBeLessThan(1e-12)
        for (let i = 0; i < size; i++) {
          const row = ours.columns.subarray(ours.offsets[i], ours.offsets[i + 1])
          expect(new Set(row).size).toBe(row.length)
        }
      }),
    )
  })
})

describe('solveDiffusion', () => {
  it.each([1e-2, 1e-3, 1e-5])(
    'solves (I - alpha S) X = B to a residual of %d of each column',
    async (tolerance) => {
      const s = symmetricNormalised(await weightsOf())
      const width = 20
      const b = Float64Array.from({ length: 40 * width }, (_, i) => Math.sin(i * i))
      const { solution } = await solveDiffusion(s, 0.99, b, width, { tolerance })
      const system = Matrix.eye(40).sub(dense(s).mul(0.99))
      const right = Matrix.from1DArray(40, width, Array.from(b))
      const left = Matrix.sub(system.mmul(Matrix.from1DArray(40, width, Array.from(solution))), right)
      for (let c = 0; c < width; c++) {
        expect(left.getColumnVector(c).norm()).toBeLessThan(
          1.05 * tolerance * right.getColumnVector(c).norm(),
        )
      }
    },
  )

  it('gives what a dense solver gives, as far as float32 can tell', async () => {
    const s = symmetricNormalised(await weightsOf())
    const b = Float64Array.from({ length: 80 }, (_, i) => Math.sin(i))
    const { solution } = await solveDiffusion(s, 0.99, b, 2, { tolerance: 1e-6 })
    const system = Matrix.eye(40).sub(dense(s).mul(0.99))
    const expected = solve(system, Matrix.from1DArray(40, 2, Array.from(b))).to1DArray()
    const largest = Math.max(...expected.map(Math.abs))
    expected.forEach((value, i) => expect(Math.abs(solution[i] - value)).toBeLessThan(1e-6 * largest))
  })

  it('takes a tolerance for each column, and fewer iterations where it is larger', async () => {
    const s = symmetricNormalised(await weightsOf())
    const b = Float64Array.from({ length: 40 }, (_, i) => Number(i === 3))
    const coarse = await solveDiffusion(s, 0.99, b, 1, { tolerance: [0.1] })
    const fine = await solveDiffusion(s, 0.99, b, 1, { tolerance: [1e-4] })
    expect(coarse.iterations).toBeLessThan(fine.iterations)
  })
})

describe('connectComponents', () => {
  it('joins every part but rows of zeros, and leaves a connected graph alone', async () => {
    const rows = fromRows([
      [1, 0, 0],
      [1, 0.01, 0],
      [0, 1, 0],
      [0.01, 1, 0],
      [0, 0, 1],
      [0, 0.01, 1],
      [0, 0, 0],
    ])
    const features = unitRows(rows)
    const weights = await weightsOf(features, 1)
    expect(components(weights).count).toBe(4)
    const joined = connectComponents(weights, features, Int32Array.of(0, 2))
    expect(components(joined).count).toBe(2)
    expect(degrees(joined)[6]).toBe(0)
    // Nothing is left to join: the row of zeros stays alone.
    const again = connectComponents(joined, features, Int32Array.of(0, 2))
    expect(components(again).count).toBe(2)
    expect(degrees(again)).toEqual(degrees(joined))
    const whole = await weightsOf(blobs(30, 2, 3, 2).features, 8)
    expect(connectComponents(whole, features, Int32Array.of(0))).toBe(whole)
  })
})

describe('graph heads', () => {
  // Two rings around each other in the plane, lifted so that cosines see them: no linear head can tell them apart.
  const rings = fromRows(
    Array.from({ length: 200 }, (_, i) => {
      const angle = (2 * Math.PI * (i >> 1)) / 100
      const radius = i % 2 === 0 ? 0.5 : 1.2
      return [radius * Math.cos(angle), radius * Math.sin(angle), 1]
    }),
  )
  const truth = Int32Array.from({ length: 200 }, (_, i) => i % 2)

  it.each([labelPropagation(), labelPropagation({ massNormalisation: false }), poissonLearning()])(
    'follow the shape of the data from one label a class: $name',
    async (head) => {
      const fitted = await head.fit(problem(rings, firstLabels(truth, 1), 2))
      expect(share(argmaxRows(await fitted.probabilities()), truth)).toBe(1)
    },
  )

  it('label propagation is (I - alpha S)^-1 Y, columns divided by their sums', async () => {
    const { features, truth: classes } = blobs(40, 3, 5, 0.6)
    const labels = firstLabels(classes, 2)
    const fitted = await labelPropagation({ k: 4, alpha: 0.9 }).fit(problem(features, labels, 3))
    const s = symmetricNormalised(await weightsOf())
    const y = Matrix.zeros(40, 3)
    labels.forEach((label, row) => label >= 0 && y.set(row, label, 1))
    const scores = solve(Matrix.eye(40).sub(dense(s).mul(0.9)), y)
    const mass = scores.sum('column')
    const expected = scores.to2DArray().map((row) => {
      const powers = row.map((score, c) => (score / mass[c]) ** Number(fitted.chosen['logit scale']))
      return powers.map((power) => power / powers.reduce((a, b) => a + b, 0))
    })
    const { data } = await fitted.probabilities()
    expected.flat().forEach((p, at) => expect(Math.abs(data[at] - p)).toBeLessThan(0.01))
  })

  it.each([labelPropagation(), poissonLearning()])(
    'leave-one-out without solving again equals solving again: $name',
    async (head) => {
      const { features, truth: classes } = blobs(120, 3, 6, 0.7, 3)
      const labels = firstLabels(classes, 4)
      const { leaveOneOut } = await head.fit(problem(features, labels, 3))
      const rows = Array.from(labels.keys()).filter((row) => labels[row] >= 0)
      const again = []
      for (const row of rows) {
        const without = labels.map((label, other) => (other === row ? -1 : label))
        const fitted = await head.fit(problem(features, without, 3))
        again.push(argmaxRows(await fitted.probabilities())[row])
      }
      expect(leaveOneOut && Array.from(argmaxRows(leaveOneOut))).toEqual(again)
    },
  )

  it('Poisson learning is not swayed by unequal numbers of labels', async () => {
    const { features, truth: classes } = blobs(200, 2, 6, 0.3, 2)
    const labels = firstLabels(classes, 1)
    labels[2] = labels[4] = labels[6] = labels[8] = 0
    const fitted = await poissonLearning().fit(problem(features, labels, 2))
    expect(share(argmaxRows(await fitted.probabilities()), classes)).toBe(1)
  })
})
