/**
 * Convolution and its transpose in the layout [height, width, batch, channels], as bilinear algorithms in both
 * directions: V = B x, M = V U with U = G w (one batched matrix product over channels), y = A M. There is no gradient
 * rule: those of the spatial map and the matrix product give dM = A' dy, dU = V' dM, dV = dM U', dx = B' dV, dw = G' dU.
 * The transposed convolution is the input gradient taken for an operation of its own: y = B'[(A' x) U'].
 */
import { attributeError, GraphError, pair, type Pair, shapeError } from '../graph/shape.js'
import {
  checkImageOrder,
  type Composite,
  type CompositeNode,
  compose,
  type OrdinaryEmitter,
  type Stored,
  type Tensor,
} from '../graph/tensor.js'
import { type AlgorithmName, chooseAlgorithm } from './algorithms.js'
import { type AxisGeometry, axisOutputs } from './bilinear.js'
import { convolve, convolveBack } from './lowering.js'

/** One number for both axes, or [height, width]. */
/** One number for all sides, [height, width], or [top, bottom, left, right]. */
export type Padding = Pair | readonly [number, number, number, number]

/**
 * Geometry of a convolution in pixels, with PyTorch's meaning and defaults: stride 1, no padding, dilation 1, 1
 * group.
 */
export interface ConvolutionOptions {
  readonly stride?: Pair
  readonly padding?: Padding
  readonly dilation?: Pair
  readonly groups?: number
  /** Overrules the cost model. */
  readonly algorithm?: AlgorithmName
}

export interface ConvolutionAttributes {
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number, number, number]
  readonly dilation: readonly [number, number]
  readonly groups: number
  readonly algorithm?: AlgorithmName
  /** Of a transposed convolution: rows and columns added at the bottom and right of the output. */
  readonly outputPadding: readonly [number, number]
}

function sides(padding: Padding): readonly [number, number, number, number] {
  if (typeof padding === 'number') return [padding, padding, padding, padding]
  return padding.length === 4 ? padding : [padding[0], padding[0], padding[1], padding[1]]
}

function resolve(
  operator: string,
  options: ConvolutionOptions & { outputPadding?: Pair },
): ConvolutionAttributes {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0, algorithm } = options
  const attributes = {
    stride: pair(stride),
    padding: sides(padding),
    dilation: pair(dilation),
    groups,
    outputPadding: pair(outputPadding),
    algorithm,
  }
  for (const name of ['stride', 'dilation'] as const) {
    if (attributes[name].some((n) => !Number.isInteger(n) || n < 1))
      attributeError(operator, name, attributes[name], 'integers of at least 1')
  }
  if (attributes.padding.some((n) => !Number.isInteger(n)))
    attributeError(operator, 'padding', attributes.padding, 'integers')
  if (!Number.isInteger(groups) || groups < 1)
    attributeError(operator, 'groups', groups, 'an integer of at least 1')
  return attributes
}

/** The geometry of both axes of a convolution that reads an image of this size. */
function geometries(
  operator: string,
  size: readonly [number, number],
  kernel: readonly [number, number],
  attributes: ConvolutionAttributes,
): { height: AxisGeometry; width: AxisGeometry } {
  const { stride, padding, dilation } = attributes
  const axis = (i: 0 | 1): AxisGeometry => ({
    size: size[i],
    taps: kernel[i],
    stride: stride[i],
    dilation: dilation[i],
    before: padding[2 * i],
    after: padding[2 * i + 1],
  })
  const [height, width] = [axis(0), axis(1)]
  for (const [name, geometry] of Object.entries({ height, width })) {
    if (axisOutputs(geometry) < 1) {
      const { size: n, before, after, taps, dilation: d } = geometry
      const reach = (taps - 1) * d + 1
      throw new GraphError(
        `${operator} (${name}): got a kernel that reaches over ${reach}, expected at most ${n + before + after} (${n} and padding ${before}+${after})`,
      )
    }
  }
  return { height, width }
}

const ORDER_HINT = 'images that are stored batch first go through fromBatchFirst'

/** Top, bottom, left, right, as a convolution's padding. */
type Sides = readonly [number, number, number, number]

const KERNEL_ORDER = [3, 2, 0, 1]

const pads = ([top, bottom, left, right]: Sides): number[] => [top, left, bottom, right]

function ordinaryConvolution(
  emitter: OrdinaryEmitter,
  node: CompositeNode<ConvolutionAttributes>,
  bias?: Tensor,
): Stored {
  const [x, w] = node.inputs
  const { stride, padding, dilation, groups, outputPadding } = node.attributes
  const [image, filter] = [emitter.get(x, 'nchw'), emitter.ordered(w, KERNEL_ORDER)]
  const offset = (): string[] => (bias ? [emitter.get(bias)] : [])
  const common = { strides: stride, dilations: dilation, group: groups, kernel_shape: w.shape.slice(0, 2) }
  const positive = padding.map((amount) => Math.max(amount, 0)) as [number, number, number, number]
  const negative = padding.map((amount) => Math.max(-amount, 0)) as [number, number, number, number]
  if (node.composite === convolution) {
    return [
      emitter.node('Conv', [cropped(emitter, image, padding), filter, ...offset()], {
        ...common,
        pads: pads(positive),
      }),
      'nchw',
    ]
  }
  const attributes = { ...common, pads: pads(positive), output_padding: outputPadding }
  if (negative.every((amount) => amount === 0))
    return [emitter.node('ConvTranspose', [image, filter, ...offset()], attributes), 'nchw']
  // Negative padding of a transposed convolution puts zeros around its result, before the bias.
  const [top, left, bottom, right] = pads(negative)
  const inner = emitter.node('ConvTranspose', [image, filter], attributes)
  const y = emitter.node('Pad', [inner, emitter.ints([0, 0, top, left, 0, 0, bottom, right])])
  return [bias ? emitter.node('Add', [y, emitter.alongside(bias)]) : y, 'nchw']
}

