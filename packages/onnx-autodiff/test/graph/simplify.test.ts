/** Simplified graphs are smaller where they should be: what is shared, folded, dropped and reordered, by operators emitted. */
import {
  add,
  cast,
  compileModel,
  concat,
  constant,
  conv2d,
  div,
  equal,
  evaluate,
  exp,
  expand,
  gather,
  gradients,
  input,
  matmul,
  max,
  mean,
  mul,
  pad,
  Random,
  reshape,
  slice,
  spatialMap,
  stopGradient,
  sub,
  sum,
  tanh,
  transpose,
  type Tensor,
  nodeName,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { simplify } from '../../src/graph/simplify.js'
import { constantValue } from '../../src/graph/tensor.js'
import { topologicalOrder } from '../../src/graph/walk.js'
import { fromRows, identity, matrix, multiply, transposed } from '../../src/spatial/matrix.js'
import { inputsOf, operators, run } from '../run.js'
import { difference, normals } from './values.js'

const emitted = (...tensors: readonly Tensor[]): Record<string, number> => {
  const outputs = Object.fromEntries(tensors.map((tensor, i) => [`y${i}`, tensor]))
  return operators(compileModel({ inputs: inputsOf(tensors), outputs }).model)
}

const x = input('x', [4, 3])
const y = input('y', [4, 3])
const row = input('row', [3])
const column = input('column', [4, 1])
const level = input('level', [])

const small = (rows: number, columns: number, n: number) =>
  matrix(rows, columns, (i, j) => ((i + 2 * j + n) % 3) - 1)

const random = new Random(4, 'simplify')

test('what no output needs is not emitted', () => {
  const loss = sum(mul(tanh(x), y))
  const [dy] = gradients(loss, [y])
  expect(emitted(dy)).toEqual({ Tanh: 1 })
})

test('equal nodes become one, whoever made them', () => {
  const twice = (): Tensor => exp(add(x, row))
  expect(emitted(mul(twice(), twice()))).toEqual({ Add: 1, Exp: 1, Mul: 1 })
  expect(emitted(matmul(x, y, { transposeB: true }), matmul(x, y, { transposeA: true }))).toEqual({
    FusedMatMul: 2,
  })
  expect(emitted(max(x, 0), max(x, 1), max(x, 1))).toEqual({ Identity: 1, ReduceMax: 2 })
  const map = (): Tensor => spatialMap(input('images', [2, 3, 2]), small(4, 2, 1), identity(3))
  const images = map()
  const again = spatialMap(images.node.inputs[0], small(4, 2, 1), identity(3))
  expect(emitted(add(images, again))).toEqual({ Add: 1, MatMul: 1, Reshape: 2 })
})

test('constants are computed when the graph is built', () => {
  const table = exp(mul(constant([0, 1, 2], [3]), Math.log(2)))
  const [folded] = simplify([table])
  expect(difference(constantValue(folded) as Float64Array, [1, 2, 4])).toBeLessThan(1e-12)
  expect(emitted(add(row, table))).toEqual({ Add: 1 })
  expect(
    emitted(
      add(row, cast(gather(constant([3, 5, 7], [3], 'int32'), constant([2], [1], 'int32')), 'float32')),
    ),
  ).toEqual({ Add: 1 })
  // A comparison of constants is left to the run: ONNX constants here are float32 or int32.
  expect(emitted(cast(equal(constant([1, 2], [2]), 1), 'float32'))).toEqual({ Cast: 1, Equal: 1 })
})

test('neutral operands, moves that move nothing and chains of moves vanish', () => {
  expect(emitted(tanh(mul(sub(add(x, 0), 0), 1)))).toEqual({ Tanh: 1 })
  expect(emitted(reshape(reshape(tanh(x), [12]), [2, 6]))).toEqual({ Reshape: 1, Tanh: 1 })
  expect(emitted(tanh(reshape(reshape(x, [12]), [4, 3])))).toEqual({ Tanh: 1 })
  expect(emitted(tanh(transpose(transpose(x))))).toEqual({ Tanh: 1 })
  expect(emitted(tanh(stopGradient(concat([slice(pad(x, 0, 0, 0), 1, 0, 3)], 1))))).toEqual({ Tanh: 1 })
  expect(emitted(tanh(sum(reshape(x, [4, 3, 1]), 2)))).toEqual({ Tanh: 1 })
  expect(emitted(div(x, 4))).toEqual({ Mul: 1 })
  expect(emitted(div(x, 3))).toEqual({ Div: 1 })
  // A neutral operand that widens the shape stays.
  expect(emitted(add(row, constant(new Float64Array(12), [4, 3])))).toEqual({ Add: 1 })
})

test('whole numbers are divided as such, also by a power of two', async () => {
  const whole = input('whole', [3], 'int32')
  const halves = div(whole, constant([2], [], 'int32'))
  expect(emitted(halves)).toEqual({ Div: 1 })
  expect([...(await run([halves], { whole: [4, 6, -8] }))[0]]).toEqual([2, 3, -4])
})

test('an expanded operand that meets its shape anyway is not expanded', () => {
  expect(emitted(mul(x, expand(row, [4, 3])))).toEqual({ Mul: 1 })
  expect(emitted(mul(gradients(sum(mul(sum(x, 0), row)), [x])[0], y))).toEqual({ Mul: 1, Reshape: 1 })
  expect(emitted(mul(gradients(mean(x), [x])[0], y))).toEqual({ Mul: 1 })
})

test('small operands come first in sums and products', () => {
  const big = input('big', [8, 4, 3])
  const chain = add(add(add(big, row), column), level)
  const [simplified] = simplify([chain])
  const large = topologicalOrder([simplified]).filter(
    (node) => nodeName(node) === 'add' && node.outputs[0].shape.length === 3,
  )
  expect(large.length).toBe(1)
  expect(emitted(mul(mul(big, 2), 3))).toEqual({ Mul: 1 })
  // An intermediate result that something else reads stays as it is.
  const kept = add(big, row)
  expect(emitted(add(kept, level), tanh(kept))).toEqual({ Add: 2, Tanh: 1 })
})

test('neighbouring maps become one; one that others read stays unless folding is cheaper', () => {
  const images = input('images', [8, 8, 2])
  const half = fromRows(
    Array.from({ length: 4 }, (_, i) => Array.from({ length: 8 }, (__, j) => (j >> 1 === i ? 0.5 : 0))),
  )
  const edge = matrix(6, 4, (i, j) => (i === j + 1 ? 1 : 0))
  const pooled = spatialMap(images, half, half)
  const padded = spatialMap(pooled, edge, edge)
  const [folded] = simplify([padded])
  expect(folded.node.inputs[0]).toBe(images)
  expect(folded.node).toMatchObject({ attributes: { height: multiply(edge, half) } })
  expect(emitted(padded)).toEqual({ MatMul: 2, Reshape: 3 })
  // Pooling and its gradient in a row, a map and its inverse.
  const flip = matrix(8, 8, (i, j) => (i + j === 7 ? 1 : 0))
  expect(emitted(tanh(spatialMap(spatialMap(images, flip, flip), flip, flip)))).toEqual({ Tanh: 1 })
  const values = { images: normals([8, 8, 2], random) }
  const both = [
    padded,
    spatialMap(spatialMap(pooled, transposed(half), transposed(half)), flip, flip),
    pooled,
  ]
  const expected = evaluate(both, values)
  evaluate(simplify(both), values).forEach((list, i) =>
    expect(difference(list, expected[i])).toBeLessThan(1e-12),
  )
})

test('the operators of maps: selections, means, scaled repeats and dense ones', () => {
  const images = input('images', [4, 4, 2, 3])
  const flip = matrix(4, 4, (i, j) => (i + j === 3 ? 1 : 0))
  const half = matrix(2, 4, (i, j) => (j >> 1 === i ? 0.5 : 0))
  expect(emitted(spatialMap(images, flip, flip))).toMatchInlineSnapshot(`
    {
      "Gather": 1,
      "Reshape": 2,
    }
  `)
  expect(emitted(spatialMap(images, half, half))).toMatchInlineSnapshot(`
    {
      "ReduceMean": 2,
      "Reshape": 3,
    }
  `)
  expect(emitted(gradients(sum(mul(spatialMap(images, half, half), level)), [images])[0]))
    .toMatchInlineSnapshot(`
    {
      "Gather": 1,
      "Mul": 2,
      "Reshape": 2,
    }
  `)
  expect(emitted(spatialMap(images, small(5, 4, 1), small(3, 4, 2)))).toMatchInlineSnapshot(`
    {
      "MatMul": 2,
      "Reshape": 3,
    }
  `)
  expect(emitted(spatialMap(images, identity(4), small(3, 4, 2)))).toMatchInlineSnapshot(`
    {
      "MatMul": 1,
      "Reshape": 2,
    }
  `)
})

test('the operators of a convolution and its gradients', () => {
  const images = input('images', [16, 16, 8, 64])
  const filter = input('filter', [3, 3, 64, 64])
  const convolved = conv2d(images, filter, { padding: 1, algorithm: 'tile4' })
  expect(emitted(convolved)).toMatchInlineSnapshot(`
    {
      "MatMul": 6,
      "Reshape": 10,
    }
  `)
  expect(emitted(...gradients(sum(mul(convolved, level)), [images, filter]))).toMatchInlineSnapshot(`
    {
      "Expand": 1,
      "FusedMatMul": 3,
      "MatMul": 7,
      "Mul": 1,
      "ReduceSum": 1,
      "Reshape": 16,
    }
  `)
  // A 1x1 convolution is one product.
  expect(emitted(conv2d(images, input('point', [1, 1, 64, 32])))).toMatchInlineSnapshot(`
    {
      "MatMul": 1,
      "Reshape": 3,
    }
  `)
})
