/** Activations and losses against PyTorch, far from zero too, and what losses refuse. */
import {
  add,
  binaryCrossEntropy,
  binaryCrossEntropyElements,
  crossEntropy,
  erf,
  evaluate,
  exp,
  gelu,
  gradients,
  input,
  leakyRelu,
  logSoftmax,
  meanSquaredError,
  mul,
  relu,
  sigmoid,
  silu,
  sizeOf,
  softmax,
  softplus,
  straightThrough,
  sub,
  sum,
  tanh,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { type Case, cases, compare, gradientRows, inputs, number, plain, type Row } from './reference.js'

const isSum = ({ attributes }: Case): boolean => attributes.reduction === 'sum'

const build: Record<string, (tensors: Record<string, Tensor>, each: Case) => Tensor> = {
  relu: ({ x }) => relu(x),
  leaky_relu: ({ x }, each) => leakyRelu(x, number(each, 'negativeSlope')),
  sigmoid: ({ x }) => sigmoid(x),
  tanh: ({ x }) => tanh(x),
  erf: ({ x }) => erf(x),
  exp: ({ x }) => exp(x),
  silu: ({ x }) => silu(x),
  gelu: ({ x }, each) => gelu(x, each.attributes.approximate === 'tanh'),
  softplus: ({ x }) => softplus(x),
  log_softmax: ({ x }, each) => logSoftmax(x, number(each, 'axis')),
  softmax: ({ x }, each) => softmax(x, number(each, 'axis')),
  cross_entropy: ({ x, labels }, each) => mul(crossEntropy(x, labels), isSum(each) ? x.shape[0] : 1),
  bce_with_logits: ({ x, target }, each) =>
    isSum(each) ? sum(binaryCrossEntropyElements(x, target)) : binaryCrossEntropy(x, target),
  mse: ({ x, target }, each) => mul(meanSquaredError(x, target), isSum(each) ? sizeOf(x.shape) : 1),
  gaussian_kl: ({ mean, logVariance: lv }) => mul(sum(sub(add(1, lv), add(mul(mean, mean), exp(lv)))), -0.5),
}

test('activations and losses equal PyTorch, values and gradients', async () => {
  // Label smoothing is no option of crossEntropy.
  const chosen = cases('elementwise.json').filter(({ attributes }) => !attributes.labelSmoothing)
  expect(new Set(chosen.map(({ attributes }) => attributes.operation))).toEqual(new Set(Object.keys(build)))
  const feeds: Record<string, Float64Array> = {}
  const rows = chosen.flatMap((each): Row[] => {
    const tensors = inputs(each, plain, feeds)
    const y = build[each.attributes.operation as string](tensors, each)
    const loss = tensors.dy ? sum(mul(y, tensors.dy)) : y
    const names = Object.keys(each.gradients)
    const found = gradients(
      loss,
      names.map((key) => tensors[key]),
    )
    return [
      { name: `${each.name}: y`, tensor: y, expected: plain(each.outputs.y) },
      ...gradientRows(each, plain, names, found),
    ]
  })
  await compare(rows, feeds)
})

test('straightThrough has the value of one and the gradient of the other', () => {
  const x = input('x', [3])
  const rounded = input('rounded', [3])
  const y = straightThrough(x, rounded)
  const [dx, dRounded] = gradients(sum(mul(y, y)), [x, rounded])
  const feeds = { x: [0.2, 1.4, -2.6], rounded: [0, 1, -3] }
  expect(evaluate([y, dx, dRounded], feeds).map((values) => Array.from(values, (v) => v + 0))).toEqual([
    [0, 1, -3],
    [0, 2, -6],
    [0, 0, 0],
  ])
})

test('the gradient of binary cross-entropy flows to the target too', () => {
  const x = input('x', [2])
  const target = input('target', [2])
  const [gradient] = gradients(sum(binaryCrossEntropyElements(x, target)), [target])
  expect(evaluate([gradient], { x: [1.5, -2], target: [0.3, 1] })[0]).toEqual(Float64Array.of(-1.5, 2))
})

test('losses name themselves and the shapes they refuse', () => {
  const logits = input('logits', [4, 10])
  expect(() => crossEntropy(logits, input('labels', [5], 'int32'))).toThrow(
    'crossEntropy (shape): got [4, 10] and [5], expected logits [batch, classes] and labels [batch]',
  )
  expect(() => crossEntropy(logits, input('labels', [4]))).toThrow(
    'crossEntropy (labels): got float32, expected int32',
  )
  expect(() => meanSquaredError(logits, input('target', [10]))).toThrow(
    'meanSquaredError (shape): got [4, 10] and [10], expected equal shapes',
  )
  expect(() => binaryCrossEntropy(logits, input('target', [4]))).toThrow(
    /binaryCrossEntropy \(shape\): got \[4, 10\] and \[4\]/,
  )
})
