/** What layers do beyond their functions (which have tests of their own): shapes, modes, sharing. */
import {
  batchNorm,
  compile,
  convolution,
  embedding,
  evaluate,
  gradients,
  input,
  linear,
  Parameters,
  sequence,
  sum,
  transposedConvolution,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { floats, numbers, steps } from '../optim/steps.js'

test('layers give the shapes that their comments promise', () => {
  const p = new Parameters()
  const image = input('image', [9, 7, 2, 4])
  expect(linear(p.scope('linear'), { inputs: 4, outputs: 5 })(image).shape).toEqual([9, 7, 2, 5])
  const down = convolution(p.scope('down'), {
    inChannels: 4,
    outChannels: 6,
    kernel: [3, 1],
    stride: 2,
    padding: [1, 0],
  })
  expect(down(image).shape).toEqual([5, 4, 2, 6])
  const up = transposedConvolution(p.scope('up'), {
    inChannels: 6,
    outChannels: 4,
    kernel: 3,
    stride: 2,
    padding: 1,
    outputPadding: [0, 0],
  })
  expect(sequence(down, up)(image).shape).toEqual([9, 7, 2, 4])
  const words = embedding(p.scope('words'), { count: 10, channels: 3 })
  expect(words(input('indices', [2, 5], 'int32')).shape).toEqual([2, 5, 3])
})

test('an embedding picks rows, and only those get a gradient', () => {
  const p = new Parameters()
  const picked = embedding(p, { count: 4, channels: 2 })(input('indices', [3], 'int32'))
  const [gradient] = gradients(sum(picked), p.trained())
  const feeds = { weight: [0, 1, 10, 11, 20, 21, 30, 31], indices: [2, 0, 2] }
  expect(evaluate([picked, gradient], feeds).map((values) => [...values])).toEqual([
    [20, 21, 0, 1, 20, 21],
    [1, 1, 0, 0, 2, 2, 0, 0],
  ])
})

test('batch norm learns its statistics in training and uses them in evaluation', async () => {
  const build = (mode: 'train' | 'evaluate') => {
    const p = new Parameters(mode)
    const x = input('x', [8, 2])
    return { p, x, y: batchNorm(p.scope('norm'), 2, { momentum: 0.5 })(x) }
  }
  const training = build('train')
  const kept = training.p.trained().map((variable) => ({ variable, next: variable }))
  const program = compile({
    inputs: [training.x],
    state: [...kept, ...training.p.bufferUpdates()],
    outputs: { y: training.y },
  })
  // Channel 0: mean 4.5, unbiased variance 6; channel 1: constant.
  const data = {
    x: floats(
      [1, 2, 3, 4, 5, 6, 7, 8].flatMap((value) => [value, 3]),
      [8, 2],
    ),
  }
  const after = (await steps(program, training.p.initialize(0), new Array(40).fill(data)))[39].state
  expect(numbers(after['norm.running_mean']).map((x) => x.toFixed(4))).toEqual(['4.5000', '3.0000'])
  expect(numbers(after['norm.running_var']).map((x) => x.toFixed(4))).toEqual(['6.0000', '0.0000'])

  const use = build('evaluate')
  expect(use.p.bufferUpdates().every(({ variable, next }) => variable === next)).toBe(true)
  const feeds = Object.fromEntries(Object.entries(after).map(([name, array]) => [name, numbers(array)]))
  const [y] = evaluate([use.y], { ...feeds, x: numbers(data.x) })
  expect(y[0]).toBeCloseTo((1 - 4.5) / Math.sqrt(6 + 1e-5), 4)
  expect(y[1]).toBeCloseTo(0, 3)
})
