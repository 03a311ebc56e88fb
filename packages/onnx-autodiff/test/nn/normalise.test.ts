/** Norms against PyTorch: values, gradients, gradients of gradients, running statistics. */
import {
  add,
  batchNorm,
  conv2d,
  gradients,
  groupNorm,
  layerNorm,
  leakyRelu,
  mean,
  mul,
  Parameters,
  reshape,
  rmsNorm,
  sum,
  tanh,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { filter } from '../spatial/torch.js'
import {
  attribute,
  type Case,
  cases,
  compare,
  gradientRows,
  imageOrPlain,
  inputs,
  type Layout,
  number,
  plain,
  type Row,
} from './reference.js'

const all = cases('norm.json')
const isSecondOrder = ({ name }: Case): boolean => name.startsWith('second order')
const operation = (each: Case): string => each.attributes.operation as string

/** Images where the norm knows of them; layer and RMS norm take any tensor's last axis. */
const layoutOf = (each: Case): Layout => (/group|batch/.test(operation(each)) ? imageOrPlain : plain)

/** Layer and RMS norm over several last axes: the same over one axis that holds them all. */
function flattened(each: Case, x: Tensor): Tensor {
  const axes = number(each, 'normalisedAxes')
  return axes === 1 ? x : reshape(x, [...x.shape.slice(0, -axes), -1])
}

/** The layer with the case's parameters, under the names that `inputs` gives them; and its registry. */
function apply(
  each: Case,
  tensors: Record<string, Tensor>,
): { y: Tensor; parameters: Tensor[]; registry: Parameters } {
  const training = each.attributes.training !== false
  const registry = new Parameters(training ? 'train' : 'evaluate', `${each.name}.`)
  const x = /layer|rms/.test(operation(each)) ? flattened(each, tensors.x) : tensors.x
  const channels = x.shape[x.shape.length - 1]
  const epsilon = number(each, 'epsilon')
  const layers: Record<string, () => (x: Tensor) => Tensor> = {
    group_norm: () => groupNorm(registry, channels, number(each, 'groups'), epsilon),
    batch_norm: () =>
      batchNorm(registry, channels, {
        epsilon,
        momentum: attribute(each, 'momentum', z.number().default(0.1)),
      }),
    layer_norm: () => layerNorm(registry, channels, epsilon),
    rms_norm: () => rmsNorm(registry, channels, epsilon),
  }
  const y = layers[operation(each)]()(x)
  return { y: reshape(y, tensors.x.shape), parameters: registry.trained(), registry }
}

/** Running statistics stand under PyTorch's names in the registry. */
function renameStatistics(each: Case, feeds: Record<string, Float64Array>): void {
  const names = { runningMean: 'running_mean', runningVariance: 'running_var' }
  for (const [from, to] of Object.entries(names)) {
    const channels = each.inputs.bias.data.length
    feeds[`${each.name}.${to}`] =
      feeds[`${each.name}.${from}`] ?? new Float64Array(channels).fill(from === 'runningMean' ? 0 : 1)
  }
}

test.each([
  ['group_norm', 6],
  ['batch_norm', 5],
  ['layer_norm', 2],
  ['rms_norm', 2],
])('%s equals PyTorch, values and gradients', async (kind, count) => {
  const chosen = all.filter((each) => operation(each) === kind && !isSecondOrder(each))
  expect(chosen.length).toBe(count)
  const feeds: Record<string, Float64Array> = {}
  const rows = chosen.flatMap((each): Row[] => {
    const layout = layoutOf(each)
    const tensors = inputs(each, layout, feeds)
    if (kind === 'batch_norm') renameStatistics(each, feeds)
    const { y, parameters, registry } = apply(each, tensors)
    const names = Object.keys(each.gradients)
    const targets: Record<string, Tensor> = { x: tensors.x, weight: parameters[0], bias: parameters[1] }
    const found = gradients(
      sum(mul(y, tensors.dy)),
      names.map((key) => targets[key]),
    )
    // A norm over several axes has its parameters in one row.
    const shaped = found.map((gradient, i) => reshape(gradient, layout(each.gradients[names[i]]).shape))
    const statistics = registry.bufferUpdates().map(({ next }, i): Row => {
      const key = ['runningMean', 'runningVariance'][i]
      return { name: `${each.name}: ${key}`, tensor: next, expected: plain(each.outputs[key]) }
    })
    return [
      { name: `${each.name}: y`, tensor: y, expected: layout(each.outputs.y) },
      ...gradientRows(each, layout, names, shaped),
      ...statistics,
    ]
  })
  await compare(rows, feeds)
})

test('gradients of gradients through every norm equal PyTorch', async () => {
  const chosen = all.filter(isSecondOrder)
  expect(chosen.length).toBe(4)
  const feeds: Record<string, Float64Array> = {}
  const rows = chosen.flatMap((each): Row[] => {
    const layout = layoutOf(each)
    const tensors = inputs(each, layout, feeds)
    const { y, parameters } = apply(each, tensors)
    const [dx] = gradients(sum(mul(y, tensors.dy)), [tensors.x])
    const penalty = sum(mul(dx, dx))
    const names = Object.keys(each.gradients)
    const targets: Record<string, Tensor> = { x: tensors.x, weight: parameters[0], dy: tensors.dy }
    const found = gradients(
      penalty,
      names.map((key) => targets[key]),
    )
    return [
      { name: `${each.name}: dx`, tensor: dx, expected: layout(each.outputs.dx) },
      { name: `${each.name}: penalty`, tensor: penalty, expected: plain(each.outputs.penalty) },
      ...gradientRows(each, layout, names, found),
    ]
  })
  await compare(rows, feeds)
})

test('R1 through group norm and convolutions equals PyTorch', async () => {
  const each = cases('gradient_penalty.json').find(({ inputs: given }) => 'gamma' in given) as Case
  const layout: Layout = (value) =>
    value.shape.length === 4 && value.shape[2] === 3 ? filter(value) : imageOrPlain(value)
  const feeds: Record<string, Float64Array> = {}
  const { x, w1, b1, w2, b2 } = inputs(each, layout, feeds)
  const p = new Parameters('train', `${each.name}.`)
  const norm = groupNorm(p, 4, number(each, 'groups'), number(each, 'epsilon'))
  feeds[`${each.name}.weight`] = feeds[`${each.name}.gamma`]
  feeds[`${each.name}.bias`] = feeds[`${each.name}.beta`]
  const hidden = leakyRelu(norm(add(conv2d(x, w1, { padding: 1 }), b1)), number(each, 'negativeSlope'))
  const f = sum(tanh(add(conv2d(hidden, w2, { stride: 2 }), b2)), [0, 1, 3])
  const [inputGradient] = gradients(sum(f), [x])
  const penalty = mean(sum(mul(inputGradient, inputGradient), [0, 1, 3]))
  const [gamma, beta] = p.trained()
  const targets: Record<string, Tensor> = { x, w1, b1, w2, b2, gamma, beta }
  const names = Object.keys(each.gradients)
  await compare(
    [
      { name: 'f', tensor: f, expected: plain(each.outputs.f) },
      { name: 'input gradient', tensor: inputGradient, expected: layout(each.outputs.inputGradient) },
      { name: 'penalty', tensor: penalty, expected: plain(each.outputs.penalty) },
      ...gradientRows(
        each,
        layout,
        names,
        gradients(
          penalty,
          names.map((key) => targets[key]),
        ),
      ),
    ],
    feeds,
  )
})
