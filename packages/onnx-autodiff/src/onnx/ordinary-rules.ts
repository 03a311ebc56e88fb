/** How each operator is written in the ordinary form; see ordinary.ts. A rule gives the name and layout it stored. */
import type { ConvolutionAttributes } from '../spatial/convolution.js'
import type { WindowAttributes } from '../spatial/resample.js'
import { asBlockSum, asSelection, isIdentity, type SpatialMatrix } from '../spatial/matrix.js'
import { GraphError, resolveAxis, shapeText } from '../graph/shape.js'
import { isComposite, type Node, type Tensor } from '../graph/tensor.js'
import { isOpen, type Layout, type OrdinaryEmitter } from './ordinary.js'

type Stored = [name: string, layout: Layout]
/** Top, bottom, left, right, as a convolution's padding. */
type Sides = readonly [number, number, number, number]
type Rule = (emitter: OrdinaryEmitter, node: Node<never>) => Stored | undefined

/** Logical axis of [h, w, n, c] -> axis of [n, c, h, w]. */
const NCHW_AXIS = [2, 3, 0, 1]
const KERNEL_ORDER = [3, 2, 0, 1]

const pads = ([top, bottom, left, right]: Sides): number[] => [top, left, bottom, right]

/** The convolution that a sum adds a bias [channels] to, if the sum is its only reader. */
export function convolutionWithBias(
  emitter: OrdinaryEmitter,
  { inputs: [a, b] }: Node,
): { convolution: Node<ConvolutionAttributes>; bias: Tensor } | undefined {
  for (const [x, bias] of [
    [a, b],
    [b, a],
  ]) {
    const isConvolution =
      isComposite(x.node.primitive) &&
      (x.node.primitive.name === 'conv2d' || x.node.primitive.name === 'convTranspose2d')
    if (
      isConvolution &&
      emitter.uses.get(x) === 1 &&
      bias.shape.length === 1 &&
      bias.shape[0] === x.shape[3] &&
      emitter.isFixed(bias)
    ) {
      return { convolution: x.node as Node<ConvolutionAttributes>, bias }
    }
  }
  return undefined
}

