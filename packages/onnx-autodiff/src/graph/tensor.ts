/**
 * The graph: tensors with static shapes, made by nodes. A node is one use of a primitive (an entry of the table) or
 * of a composite (a named composition that stays visible, so that it can be differentiated by a rule of its own or
 * exported as one ordinary operator), a loop, an input or a constant. Nodes are immutable; the graph is whatever is
 * reachable from a tensor.
 */
import { checkExtents, GraphError, type Shape, shapeText, sizeOf } from './shape.js'

/**
 * Types of the elements of a graph's tensors. Numbers are float32; int32 are indices and counts, uint8 pixels, bool
 * what comparisons give.
 */
export type DType = 'float32' | 'int32' | 'uint8' | 'bool'

/** A value in a graph, which holds no numbers: its shape is fixed, and what computes it is its node. */
export interface Tensor {
  readonly node: Node
  /** Which output of the node. */
  readonly output: number
  readonly shape: Shape
  readonly dtype: DType
}

/** Shape and type of a tensor. */
export interface TensorType {
  readonly shape: Shape
  readonly dtype: DType
}

/** Throws unless an operand is float32. */
export function checkFloat(operator: string, { dtype }: TensorType): void {
  if (dtype !== 'float32')
    throw new GraphError(`${operator} (dtype): got ${dtype}, expected float32; cast it first`)
}

/** Row-major elements in double precision: what reference kernels read and write, whatever the element type. */
export interface Values {
  readonly shape: Shape
  readonly data: Float64Array
}

/** Writes ONNX nodes; names are handled by the emitter (see onnx/emit.ts). */
export interface Emitter {
  /** Adds a node with one output and returns the output's name. */
  node(op: string, inputs: readonly string[], attributes?: EmittedAttributes, domain?: string): string
  /** Adds a node with several outputs. */
  nodes(op: string, inputs: readonly string[], outputs: number, attributes?: EmittedAttributes): string[]
  /** The name of a shared int64 list, for shapes and axes. */
  ints(values: readonly number[]): string
  /** The name of a shared float32 scalar. */
  float(value: number): string
  /** The name of a shared constant. */
  floats(values: ArrayLike<number>, shape: Shape): string
  /** The name of a shared int32 constant. */
  int32s(values: ArrayLike<number>, shape: Shape): string
  /** False where only standard operators may be written (no com.microsoft domain). */
  readonly contributed: boolean
}

/** Integers become int attributes; `{ float }` a float; `{ type }` ONNX's number of a type; texts and integer lists as they are. */
export type EmittedAttributes = Readonly<
  Record<string, number | string | readonly number[] | { float: number } | { type: DType }>
>

/** `plain`: as the graph has it. `nchw`: a tensor [h, w, n, c] stored as [n, c, h, w]. */
export type Layout = 'plain' | 'nchw'

/** The ONNX value that holds a tensor in the ordinary form. */
export type Stored = readonly [name: string, layout: Layout]

/** Writes the ordinary form (see onnx/ordinary.ts); what is fixed is laid out when it is written, not when it is run. */
export interface OrdinaryEmitter extends Emitter {
  /** How many read a tensor. */
  readonly uses: ReadonlyMap<Tensor, number>
  layoutOf(tensor: Tensor): Layout
  /** The name of a tensor in the wanted layout, `plain` unless said otherwise. */
  get(tensor: Tensor, layout?: Layout): string
  /** A parameter or constant with its axes in another order, or a computed tensor transposed. */
  ordered(tensor: Tensor, order: readonly number[]): string
  /** An operand of any rank, so that it broadcasts against [n, c, h, w]. */
  alongside(tensor: Tensor): string
  /** Whether it is a parameter or constant. */
  isFixed(tensor: Tensor): boolean
}

/**
 * One entry of the table: all that is known of a primitive. To add one, write such an object and list it in the
 * `primitives` of its file; the compiler says what is missing of it, the ordinary form included, and the table's test asks
 * for a case of it in test/graph/cases.ts, which checks values, gradients and gradients of gradients. `A` is the type of
 * its attributes, which must survive JSON unless `key` is given.
 */
