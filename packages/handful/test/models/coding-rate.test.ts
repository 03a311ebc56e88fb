/** Views that are to be alike in a batch that takes room: gradients against the equation by hand. */
import { evaluate, gradients, input, Parameters, Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { viewDistance } from '../../src/models/coding-rate.js'
import { unitProjectionByHand } from './vae-support.js'

/** log det of a positive definite matrix, by its Cholesky factor. */
function logDeterminant(matrix: readonly (readonly number[])[]): number {
  const factor: number[][] = matrix.map((row) => row.map(() => 0))
  let found = 0
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i][j]
      for (let k = 0; k < j; k++) rest -= factor[i][k] * factor[j][k]
      factor[i][j] = i === j ? Math.sqrt(rest) : rest / factor[j][j]
    }
    found += 2 * Math.log(factor[i][i])
  }
  return found
}

/** Equations 2 and 3 of the paper divided by lambda, for codes [2 n][d] of length 1. */
function byHand(codes: readonly (readonly number[])[]): {
  readonly apart: number
  readonly objective: number
} {
  const images = codes.length / 2
  const numbers = codes[0].length
  const rate = (views: readonly (readonly number[])[]): number =>
    0.5 *
    logDeterminant(
      Array.from({ length: numbers }, (_, a) =>
        Array.from(
          { length: numbers },
          (__, b) =>
            (a === b ? 1 : 0) +
            (numbers / (images * 0.2)) * views.reduce((sum, code) => sum + code[a] * code[b], 0),
        ),
      ),
    )
  const [first, second] = [codes.slice(0, images), codes.slice(images)]
  const apart = first.reduce(
    (sum, code, i) =>
      sum + code.reduce((rest, value, k) => rest + (value - second[i][k]) ** 2, 0) / 2 / images,
    0,
  )
  return { apart, objective: apart - (rate(first) + rate(second)) / (2 * 200) }
}

test('the gradient is that of the equation, and the value half the squared distance of the views', () => {
  const [rows, numbers, projection] = [10, 6, 4]
  const p = new Parameters('train')
  const h = input('h', [rows, numbers])
  const loss = viewDistance(p, h, { projection })
  const initial = p.initialize(3)
  const known = Object.fromEntries(Object.entries(initial).map(([name, array]) => [name, array.data]))
  const project = unitProjectionByHand(initial)
  const codesOf = (data: Float64Array): number[][] =>
    Array.from({ length: rows }, (_, i) => project(Array.from(data.subarray(i * numbers, (i + 1) * numbers))))
  const data = Float64Array.from(new Random(2, 'views').fillNormal(new Float32Array(rows * numbers)))
  const [value, gradient] = evaluate([loss, ...gradients(loss, [h])], { h: data, ...known })
  expect(Number(value[0])).toBeCloseTo(byHand(codesOf(data)).apart, 5)
  const step = 1e-5
  const expected = Array.from(data, (_, i) => {
    const moved = (by: number): number => {
      const other = data.slice()
      other[i] += by
      return byHand(codesOf(other)).objective
    }
    return (moved(step) - moved(-step)) / (2 * step)
  })
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.01)
  Array.from(gradient).forEach((found, i) => expect(found).toBeCloseTo(expected[i], 5))
})

test('views that are alike are no distance apart, whatever they are', () => {
  const p = new Parameters('train')
  const h = input('h', [6, 5])
  const loss = viewDistance(p, h, { projection: 3 })
  const known = Object.fromEntries(Object.entries(p.initialize(1)).map(([name, { data }]) => [name, data]))
  const one = new Random(1, 'one').fillNormal(new Float32Array(15))
  expect(Number(evaluate([loss], { h: Float32Array.from([...one, ...one]), ...known })[0][0])).toBeCloseTo(
    0,
    5,
  )
})