function emitConvolution(emitter: OrdinaryEmitter, node: Node<ConvolutionAttributes>, bias?: Tensor): Stored {
  const [x, w] = node.inputs
  const { stride, padding, dilation, groups, outputPadding } = node.attributes
  const [image, filter] = [emitter.get(x, 'nchw'), emitter.ordered(w, KERNEL_ORDER)]
  const offset = (): string[] => (bias ? [emitter.get(bias)] : [])
  const common = { strides: stride, dilations: dilation, group: groups, kernel_shape: w.shape.slice(0, 2) }
  const positive = padding.map((amount) => Math.max(amount, 0)) as [number, number, number, number]
  const negative = padding.map((amount) => Math.max(-amount, 0)) as [number, number, number, number]
  if (node.primitive.name === 'conv2d') {
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

export const compositeRules: Readonly<
  Record<string, (emitter: OrdinaryEmitter, node: Node<never>) => Stored>
> = {
  conv2d: (emitter, node: Node<ConvolutionAttributes>) => emitConvolution(emitter, node),
  convTranspose2d: (emitter, node: Node<ConvolutionAttributes>) => emitConvolution(emitter, node),
  groupNorm: (emitter, node: Node<{ groups: number; epsilon: number }>) => {
    const {
      inputs: [x, gamma, beta],
      attributes: { groups, epsilon },
    } = node
    const image = x.shape.length === 4
    const source = image ? emitter.get(x, 'nchw') : emitter.get(x)
    const grouped = emitter.node('Reshape', [source, emitter.ints([0, groups, -1])])
    const unit = (value: number): string => emitter.floats(new Float64Array(groups).fill(value), [groups])
    const normal = emitter.node('InstanceNormalization', [grouped, unit(1), unit(0)], {
      epsilon: { float: epsilon },
    })
    const back = image ? [0, x.shape[3], x.shape[0], x.shape[1]] : [0, x.shape[x.shape.length - 1]]
    if (!image && x.shape.length !== 2)
      throw new GraphError(
        `export (groupNorm): got ${shapeText(x.shape)}, expected an image or [batch, channels]`,
      )
    const restored = emitter.node('Reshape', [normal, emitter.ints(back)])
    const side = (tensor: Tensor): string => (image ? emitter.alongside(tensor) : emitter.get(tensor))
    return [
      emitter.node('Add', [emitter.node('Mul', [restored, side(gamma)]), side(beta)]),
      image ? 'nchw' : 'plain',
    ]
  },
  batchNorm: () => {
    throw new GraphError(
      "export (batchNorm): got the statistics of a batch, expected running ones; build the network with new Parameters('evaluate')",
    )
  },
  frozenBatchNorm: (emitter, node: Node<{ epsilon: number }>) => {
    const [x, ...statistics] = node.inputs
    const names = statistics.map((tensor) => emitter.get(tensor))
    const normalised = (source: string): string =>
      emitter.node('BatchNormalization', [source, ...names], { epsilon: { float: node.attributes.epsilon } })
    if (x.shape.length === 4) return [normalised(emitter.get(x, 'nchw')), 'nchw']
    // The operator takes the second axis for the channels.
    const rows = emitter.node('Reshape', [emitter.get(x), emitter.ints([-1, x.shape[x.shape.length - 1]])])
    return [emitter.node('Reshape', [normalised(rows), emitter.ints(openShape(x.shape))]), 'plain']
  },
  maxPool: (emitter, node: Node<WindowAttributes>) => {
    const { kernel, stride, padding } = node.attributes
    if (node.inputs[0].shape.length !== 4)
      throw new GraphError(`export (maxPool): got ${shapeText(node.inputs[0].shape)}, expected an image`)
    const y = emitter.node('MaxPool', [emitter.get(node.inputs[0], 'nchw')], {
      kernel_shape: kernel,
      strides: stride,
      pads: [...padding, ...padding],
    })
    return [y, 'nchw']
  },
  pixelShuffle: (emitter, node: Node<{ factor: number }>) => [
    emitter.node('DepthToSpace', [emitter.get(node.inputs[0], 'nchw')], {
      blocksize: node.attributes.factor,
      mode: 'CRD',
    }),
    'nchw',
  ],
  /** SpaceToDepth puts the block before the channel; this puts the channel first, as pixelShuffle reads it. */
  pixelUnshuffle: (emitter, node: Node<{ factor: number }>) => {
    const {
      inputs: [x],
      attributes: { factor: r },
    } = node
    const [h, w, , c] = x.shape
    const split = emitter.node('Reshape', [emitter.get(x, 'nchw'), emitter.ints([0, c, h / r, r, w / r, r])])
    const moved = emitter.node('Transpose', [split], { perm: [0, 1, 3, 5, 2, 4] })
    return [emitter.node('Reshape', [moved, emitter.ints([0, c * r * r, h / r, w / r])]), 'nchw']
  },
  flattenImage: (emitter, node) => {
    const rows = emitter.node('Transpose', [emitter.get(node.inputs[0], 'nchw')], { perm: [0, 2, 3, 1] })
    return [emitter.node('Flatten', [rows], { axis: 1 }), 'plain']
  },
  unflattenImage: (emitter, node: Node<{ image: readonly number[] }>) => {
    const rows = emitter.node('Reshape', [
      emitter.get(node.inputs[0]),
      emitter.ints([-1, ...node.attributes.image]),
    ])
    return [emitter.node('Transpose', [rows], { perm: [0, 3, 1, 2] }), 'nchw']
  },
  fromBatchFirst: (emitter, node) => [
    emitter.node('Transpose', [emitter.get(node.inputs[0])], { perm: [0, 3, 1, 2] }),
    'nchw',
  ],
  toBatchFirst: (emitter, node) => [
    emitter.node('Transpose', [emitter.get(node.inputs[0], 'nchw')], { perm: [0, 2, 3, 1] }),
    'plain',
  ],
}

/** Elementwise operators keep the layout of the image among their operands. */
const elementwise =
  (op: string): Rule =>
  (emitter, node) => {
    const image =
      node.outputs[0].shape.length === 4 && node.inputs.some((tensor) => emitter.layoutOf(tensor) === 'nchw')
    if (!image)
      return [
        emitter.node(
          op,
          node.inputs.map((tensor) => emitter.get(tensor)),
        ),
        'plain',
      ]
    return [
      emitter.node(
        op,
        node.inputs.map((tensor) => emitter.alongside(tensor)),
      ),
      'nchw',
    ]
  }

/** One operand, attributes as the primitive emits them. */
const unary: Rule = (emitter, node) => {
  const [x] = node.inputs
  const layout = emitter.layoutOf(x)
  if (isComposite(node.primitive)) return undefined
  const [name] = node.primitive.emit(emitter, [emitter.get(x, layout)], node)
  return [name, layout]
}

const reduce =
  (op: string): Rule =>
  (emitter, node: Node<{ axes: readonly number[]; keepAxes: boolean }>) => {
    const {
      inputs: [x],
      attributes: { axes, keepAxes },
    } = node
    const image = emitter.layoutOf(x) === 'nchw'
    // Without its axes, what is left of [n, c, h, w] must stand in the graph's order: only [n, c] and parts of it do.
    const keepsOrder = keepAxes || (axes.includes(0) && axes.includes(1)) || axes.length === 4
    const layout: Layout = image && keepsOrder ? 'nchw' : 'plain'
    const own = layout === 'nchw' ? axes.map((axis) => NCHW_AXIS[axis]).sort() : axes
    const y = emitter.node(op, [emitter.get(x, layout), emitter.ints(own)], { keepdims: keepAxes ? 1 : 0 })
    return [y, keepAxes ? layout : 'plain']
  }

const openShape = (shape: readonly number[]): number[] => {
  if (shape.filter(isOpen).length > 1)
    throw new GraphError(`export (reshape): got ${shapeText(shape)}, expected the batch in one extent only`)
  return shape.map((extent) => (isOpen(extent) ? -1 : extent))
}

const along =
  (
    emit: (emitter: OrdinaryEmitter, names: readonly string[], axis: number, node: Node<never>) => string,
  ): Rule =>
  (emitter, node: Node<{ axis: number }>) => {
    const image = node.inputs.some((tensor) => emitter.layoutOf(tensor) === 'nchw')
    const layout: Layout = image ? 'nchw' : 'plain'
    const axis = image
      ? NCHW_AXIS[node.attributes.axis]
      : resolveAxis(node.primitive.name, node.attributes.axis, node.inputs[0].shape.length)
    return [
      emit(
        emitter,
        node.inputs.map((tensor) => emitter.get(tensor, layout)),
        axis,
        node as Node<never>,
      ),
      layout,
    ]
  }

/** The same for operators that change the extent of their axis: along the batch there is no telling what they mean. */
const withinImages =
  (emit: Parameters<typeof along>[0]): Rule =>
  (emitter, node: Node<{ axis: number }>) => {
    const {
      primitive: { name },
      inputs: [{ shape }],
      attributes: { axis },
    } = node
    if (isOpen(shape[axis])) {
      throw new GraphError(
        `export (${name}): got ${shapeText(shape)} along axis ${axis}, the batch, expected an operator that works at any batch size`,
      )
    }
    return along(emit)(emitter, node as Node<never>)
  }

function emitMap(emitter: OrdinaryEmitter, x: string, height: SpatialMatrix, width: SpatialMatrix): string {
  if (isIdentity(height) && isIdentity(width)) return x
  const [sumH, sumW] = [height, width].map((m) =>
    isIdentity(m) ? { length: 1, coefficient: 1 } : asBlockSum(m),
  )
  const isMean = (sum?: { length: number; coefficient: number }): boolean =>
    sum !== undefined && Math.abs(sum.length * sum.coefficient - 1) < 1e-12
  if (sumH && sumW && isMean(sumH) && isMean(sumW)) {
    const kernel = [sumH.length, sumW.length]
    return emitter.node('AveragePool', [x], { kernel_shape: kernel, strides: kernel })
  }
  const repeats = (m: SpatialMatrix): number | undefined => {
    const from = asSelection(m)
    const factor = m.rows / m.columns
    return from && Number.isInteger(factor) && from.every((source, i) => source === Math.floor(i / factor))
      ? factor
      : undefined
  }
  const [repeatH, repeatW] = [repeats(height), repeats(width)]
  if (repeatH !== undefined && repeatW !== undefined) {
    const scales = emitter.floats([1, 1, repeatH, repeatW], [4])
    const how = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
    return emitter.node('Resize', [x, '', scales], how)
  }
  let y = x
  if (!isIdentity(height))
    y = emitter.node('MatMul', [emitter.floats(height.data, [height.rows, height.columns]), y])
  if (!isIdentity(width)) {
    const flipped = Float64Array.from(
      width.data,
      (_, i) => width.data[(i % width.rows) * width.columns + Math.floor(i / width.rows)],
    )
    y = emitter.node('MatMul', [y, emitter.floats(flipped, [width.columns, width.rows])])
  }
  return y
}

export const primitiveRules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    [
      'neg',
      'exp',
      'log',
      'sqrt',
      'reciprocal',
      'abs',
      'sigmoid',
      'tanh',
      'erf',
      'relu',
      'step',
      'clip',
      'cast',
      'stopGradient',
    ].map((name) => [name, unary]),
  ),
  add: (emitter, node) => {
    const fused = convolutionWithBias(emitter, node)
    return fused ? emitConvolution(emitter, fused.convolution, fused.bias) : elementwise('Add')(emitter, node)
  },
  sub: elementwise('Sub'),
  mul: elementwise('Mul'),
  div: elementwise('Div'),
  pow: elementwise('Pow'),
  maximum: elementwise('Max'),
  minimum: elementwise('Min'),
  greater: elementwise('Greater'),
  less: elementwise('Less'),
  equal: elementwise('Equal'),
  where: elementwise('Where'),
  sum: reduce('ReduceSum'),
  mean: reduce('ReduceMean'),
  max: reduce('ReduceMax'),
  reshape: (emitter, node) => [
    emitter.node('Reshape', [emitter.get(node.inputs[0]), emitter.ints(openShape(node.outputs[0].shape))]),
    'plain',
  ],
  transpose: (emitter, node: Node<{ order: readonly number[] }>) => [
    emitter.node('Transpose', [emitter.get(node.inputs[0])], { perm: node.attributes.order }),
    'plain',
  ],
  concat: along((emitter, names, axis) => emitter.node('Concat', names, { axis })),
  slice: withinImages((emitter, [x], axis, node: Node<{ start: number; end: number }>) =>
    emitter.node('Slice', [
      x,
      emitter.ints([node.attributes.start]),
      emitter.ints([node.attributes.end]),
      emitter.ints([axis]),
    ]),
  ),
  pad: withinImages((emitter, [x], axis, node: Node<{ before: number; after: number }>) => {
    const amounts = (amount: number): number[] =>
      node.inputs[0].shape.map((_, i) => (i === axis ? amount : 0))
    return emitter.node('Pad', [
      x,
      emitter.ints([...amounts(node.attributes.before), ...amounts(node.attributes.after)]),
    ])
  }),
  spatialMap: (emitter, node: Node<{ height: SpatialMatrix; width: SpatialMatrix }>) => {
    const {
      inputs: [x],
      attributes: { height, width },
    } = node
    return x.shape.length === 4
      ? [emitMap(emitter, emitter.get(x, 'nchw'), height, width), 'nchw']
      : undefined
  },
}
