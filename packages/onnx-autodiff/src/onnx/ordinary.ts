/**
 * The ordinary form of a network: NCHW, Conv, Resize and the like, weights as initialisers, a dynamic batch. It is built
 * from the same model code as the training step by another lowering: composites are written as the operators they are
 * known by, and a tensor [height, width, batch, channels] is stored as [batch, channels, height, width].
 */
import type { OnnxModel, OnnxValue } from './model.js'
import type { NamedArray } from '../arrays.js'
import type { Network } from '../graph/computation.js'
import { GraphError, type Shape, shapeText, sizeOf } from '../graph/shape.js'
import { BATCH_MARKER, biased, isOpen } from '../graph/ordinary-form.js'
import {
  constantValue,
  inputName,
  type Layout,
  type Node,
  nodeName,
  type OrdinaryEmitter,
  type Tensor,
} from '../graph/tensor.js'
import { topologicalOrder } from '../graph/walk.js'
import { ModelEmitter } from './emit.js'
import { IR_VERSION, OPSET } from './versions.js'

/** What is stored as [batch, channels, height, width]: a tensor [height, width, batch, channels]. */
const isImage = ({ shape, dtype }: Tensor): boolean =>
  shape.length === 4 && dtype === 'float32' && shape.every((extent, axis) => axis === 2 || !isOpen(extent))

/** [h, w, n, c] -> [n, c, h, w] and back. */
const TO_NCHW = [2, 3, 0, 1]

class Exporter extends ModelEmitter implements OrdinaryEmitter {
  readonly #stored = new Map<Tensor, { name: string; layout: Layout }>()
  readonly #converted = new Map<string, string>()

  constructor(
    readonly parameters: Readonly<Record<string, NamedArray>>,
    readonly uses: ReadonlyMap<Tensor, number>,
    taken: ReadonlySet<string>,
  ) {
    super(false, taken)
  }

  /** The operator that is being written, for errors. */
  operator = ''

