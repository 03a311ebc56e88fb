/**
 * A network that is trained on labels: its training step as a program, and from trained weights the network that gives
 * hidden layers and probabilities. Generative models have a contract of their own (model.ts); this is the one of the
 * supervised baseline and of the small classifier that generated images are scored by.
 */
import {
  adam,
  argmin,
  cast,
  cosineDecay,
  crossEntropy,
  ema,
  equal,
  add,
  gradients,
  input,
  inputName,
  mean,
  type NamedArray,
  neg,
  Parameters,
  sgd,
  softmax,
  type Tensor,
  warmUp,
} from 'onnx-autodiff'
import { z } from 'zod'
import type { StemName, SupervisedName } from '../names.js'
import { chosenRows, imageDimensions, imageInput, toSignedRange } from './common.js'
import type { FeatureRequest } from './feature-request.js'
import {
  averagedWeights,
  type FeatureNetwork,
  type ImageShape,
  type Trainable,
  type Weights,
} from './model.js'
import { besideMirrored, mirroredToo, ofMirrored } from './mirrored-network.js'
import { halfLifeDecay } from './optimise.js'

/** What an image becomes: hidden layers [h, w, n, c] or [n, c], and logits [n, classes]. */
export interface Classified {
  readonly layers: Readonly<Record<string, Tensor>>
  readonly logits: Tensor
}

export interface SupervisedNetwork {
  /** A few words, as a report says it. */
  readonly title: string
  /** Registers the parameters; the function takes images [h, w, n, channels] in -1..1. */
  readonly build: (p: Parameters, image: ImageShape, classCount: number) => (x: Tensor) => Classified
  /** The layers that features can be taken from, in the order of the network. */
  readonly layers: readonly string[]
  /** Where logits are a layer of rows times a weight `[numbers, classes]`, plus a bias: its name, and theirs. */
  readonly last?: { readonly layer: string; readonly weight: string; readonly bias: string }
}

/** What is known of a supervised network by its name. */
export interface SupervisedModel {
  readonly name: SupervisedName
  /** By stem: how studies call it and what it costs. */
  readonly stems: Readonly<Record<StemName, SupervisedForm>>
  /** Seconds that the optimiser takes for the weights of width 64, however few images there are. */
  readonly optimiserSeconds: number
  readonly network: (form: { readonly stem: StemName; readonly width: number }) => SupervisedNetwork
  /** Whose random weights serve as a baseline, and the features of it. */
  readonly untrained: {
    readonly network: SupervisedNetwork
    readonly features: Pick<FeatureRequest, 'layers' | 'pooling'>
  }
}

export interface SupervisedForm {
  readonly id: string
  readonly shortTitle: string
  /** Of the images of one step of batch 64 at 32x32, width 64, on two cores of 2020s server hardware. */
  readonly stepSeconds: number
}

export const optimiserSchema = z.strictObject({
  /** SGD with Nesterov's momentum of 0.9, or Adam with its usual moments. */
  optimiser: z.enum(['sgd', 'adam']),
  /** At its greatest: it rises over the first steps, and falls along half a cosine to zero at the last one unless `decay` says otherwise. */
  learningRate: z.number().positive(),
  /** Added to the gradient, times the parameter; in PyTorch's form. */
  weightDecay: z.number().min(0),
  warmUpSteps: z.int().min(0),
  /** How the rate falls after that: `cosine` unless said otherwise, or not at all. */
  decay: z.enum(['cosine', 'none']).optional(),
  /** Half-life of the averaged weights, as a share of all steps; left out or 0, the last weights are taken as they are. */
  emaHalfLife: z.number().min(0).optional(),
})

export type OptimiserOptions = z.infer<typeof optimiserSchema>

const MOMENTUM = 0.9

export interface StepOptions extends OptimiserOptions {
  readonly classCount: number
  readonly batch: number
  /** Length of the schedule. */
  readonly steps: number
  /** Values that parameters of these names begin with, in the place of random ones. */
  readonly start?: Weights
}

export type SupervisedTrainable = Pick<Trainable, 'program' | 'initialState' | 'parameterCount'>

/**
 * The program of one step: `image` uint8 [batch, size, size, channels] and `labels` int32 [batch] -> `loss`, the mean
 * cross-entropy, and `accuracy` on the batch, both before the update. Running statistics are part of the state.
 */
export function supervisedStep(
  network: SupervisedNetwork,
  image: ImageShape,
  options: StepOptions,
  seed: number,
): SupervisedTrainable {
  const { classCount, batch } = options
  const p = new Parameters('train')
  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const labels = input('labels', [batch], 'int32')
  const { logits } = network.build(p, image, classCount)(toSignedRange(pixels))
  const loss = crossEntropy(logits, labels)
  return optimisedStep(p, [pixels, labels], { loss, accuracy: accuracyOf(logits, labels) }, options, seed)
}

/** Share of the rows whose greatest logit is that of their label. */
export const accuracyOf = (logits: Tensor, labels: Tensor): Tensor =>
  mean(cast(equal(argmin(neg(logits), 1), labels), 'float32'))

/**
 * The step that lowers the output `loss`, with its state at the start; parameters begin as `seed` has it, but for those of `start`.
 * @param averages the averaged weights, where the step reads them
 */
