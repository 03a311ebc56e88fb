/** Compiled programs: state that moves on, outputs of every kind, and names that are the user's own. */
import ort from 'onnxruntime-node'
import {
  add,
  argmin,
  compile,
  constant,
  gradients,
  greater,
  input,
  mean,
  mul,
  neg,
  sub,
  sum,
  sumOverSlices,
  type Step,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { run } from '../run.js'

const floats = (values: readonly number[], shape: readonly number[]): ort.Tensor =>
  new ort.Tensor('float32', values, shape)

async function runOnce(parts: Step, feeds: Record<string, ort.Tensor>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(compile(parts).model, { logSeverityLevel: 3 })
  const results = await session.run(feeds)
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]),
  )
}

test('a training step: the state comes back under its next name, and repeated steps learn', async () => {
  const w = input('w', [2])
  const steps = input('steps', [])
  const x = input('x', [2])
  const error = sub(w, x)
  const loss = mean(mul(error, error))
  const [slope] = gradients(loss, [w])
  const state = [
    { variable: w, next: sub(w, mul(slope, 0.5)) },
    { variable: steps, next: add(steps, 1) },
  ]
  const program = compile({ inputs: [x], state, outputs: { loss } })
  expect(program.inputs).toEqual({ x: { dtype: 'float32', shape: [2] } })
  expect(program.outputs).toEqual({ loss: { dtype: 'float32', shape: [] } })
  expect(program.state).toEqual({
    w: { dtype: 'float32', shape: [2], next: 'w/next' },
    steps: { dtype: 'float32', shape: [], next: 'steps/next' },
  })
  let [values, count] = [[0, 0], [0]]
  for (const expected of [10, 2.5, 0.625]) {
    const parts = { inputs: [x], state, outputs: { loss } }
    const result = await runOnce(parts, {
      w: floats(values, [2]),
      steps: floats(count, []),
      x: floats([4, -2], [2]),
    })
    expect(result.loss).toEqual([expected])
    ;[values, count] = [result['w/next'], result['steps/next']]
  }
  expect([values, count]).toEqual([[3.5, -1.75], [3]])
})

test('outputs may be equal, inputs, constants, whole numbers or flags, and a state may stay as it is', async () => {
  const x = input('x', [3])
  const doubled = mul(x, 2)
  const result = await runOnce(
    {
      inputs: [x],
      state: [{ variable: input('kept', []), next: input('kept', []) }],
      outputs: {
        first: doubled,
        second: doubled,
        third: mul(x, 2),
        same: x,
        fixed: constant([7, 8], [2]),
        place: argmin(x),
        flags: greater(x, 0),
      },
    },
    { x: floats([1, -2, 3], [3]), kept: floats([5], []) },
  ).catch((error: unknown) => String(error))
  // Two inputs of one name are two tensors; the second is not declared.
  expect(result).toMatch('compile (input "kept"): got a tensor that is computed from something undeclared')
  const kept = input('kept', [])
  expect(
    await runOnce(
      {
        inputs: [x],
        state: [{ variable: kept, next: kept }],
        outputs: {
          first: doubled,
          second: doubled,
          third: mul(x, 2),
          same: x,
          fixed: constant([7, 8], [2]),
          place: argmin(x),
          flags: greater(x, 0),
        },
      },
      { x: floats([1, -2, 3], [3]), kept: floats([5], []) },
    ),
  ).toEqual({
    first: [2, -4, 6],
    second: [2, -4, 6],
    third: [2, -4, 6],
    same: [1, -2, 3],
    fixed: [7, 8],
    place: [1],
    flags: [1, 0, 1],
    'kept/next': [5],
  })
})

test('no name of the user meets one of the compiler', async () => {
  const names = Array.from({ length: 40 }, (_, i) => (i % 2 ? `t${i >> 1}` : `c${i >> 1}`))
  const inputs = names.map((name) => input(name, [2]))
  const values = Object.fromEntries(names.map((name, i) => [name, floats([i, 1], [2])]))
  const rows = input('slice 0', [2, 2])
  const [looped] = sumOverSlices([rows], ([row]) => [mul(row, inputs[3])])
  const total = neg(
    mul(
      inputs.reduce((a, b) => add(a, b)),
      constant([3, 5], [2]),
    ),
  )
  const result = await runOnce(
    { inputs: [...inputs, rows], outputs: { t40: total, t41: looped, c3x: sum(inputs[5]) } },
    { ...values, 'slice 0': floats([1, 2, 3, 4], [2, 2]) },
  )
  expect(result).toEqual({ t40: [-780 * 3, -200], t41: [12, 6], c3x: [6] })
})

test('a program that outputs only what it is given', async () => {
  const x = input('x', [2])
  expect(await run([x, x], { x: [1, 2] })).toEqual([Float64Array.of(1, 2), Float64Array.of(1, 2)])
})
