/**
 * The study's own heads: `Linear(d, classes)` and `Linear(d, 128) - ReLU - Linear(128, classes)`, trained by Adam on the
 * cross-entropy for a fixed number of epochs, the last step kept (REFERENCE: lr 1e-3, batch 32, 90 epochs for the linear
 * one and 200 for the other, no weight decay). Weights start as PyTorch's do. Rows are scaled from length 1 to a root
 * mean square of 1, the scale at which that learning rate was meant.
 */
import type { Random } from 'onnx-autodiff'
import { featureMatrix } from '../numerics/matrix.js'
import { labelledRows, overAllClasses, type LabelledRows, type RowHead } from './head.js'
import { IMPOSSIBLE_LOGIT, linearHead, parametricHead } from './linear-form.js'
import { trainByProgram } from './small-network-program.js'
import { type Layer, type SmallTraining, trainPlainly } from './small-network-training.js'
import type { FitSize, HeadEntry } from './head-entry.js'

export interface SmallNetworkOptions {
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  /** What rows are multiplied by; unless given, rows of length 1 come to a root mean square of 1. */
  readonly inputScale?: number
}

/** Times that each labelled image is seen, unless said otherwise. */
const LINEAR_EPOCHS = 90
const SMALL_EPOCHS = 200
const HIDDEN = 128

/** One linear layer. */
export function linearNetwork(options: SmallNetworkOptions = {}): RowHead {
  const name = 'linear network'
  return {
    name,
    async fit(problem) {
      const labelled = labelledRows(problem)
      const settings = { epochs: LINEAR_EPOCHS, batchSize: 32, learningRate: 1e-3, ...options }
      const [layer] = await trainLayers(asWanted(labelled), [], settings, problem.random.child('linear'))
      return linearHead({ name, chosen: settings, weight: layer.weight, bias: layer.bias }, problem, labelled)
    },
  }
}

/** Two linear layers with a ReLU between. */
export function smallNetwork(options: SmallNetworkOptions & { readonly hidden?: number } = {}): RowHead {
  const name = 'small network'
  return {
    name,
    async fit(problem) {
      const { classCount } = problem
      const labelled = labelledRows(problem)
      const settings = { hidden: HIDDEN, epochs: SMALL_EPOCHS, batchSize: 32, learningRate: 1e-3, ...options }
      const [first, second] = await trainLayers(
        asWanted(labelled),
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

/** Multiplications of a whole training from which it pays to build a program for it. */
const LARGE_TRAINING = 2e8

/** Of each labelled row its class, as a probability of 1. */
function asWanted({ features, targets, classes }: LabelledRows): Wanted {
  const wanted = featureMatrix(features.rows, classes.length)
  targets.forEach((target, i) => (wanted.data[i * classes.length + target] = 1))
  return { features, targets: wanted }
}

/** Rows and the probabilities that are wanted of them. */
type Wanted = Pick<SmallTraining, 'features' | 'targets'>

/**
 * Layers with a ReLU between two of them; `hidden` says how wide the inner ones are. Both ways start from the same weights, see
 * the same batches and differ by rounding alone.
 */
export function trainLayers(
  { features, targets }: Wanted,
  hidden: readonly number[],
  {
    epochs,
    batchSize,
    learningRate,
    inputScale = Math.sqrt(features.columns),
  }: Required<Omit<SmallNetworkOptions, 'inputScale'>> & Pick<SmallNetworkOptions, 'inputScale'>,
  random: Random,
): Promise<Layer[]> {
  const sizes = [features.columns, ...hidden, targets.columns]
  const weights = random.child('initial weights')
  const initial = hidden.concat(targets.columns).map((size, l) => initialLayer(sizes[l], size, weights))
  const batches = random.child('batch order')
  const training = {
    features,
    targets,
    initial,
    inputScale,
    epochs,
    batchSize,
    learningRate,
    orderOf: () => batches.permutation(features.rows),
  }
  const products = initial.reduce((sum, { weight }) => sum + weight.data.length, 0)
  const large = epochs * features.rows * products > LARGE_TRAINING
  return large ? trainByProgram(training) : trainPlainly(training)
}

/** Uniform in +-1/sqrt(inputs), weights and biases alike: PyTorch's nn.Linear. */
function initialLayer(inputs: number, outputs: number, random: Random): Layer {
  const bound = 1 / Math.sqrt(inputs)
  const values = Float32Array.from({ length: (inputs + 1) * outputs }, () => random.between(-bound, bound))
  const split = inputs * outputs
  return { weight: featureMatrix(inputs, outputs, values.slice(0, split)), bias: values.slice(split) }
}

/** Steps of 32 rows through the engine, two of each row's products and Adam's passes over the weights. */
const networkSeconds = ({ labelled, epochs }: FitSize, weights: number): number =>
  0.05 + ((epochs * labelled) / Math.min(32, labelled)) * (2.5e-4 + weights * 1.5e-8)

export const mlpEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  epochs: SMALL_EPOCHS,
  make: smallNetwork,
  seconds: (fit) => networkSeconds(fit, HIDDEN * (fit.components + fit.classCount)),
  reference: true,
}

export const linearNetworkEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  epochs: LINEAR_EPOCHS,
  make: linearNetwork,
  seconds: (fit) => networkSeconds(fit, fit.components * fit.classCount),
}