  // What holds the marker where it would be written down is right at one batch size only.
  #check(numbers: readonly number[]): void {
    if (numbers.some(isOpen)) {
      throw new GraphError(
        `export (${this.operator}): got the batch in ${shapeText(numbers)}, expected an operator that works at any batch size`,
      )
    }
  }

  override ints(values: readonly number[]): string {
    this.#check(values)
    return super.ints(values)
  }

  override float(value: number): string {
    // A mean over the batch by a factor of its own.
    const divisor = Math.round(1 / value)
    if (isOpen(Math.abs(divisor)) && Math.abs(value * divisor - 1) < 1e-12) {
      throw new GraphError(
        `export (${this.operator}): got a factor of 1 / batch, expected an operator that works at any batch size; use mean`,
      )
    }
    return super.float(value)
  }

  override floats(values: ArrayLike<number>, shape: Shape): string {
    this.#check(shape)
    return super.floats(values, shape)
  }

  override int32s(values: ArrayLike<number>, shape: Shape): string {
    this.#check(shape)
    return super.int32s(values, shape)
  }

  /** Convolutions that are written together with the bias that follows them. */
  readonly withBias = new Set<Node>()

  store(tensor: Tensor, name: string, layout: Layout): void {
    this.#stored.set(tensor, { name, layout })
  }

  layoutOf(tensor: Tensor): Layout {
    return this.#stored.get(tensor)?.layout ?? 'plain'
  }

  /** The name of a tensor in the wanted layout. Parameters and constants are laid out here, not in the graph. */
  get(tensor: Tensor, layout: Layout = 'plain'): string {
    const stored = this.#stored.get(tensor)
    if (stored?.layout === layout) return stored.name
    if (!stored) return this.#leaf(tensor, layout === 'nchw' ? TO_NCHW : undefined)
    const key = `${stored.name} ${layout}`
    const known = this.#converted.get(key)
    if (known) return known
    const name = this.node('Transpose', [stored.name], { perm: TO_NCHW })
    this.#converted.set(key, name)
    return name
  }

  /** A parameter or constant with its axes in another order, or a computed tensor transposed. */
  ordered(tensor: Tensor, order: readonly number[]): string {
    if (this.#stored.has(tensor)) return this.node('Transpose', [this.get(tensor)], { perm: order })
    return this.#leaf(tensor, order)
  }

  /** A lower-ranked operand of an image tensor, so that it broadcasts against [n, c, h, w]. */
  alongside(tensor: Tensor): string {
    const { shape } = tensor
    if (shape.length === 4) return this.get(tensor, 'nchw')
    if (sizeOf(shape) === 1 && shape.length === 0) return this.get(tensor)
    const wide = [...new Array<number>(4 - shape.length).fill(1), ...shape]
    if (!this.#stored.has(tensor)) return this.#leaf(tensor, TO_NCHW, wide)
    const front = this.node('Unsqueeze', [
      this.get(tensor),
      this.ints(wide.slice(shape.length).map((_, i) => i)),
    ])
    return this.node('Transpose', [front], { perm: TO_NCHW })
  }

  isFixed(tensor: Tensor): boolean {
    const { node } = tensor
    return node.kind === 'constant' || (node.kind === 'input' && node.name in this.parameters)
  }

  /** Numbers of a parameter or constant. */
  valuesOf(tensor: Tensor): ArrayLike<number> {
    const value = constantValue(tensor) ?? this.parameters[inputName(tensor)].data
    return value as ArrayLike<number>
  }

  #leaf(tensor: Tensor, order?: readonly number[], shape: Shape = tensor.shape): string {
    if (!this.isFixed(tensor)) {
      throw new GraphError(
        `export (input "${tensor.node.kind === 'input' ? tensor.node.name : nodeName(tensor.node)}"): got no value, expected it among the inputs or the parameters`,
      )
    }
    const values = this.valuesOf(tensor)
    const moved = order ? permute(values, shape, order) : { values, shape }
    if (constantValue(tensor)) {
      return this.constantOf(moved.values, { dtype: tensor.dtype, shape: moved.shape })
    }
    const own = inputName(tensor)
    const name = order ? `${own}${this.#suffix(own, order, shape)}` : this.#plainName(own)
    if (!this.initializers.some((each) => each.name === name)) {
      this.initializers.push({
        name,
        dtype: 'float32',
        shape: moved.shape,
        data: Float32Array.from(moved.values),
      })
    }
    return name
  }

  readonly #layouts = new Map<string, string[]>()

  /** The first layout that a parameter is wanted in keeps its name; later ones are told apart. */
  #suffix(own: string, order: readonly number[], shape: Shape): string {
    const key = `${order.join()} ${shape.join()}`
    const known = this.#layouts.get(own) ?? []
    if (!known.includes(key)) known.push(key)
    this.#layouts.set(own, known)
    return known.indexOf(key) === 0 ? '' : ` layout ${known.indexOf(key)}`
  }

  #plainName(own: string): string {
    return `${own}${this.#suffix(own, [], [])}`
  }
}

function permute(
  values: ArrayLike<number>,
  shape: Shape,
  order: readonly number[],
): { values: Float64Array; shape: number[] } {
  const to = order.map((axis) => shape[axis])
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
  const result = new Float64Array(values.length)
  const index = new Array<number>(to.length).fill(0)
  for (let i = 0; i < result.length; i++) {
    let at = 0
    for (let axis = 0; axis < to.length; axis++) at += index[axis] * strides[order[axis]]
    result[i] = values[at]
    for (let axis = to.length - 1; axis >= 0 && ++index[axis] === to[axis]; axis--) index[axis] = 0
  }
  return { values: result, shape: to }
}

/**
 * The network as an ordinary ONNX model. Outputs [height, width, batch, channels] become [batch, channels, height, width],
 * all others stay as they are.
 *
 * @throws GraphError where a name is used twice, a tensor has no value, or an operator does not work at any batch size
 */