/** Negative padding is a crop. */
function cropped(emitter: OrdinaryEmitter, x: string, [top, bottom, left, right]: Sides): string {
  if (Math.min(top, bottom, left, right) >= 0) return x
  const amounts = [0, 0, Math.min(top, 0), Math.min(left, 0), 0, 0, Math.min(bottom, 0), Math.min(right, 0)]
  return emitter.node('Pad', [x, emitter.ints(amounts)])
}

const convolution: Composite<ConvolutionAttributes> = {
  name: 'conv2d',
  ordinary: ordinaryConvolution,
  takesBias: true,
  expand: ([x, w], attributes) => {
    const [h, wide, batch, inChannels] = x.shape
    const [kh, kw, , outChannels] = w.shape
    const { groups } = attributes
    const { height, width } = geometries('conv2d', [h, wide], [kh, kw], attributes)
    const choice = chooseAlgorithm(
      { height, width, batch, inChannels, outChannels, groups },
      attributes.algorithm,
    )
    return convolve(x, w, choice, groups)
  },
}

const convolutionTranspose: Composite<ConvolutionAttributes> = {
  name: 'convTranspose2d',
  ordinary: ordinaryConvolution,
  takesBias: true,
  expand: ([x, w], attributes) => {
    const [h, wide, batch, outChannels] = x.shape
    const [kh, kw, c] = w.shape
    const { groups } = attributes
    const size = transposedSize([h, wide], [kh, kw], attributes)
    const { height, width } = geometries('convTranspose2d', size, [kh, kw], attributes)
    const choice = chooseAlgorithm(
      { height, width, batch, inChannels: c * groups, outChannels, groups },
      attributes.algorithm,
    )
    return convolveBack(x, w, choice, groups)
  },
}

function transposedSize(
  size: readonly [number, number],
  kernel: readonly [number, number],
  attributes: ConvolutionAttributes,
): [number, number] {
  const { stride, padding, dilation, outputPadding } = attributes
  const axis = (i: 0 | 1): number => {
    const extra = outputPadding[i]
    if (!Number.isInteger(extra) || extra < 0 || (extra > 0 && extra >= stride[i])) {
      attributeError(
        'convTranspose2d',
        'outputPadding',
        outputPadding,
        `integers from 0 to below the stride ${stride.join('x')}`,
      )
    }
    return (
      (size[i] - 1) * stride[i] -
      padding[2 * i] -
      padding[2 * i + 1] +
      (kernel[i] - 1) * dilation[i] +
      1 +
      outputPadding[i]
    )
  }
  const result: [number, number] = [axis(0), axis(1)]
  if (result.some((extent) => extent < 1)) {
    shapeError(
      'convTranspose2d',
      [size, kernel],
      'an output of at least 1x1',
      `padding ${padding.join()} leaves ${result.join('x')}`,
    )
  }
  return result
}

/**
 * x [height, width, batch, in], w [kernel height, kernel width, in / groups, out] -> [height', width', batch, out].
 * Cross-correlation, as everywhere in deep learning.
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvolutionOptions = {}): Tensor {
  checkImageOrder('conv2d', x)
  const attributes = resolve('conv2d', options)
  const { groups } = attributes
  if (
    x.shape.length !== 4 ||
    w.shape.length !== 4 ||
    x.shape[3] !== w.shape[2] * groups ||
    w.shape[3] % groups !== 0
  ) {
    shapeError(
      'conv2d',
      [x.shape, w.shape],
      `an image [height, width, batch, in] and a filter [h, w, in / ${groups}, out]`,
      ORDER_HINT,
    )
  }
  return compose(convolution, [x, w], attributes)
}

/**
 * The same of a transposed convolution. `outputPadding` are rows and columns added at the bottom and right of what
 * comes out, 0 unless said otherwise.
 */
export interface ConvolutionTransposeOptions extends ConvolutionOptions {
  readonly outputPadding?: Pair
}

/**
 * x [height, width, batch, in], w [kernel height, kernel width, out / groups, in] -> [height', width', batch, out] with
 * height' = (height - 1) stride - padding + dilation (kernel - 1) + 1 + outputPadding.
 */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvolutionTransposeOptions = {}): Tensor {
  checkImageOrder('convTranspose2d', x)
  const attributes = resolve('convTranspose2d', options)
  if (
    x.shape.length !== 4 ||
    w.shape.length !== 4 ||
    x.shape[3] !== w.shape[3] ||
    w.shape[3] % attributes.groups !== 0
  ) {
    shapeError(
      'convTranspose2d',
      [x.shape, w.shape],
      `an image [height, width, batch, in] and a filter [h, w, out / ${attributes.groups}, in]`,
      ORDER_HINT,
    )
  }
  return compose(convolutionTranspose, [x, w], attributes)
}
