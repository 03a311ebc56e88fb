/**
 * Rules that primitives share for the ordinary form, in which a tensor [height, width, batch, channels] may be stored as
 * [batch, channels, height, width]. The batch is open there although shapes are static: a network is built with
 * BATCH_MARKER images, a prime that no other extent is a multiple of, and wherever it shows in a shape that extent is open.
 */
import { GraphError, resolveAxis, type Shape, shapeText } from './shape.js'
import {
  type CompositeNode,
  type Layout,
  nodeName,
  type OrdinaryEmitter,
  type PrimitiveNode,
  type Stored,
  type Tensor,
} from './tensor.js'

/** Build networks with this many images. */
export const BATCH_MARKER = 10_007

export const isOpen = (extent: number): boolean => extent > 0 && extent % BATCH_MARKER === 0

/** A shape for a Reshape, the batch as -1. */
export function openShape(shape: Shape): number[] {
  if (shape.filter(isOpen).length > 1)
    throw new GraphError(`export (reshape): got ${shapeText(shape)}, expected the batch in one extent only`)
  return shape.map((extent) => (isOpen(extent) ? -1 : extent))
}

/** Logical axis of [h, w, n, c] -> axis of [n, c, h, w]. */
const NCHW_AXIS = [2, 3, 0, 1]

type Rule<A> = (emitter: OrdinaryEmitter, node: PrimitiveNode<A>) => Stored | undefined

/** Written as the training graph has it, on operands as the graph has them. */
export const asEmitted = (): undefined => undefined

/** Elementwise operators keep the layout of the image among their operands. */
export const elementwiseForm =
  (op: string): Rule<unknown> =>
  (emitter, { inputs, outputs: [y] }) => {
    const image = y.shape.length === 4 && inputs.some((tensor) => emitter.layoutOf(tensor) === 'nchw')
    const names = inputs.map((tensor) => (image ? emitter.alongside(tensor) : emitter.get(tensor)))
    return [emitter.node(op, names), image ? 'nchw' : 'plain']
  }

/** One operand in whatever layout, attributes as the primitive emits them. */
export function unaryForm<A>(emitter: OrdinaryEmitter, node: PrimitiveNode<A>): Stored {
  const [x] = node.inputs
  const layout = emitter.layoutOf(x)
  const [name] = node.primitive.emit(emitter, [emitter.get(x, layout)], node)
  return [name, layout]
}

/** A composite that a sum adds a bias [channels] to, if the sum is its only reader. */
export function biased(
  emitter: Pick<OrdinaryEmitter, 'uses' | 'isFixed'>,
  { inputs: [a, b] }: PrimitiveNode,
): { node: CompositeNode; bias: Tensor } | undefined {
  for (const [{ node, shape }, bias] of [
    [a, b],
    [b, a],
  ]) {
    if (
      node.kind === 'composite' &&
      node.composite.takesBias &&
      emitter.uses.get(node.outputs[0]) === 1 &&
      bias.shape.length === 1 &&
      bias.shape[0] === shape[3] &&
      emitter.isFixed(bias)
    ) {
      return { node, bias }
    }
  }
  return undefined
}

/** A sum, together with what takes its second operand for a bias. */
export const additionForm: Rule<unknown> = (emitter, node) => {
  const found = biased(emitter, node)
  return (
    found?.node.composite.ordinary?.(emitter, found.node, found.bias) ?? elementwiseForm('Add')(emitter, node)
  )
}

export const reductionForm =
  (op: string): Rule<{ readonly axes: readonly number[]; readonly keepAxes: boolean }> =>
  (emitter, { inputs: [x], attributes: { axes, keepAxes } }) => {
    const image = emitter.layoutOf(x) === 'nchw'
    // Without its axes, what is left of [n, c, h, w] must stand in the graph's order: only [n, c] and parts of it do.
    const keepsOrder = keepAxes || (axes.includes(0) && axes.includes(1)) || axes.length === 4
    const layout: Layout = image && keepsOrder ? 'nchw' : 'plain'
    const own = layout === 'nchw' ? axes.map((axis) => NCHW_AXIS[axis]).sort() : axes
    const y = emitter.node(op, [emitter.get(x, layout), emitter.ints(own)], { keepdims: keepAxes ? 1 : 0 })
    return [y, keepAxes ? layout : 'plain']
  }

type AlongAxis<A> = (
  emitter: OrdinaryEmitter,
  names: readonly string[],
  axis: number,
  node: PrimitiveNode<A>,
) => string

/** Operators along one axis, in the layout of the image among their operands. */
export const axisForm =
  <A extends { readonly axis: number }>(emit: AlongAxis<A>): Rule<A> =>
  (emitter, node) => {
    const { inputs, attributes } = node
    const layout: Layout = inputs.some((tensor) => emitter.layoutOf(tensor) === 'nchw') ? 'nchw' : 'plain'
    const axis =
      layout === 'nchw'
        ? NCHW_AXIS[attributes.axis]
        : resolveAxis(nodeName(node), attributes.axis, inputs[0].shape.length)
    const names = inputs.map((tensor) => emitter.get(tensor, layout))
    return [emit(emitter, names, axis, node), layout]
  }

/** The same for operators that change the extent of their axis: along the batch there is no telling what they mean. */
export const withinImages =
  <A extends { readonly axis: number }>(emit: AlongAxis<A>): Rule<A> =>
  (emitter, node) => {
    const [{ shape }] = node.inputs
    const { axis } = node.attributes
    if (isOpen(shape[axis])) {
      throw new GraphError(
        `export (${nodeName(node)}): got ${shapeText(shape)} along axis ${axis}, the batch, expected an operator that works at any batch size`,
      )
    }
    return axisForm(emit)(emitter, node)
  }
