/** A loop over slices of a batch: equal to the whole batch, gradients taken inside it, and nothing computed twice. */
import {
  add,
  compileModel,
  evaluate,
  exp,
  gather,
  gradients,
  input,
  matmul,
  mean,
  mul,
  reshape,
  sub,
  sum,
  sumOverSlices,
  tanh,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { difference } from './values.js'
import { inputsOf, operators, run } from '../run.js'

const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(seed + i * 1.7)))

const w1 = input('w1', [3, 5])
const w2 = input('w2', [5, 2])
const images = input('images', [8, 3])
const targets = input('targets', [8, 2])
const feeds = { w1: numbers(15, 1), w2: numbers(10, 2), images: numbers(24, 3), targets: numbers(16, 4) }

/** Squared error of a small network, and its gradients. */
function step(x: Tensor, t: Tensor): Tensor[] {
  const error = sub(matmul(tanh(matmul(x, w1)), w2), t)
  const loss = sum(mul(error, error))
  return [loss, ...gradients(loss, [w1, w2])]
}

test.each([1, 2, 4, 8])('%i rounds add up to the whole batch, gradients included', async (rounds) => {
  const split = (tensor: Tensor): Tensor => reshape(tensor, [rounds, 8 / rounds, tensor.shape[1]])
  const whole = step(images, targets)
  const looped = sumOverSlices([split(images), split(targets)], ([x, t]) => step(x, t))
  expect(looped.map(({ shape }) => shape)).toEqual(whole.map(({ shape }) => shape))
  const expected = evaluate(whole, feeds)
  const exact = evaluate(looped, feeds)
  for (const contributed of [true, false]) {
    const single = await run(looped, feeds, { contributed })
    expected.forEach((values, i) => {
      expect(difference(exact[i], values)).toBeLessThan(1e-12)
      expect(difference(single[i], values)).toBeLessThan(1e-5)
    })
  }
})

test('what does not depend on the slice is computed once, outside the body', async () => {
  const rows = input('rows', [4, 3])
  const [total] = sumOverSlices([rows], ([row]) => [mul(row, exp(reshape(sum(w1, 1), [3])))])
  const { model } = compileModel({ inputs: inputsOf([total]), outputs: { total } })
  expect(operators(model)).toEqual({ Exp: 1, Loop: 1, ReduceSum: 1, Expand: 1 })
  expect(operators(model, 'inside')).toEqual({ Add: 1, Gather: 1, Identity: 1, Mul: 1 })
  const values = { rows: numbers(12, 5), w1: feeds.w1 }
  expect(difference((await run([total], values))[0], evaluate([total], values)[0])).toBeLessThan(1e-5)
})

test('results that are slices themselves, scalars, or the same for every round', async () => {
  const rows = input('rows', [3, 2])
  const constant = mean(w1)
  const results = sumOverSlices([rows], ([row]) => [row, sum(row), constant, add(row, constant)])
  const values = { rows: [1, 2, 3, 4, 5, 6], w1: feeds.w1 }
  const average = feeds.w1.reduce((a, b) => a + b) / 15
  const expected = [[9, 12], [21], [3 * average], [9 + 3 * average, 12 + 3 * average]]
  const exact = evaluate(results, values)
  const single = await run(results, values)
  expected.forEach((list, i) => {
    expect(difference(exact[i], list)).toBeLessThan(1e-12)
    expect(difference(single[i], list)).toBeLessThan(1e-5)
  })
})

test('integer slices select inside the loop', async () => {
  const rows = input('rows', [2, 4])
  const places = input('places', [2, 3], 'int32')
  const [total] = sumOverSlices([rows, places], ([row, place]) => [gather(row, place)])
  const values = { rows: [1, 2, 3, 4, 10, 20, 30, 40], places: [0, 0, 3, 1, 2, 3] }
  expect([...(await run([total], values))[0]]).toEqual([21, 31, 44])
  expect([...evaluate([total], values)[0]]).toEqual([21, 31, 44])
})

test('two loops that share work outside, and a loop in a loop that reads both slices', async () => {
  const cube = input('cube', [2, 3, 2])
  const values = { cube: numbers(12, 7), w1: feeds.w1 }
  const factor = exp(mean(w1))
  const [first] = sumOverSlices([cube], ([square]) => [mul(square, factor)])
  const [second] = sumOverSlices([cube], ([square]) => {
    const level = sum(square)
    return sumOverSlices([square], ([row]) => [mul(mul(row, level), factor)])
  })
  const exact = evaluate([first, second], values)
  const level = [0, 1].map((i) => values.cube.slice(6 * i, 6 * i + 6).reduce((a, b) => a + b))
  const scale = Math.exp(feeds.w1.reduce((a, b) => a + b) / 15)
  const expected = [0, 1].map((k) =>
    [0, 1].reduce(
      (total, i) =>
        total + [0, 1, 2].reduce((part, j) => part + values.cube[6 * i + 2 * j + k], 0) * level[i] * scale,
      0,
    ),
  )
  expect(difference(exact[1], expected)).toBeLessThan(1e-12)
  const single = await run([first, second], values)
  exact.forEach((list, i) => expect(difference(single[i], list)).toBeLessThan(1e-5))
})

test('inputs whose rounds differ are refused', () => {
  expect(() => sumOverSlices([input('a', [2, 3]), input('b', [3, 3])], (slices) => slices)).toThrow(
    'sumOverSlices (shape): got [2, 3] and [3, 3], expected at least one input, all with the same number of rounds',
  )
  expect(() => sumOverSlices([], () => [])).toThrow(
    'sumOverSlices (shape): got nothing, expected at least one input',
  )
  expect(() => sumOverSlices([input('a', [2, 3], 'int32')], (slices) => slices)).toThrow(
    'sumOverSlices (result 0): got int32, expected float32',
  )
})
