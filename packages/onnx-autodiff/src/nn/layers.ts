/**
 * Layers. Each registers its parameters when it is made and gives back the function that applies them:
 *
 *   const first = convolution(parameters.scope('first'), { inputs: 3, outputs: 64, kernel: 3, padding: 1 })
 *   const h = first(x) // x [height, width, batch, 3]
 */
import { add, mul, reciprocal, sqrt, sub } from '../graph/elementwise.js'
import { matmul } from '../graph/matmul.js'
import { reshape } from '../graph/movement.js'
import { gather } from '../graph/select.js'
import { openShape } from '../graph/ordinary-form.js'
import { pair, type Pair, sizeOf } from '../graph/shape.js'
import { stopGradient } from '../graph/elementwise.js'
import { type Composite, compose, type Tensor } from '../graph/tensor.js'
import { conv2d, type ConvolutionTransposeOptions, convTranspose2d } from '../spatial/convolution.js'
import {
  batchNorm as normaliseBatch,
  batchStatistics,
  groupNorm as normaliseGroups,
  layerNorm as normaliseLayer,
  rmsNorm as normaliseRms,
} from './normalise.js'
import { type Initializer, normal, ones, type Parameters, torchDefault, zeros } from './parameters.js'

/**
 * A layer with its parameters made: from an activation to the next. What it does to shapes, the function that makes
 * it says.
 */
export type Layer = (x: Tensor) => Tensor

/**
 * Numbers in and out of `linear`; with a bias unless `bias` is false. Values are drawn as PyTorch draws them, unless
 * `initialize` is given for the weight, the bias being 0 then.
 */
export interface LinearOptions {
  readonly inputs: number
  readonly outputs: number
  readonly bias?: boolean
  readonly initialize?: Initializer
}

/** [..., inputs] -> [..., outputs]. */
export function linear(p: Parameters, { inputs, outputs, bias = true, initialize }: LinearOptions): Layer {
  const weight = p.get('weight', [inputs, outputs], initialize ?? torchDefault(inputs))
  const offset = bias ? p.get('bias', [outputs], initialize ? zeros : torchDefault(inputs)) : undefined
  return (x) => {
    const y = matmul(x, weight)
    return offset ? add(y, offset) : y
  }
}

/** Channels in and out, in the words that `linear` has too. */
interface Sizes {
  readonly inputs: number
  readonly outputs: number
}

/** The same in the words of before. */
interface ChannelSizes {
  /** @deprecated say `inputs` */
  readonly inChannels: number
  /** @deprecated say `outputs` */
  readonly outChannels: number
}

const sizesOf = (options: Sizes | ChannelSizes): Sizes =>
  'inputs' in options ? options : { inputs: options.inChannels, outputs: options.outChannels }

/** Channels in and out, kernel and the convolution's own options of a layer with a filter bank. */
export type ConvolutionLayerOptions = ConvolutionLayerForm & (Sizes | ChannelSizes)

interface ConvolutionLayerForm extends ConvolutionTransposeOptions {
  readonly kernel: Pair
  readonly bias?: boolean
  readonly initialize?: Initializer
}

/** [height, width, batch, in] -> [height', width', batch, out]. */
export function convolution(p: Parameters, options: ConvolutionLayerOptions): Layer {
  const { kernel, bias = true, initialize, groups = 1, ...rest } = options
  const { inputs, outputs } = sizesOf(options)
  const [kh, kw] = pair(kernel)
  const fanIn = (kh * kw * inputs) / groups
  const weight = p.get('weight', [kh, kw, inputs / groups, outputs], initialize ?? torchDefault(fanIn))
  const offset = bias ? p.get('bias', [outputs], initialize ? zeros : torchDefault(fanIn)) : undefined
  return (x) => {
    const y = conv2d(x, weight, { groups, ...rest })
    return offset ? add(y, offset) : y
  }
}