export interface Primitive<A = unknown> {
  readonly name: string
  /** The types of the outputs; errors name the operator and the shapes. */
  shape(inputs: readonly TensorType[], attributes: A): readonly TensorType[]
  /** Writes the node as ONNX, given the names of its inputs; returns the names of its outputs. */
  emit(emitter: Emitter, inputs: readonly string[], node: PrimitiveNode<A>): readonly string[]
  /** Writes the node in the ordinary form; undefined where that is what `emit` writes (rules to share: ordinary-form.ts). */
  ordinary(emitter: OrdinaryEmitter, node: PrimitiveNode<A>): Stored | undefined
  /** Gradients with respect to the inputs, given those of the outputs; null where none flows. */
  gradient?(
    node: PrimitiveNode<A>,
    outputGradients: readonly (Tensor | undefined)[],
  ): readonly (Tensor | null)[]
  /** The same mathematics in double precision, as plain as can be. */
  reference(inputs: readonly Values[], node: PrimitiveNode<A>): readonly Float64Array[]
  /** A cheaper equal tensor, if there is one. `uses` counts the readers of a tensor. */
  simplify?(node: PrimitiveNode<A>, uses: (tensor: Tensor) => number): Tensor | undefined
  /** Associative and commutative: in a chain of it the small operands may come first. */
  readonly reorders?: true
  /** A sum that a composite which `takesBias` may be written together with. */
  readonly addsBias?: true
  /** Text that is equal exactly for equal attributes; JSON by default. */
  key?(attributes: A): string
}

/**
 * An operation made of others: its gradient, its simplification and what runs come from them unless it has a rule of
 * its own.
 */
export interface Composite<A = unknown> {
  readonly name: string
  /** Builds the composition from primitives and other composites. */
  expand(inputs: readonly Tensor[], attributes: A): Tensor
  /** A gradient rule of its own; without one the gradient walks through the composition. */
  gradient?(node: CompositeNode<A>, outputGradient: Tensor): readonly (Tensor | null)[]
  /** The one operator that the ordinary form writes for it; without one, the composition is written. */
  ordinary?(emitter: OrdinaryEmitter, node: CompositeNode<A>, bias?: Tensor): Stored
  /** `ordinary` can add a bias [channels] of its output. */
  readonly takesBias?: true
}

interface NodeParts {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
}

export interface PrimitiveNode<A = unknown> extends NodeParts {
  readonly kind: 'primitive'
  readonly primitive: Primitive<A>
  readonly attributes: A
}

export interface CompositeNode<A = unknown> extends NodeParts {
  readonly kind: 'composite'
  readonly composite: Composite<A>
  readonly attributes: A
  /** What it stands for. */
  readonly body: Tensor
}

/** A loop that adds up (see graph/loop.ts). */
export interface LoopNode extends NodeParts {
  readonly kind: 'loop'
  readonly rounds: number
  /** Stand-ins (input tensors) for one round's slice of each of the node's inputs. */
  readonly slices: readonly Tensor[]
  /** What one round computes from them. */
  readonly results: readonly Tensor[]
}

export interface InputNode extends NodeParts {
  readonly kind: 'input'
  readonly name: string
  /** Declared as images [batch, height, width, channels]: what computes on images refuses it as it is. */
  readonly batchFirst?: true
}

export interface ConstantNode extends NodeParts {
  readonly kind: 'constant'
  readonly data: Float64Array
  /** Equal for equal contents. */
  readonly key: () => string
}

/** What a tensor comes from. */
export type Node = PrimitiveNode | CompositeNode | LoopNode | InputNode | ConstantNode

/** As errors say it: the primitive's or composite's name, or the kind. */
export function nodeName(node: Node): string {
  if (node.kind === 'primitive') return node.primitive.name
  if (node.kind === 'composite') return node.composite.name
  return node.kind === 'loop' ? 'sumOverSlices' : node.kind
}

/** A node with outputs of these types, which are made with it: each names the other. */
export function makeNode<N extends Node>(
  make: (outputs: readonly Tensor[]) => N,
  types: readonly TensorType[],
): N {
  const outputs: Tensor[] = []
  const node = make(outputs)
  types.forEach(({ shape, dtype }, output) => outputs.push({ node, output, shape, dtype }))
  return node
}

