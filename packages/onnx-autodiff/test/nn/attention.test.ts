/** Attention and the transformer block against PyTorch; dropout against the stream that its masks are of. */
import {
  dropout,
  evaluate,
  gradients,
  input,
  mul,
  openLocalSession,
  Parameters,
  Random,
  selfAttention,
  sum,
  type Tensor,
  transformerBlock,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { run } from '../run.js'
import { floats, numbers } from '../optim/steps.js'
import {
  attribute,
  type Case,
  cases,
  compare,
  gradientRows,
  inputs,
  number,
  parameter,
  plain,
  type Row,
} from './reference.js'
import { z } from 'zod'

/** The engine's name of a reference's input, such as `query_weight`. */
function own(key: string, each: Case): string {
  const [layer, kind] = key.split('_')
  const attention = ['query', 'key', 'value', 'output'].includes(layer)
  const inBlock = each.attributes.operation === 'block' && attention
  return `${each.name}.${inBlock ? 'attention.' : ''}${layer}.${kind}`
}

test('attention and the transformer block equal PyTorch, values and gradients', async () => {
  const feeds: Record<string, Float64Array> = {}
  const rows = cases('attention.json').flatMap((each): Row[] => {
    const { x, dy } = inputs(each, plain, feeds)
    const p = new Parameters('train', `${each.name}.`)
    const options = {
      channels: x.shape[2],
      heads: number(each, 'heads'),
      causal: attribute(each, 'causal', z.boolean()),
    }
    const layer =
      each.attributes.operation === 'block'
        ? transformerBlock(p, { ...options, hidden: number(each, 'hidden') })
        : selfAttention(p, options)
    const y = layer(x)
    const names = Object.keys(each.gradients)
    const byName = new Map(p.trained().map((tensor) => [(tensor.node as { name: string }).name, tensor]))
    const targets = names.map((key): Tensor => {
      if (key === 'x') return x
      feeds[own(key, each)] = parameter(each.inputs[key]).data
      return byName.get(own(key, each)) as Tensor
    })
    const rowsOf = (key: string, found: Tensor): Row[] =>
      gradientRows(each, key === 'x' ? plain : parameter, [key], [found])
    const found = gradients(sum(mul(y, dy)), targets)
    return [
      { name: each.name, tensor: y, expected: plain(each.outputs.y) },
      ...names.flatMap((key, i) => rowsOf(key, found[i])),
    ]
  })
  await compare(rows, feeds)
})

test('what comes later does not reach a causal block', () => {
  const p = new Parameters()
  const x = input('x', [1, 3, 4])
  const y = transformerBlock(p, { channels: 4, heads: 2, causal: true })(x)
  const weights = Object.fromEntries(
    Object.entries(p.initialize(1)).map(([name, array]) => [name, numbers(array)]),
  )
  const at = (last: number): Float64Array =>
    evaluate([y], { ...weights, x: [1, 2, 3, 4, 5, 6, 7, 8, last, last, 0, 1] })[0]
  expect(at(9).subarray(0, 8)).toEqual(at(-9).subarray(0, 8))
  expect(at(9).subarray(8)).not.toEqual(at(-9).subarray(8))
})

test('dropout keeps what the stream of its name says, another part each step, and nothing changes in use', async () => {
  const p = new Parameters()
  const x = input('x', [5, 9])
  const y = dropout(p.scope('lost'), 0.25, { seed: 7 })(x)
  const session = await openLocalSession(
    { inputs: [x], state: p.bufferUpdates(), outputs: { y } },
    { threads: 1, state: p.initialize(0) },
  )
  const ones = () => ({ x: floats(new Float64Array(45).fill(3), [5, 9]) })
  const stream = new Random(7, 'dropout/lost.0')
  // 45 elements take twelve blocks of four numbers a step.
  const wanted = () => Array.from({ length: 48 }, () => (stream.uniform() >= 0.25 ? 4 : 0)).slice(0, 45)
  for (let step = 0; step < 3; step++) expect(numbers((await session.run(ones())).y)).toEqual(wanted())
  await session.close()

  const use = new Parameters('evaluate')
  expect(dropout(use.scope('lost'), 0.25)(x)).toBe(x)
  expect(use.all().map(({ shape }) => shape)).toEqual(p.all().map(({ shape }) => shape))
  expect(() => dropout(new Parameters(), 1)).toThrow(
    'dropout (share): got 1, expected a number from 0 to below 1',
  )
})

test('the gradient of dropout flows where the value does', async () => {
  const p = new Parameters()
  const x = input('x', [40])
  const y = dropout(p, 0.5)(x)
  const [dx] = gradients(sum(y), [x])
  const [values, slopes] = await run([y, dx], { x: new Float64Array(40).fill(1), step: [5] })
  expect(slopes).toEqual(values)
  expect(new Set(values)).toEqual(new Set([0, 2]))
})
