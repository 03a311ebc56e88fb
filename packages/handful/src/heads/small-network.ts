/**
 * The study's own heads: `Linear(d, classes)` and `Linear(d, 128) - ReLU - Linear(128, classes)`, trained by Adam on the
 * cross-entropy for a fixed number of epochs, the last step kept (REFERENCE: lr 1e-3, batch 32, 90 epochs for the linear
 * one and 200 for the other, no weight decay). Weights start as PyTorch's do. Rows are scaled from length 1 to a root
 * mean square of 1, the scale at which that learning rate was meant.
 */
import type { Random } from 'onnx-autodiff'
import { featureMatrix, type FeatureMatrix } from '../features/matrix.js'
import { pause } from '../features/pause.js'
import { labelledRows, overAllClasses, type Head, type LabelledRows } from './head.js'
import { IMPOSSIBLE_LOGIT, linearHead, parametricHead } from './linear-form.js'

export interface SmallNetworkOptions {
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
}

/** Times that each labelled image is seen, unless said otherwise. */
export const LINEAR_EPOCHS = 90
export const SMALL_EPOCHS = 200

/** One linear layer. */
export function linearNetwork(options: SmallNetworkOptions = {}): Head {
  const name = 'linear network'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const settings = { epochs: LINEAR_EPOCHS, batchSize: 32, learningRate: 1e-3, ...options }
      const [layer] = await train(labelled, [], settings, problem.random.child('linear'))
      return linearHead({ name, chosen: settings, weight: layer.weight, bias: layer.bias }, problem, labelled)
    },
  }
}

/** Two linear layers with a ReLU between. */
export function smallNetwork(options: SmallNetworkOptions & { readonly hidden?: number } = {}): Head {
  const name = 'small network'
  return {
    name,
    async fit(problem) {
      const { classCount } = problem
      const labelled = labelledRows(problem)
      const settings = { hidden: 128, epochs: SMALL_EPOCHS, batchSize: 32, learningRate: 1e-3, ...options }
      const [first, second] = await train(
        labelled,
        [settings.hidden],
        settings,
        problem.random.child('linear, ReLU, linear'),
      )
      const bias2 = featureMatrix(1, classCount)
      bias2.data.fill(IMPOSSIBLE_LOGIT)
      labelled.classes.forEach((c, i) => (bias2.data[c] = second.bias[i]))
      const arrays = {
        weight1: first.weight,
        bias1: featureMatrix(1, settings.hidden, first.bias),
        weight2: overAllClasses(second.weight, labelled.classes, classCount),
        bias2,
      }
      return parametricHead({ name, chosen: settings, kind: 'mlp', arrays }, problem)
    },
  }
}

interface Layer {
  /** `[inputs, outputs]` */
  readonly weight: FeatureMatrix
  readonly bias: Float32Array
}

interface TrainableLayer {
  readonly inputs: number
  readonly outputs: number
  /** Weights `[inputs, outputs]`, then biases. */
  readonly values: Float64Array
  readonly gradient: Float64Array
  readonly mean: Float64Array
  readonly square: Float64Array
}

const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/** Uniform in +-1/sqrt(inputs), weights and biases alike: PyTorch's nn.Linear. */
function createLayer(inputs: number, outputs: number, random: Random): TrainableLayer {
  const bound = 1 / Math.sqrt(inputs)
  const values = Float64Array.from({ length: (inputs + 1) * outputs }, () => random.between(-bound, bound))
  const zeros = () => new Float64Array(values.length)
  return { inputs, outputs, values, gradient: zeros(), mean: zeros(), square: zeros() }
}

async function train(
  { features, targets, classes }: LabelledRows,
  hidden: readonly number[],
  { epochs, batchSize, learningRate }: Required<SmallNetworkOptions>,
  random: Random,
): Promise<Layer[]> {
  const sizes = [features.columns, ...hidden, classes.length]
  const inputScale = Math.sqrt(features.columns)
  const weights = random.child('initial weights')
  const layers = hidden.concat(classes.length).map((size, l) => createLayer(sizes[l], size, weights))
  const batches = random.child('batch order')
  const rest = pause()
  let step = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = batches.permutation(features.rows)
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.subarray(start, start + batchSize)
      for (const layer of layers) layer.gradient.fill(0)
      for (const row of batch) {
        const input = Float64Array.from(
          features.data.subarray(row * features.columns, (row + 1) * features.columns),
          (value) => value * inputScale,
        )
        addGradient(layers, input, targets[row], 1 / batch.length)
      }
      step++
      for (const layer of layers) adam(layer, step, learningRate)
      await rest()
    }
  }
  return layers.map(({ inputs, outputs, values }, l) => {
    const split = inputs * outputs
    const scale = l === 0 ? inputScale : 1
    return {
      weight: featureMatrix(
        inputs,
        outputs,
        Float32Array.from(values.subarray(0, split), (w) => w * scale),
      ),
      bias: Float32Array.from(values.subarray(split)),
    }
  })
}

/** Forward and backward for one row; adds its share of the batch's mean gradient to each layer's. */
function addGradient(
  layers: readonly TrainableLayer[],
  input: Float64Array,
  target: number,
  share: number,
): void {
  const inputs = [input]
  for (const [l, layer] of layers.entries()) {
    const output = applyLayer(layer, inputs[l])
    const last = l === layers.length - 1
    inputs.push(last ? output : output.map((value) => Math.max(0, value)))
  }
  const logits = inputs[layers.length]
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const exponentials = logits.map((logit) => Math.exp(logit - largest))
  const sum = exponentials.reduce((a, b) => a + b, 0)
  let delta = exponentials.map((value, c) => share * (value / sum - Number(c === target)))
  for (let l = layers.length - 1; l >= 0; l--) {
    const { inputs: size, outputs, values, gradient } = layers[l]
    const x = inputs[l]
    const below = new Float64Array(size)
    for (let j = 0; j < size; j++) {
      // Neither a unit that is off nor an input of 0 takes part.
      if (x[j] === 0) continue
      for (let c = 0, at = j * outputs; c < outputs; c++, at++) gradient[at] += x[j] * delta[c]
      if (l === 0) continue
      for (let c = 0, at = j * outputs; c < outputs; c++, at++) below[j] += values[at] * delta[c]
    }
    for (let c = 0; c < outputs; c++) gradient[size * outputs + c] += delta[c]
    delta = below
  }
}

function applyLayer({ inputs, outputs, values }: TrainableLayer, x: Float64Array): Float64Array {
  const y = values.slice(inputs * outputs)
  for (let j = 0; j < inputs; j++) {
    const factor = x[j]
    if (factor === 0) continue
    for (let c = 0, at = j * outputs; c < outputs; c++, at++) y[c] += factor * values[at]
  }
  return y
}

function adam({ values, gradient, mean, square }: TrainableLayer, step: number, learningRate: number): void {
  const correction = Math.sqrt(1 - BETA2 ** step) / (1 - BETA1 ** step)
  const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** step)
  for (let i = 0; i < values.length; i++) {
    mean[i] = BETA1 * mean[i] + (1 - BETA1) * gradient[i]
    square[i] = BETA2 * square[i] + (1 - BETA2) * gradient[i] * gradient[i]
    values[i] -= (learningRate * correction * mean[i]) / (Math.sqrt(square[i]) + epsilon)
  }
}
