/** The reverse walk: what it visits, corners, composites with and without a rule, and what it refuses. */
import {
  abs,
  add,
  argmin,
  cast,
  clip,
  type Composite,
  compose,
  constant,
  div,
  evaluate,
  exp,
  gather,
  gradients,
  input,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  stopGradient,
  sub,
  sum,
  sumOverSlices,
  tanh,
  type Tensor,
  topK,
  nodeName,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { topologicalOrder } from '../../src/graph/walk.js'

const x = input('x', [3])
const at = (loss: Tensor, targets: readonly Tensor[], feeds: Record<string, number[]>): number[][] =>
  evaluate(gradients(loss, targets), feeds).map((values) => Array.from(values, (value) => value + 0))

test('gradients add up over all paths, and a target may be the loss or lie between', () => {
  const y = mul(x, x)
  const loss = add(sum(y), sum(mul(x, 3)))
  expect(at(loss, [x, y, loss], { x: [1, 2, -3] })).toEqual([[5, 7, -3], [1, 1, 1], [1]])
})

test('a target that the loss does not depend on has a gradient of zeros in its shape', () => {
  const other = input('other', [2, 2])
  const [gradient] = gradients(sum(x), [other])
  expect(gradient.shape).toEqual([2, 2])
  expect(at(sum(x), [other], { x: [1, 2, 3] })).toEqual([[0, 0, 0, 0]])
  expect(at(sum(stopGradient(x)), [x], { x: [1, 2, 3] })).toEqual([[0, 0, 0]])
})

test('a seed stands for the gradient that arrives at the loss', () => {
  const seed = constant([1, 10, 100], [3])
  expect(evaluate(gradients(mul(x, x), [x], seed), { x: [1, 2, 3] })[0]).toEqual(Float64Array.of(2, 40, 600))
})

test('corners: the subgradients are the documented ones', () => {
  const y = input('y', [3])
  const feeds = { x: [0, 1, -1], y: [0, 1, -1] }
  expect(at(sum(abs(x)), [x], feeds)).toEqual([[0, 1, -1]])
  expect(at(sum(relu(x)), [x], feeds)).toEqual([[0, 1, 0]])
  expect(at(sum(clip(x, -1, 1)), [x], feeds)).toEqual([[1, 0, 0]])
  expect(at(sum(maximum(x, y)), [x, y], feeds)).toEqual([
    [0, 0, 0],
    [1, 1, 1],
  ])
  expect(at(sum(minimum(x, y)), [x, y], feeds)).toEqual([
    [0, 0, 0],
    [1, 1, 1],
  ])
  expect(at(max(x), [x], { x: [2, 2, 1] })).toEqual([[0.5, 0.5, 0]])
  const matrix = input('m', [2, 2])
  expect(at(sum(max(matrix, 1)), [matrix], { m: [5, 5, 3, 4] })).toEqual([[0.5, 0.5, 0, 1]])
})

test('only what lies between targets and loss is differentiated', () => {
  const w = input('w', [3])
  // The gradient of a product with respect to one factor needs the other one and no more.
  const [gradient] = gradients(sum(mul(exp(tanh(x)), w)), [w])
  const names = topologicalOrder([gradient]).map((node) => nodeName(node))
  expect(names.filter((name) => name === 'sub')).toEqual([])
  // topK has no rule, and none is needed beside the path.
  expect(at(sum(mul(topK(x, 3).values, w)), [w], { x: [1, 3, 2], w: [0, 0, 0] })).toEqual([[3, 2, 1]])
})

test('places found by topK and argmin pick values that gradients flow to', () => {
  const picked = gather(x, topK(x, 2).indices)
  expect(at(sum(mul(picked, constant([10, 1], [2]))), [x], { x: [1, 3, 2] })).toEqual([[0, 10, 1]])
  expect(at(gather(x, argmin(x)), [x], { x: [1, -3, 2] })).toEqual([[0, 1, 0]])
})

test('a composite is differentiated through its body, or by its own rule', () => {
  const cube: Composite<null> = { name: 'cube', expand: ([y]) => mul(y, mul(y, y)) }
  const straightThrough: Composite<null> = { ...cube, name: 'passing', gradient: (_, dy) => [dy] }
  expect(at(sum(compose(cube, [x], null)), [x], { x: [1, 2, 3] })).toEqual([[3, 12, 27]])
  expect(at(sum(compose(straightThrough, [x], null)), [x], { x: [1, 2, 3] })).toEqual([[1, 1, 1]])
  const nested: Composite<null> = {
    name: 'nested',
    expand: ([y]) => mul(compose(cube, [y], null), 2),
  }
  expect(at(sum(compose(nested, [x], null)), [x], { x: [1, 2, 3] })).toEqual([[6, 24, 54]])
})

test('gradients of gradients of gradients', () => {
  let y: Tensor = mul(x, mul(x, mul(x, x)))
  for (let order = 0; order < 3; order++) [y] = gradients(sum(y), [x])
  expect(evaluate([y], { x: [1, 2, -1] })[0]).toEqual(Float64Array.of(24, 48, -24))
})

test('Newton finds a minimum with a second derivative taken through division, mean and matmul', () => {
  const w = input('w', [1, 1])
  const data = constant([1, 2, 3, 4], [4, 1])
  const residual = sub(matmul(data, w), constant([2, 4.1, 5.9, 8], [4, 1]))
  const loss = div(mean(mul(residual, residual)), 2)
  const [slope] = gradients(loss, [w])
  const [curvature] = gradients(sum(slope), [w])
  const [next] = evaluate([sub(w, div(slope, curvature))], { w: [0] })
  // The least-squares slope, sum(x y) / sum(x x).
  expect(next[0]).toBeCloseTo((2 + 8.2 + 17.7 + 32) / 30, 12)
})

test('a graph thousands of nodes deep needs no deep stack', () => {
  let y: Tensor = x
  for (let i = 0; i < 20_000; i++) y = neg(y)
  expect(at(sum(y), [x], { x: [1, 2, 3] })).toEqual([[1, 1, 1]])
})

test('a primitive without a gradient rule raises with its name, its shapes and its place', () => {
  const loss = sum(mul(reshape(topK(x, 2).values, [2, 1]), 3))
  expect(() => gradients(loss, [x])).toThrow(
    'gradients (topK): got topK([3]) on the path sum < mul < reshape < topK, expected a primitive with a gradient rule; ' +
      'put stopGradient around it if none should flow',
  )
  let deep: Tensor = topK(x, 2).values
  for (let i = 0; i < 30; i++) deep = tanh(deep)
  expect(() => gradients(sum(deep), [x])).toThrow(/sum < tanh < tanh < tanh < tanh < \.\.\. < tanh .*< topK,/)
})

test('a gradient that would have to flow into a loop raises: it is not lost', () => {
  const w = input('w', [3])
  const data = input('data', [2, 3])
  const [total] = sumOverSlices([data], ([row]) => [sum(mul(row, w))])
  expect(() => gradients(total, [data])).toThrow(/gradients \(sumOverSlices\)/)
  expect(() => gradients(total, [w])).toThrow(/gradients \(sumOverSlices\)/)
  expect(at(sum(mul(stopGradient(total), w)), [w], { data: [1, 2, 3, 4, 5, 6], w: [1, 0, 0] })).toEqual([
    [5, 5, 5],
  ])
})

test('a loss that is no scalar and a seed of another shape are refused', () => {
  expect(() => gradients(x, [x])).toThrow(
    'gradients (shape): got [3], expected a scalar loss; reduce it with sum or mean',
  )
  expect(() => gradients(x, [x], constant([1], [1]))).toThrow(
    'gradients (shape): got [3] and [1], expected a seed',
  )
})

test('no gradient flows through an integer', () => {
  expect(at(sum(mul(cast(cast(x, 'int32'), 'float32'), x)), [x], { x: [1.5, 2.5, -3.5] })).toEqual([
    [1, 2, -3],
  ])
})
