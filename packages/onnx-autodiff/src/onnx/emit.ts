/**
 * Writes a graph of primitives as ONNX nodes. One emitter serves a whole model: constants are shared, names are never
 * used twice, and a loop's region becomes a sub-graph that reads outer values by their names.
 */
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import { DTYPE_CODES } from './codes.js'
import { GraphError, type Shape, sizeOf } from '../graph/shape.js'
import {
  type EmittedAttributes,
  type Emitter,
  type LoopNode,
  type Node,
  nodeName,
  type Tensor,
  type TensorType,
} from '../graph/tensor.js'
import { nodesInside } from '../graph/loop.js'
import { topologicalOrder } from '../graph/walk.js'

function attribute(value: EmittedAttributes[string]): OnnxAttribute {
  if (typeof value === 'number') return { kind: 'int', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if ('float' in value) return { kind: 'float', value: value.float }
  if ('type' in value) return { kind: 'int', value: DTYPE_CODES[value.type] }
  return { kind: 'ints', value }
}

export class ModelEmitter implements Emitter {
  readonly initializers: OnnxTensor[] = []
  #nodes: OnnxNode[] = []
  #count = 0
  readonly #constants = new Map<string, string>()
  readonly #names = new Map<Tensor, string>()
  /** What was computed in the body of a loop and has no name outside. */
  readonly #withinLoops = new Set<Tensor>()

  /** @param taken names that inputs and outputs have: no other value gets one of them */
  constructor(
    readonly contributed: boolean,
    readonly taken: ReadonlySet<string> = new Set(),
  ) {}

  get mainNodes(): readonly OnnxNode[] {
    return this.#nodes
  }

  #name(kind: 't' | 'c' = 't'): string {
    for (;;) {
      const name = `${kind}${this.#count++}`
      if (!this.taken.has(name)) return name
    }
  }

  node(op: string, inputs: readonly string[], attributes: EmittedAttributes = {}, domain = ''): string {
    return this.#add(op, inputs, 1, attributes, domain)[0]
  }

  nodes(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: EmittedAttributes = {},
  ): string[] {
    return this.#add(op, inputs, outputs, attributes, '')
  }

  #add(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: EmittedAttributes,
    domain: string,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.#name())
    const converted = Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [key, attribute(value)]),
    )
    this.#nodes.push({ op, domain, name: `${op} ${outputs[0]}`, inputs, outputs, attributes: converted })
    return outputs
  }

  ints(values: readonly number[]): string {
    return this.#constant('int64', [values.length], () => BigInt64Array.from(values, BigInt), values.join())
  }

  float(value: number): string {
    return this.#constant('float32', [], () => Float32Array.of(value), String(value))
  }

  floats(values: ArrayLike<number>, shape: Shape): string {
    return this.#constant(
      'float32',
      shape,
      () => Float32Array.from(values),
      Array.prototype.join.call(values),
    )
  }

  int32s(values: ArrayLike<number>, shape: Shape): string {
    return this.#constant('int32', shape, () => Int32Array.from(values), Array.prototype.join.call(values))
  }

  #constant(dtype: OnnxTensor['dtype'], shape: Shape, make: () => OnnxTensor['data'], text: string): string {
    const key = `${dtype}[${shape.join()}]${text}`
    const before = this.#constants.get(key)
    if (before) return before
    const name = this.#name('c')
    this.#constants.set(key, name)
    this.initializers.push({ name, dtype, shape, data: make() })
    return name
  }

  /** Makes a name stand for a tensor: a graph input. */
  bind(tensor: Tensor, name: string): void {
    this.#names.set(tensor, name)
  }

  nameOf(tensor: Tensor): string {
    const name = this.#names.get(tensor)
    if (name === undefined) {
      const { node } = tensor
      const what = node.kind === 'input' ? `input "${node.name}"` : nodeName(node)
      throw new GraphError(
        this.#withinLoops.has(tensor)
          ? `compile (${what}): got a tensor of one round of sumOverSlices outside of it, expected it among the results of the loop`
          : `compile (${what}): got a tensor that is computed from something undeclared, expected it among the inputs or state`,
      )
    }
    return name
  }

  /** Emits what the outputs need. The graph is simplified: composites are gone. */
  emit(outputs: readonly Tensor[]): void {
    this.#emitNodes(topologicalOrder(outputs))
  }

  /** Emits nodes in order, but for those that belong into the body of a loop among them. */
  #emitNodes(nodes: readonly Node[]): void {
    const inLoops = new Set<Node>()
    for (const node of nodes)
      if (node.kind === 'loop') for (const each of nodesInside(node)) inLoops.add(each)
    for (const node of nodes) {
      if (inLoops.has(node)) continue
      const names = this.#written(node)
      names?.forEach((name, i) => this.#names.set(node.outputs[i], name))
    }
  }

  /** The names of a node's outputs; none of an input, which has its name. */
  #written(node: Node): readonly string[] | undefined {
    switch (node.kind) {
      case 'primitive':
        return node.primitive.emit(
          this,
          node.inputs.map((tensor) => this.nameOf(tensor)),
          node,
        )
      case 'constant':
        return [this.constantOf(node.data, node.outputs[0])]
      case 'loop':
        return this.#loop(node)
      case 'input':
        return undefined
      case 'composite':
        throw new GraphError(`internal: composite ${node.composite.name} reached the emitter`)
    }
  }

  /** The name of a constant of a tensor's type. */
  constantOf(data: ArrayLike<number>, { dtype, shape }: TensorType): string {
    if (dtype === 'int32') return this.int32s(data, shape)
    return shape.length === 0 ? this.float(data[0]) : this.floats(data, shape)
  }

  /** Loop(rounds, true, zeros...) with body (round, condition, totals...) -> (condition, totals + results...). */
  #loop(node: LoopNode): string[] {
    const { rounds, slices, results } = node
    const outer = this.#nodes
    this.#nodes = []
    const [round, condition, ...totals] = Array.from({ length: 2 + results.length }, () => this.#name())
    slices.forEach((slice, i) => {
      this.bind(slice, this.node('Gather', [this.nameOf(node.inputs[i]), round], { axis: 0 }))
    })
    const inside = nodesInside(node)
    this.#emitNodes(topologicalOrder(results).filter((each) => inside.has(each)))
    const sums = results.map((tensor, i) => this.node('Add', [totals[i], this.nameOf(tensor)]))
    const goOn = this.node('Identity', [condition])
    const value = (name: string, i: number): OnnxValue => ({
      name,
      dtype: 'float32',
      shape: results[i].shape,
    })
    const body: OnnxGraph = {
      name: `body ${round}`,
      nodes: this.#nodes,
      initializers: [],
      inputs: [
        { name: round, dtype: 'int64', shape: [] },
        { name: condition, dtype: 'bool', shape: [] },
        ...totals.map(value),
      ],
      outputs: [{ name: goOn, dtype: 'bool', shape: [] }, ...sums.map(value)],
    }
    this.#nodes = outer
    for (const tensor of [...slices, ...[...inside].flatMap(({ outputs }) => outputs)]) {
      this.#names.delete(tensor)
      this.#withinLoops.add(tensor)
    }
    const count = this.#constant('int64', [], () => BigInt64Array.of(BigInt(rounds)), `scalar ${rounds}`)
    const yes = this.#constant('bool', [], () => Uint8Array.of(1), 'true')
    const zeros = results.map(({ shape }) =>
      sizeOf(shape) === 1
        ? this.floats(new Float64Array(1), shape)
        : this.node('Expand', [this.float(0), this.ints(shape)]),
    )
    const outputs = results.map(() => this.#name())
    this.#nodes.push({
      op: 'Loop',
      domain: '',
      name: `Loop ${outputs[0]}`,
      inputs: [count, yes, ...zeros],
      outputs,
      attributes: { body: { kind: 'graph', value: body } },
    })
    return outputs
  }
}