/** [height, width, batch, in] -> [height', width', batch, out], the convolution's input gradient as a layer. */
export function transposedConvolution(p: Parameters, options: ConvolutionLayerOptions): Layer {
  const { kernel, bias = true, initialize, groups = 1, ...rest } = options
  const { inputs, outputs } = sizesOf(options)
  const [kh, kw] = pair(kernel)
  // As PyTorch counts it: the filter's second axis, outputs per group, times the kernel.
  const fanIn = (kh * kw * outputs) / groups
  const weight = p.get('weight', [kh, kw, outputs / groups, inputs], initialize ?? torchDefault(fanIn))
  const offset = bias ? p.get('bias', [outputs], initialize ? zeros : torchDefault(fanIn)) : undefined
  return (x) => {
    const y = convTranspose2d(x, weight, { groups, ...rest })
    return offset ? add(y, offset) : y
  }
}

/** Normalises groups of channels per image. */
export function groupNorm(p: Parameters, channels: number, groups: number, epsilon = 1e-5): Layer {
  const gamma = p.get('weight', [channels], ones)
  const beta = p.get('bias', [channels], zeros)
  return (x) => normaliseGroups(x, gamma, beta, groups, epsilon)
}

const frozenBatchNorm: Composite<{ epsilon: number }> = {
  name: 'frozenBatchNorm',
  ordinary: (emitter, node) => {
    const [x, ...statistics] = node.inputs
    const names = statistics.map((tensor) => emitter.get(tensor))
    const normalised = (source: string): string =>
      emitter.node('BatchNormalization', [source, ...names], { epsilon: { float: node.attributes.epsilon } })
    if (x.shape.length === 4) return [normalised(emitter.get(x, 'nchw')), 'nchw']
    // The operator takes the second axis for the channels.
    const rows = emitter.node('Reshape', [emitter.get(x), emitter.ints([-1, x.shape[x.shape.length - 1]])])
    return [emitter.node('Reshape', [normalised(rows), emitter.ints(openShape(x.shape))]), 'plain']
  },
  expand: ([x, gamma, beta, mean, variance], { epsilon }) => {
    const scale = mul(reciprocal(sqrt(add(variance, epsilon))), gamma)
    return add(mul(x, scale), sub(beta, mul(mean, scale)))
  },
}

/**
 * Normalises channels over the batch in training, and by running statistics otherwise (momentum 0.1, unbiased variance,
 * as in PyTorch).
 */
export function batchNorm(p: Parameters, channels: number, { epsilon = 1e-5, momentum = 0.1 } = {}): Layer {
  const gamma = p.get('weight', [channels], ones)
  const beta = p.get('bias', [channels], zeros)
  const runningMean = p.buffer('running_mean', [channels], zeros)
  const runningVariance = p.buffer('running_var', [channels], ones)
  return (x) => {
    if (p.mode === 'evaluate')
      return compose(frozenBatchNorm, [x, gamma, beta, runningMean, runningVariance], { epsilon })
    const { mean, variance } = batchStatistics(stopGradient(x))
    const rows = sizeOf(x.shape) / channels
    const towards = (running: Tensor, now: Tensor): Tensor =>
      add(mul(running, 1 - momentum), mul(now, momentum))
    p.update(runningMean, towards(runningMean, mean))
    p.update(runningVariance, towards(runningVariance, mul(variance, rows / Math.max(rows - 1, 1))))
    return normaliseBatch(x, gamma, beta, epsilon)
  }
}

/** Normalises each position over its last axis. */
export function layerNorm(p: Parameters, channels: number, epsilon = 1e-5): Layer {
  const gamma = p.get('weight', [channels], ones)
  const beta = p.get('bias', [channels], zeros)
  return (x) => normaliseLayer(x, gamma, beta, epsilon)
}

/** Divides each position by its root mean square over the last axis. */
export function rmsNorm(p: Parameters, channels: number, epsilon = 1e-6): Layer {
  const gamma = p.get('weight', [channels], ones)
  return (x) => normaliseRms(x, gamma, epsilon)
}

/** int32 [...] -> [..., channels]: a table of vectors. */
export function embedding(p: Parameters, { count, channels }: { count: number; channels: number }): Layer {
  const table = p.get('weight', [count, channels], normal(1))
  return (indices) => reshape(gather(table, reshape(indices, [-1])), [...indices.shape, channels])
}

/** One after the other. */
export const sequence =
  (...layers: readonly Layer[]): Layer =>
  (x) =>
    layers.reduce((h, layer) => layer(h), x)