export function exportModel({ inputs, outputs, parameters, metadata = {} }: Network): OnnxModel {
  const roots = Object.values(outputs)
  const next = (node: Node): readonly Tensor[] =>
    node.kind === 'composite' && !node.composite.ordinary ? [node.body] : node.inputs
  const order = topologicalOrder(roots, next)
  const uses = new Map<Tensor, number>()
  for (const node of order) for (const tensor of next(node)) uses.set(tensor, (uses.get(tensor) ?? 0) + 1)
  for (const tensor of roots) uses.set(tensor, (uses.get(tensor) ?? 0) + 1)

  checkNames(inputs, outputs, parameters)
  const taken = new Set([...inputs.map(inputName), ...Object.keys(outputs), ...Object.keys(parameters)])
  const emitter = new Exporter(parameters, uses, taken)
  for (const tensor of inputs) emitter.store(tensor, inputName(tensor), isImage(tensor) ? 'nchw' : 'plain')
  for (const node of order) {
    const joined = node.kind === 'primitive' && node.primitive.addsBias ? biased(emitter, node) : undefined
    if (joined) emitter.withBias.add(joined.node)
  }
  for (const node of order) if (!emitter.withBias.has(node)) emitOrdinary(emitter, node)

  const value = (name: string, { shape, dtype }: Tensor, layout: Layout): OnnxValue => {
    const stored = layout === 'nchw' ? TO_NCHW.map((axis) => shape[axis]) : shape
    return { name, dtype, shape: stored.map((extent) => (isOpen(extent) ? openName(extent) : extent)) }
  }
  const results = Object.entries(outputs).map(([name, tensor]) => {
    const layout: Layout = isImage(tensor) ? 'nchw' : 'plain'
    return { value: value(name, tensor, layout), from: emitter.get(tensor, layout) }
  })
  return {
    graph: {
      name: 'network',
      nodes: [
        ...emitter.mainNodes,
        ...results.map(({ value: { name }, from }) => ({
          op: 'Identity',
          domain: '',
          name: `output ${name}`,
          inputs: [from],
          outputs: [name],
          attributes: {},
        })),
      ],
      initializers: emitter.initializers,
      inputs: inputs.map((tensor) => value(inputName(tensor), tensor, isImage(tensor) ? 'nchw' : 'plain')),
      outputs: results.map((each) => each.value),
    },
    opsets: { '': OPSET },
    irVersion: IR_VERSION,
    producer: 'onnx-autodiff',
    metadata,
  }
}

const openName = (extent: number): string =>
  extent === BATCH_MARKER ? 'batch' : `batch_times_${extent / BATCH_MARKER}`

function checkNames(
  inputs: readonly Tensor[],
  outputs: Readonly<Record<string, Tensor>>,
  parameters: Readonly<Record<string, NamedArray>>,
): void {
  const seen = new Set(Object.keys(parameters))
  for (const name of [...inputs.map(inputName), ...Object.keys(outputs)]) {
    if (seen.has(name))
      throw new GraphError(
        `export (names): got "${name}" twice among inputs, outputs and parameters, expected each once`,
      )
    seen.add(name)
  }
}

function emitOrdinary(emitter: Exporter, node: Node): void {
  const [output] = node.outputs
  emitter.operator = nodeName(node)
  switch (node.kind) {
    case 'input':
    case 'constant':
      return
    case 'loop':
      throw new GraphError(
        `export (${nodeName(node)}): got a loop, expected an operator that works at any batch size`,
      )
    case 'composite': {
      const layout = emitter.layoutOf(node.body)
      const [name, stored] = node.composite.ordinary?.(emitter, node) ?? [
        emitter.get(node.body, layout),
        layout,
      ]
      emitter.store(output, name, stored)
      return
    }
    case 'primitive': {
      const stored = node.primitive.ordinary(emitter, node)
      if (stored) return emitter.store(output, ...stored)
      const inputs = node.inputs.map((tensor) => emitter.get(tensor))
      const names = node.primitive.emit(emitter, inputs, node)
      node.outputs.forEach((tensor, i) => emitter.store(tensor, names[i], 'plain'))
    }
  }
}
