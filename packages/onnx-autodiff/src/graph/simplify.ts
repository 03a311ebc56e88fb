/**
 * Rewrites a graph into an equal, cheaper one: composites give way to their bodies, equal nodes become one, constants
 * are computed, the primitives' own rules apply (neighbouring maps fold, reshapes of reshapes vanish), and in chains of
 * additions or products the small operands come first. What nothing needs is never visited, so dead code is gone.
 */
import { sizeOf } from './shape.js'
import {
  apply,
  apply1,
  constant,
  constantValue,
  type Node,
  type PrimitiveNode,
  type Tensor,
  type Values,
} from './tensor.js'
import { topologicalOrder, withOperands } from './walk.js'

/** Larger constants are left to be computed at run time: they would swell the file. */
const CONSTANT_LIMIT = 1 << 16

export function simplify(outputs: readonly Tensor[]): Tensor[] {
  const merged = new Rewriter(() => 1, false).run(outputs)
  // Once more at the end: small operands that have come together may be constants.
  return improve(smallOperandsFirst(improve(merged)))
}

function improve(outputs: readonly Tensor[]): Tensor[] {
  const uses = countUses(outputs)
  return new Rewriter((tensor) => uses.get(tensor) ?? 1, true).run(outputs)
}

function countUses(outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>()
  const count = (tensor: Tensor): void => void uses.set(tensor, (uses.get(tensor) ?? 0) + 1)
  for (const node of topologicalOrder(outputs)) {
    node.inputs.forEach(count)
    if (node.kind === 'loop') node.results.forEach(count)
  }
  outputs.forEach(count)
  return uses
}

/** One pass from the inputs to the outputs. */
class Rewriter {
  readonly #rewritten = new Map<Tensor, Tensor>()
  readonly #known = new Map<string, Node>()
  readonly #ids = new Map<Node, number>()
  readonly #uses = new Map<Tensor, number>()

  constructor(
    readonly oldUses: (tensor: Tensor) => number,
    readonly rules: boolean,
  ) {}

  run(outputs: readonly Tensor[]): Tensor[] {
    for (const node of topologicalOrder(outputs)) {
      if (node.kind === 'composite') {
        this.#settle(node.outputs[0], this.#get(node.body))
        continue
      }
      this.#intern(node, (tensor) => this.#get(tensor)).outputs.forEach((output, i) => {
        this.#settle(node.outputs[i], this.rules ? this.#improve(output) : output)
      })
    }
    return outputs.map((tensor) => this.#get(tensor))
  }

  #get(tensor: Tensor): Tensor {
    return this.#rewritten.get(tensor) as Tensor
  }

  #settle(old: Tensor, now: Tensor): void {
    this.#rewritten.set(old, now)
    this.#uses.set(now, (this.#uses.get(now) ?? 0) + this.oldUses(old))
  }

  #id(node: Node): number {
    const id = this.#ids.get(node) ?? this.#ids.size
    this.#ids.set(node, id)
    return id
  }

  /** The one node with this primitive, these inputs and these attributes. */
  #intern(node: Exclude<Node, { kind: 'composite' }>, now: (tensor: Tensor) => Tensor): Node {
    const key = this.#key(node, node.inputs.map(now))
    const before = this.#known.get(key)
    if (before) return before
    const own = node.kind === 'primitive' ? reapplied(node, now) : withOperands(node, now)
    this.#known.set(key, own)
    this.#id(own)
    return own
  }

  #key(node: Exclude<Node, { kind: 'composite' }>, inputs: readonly Tensor[]): string {
    if (node.kind === 'constant') return `constant ${node.key()}`
    if (node.kind !== 'primitive') return `own ${this.#id(node)}`
    const { primitive, attributes } = node
    const from = inputs.map((tensor) => `${this.#id(tensor.node)}.${tensor.output}`)
    return `${primitive.name} ${from.join(' ')} ${primitive.key ? primitive.key(attributes) : JSON.stringify(attributes)}`
  }

  /** Applies rules until none does. What a rule builds is taken in node by node. */
  #improve(tensor: Tensor): Tensor {
    const { node } = tensor
    if (node.kind !== 'primitive' || node.outputs.length > 1) return tensor
    const values = node.inputs.map((each) => ({ shape: each.shape, data: constantValue(each) }))
    if (
      values.length > 0 &&
      sizeOf(tensor.shape) <= CONSTANT_LIMIT &&
      values.every(isKnown) &&
      tensor.dtype !== 'bool'
    ) {
      const [result] = node.primitive.reference(values, node)
      return this.#take(constant(result, tensor.shape, tensor.dtype))
    }
    const better = node.primitive.simplify?.(node, (each) => this.#uses.get(each) ?? 1)
    return better ? this.#take(better) : tensor
  }

  #take(tensor: Tensor): Tensor {
    if (this.#ids.has(tensor.node)) return tensor
    const { node } = tensor
    if (node.kind === 'composite') return this.#take(node.body)
    const taken = new Map(node.inputs.map((each) => [each, this.#take(each)]))
    return this.#improve(this.#intern(node, (each) => taken.get(each) ?? each).outputs[tensor.output])
  }
}

const isKnown = (values: Partial<Values>): values is Values => values.data !== undefined

/** A use of the same primitive on other tensors, whose shapes may differ; itself where these are the same. */
function reapplied(node: PrimitiveNode, now: (tensor: Tensor) => Tensor): Node {
  const inputs = node.inputs.map(now)
  if (inputs.every((tensor, i) => tensor === node.inputs[i])) return node
  return apply(node.primitive, inputs, node.attributes)[0].node
}

/**
 * (large + small) + small becomes large + (small + small), and likewise for products: one pass over the large tensor
 * instead of two. Only operands read by nothing else are moved.
 */
function smallOperandsFirst(outputs: readonly Tensor[]): Tensor[] {
  const uses = countUses(outputs)
  const rewritten = new Map<Tensor, Tensor>()
  const get = (tensor: Tensor): Tensor => rewritten.get(tensor) as Tensor
  /** Operands (already rewritten) of chains that a reader may still take apart. */
  const operands = new Map<Tensor, Tensor[]>()
  for (const node of topologicalOrder(outputs)) {
    if (node.kind === 'primitive' && node.primitive.reorders) {
      const { primitive, attributes } = node
      const [result] = node.outputs
      const list = node.inputs.flatMap((tensor) =>
        uses.get(tensor) === 1 && tensor.node.kind === 'primitive' && tensor.node.primitive === primitive
          ? (operands.get(tensor) ?? [get(tensor)])
          : [get(tensor)],
      )
      operands.set(result, list)
      if (list.length > 2 && list.some((operand) => sizeOf(operand.shape) < sizeOf(result.shape))) {
        const ordered = list.toSorted((a, b) => sizeOf(a.shape) - sizeOf(b.shape))
        rewritten.set(
          result,
          ordered.reduce((a, b) => apply1(primitive, [a, b], attributes)),
        )
        continue
      }
    }
    const own = node.kind === 'primitive' ? reapplied(node, get) : withOperands(node, get)
    node.outputs.forEach((tensor, i) => rewritten.set(tensor, own.outputs[i]))
  }
  return outputs.map(get)
}
