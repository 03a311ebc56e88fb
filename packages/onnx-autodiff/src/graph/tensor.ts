/**
 * The graph: tensors with static shapes, made by nodes. A node is one use of a primitive (an entry of the table) or
 * of a composite (a named composition that stays visible, so that it can be differentiated by a rule of its own or
 * exported as one ordinary operator). Nodes are immutable; the graph is whatever is reachable from a tensor.
 */
import { checkExtents, GraphError, type Shape, shapeText, sizeOf } from './shape.js'

export type DType = 'float32' | 'int32' | 'uint8' | 'bool'

export interface Tensor {
  readonly node: Node
  /** Which output of the node. */
  readonly output: number
  readonly shape: Shape
  readonly dtype: DType
}

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

/** Integers become int attributes; `{ float }` a float; texts and integer lists as they are. */
export type EmittedAttributes = Readonly<
  Record<string, number | string | readonly number[] | { float: number }>
>

/** One entry of the table. `A` is the type of its attributes, which must survive JSON unless `key` is given. */
export interface Primitive<A = unknown> {
  readonly name: string
  /** The types of the outputs; errors name the operator and the shapes. */
  shape(inputs: readonly TensorType[], attributes: A): readonly TensorType[]
  /** Writes the node as ONNX, given the names of its inputs; returns the names of its outputs. */
  emit(emitter: Emitter, inputs: readonly string[], node: Node<A>): readonly string[]
  /** Gradients with respect to the inputs, given those of the outputs; null where none flows. */
  gradient?(node: Node<A>, outputGradients: readonly (Tensor | undefined)[]): readonly (Tensor | null)[]
  /** The same mathematics in double precision, as plain as can be. */
  reference(inputs: readonly Values[], node: Node<A>): readonly Float64Array[]
  /** A cheaper equal tensor, if there is one. `uses` counts the readers of a tensor. */
  simplify?(node: Node<A>, uses: (tensor: Tensor) => number): Tensor | undefined
  /** Text that is equal exactly for equal attributes; JSON by default. */
  key?(attributes: A): string
}

export interface Composite<A = unknown> {
  readonly name: string
  readonly composite: true
  /** Builds the composition from primitives and other composites. */
  expand(inputs: readonly Tensor[], attributes: A): Tensor
  /** A gradient rule of its own; without one the gradient walks through the composition. */
  gradient?(node: Node<A>, outputGradient: Tensor): readonly (Tensor | null)[]
}

export interface Node<A = unknown> {
  readonly primitive: Primitive<A> | Composite<A>
  readonly inputs: readonly Tensor[]
  readonly attributes: A
  readonly outputs: readonly Tensor[]
  /** Of a composite: what it stands for. */
  readonly body?: Tensor
  /** Of a loop: what one round computes from its slices of the inputs (see graph/loop.ts). */
  readonly region?: Region
}

export interface Region {
  /** Stand-ins (input tensors) for one round's slice of each of the node's inputs. */
  readonly slices: readonly Tensor[]
  readonly results: readonly Tensor[]
}

export const isComposite = <A>(p: Primitive<A> | Composite<A>): p is Composite<A> => 'composite' in p

/** Uses a primitive: checks the shapes and makes the node. */
export function apply<A>(
  primitive: Primitive<A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly Tensor[] {
  const outputs: Tensor[] = []
  const node: Node<A> = { primitive, inputs, attributes, outputs }
  primitive.shape(inputs, attributes).forEach(({ shape, dtype }, output) => {
    outputs.push({ node, output, shape, dtype })
  })
  return outputs
}

export const apply1 = <A>(primitive: Primitive<A>, inputs: readonly Tensor[], attributes: A): Tensor =>
  apply(primitive, inputs, attributes)[0]

/** Uses a composite. */
export function compose<A>(composite: Composite<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  const body = composite.expand(inputs, attributes)
  const outputs: Tensor[] = []
  const node: Node<A> = { primitive: composite, inputs, attributes, outputs, body }
  outputs.push({ node, output: 0, shape: body.shape, dtype: body.dtype })
  return outputs[0]
}

export interface InputAttributes extends TensorType {
  readonly name: string
}

const inputPrimitive: Primitive<InputAttributes> = {
  name: 'input',
  shape: (_, { shape, dtype }) => [{ shape, dtype }],
  emit: (_, __, node) => {
    throw new GraphError(`internal: input "${node.attributes.name}" was emitted as a node`)
  },
  gradient: () => [],
  reference: (_, node) => {
    throw new GraphError(
      `evaluate (input "${node.attributes.name}"): got no value, expected one of shape ` +
        shapeText(node.attributes.shape),
    )
  },
}

/** A value given from outside at each run: data, a parameter or other state. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  checkExtents(`input "${name}"`, shape)
  return apply1(inputPrimitive, [], { name, shape, dtype })
}

export const isInput = (tensor: Tensor): boolean => tensor.node.primitive === inputPrimitive

export const inputName = (tensor: Tensor): string => (tensor.node.attributes as InputAttributes).name

export interface ConstantAttributes extends TensorType {
  readonly data: Float64Array
  /** Filled in when first needed; equal for equal contents. */
  key?: string
}

const constantPrimitive: Primitive<ConstantAttributes> = {
  name: 'constant',
  shape: (_, { shape, dtype }) => [{ shape, dtype }],
  emit: (emitter, _, { attributes: { dtype, data, shape } }) => {
    if (dtype === 'float32')
      return [data.length === 1 && shape.length === 0 ? emitter.float(data[0]) : emitter.floats(data, shape)]
    if (dtype === 'int32') return [emitter.int32s(data, shape)]
    throw new GraphError(`constant (dtype): got ${dtype}, expected float32 or int32`)
  },
  gradient: () => [],
  reference: (_, node) => [node.attributes.data],
  key: (attributes) =>
    (attributes.key ??= `${attributes.dtype}${shapeText(attributes.shape)}${attributes.data.join()}`),
}

/** A value fixed when the graph is built. */
export function constant(data: ArrayLike<number>, shape: Shape, dtype: DType = 'float32'): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new GraphError(
      `constant (shape): got ${data.length} elements for ${shapeText(shape)}, expected ${sizeOf(shape)}`,
    )
  }
  return apply1(constantPrimitive, [], { shape, dtype, data: Float64Array.from(data) })
}

export const scalar = (value: number): Tensor => constant([value], [])

export const constantValue = (tensor: Tensor): Float64Array | undefined =>
  tensor.node.primitive === constantPrimitive
    ? (tensor.node.attributes as ConstantAttributes).data
    : undefined

/** The value of a constant whose elements are all the same, of whatever shape. */
export function uniformValue(tensor: Tensor): number | undefined {
  const data = constantValue(tensor)
  return data && data.length > 0 && data.every((x) => x === data[0]) ? data[0] : undefined
}

export type Operand = Tensor | number

export const toTensor = (operand: Operand): Tensor =>
  typeof operand === 'number' ? scalar(operand) : operand
