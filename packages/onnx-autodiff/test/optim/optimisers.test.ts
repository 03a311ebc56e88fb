/** Optimisers over ten steps against PyTorch, clipping, and averages of weights against their closed form. */
import {
  adam,
  adamW,
  type AdamOptions,
  clipByGlobalNorm,
  compile,
  ema,
  evaluate,
  type Gradients,
  input,
  inputName,
  mul,
  type Optimised,
  scalar,
  sgd,
  sub,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { difference } from '../graph/values.js'
import { array, type Case, cases, compare, number, plain } from '../nn/reference.js'
import { floats, numbers, steps } from './steps.js'

const all = cases('optimisers.json')
const moving = all.filter(({ attributes }) => attributes.operation !== 'clip_by_global_norm')

function optimise(each: Case, pairs: Gradients): Optimised {
  const rate = number(each, 'learningRate')
  const weightDecay = number(each, 'weightDecay')
  if (each.attributes.operation === 'sgd') {
    return sgd(pairs, {
      rate,
      weightDecay,
      momentum: number(each, 'momentum'),
      nesterov: each.attributes.nesterov === true,
    })
  }
  const options: AdamOptions = {
    rate,
    weightDecay,
    beta1: number(each, 'beta1'),
    beta2: number(each, 'beta2'),
    epsilon: number(each, 'epsilon'),
  }
  return each.attributes.operation === 'adam' ? adam(pairs, options) : adamW(pairs, options)
}

test.each(moving)('$name equals PyTorch over ten steps', async (each) => {
  const names = ['a', 'b']
  const parameters = names.map((name) => input(name, each.inputs[name].shape))
  const given = parameters.map(({ shape }, i) => input(`${names[i]}.gradient`, shape))
  const { updates, initialState } = optimise(each, { parameters, gradients: given })
  const program = compile({ inputs: given, state: updates, outputs: {} })
  const start = Object.fromEntries(names.map((name) => [name, array(plain(each.inputs[name]))]))
  const gradientsOf = (step: number) =>
    Object.fromEntries(
      given.map((tensor, i) => {
        const { shape, data } = each.inputs[`${names[i]}.gradient`]
        const size = data.length / shape[0]
        return [inputName(tensor), floats(data.slice(step * size, (step + 1) * size), tensor.shape)]
      }),
    )
  const count = each.outputs.a.shape[0]
  const after = await steps(
    program,
    { ...start, ...initialState },
    Array.from({ length: count }, (_, i) => gradientsOf(i)),
  )
  const wrong = names.flatMap((name) => {
    const { shape, data } = each.outputs[name]
    const size = data.length / shape[0]
    return after.flatMap(({ state }, step) => {
      const error = difference(numbers(state[name]), data.slice(step * size, (step + 1) * size))
      return error < 2e-6 ? [] : [`${name} after step ${step + 1}: ${error.toExponential(1)}`]
    })
  })
  expect(after.length).toBe(10)
  expect(wrong).toEqual([])
})

test('clipping by the global norm equals PyTorch', async () => {
  for (const each of all.filter(({ attributes }) => attributes.operation === 'clip_by_global_norm')) {
    const names = Object.keys(each.inputs)
    const { clipped, norm } = clipByGlobalNorm(
      names.map((name) => input(name, each.inputs[name].shape)),
      number(each, 'maxNorm'),
    )
    const rows = [
      ...names.map((name, i) => ({ name, tensor: clipped[i], expected: plain(each.outputs[name]) })),
      { name: 'norm', tensor: norm, expected: plain(each.outputs.norm) },
    ]
    await compare(rows, Object.fromEntries(names.map((name) => [name, each.inputs[name].data])), [1e-6, 1e-6])
  }
})

test('the rate may be a tensor that changes each step', async () => {
  const p = input('p', [2])
  const rate = input('rate', [])
  const { updates } = sgd({ parameters: [p], gradients: [p] }, { rate })
  const program = compile({ inputs: [rate], state: updates, outputs: {} })
  const feed = (value: number) => ({ rate: floats([value], []) })
  const after = await steps(program, { p: floats([8, -4]) }, [feed(0.5), feed(0.25)])
  expect(after.map(({ state }) => numbers(state.p))).toEqual([
    [4, -2],
    [3, -1.5],
  ])
})

test('an average of weights is the closed form, and starts at the initial weights', async () => {
  const decay = 0.9
  const p = input('p', [2])
  const start = { p: floats([1, -2]) }
  const { updates } = sgd({ parameters: [p], gradients: [mul(p, 1)] }, { rate: 0.5 })
  const averages = ema(updates, start, { decay })
  expect(numbers(averages.initialState['ema/p'])).toEqual([1, -2])
  const program = compile({ state: [...updates, ...averages.updates], outputs: {} })
  const after = await steps(program, { ...start, ...averages.initialState }, [{}, {}, {}, {}])
  after.forEach(({ state }, i) => {
    // p_t = p_0 / 2^t; average_t = decay^t p_0 + (1 - decay) sum over s of decay^(t - s) p_s.
    const t = i + 1
    let expected = decay ** t
    for (let s = 1; s <= t; s++) expected += (1 - decay) * decay ** (t - s) * 0.5 ** s
    expect(numbers(state['ema/p'])[0]).toBeCloseTo(expected, 6)
    expect(numbers(state['ema/p'])[1]).toBeCloseTo(-2 * expected, 6)
  })
})

test("an average leaves out what has no initial value: the optimiser's own state", () => {
  const p = input('p', [1])
  const { updates } = adam({ parameters: [p], gradients: [p] }, { rate: 0.1 })
  const averages = ema(updates, { p: floats([1]) }, { decay: 0.5, name: 'average' })
  expect(averages.updates.map(({ variable }) => inputName(variable))).toEqual(['average/p'])
})

test("Adam's first step has the length of the rate, whatever the gradient's size", () => {
  const p = input('p', [3])
  const { updates } = adam({ parameters: [p], gradients: [mul(p, 1000)] }, { rate: 0.1, step: scalar(1) })
  const values = { p: [5, -5, 5000], 'adam/m/p': [0, 0, 0], 'adam/v/p': [0, 0, 0] }
  const [moved] = evaluate([sub(updates.at(-1)?.next ?? p, p)], values)
  moved.forEach((step, i) => expect(step).toBeCloseTo(i === 1 ? 0.1 : -0.1, 8))
})

test('as many gradients as parameters, or an error with both numbers', () => {
  const p = input('p', [1])
  expect(() => sgd({ parameters: [p], gradients: [] }, { rate: 1 })).toThrow(
    'optimiser (gradients): got 0, expected 1, one per parameter',
  )
  const twice = { parameters: [p, p], gradients: [p, p] }
  expect(() => compile({ state: sgd(twice, { rate: 1 }).updates, outputs: {} })).toThrow(
    'compile (inputs): got the name "p" twice',
  )
})