export function optimisedStep(
  p: Parameters,
  inputs: readonly Tensor[],
  outputs: Readonly<Record<string, Tensor>> & { readonly loss: Tensor },
  options: Omit<StepOptions, 'classCount' | 'batch'>,
  seed: number,
  averages: readonly Tensor[] = [],
): SupervisedTrainable {
  const { steps, optimiser, learningRate, weightDecay, warmUpSteps, decay: fall, emaHalfLife = 0 } = options
  const { start = {} } = options
  const parameters = p.trained()
  const step = input('step', [])
  const now = add(step, 1)
  const rate = warmUp(
    learningRate,
    warmUpSteps,
    fall === 'none' ? undefined : cosineDecay(learningRate, steps),
  )(now)
  const pairs = { parameters, gradients: gradients(outputs.loss, parameters) }
  const optimised =
    optimiser === 'sgd'
      ? sgd(pairs, { rate, momentum: MOMENTUM, nesterov: true, weightDecay })
      : adam(pairs, { rate, weightDecay, step: now })
  const drawn = p.initialize(seed)
  const initial = Object.fromEntries(
    Object.entries(drawn).map(([name, value]) => [name, Object.hasOwn(start, name) ? start[name] : value]),
  )
  const changed = [...optimised.updates, ...p.bufferUpdates()]
  const decay = halfLifeDecay(emaHalfLife, steps)
  const averaged = emaHalfLife > 0 ? ema(changed, initial, { decay, averages }) : undefined
  return {
    program: {
      inputs,
      state: [{ variable: step, next: now }, ...changed, ...(averaged?.updates ?? [])],
      outputs,
    },
    initialState: {
      step: { dtype: 'float32', shape: [], data: new Float32Array(1) },
      ...initial,
      ...optimised.initialState,
      ...averaged?.initialState,
    },
    parameterCount: p.count,
  }
}

/** The parameters and running statistics of a training state, averaged where it keeps averages, under their own names. */
export function supervisedWeights(
  network: SupervisedNetwork,
  image: ImageShape,
  classCount: number,
  state: Weights,
): Weights {
  const p = new Parameters('evaluate')
  network.build(p, image, classCount)
  const known = { ...state, ...averagedWeights(state) }
  return Object.fromEntries(p.all().map((tensor) => [inputName(tensor), known[inputName(tensor)]]))
}

/** Weights before any training. */
export function untrainedWeights(
  network: SupervisedNetwork,
  image: ImageShape,
  classCount: number,
  seed: number,
): Weights {
  const p = new Parameters('evaluate')
  network.build(p, image, classCount)
  return p.initialize(seed)
}

/** Name of the output that holds probabilities. */
export const PROBABILITIES = 'probabilities'

/**
 * Pixels to `probabilities` [n, classes] by running statistics, and to the layers asked for, [n, numbers] each: a result
 * never depends on the other images of its batch.
 *
 * @throws HandfulError for a layer that the network does not have
 */
export function supervisedFeatures(
  network: SupervisedNetwork,
  image: ImageShape,
  classCount: number,
  weights: Weights,
  request: Pick<FeatureRequest, 'layers' | 'pooling'> = { layers: [], pooling: 'none' },
): FeatureNetwork {
  const pixels = imageInput(image)
  const found = network.build(new Parameters('evaluate'), image, classCount)(toSignedRange(pixels))
  const outputs = {
    ...chosenRows(network.title, found.layers, request),
    [PROBABILITIES]: softmax(found.logits),
  }
  return { program: { inputs: [pixels], outputs, parameters: weights } }
}

/**
 * Pixels to `probabilities` alone.
 * @param mirror whether they are means over an image and its mirrored image
 */
export function classifyingNetwork(
  network: SupervisedNetwork,
  image: ImageShape,
  classCount: number,
  weights: Weights,
  { mirror = false }: { readonly mirror?: boolean } = {},
): FeatureNetwork {
  const plain = supervisedFeatures(network, image, classCount, weights)
  return mirror ? mirroredToo(plain) : plain
}

/** A network without its last layer, and what that layer does to rows of each of `outputs`. */
export interface SplitNetwork {
  readonly encoder: FeatureNetwork
  /** Of the image, and of its mirrored image where it is seen too. */
  readonly outputs: readonly string[]
  /** `[numbers, classes]` and `[classes]`: logits are `rows weight + bias`. */
  readonly weight: NamedArray
  readonly bias: NamedArray
}

/**
 * The network in two parts, as a classifier of a run is kept: features, and a linear head.
 * @param mirror whether its features are of an image and of its mirrored image, side by side
 */
export function splitNetwork(
  network: SupervisedNetwork,
  image: ImageShape,
  classCount: number,
  weights: Weights,
  { mirror = false }: { readonly mirror?: boolean } = {},
): SplitNetwork {
  const { last, title } = network
  if (last === undefined)
    throw new Error(`internal: splitNetwork: got ${title}, expected a network with a last layer`)
  const { layer: output, weight, bias } = last
  const { program } = supervisedFeatures(network, image, classCount, weights, {
    layers: [output],
    pooling: 'mean',
  })
  const { [weight]: own, [bias]: offset, ...parameters } = weights
  const encoder = { program: { ...program, outputs: { [output]: program.outputs[output] }, parameters } }
  return {
    encoder: mirror ? besideMirrored(encoder) : encoder,
    outputs: mirror ? [output, ofMirrored(output)] : [output],
    weight: own,
    bias: offset,
  }
}
