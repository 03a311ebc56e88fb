/** Simplified graphs: equal to what they were on random graphs, and smaller where they should be. */
import fc from 'fast-check'
import {
  abs, add, cast, clip, compileModel, compose, type Composite, concat, constant, conv2d, div, equal, evaluate, exp, expand,
  gather, gradients, greater, input, matmul, max, maximum, mean, mul, neg, pad, pow, Random, relu, reshape, sameShape, sigmoid,
  slice, spatialMap, stopGradient, sub, sum, sumOverSlices, tanh, type Tensor, topK, transpose, validate, where,
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

/** One step of a random graph: an operator on tensors made so far. Undefined where the shapes do not fit. */
interface Instruction {
  readonly op: number
  readonly a: number
  readonly b: number
  readonly n: number
}

const instruction: fc.Arbitrary<Instruction> = fc.record({
  op: fc.nat(1000), a: fc.nat(1000), b: fc.nat(1000), n: fc.nat(1000),
})

const broadcasts = (a: Tensor, b: Tensor): boolean =>
  a.shape.every((_, i) => {
    const [p, q] = [a.shape[a.shape.length - 1 - i], b.shape[b.shape.length - 1 - i] ?? 1]
    return p === q || p === 1 || q === 1
  })

type Rule = (a: Tensor, b: Tensor, n: number) => Tensor | undefined

const binary = (op: (a: Tensor, b: Tensor) => Tensor): Rule => (a, b) => (broadcasts(a, b) ? op(a, b) : undefined)
const along = (op: (a: Tensor, axis: number) => Tensor): Rule => (a, _, n) =>
  a.shape.length > 0 ? op(a, n % a.shape.length) : undefined
const small = (rows: number, columns: number, n: number) => matrix(rows, columns, (i, j) => ((i + 2 * j + n) % 3) - 1)

/** Smooth operators: their gradients are compared too. */
const smooth: readonly Rule[] = [
  binary(add), binary(add), binary(sub), binary(mul), binary(mul),
  (a) => neg(a),
  (a) => tanh(a),
  (a) => sigmoid(a),
  (a, _, n) => add(a, (n % 3) - 1),
  (a, _, n) => mul(a, (n % 4) / 2 - 0.5),
  (a, _, n) => div(a, [2, 3, -4, 1][n % 4]),
  (a) => exp(tanh(a)),
  (a) => pow(tanh(a), 2),
  (a) => transpose(a),
  (a, _, n) => (a.shape.length > 1 ? transpose(a, a.shape.map((_axis, i) => (i + n) % a.shape.length)) : undefined),
  (a) => reshape(a, [-1]),
  (a) => reshape(a, [1, ...a.shape]),
  along((a, axis) => sum(a, axis)),
  along((a, axis) => mean(a, axis, true)),
  along((a, axis) => (a.shape[axis] > 1 ? slice(a, axis, 1, a.shape[axis]) : slice(a, axis, 0, 1))),
  along((a, axis) => pad(a, axis, 1, 0)),
  (a, b) => (broadcasts(a, b) && sameShape(add(a, b).shape, b.shape) ? expand(a, b.shape) : undefined),
  (a, b, n) =>
    a.shape.length > 0 && sameShape(a.shape, b.shape) ? concat([a, b, a], n % a.shape.length) : undefined,
  (a, b) => {
    if (a.shape.length < 2 || b.shape.length !== 2) return undefined
    const last = a.shape[a.shape.length - 1]
    if (last === b.shape[0]) return matmul(a, b)
    if (last === b.shape[1]) return matmul(a, b, { transposeB: true })
    return a.shape.length === 2 && a.shape[0] === b.shape[0] ? matmul(a, b, { transposeA: true }) : undefined
  },
  (a, _, n) => {
    if (a.shape.length < 3) return undefined
    const [height, width] = a.shape
    const along = [small(2, height, n), identity(height), fromRows([Array.from({ length: height }, () => 1)])][n % 3]
    return spatialMap(a, along, n % 2 ? small(3, width, n) : identity(width))
  },
  (a, _, n) => (a.shape[0] > 0 ? gather(a, constant([n % a.shape[0], 0], [2], 'int32')) : undefined),
]

/** Continuous ones with corners: small differences in rounding stay small. */
const cornered: readonly Rule[] = [
  (a) => relu(a), (a) => abs(a), (a) => clip(a, -0.5, 0.7), binary(maximum),
  along((a, axis) => max(a, axis)), along((a, axis) => topK(a, 1, axis).values), (a) => stopGradient(a),
  (a, b) => (broadcasts(a, b) ? where(greater(level, 0), a, b) : undefined),
  along((a) => (a.shape.length > 1 ? sumOverSlices([a], ([part]) => [mul(part, add(level, 1))])[0] : undefined) ?? a),
]

const shared: Composite<null> = { name: 'shared', composite: true, expand: ([a]) => tanh(add(a, mul(a, 2))) }

function build(instructions: readonly Instruction[], rules: readonly Rule[]): Tensor[] {
  const pool: Tensor[] = [x, y, row, column, level, constant([0.5, -1, 2], [3]), input('images', [2, 3, 2])]
  for (const { op, a, b, n } of instructions) {
    // The newer tensors are read more often, so that graphs grow deep.
    const pick = (i: number): Tensor => pool[i % 3 === 0 ? i % pool.length : pool.length - 1 - (i % Math.min(4, pool.length))]
    const made = rules[op % rules.length](pick(a), pick(b), n)
    if (!made || made.shape.reduce((p, q) => p * q, 1) > 400 || made.shape.length > 6) continue
    pool.push(n % 7 === 0 ? compose(shared, [made], null) : made)
  }
  return pool.slice(-3)
}

const random = new Random(4, 'simplify')
const feeds: Record<string, Float64Array> = {
  x: normals([4, 3], random), y: normals([4, 3], random), row: normals([3], random), column: normals([4, 1], random),
  level: normals([], random), images: normals([2, 3, 2], random),
}

test('values are unchanged on random graphs', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 3, maxLength: 40 }), (instructions) => {
      const before = build(instructions, [...smooth, ...cornered])
      const after = simplify(before)
      validate(after)
      const expected = evaluate(before, feeds)
      evaluate(after, feeds).forEach((values, i) => expect(difference(values, expected[i])).toBeLessThan(1e-9))
      const kinds = topologicalOrder(after).filter((node) => 'composite' in node.primitive)
      expect(kinds).toEqual([])
    }),
    { numRuns: 300, seed: 1 },
  )
})