/** Uses a primitive: checks the shapes and makes the node. */
export const apply = <A>(
  primitive: Primitive<A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly Tensor[] =>
  makeNode<PrimitiveNode<A>>(
    (outputs) => ({ kind: 'primitive', primitive, inputs, attributes, outputs }),
    primitive.shape(inputs, attributes),
  ).outputs

export const apply1 = <A>(primitive: Primitive<A>, inputs: readonly Tensor[], attributes: A): Tensor =>
  apply(primitive, inputs, attributes)[0]

/** The node that made a tensor, if it is a use of this primitive. */
export const useOf = <A>({ node }: Tensor, primitive: Primitive<A>): PrimitiveNode<A> | undefined =>
  node.kind === 'primitive' && node.primitive === (primitive as Primitive)
    ? (node as PrimitiveNode<A>)
    : undefined

/** Uses a composite. */
export function compose<A>(composite: Composite<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  const body = composite.expand(inputs, attributes)
  const make = (outputs: readonly Tensor[]): CompositeNode<A> => ({
    kind: 'composite',
    composite,
    inputs,
    attributes,
    body,
    outputs,
  })
  return makeNode(make, [body]).outputs[0]
}

/** A value given from outside at each run: data, a parameter or other state. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  checkExtents(`input "${name}"`, shape)
  return makeNode<InputNode>((outputs) => ({ kind: 'input', name, inputs: [], outputs }), [{ shape, dtype }])
    .outputs[0]
}

/**
 * Images as they are usually stored, [batch, height, width, channels], given from outside at each run. `fromBatchFirst`
 * makes the engine's images of them; convolutions and pooling, which cannot tell the two orders by their shapes, refuse them.
 */
export function batchFirstInput(
  name: string,
  shape: readonly [batch: number, height: number, width: number, channels: number],
  dtype: DType = 'float32',
): Tensor {
  checkExtents(`input "${name}"`, shape)
  return makeNode<InputNode>(
    (outputs) => ({ kind: 'input', name, batchFirst: true, inputs: [], outputs }),
    [{ shape, dtype }],
  ).outputs[0]
}

/** Operators that leave the order of the axes as it is. */
const KEEP_ORDER: ReadonlySet<string> = new Set(['cast', 'add', 'sub', 'mul', 'div', 'neg', 'clip', 'relu'])

/**
 * Throws where an operator on images [height, width, batch, channels] gets images that were declared with the batch first,
 * as they are or after arithmetic.
 */
export function checkImageOrder(operator: string, x: Tensor): void {
  const next = [x.node]
  for (let node = next.pop(); node; node = next.pop()) {
    if (node.kind === 'input' && node.batchFirst)
      throw new GraphError(
        `${operator} (axes): got "${node.name}" ${shapeText(x.shape)} with the batch first, expected [height, width, batch, channels]; put fromBatchFirst around it`,
      )
    if (node.kind === 'primitive' && KEEP_ORDER.has(node.primitive.name))
      next.push(...node.inputs.map((tensor) => tensor.node))
  }
}

/** The name of an input tensor. */
export function inputName({ node }: Tensor): string {
  if (node.kind === 'input') return node.name
  throw new GraphError(`input (name): got the result of ${nodeName(node)}, expected an input`)
}

/** A value fixed when the graph is built: float32 or int32. */
export function constant(data: ArrayLike<number>, shape: Shape, dtype: DType = 'float32'): Tensor {
  if (dtype !== 'float32' && dtype !== 'int32')
    throw new GraphError(`constant (dtype): got ${dtype}, expected float32 or int32; compare or cast it`)
  if (data.length !== sizeOf(shape)) {
    throw new GraphError(
      `constant (shape): got ${data.length} elements for ${shapeText(shape)}, expected ${sizeOf(shape)}`,
    )
  }
  const own = Float64Array.from(data)
  let text: string | undefined
  const key = (): string => (text ??= `${dtype}${shapeText(shape)}${own.join()}`)
  const make = (outputs: readonly Tensor[]): ConstantNode => ({
    kind: 'constant',
    data: own,
    key,
    inputs: [],
    outputs,
  })
  return makeNode(make, [{ shape, dtype }]).outputs[0]
}

/** A float32 constant of shape []. */
export const scalar = (value: number): Tensor => constant([value], [])

/** The values of a constant, row-major in double precision; undefined for whatever has to be computed. */
export const constantValue = ({ node }: Tensor): Float64Array | undefined =>
  node.kind === 'constant' ? node.data : undefined

/** The value of a constant whose elements are all the same, of whatever shape. */
export function uniformValue(tensor: Tensor): number | undefined {
  const data = constantValue(tensor)
  return data && data.length > 0 && data.every((x) => x === data[0]) ? data[0] : undefined
}

/** A tensor, or a number that becomes a float32 constant. */
export type Operand = Tensor | number

export const toTensor = (operand: Operand): Tensor =>
  typeof operand === 'number' ? scalar(operand) : operand
