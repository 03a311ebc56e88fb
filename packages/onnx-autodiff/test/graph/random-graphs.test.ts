/** Random graphs: simplified they hold the same values and gradients, and onnxruntime agrees with the reference. */
import fc from 'fast-check'
import {
  abs,
  add,
  clip,
  compose,
  concat,
  constant,
  div,
  evaluate,
  exp,
  expand,
  gather,
  gradients,
  greater,
  input,
  matmul,
  max,
  maximum,
  mean,
  mul,
  neg,
  pad,
  pow,
  Random,
  relu,
  reshape,
  sameShape,
  sigmoid,
  slice,
  spatialMap,
  stopGradient,
  sub,
  sum,
  sumOverSlices,
  tanh,
  topK,
  transpose,
  validate,
  where,
  type Composite,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { simplify } from '../../src/graph/simplify.js'
import { topologicalOrder } from '../../src/graph/walk.js'
import { fromRows, identity, matrix } from '../../src/spatial/matrix.js'
import { run } from '../run.js'
import { difference, normals } from './values.js'

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
  op: fc.nat(1000),
  a: fc.nat(1000),
  b: fc.nat(1000),
  n: fc.nat(1000),
})

const broadcasts = (a: Tensor, b: Tensor): boolean =>
  a.shape.every((_, i) => {
    const [p, q] = [a.shape[a.shape.length - 1 - i], b.shape[b.shape.length - 1 - i] ?? 1]
    return p === q || p === 1 || q === 1
  })

type Rule = (a: Tensor, b: Tensor, n: number) => Tensor | undefined

const binary =
  (op: (a: Tensor, b: Tensor) => Tensor): Rule =>
  (a, b) =>
    broadcasts(a, b) ? op(a, b) : undefined
const along =
  (op: (a: Tensor, axis: number) => Tensor): Rule =>
  (a, _, n) =>
    a.shape.length > 0 ? op(a, n % a.shape.length) : undefined
const small = (rows: number, columns: number, n: number) =>
  matrix(rows, columns, (i, j) => ((i + 2 * j + n) % 3) - 1)

/** Smooth operators: their gradients are compared too. */
const smooth: readonly Rule[] = [
  binary(add),
  binary(add),
  binary(sub),
  binary(mul),
  binary(mul),
  (a) => neg(a),
  (a) => tanh(a),
  (a) => sigmoid(a),
  (a, _, n) => add(a, (n % 3) - 1),
  (a, _, n) => mul(a, (n % 4) / 2 - 0.5),
  (a, _, n) => div(a, [2, 3, -4, 1][n % 4]),
  (a) => exp(tanh(a)),
  (a) => pow(tanh(a), 2),
  (a) => transpose(a),
  (a, _, n) =>
    a.shape.length > 1
      ? transpose(
          a,
          a.shape.map((_axis, i) => (i + n) % a.shape.length),
        )
      : undefined,
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
    const along = [
      small(2, height, n),
      identity(height),
      fromRows([Array.from({ length: height }, () => 1)]),
    ][n % 3]
    return spatialMap(a, along, n % 2 ? small(3, width, n) : identity(width))
  },
  (a, _, n) => (a.shape[0] > 0 ? gather(a, constant([n % a.shape[0], 0], [2], 'int32')) : undefined),
]

/** Continuous ones with corners: small differences in rounding stay small. */
const cornered: readonly Rule[] = [
  (a) => relu(a),
  (a) => abs(a),
  (a) => clip(a, -0.5, 0.7),
  binary(maximum),
  along((a, axis) => max(a, axis)),
  along((a, axis) => topK(a, 1, axis).values),
  (a) => stopGradient(a),
  (a, b) => (broadcasts(a, b) ? where(greater(level, 0), a, b) : undefined),
  along(
    (a) =>
      (a.shape.length > 1 ? sumOverSlices([a], ([part]) => [mul(part, add(level, 1))])[0] : undefined) ?? a,
  ),
]

const shared: Composite<null> = { name: 'shared', expand: ([a]) => tanh(add(a, mul(a, 2))) }

function build(instructions: readonly Instruction[], rules: readonly Rule[]): Tensor[] {
  const pool: Tensor[] = [x, y, row, column, level, constant([0.5, -1, 2], [3]), input('images', [2, 3, 2])]
  for (const { op, a, b, n } of instructions) {
    // The newer tensors are read more often, so that graphs grow deep.
    const pick = (i: number): Tensor =>
      pool[i % 3 === 0 ? i % pool.length : pool.length - 1 - (i % Math.min(4, pool.length))]
    const made = rules[op % rules.length](pick(a), pick(b), n)
    if (!made || made.shape.reduce((p, q) => p * q, 1) > 400 || made.shape.length > 6) continue
    pool.push(n % 7 === 0 ? compose(shared, [made], null) : made)
  }
  return pool.slice(-3)
}

const random = new Random(4, 'simplify')
const feeds: Record<string, Float64Array> = {
  x: normals([4, 3], random),
  y: normals([4, 3], random),
  row: normals([3], random),
  column: normals([4, 1], random),
  level: normals([], random),
  images: normals([2, 3, 2], random),
}

test('values are unchanged on random graphs', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 3, maxLength: 40 }), (instructions) => {
      const before = build(instructions, [...smooth, ...cornered])
      const after = simplify(before)
      validate(after)
      const expected = evaluate(before, feeds)
      evaluate(after, feeds).forEach((values, i) =>
        expect(difference(values, expected[i])).toBeLessThan(1e-9),
      )
      const kinds = topologicalOrder(after).filter((node) => node.kind === 'composite')
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
      evaluate(after, feeds).forEach((values, i) =>
        expect(difference(values, expected[i])).toBeLessThan(1e-9),
      )
    }),
    { numRuns: 100, seed: 2 },
  )
})

test('onnxruntime computes random graphs as the reference does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(instruction, { minLength: 3, maxLength: 25 }),
      fc.boolean(),
      async (instructions, contributed) => {
        const outputs = build(instructions, [...smooth, ...cornered])
        const expected = evaluate(outputs, feeds)
        const got = await run(outputs, feeds, { contributed })
        got.forEach((values, i) => expect(difference(values, expected[i])).toBeLessThan(1e-4))
      },
    ),
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