test('values and gradients are unchanged on random smooth graphs', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 3, maxLength: 25 }), (instructions) => {
      const outputs = build(instructions, smooth)
      const loss = outputs.map((each) => sum(mul(each, each))).reduce((a, b) => add(a, b))
      const before = gradients(loss, [x, row, column, level])
      const after = simplify(before)
      validate(after)
      const expected = evaluate(before, feeds)
      evaluate(after, feeds).forEach((values, i) => expect(difference(values, expected[i])).toBeLessThan(1e-9))
    }),
    { numRuns: 100, seed: 2 },
  )
})

test('onnxruntime computes random graphs as the reference does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(instruction, { minLength: 3, maxLength: 25 }), fc.boolean(), async (instructions, contributed) => {
      const outputs = build(instructions, [...smooth, ...cornered])
      const expected = evaluate(outputs, feeds)
      const got = await run(outputs, feeds, { contributed })
      got.forEach((values, i) => expect(difference(values, expected[i])).toBeLessThan(1e-4))
    }),
    { numRuns: 80, seed: 3 },
  )
})

test('simplifying twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 3, maxLength: 30 }), (instructions) => {
      const once = simplify(build(instructions, [...smooth, ...cornered]))
      const count = (tensors: readonly Tensor[]): number => topologicalOrder(tensors).length
      expect(count(simplify(once))).toBeLessThanOrEqual(count(once))
    }),
    { numRuns: 100, seed: 4 },
  )
})

test('what no output needs is not emitted', () => {
  const loss = sum(mul(tanh(x), y))
  const [dy] = gradients(loss, [y])
  expect(emitted(dy)).toEqual({ Tanh: 1 })
})

test('equal nodes become one, whoever made them', () => {
  const twice = (): Tensor => exp(add(x, row))
  expect(emitted(mul(twice(), twice()))).toEqual({ Add: 1, Exp: 1, Mul: 1 })
  expect(emitted(matmul(x, y, { transposeB: true }), matmul(x, y, { transposeA: true }))).toEqual({ FusedMatMul: 2 })
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
  expect(emitted(add(row, cast(gather(constant([3, 5, 7], [3], 'int32'), constant([2], [1], 'int32')), 'float32')))).toEqual({ Add: 1 })
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
  const large = topologicalOrder([simplified]).filter((node) => node.primitive.name === 'add' && node.outputs[0].shape.length === 3)
  expect(large.length).toBe(1)
  expect(emitted(mul(mul(big, 2), 3))).toEqual({ Mul: 1 })
  // An intermediate result that something else reads stays as it is.
  const kept = add(big, row)
  expect(emitted(add(kept, level), tanh(kept))).toEqual({ Add: 2, Tanh: 1 })
})

test('neighbouring maps become one; one that others read stays unless folding is cheaper', () => {
  const images = input('images', [8, 8, 2])
  const half = fromRows(Array.from({ length: 4 }, (_, i) => Array.from({ length: 8 }, (__, j) => (j >> 1 === i ? 0.5 : 0))))
  const edge = matrix(6, 4, (i, j) => (i === j + 1 ? 1 : 0))
  const pooled = spatialMap(images, half, half)
  const padded = spatialMap(pooled, edge, edge)
  const [folded] = simplify([padded])
  expect(folded.node.inputs[0]).toBe(images)
  expect((folded.node.attributes as { height: unknown }).height).toEqual(multiply(edge, half))
  expect(emitted(padded)).toEqual({ MatMul: 2, Reshape: 3 })
  // Pooling and its gradient in a row, a map and its inverse.
  const flip = matrix(8, 8, (i, j) => (i + j === 7 ? 1 : 0))
  expect(emitted(tanh(spatialMap(spatialMap(images, flip, flip), flip, flip)))).toEqual({ Tanh: 1 })
  const values = { images: normals([8, 8, 2], random) }
  const both = [padded, spatialMap(spatialMap(pooled, transposed(half), transposed(half)), flip, flip), pooled]
  const expected = evaluate(both, values)
  evaluate(simplify(both), values).forEach((list, i) => expect(difference(list, expected[i])).toBeLessThan(1e-12))
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
  expect(emitted(gradients(sum(mul(spatialMap(images, half, half), level)), [images])[0])).toMatchInlineSnapshot(`
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
