/**
 * Trains the small networks of `small-network.ts` in plain TypeScript: for few labels, and as the reference of
 * `small-network-program.ts`.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { pause } from '../numerics/pause.js'

/** A linear layer. */
export interface Layer {
  /** `[inputs, outputs]` */
  readonly weight: FeatureMatrix
  readonly bias: Float32Array
}

export interface SmallTraining {
  /** `[labelled, columns]` */
  readonly features: FeatureMatrix
  /** `[labelled, classes]` probabilities that are wanted: of a label 1 for its class. */
  readonly targets: FeatureMatrix
  /** Before training; there is a ReLU between two of them. */
  readonly initial: readonly Layer[]
  /** Factor of the features, which ends up in the first layer's weights. */
  readonly inputScale: number
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  /** The rows in the order of the next epoch. */
  readonly orderOf: () => Uint32Array
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

function trainable({ weight, bias }: Layer): TrainableLayer {
  const values = new Float64Array(weight.data.length + bias.length)
  values.set(weight.data)
  values.set(bias, weight.data.length)
  const zeros = () => new Float64Array(values.length)
  return {
    inputs: weight.rows,
    outputs: weight.columns,
    values,
    gradient: zeros(),
    mean: zeros(),
    square: zeros(),
  }
}

/** Adam on the mean cross-entropy of each batch; the last of an epoch holds what is left. */
export async function trainPlainly(training: SmallTraining): Promise<Layer[]> {
  const { features, targets, initial, inputScale, epochs, batchSize, learningRate, orderOf } = training
  const layers = initial.map(trainable)
  const rest = pause()
  let step = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = orderOf()
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.subarray(start, start + batchSize)
      for (const layer of layers) layer.gradient.fill(0)
      for (const row of batch) {
        const input = Float64Array.from(
          features.data.subarray(row * features.columns, (row + 1) * features.columns),
          (value) => value * inputScale,
        )
        const wanted = targets.data.subarray(row * targets.columns, (row + 1) * targets.columns)
        addGradient(layers, input, wanted, 1 / batch.length)
      }
      step++
      for (const layer of layers) adam(layer, step, learningRate)
      await rest()
    }
  }
  return layers.map(({ inputs, outputs, values }, l) => {
    const split = inputs * outputs
    const trained = {
      weight: Float32Array.from(values.subarray(0, split)),
      bias: Float32Array.from(values.subarray(split)),
    }
    return withInputScale(
      { weight: featureMatrix(inputs, outputs, trained.weight), bias: trained.bias },
      l === 0 ? inputScale : 1,
    )
  })
}

/** The layer for inputs that are not scaled. */
export function withInputScale({ weight, bias }: Layer, scale: number): Layer {
  const data = scale === 1 ? weight.data : weight.data.map((value) => value * scale)
  return { weight: featureMatrix(weight.rows, weight.columns, data), bias }
}

/** Forward and backward for one row; adds its share of the batch's mean gradient to each layer's. */
function addGradient(
  layers: readonly TrainableLayer[],
  input: Float64Array,
  wanted: Float32Array,
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
  let delta = exponentials.map((value, c) => share * (value / sum - wanted[c]))
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
