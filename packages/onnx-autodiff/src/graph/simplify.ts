/**
 * Rewrites a graph into an equal, cheaper one: composites give way to their bodies, equal nodes become one, constants
 * are computed, the primitives' own rules apply (neighbouring maps fold, reshapes of reshapes vanish), and in chains of
 * additions or products the small operands come first. What nothing needs is never visited, so dead code is gone.
 */
import { add, mul } from './elementwise.js'
import { sizeOf } from './shape.js'
import {
  apply,
  constant,
  constantValue,
  isComposite,
  isInput,
  type Node,
  type Primitive,
  type Tensor,
} from './tensor.js'
import { topologicalOrder } from './walk.js'

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
    node.region?.results.forEach(count)
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
      if (isComposite(node.primitive)) {
        this.#settle(node.outputs[0], this.#get(node.body as Tensor))
        continue
      }
      const inputs = node.inputs.map((tensor) => this.#get(tensor))
      const results = node.region?.results.map((tensor) => this.#get(tensor))
      this.#intern(node, inputs, results).outputs.forEach((output, i) => {
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
  #intern(node: Node, inputs: readonly Tensor[], results?: readonly Tensor[]): Node {
    const primitive = node.primitive as Primitive
    const leaf = isInput(node.outputs[0])
    const from = inputs.map((tensor) => `${this.#id(tensor.node)}.${tensor.output}`)
    const attributes = primitive.key ? primitive.key(node.attributes) : JSON.stringify(node.attributes)
    const key =
      leaf || results ? `own ${this.#id(node)}` : `${primitive.name} ${from.join(' ')} ${attributes}`
    const before = this.#known.get(key)
    if (before) return before
    const unchanged = inputs.every((tensor, i) => tensor === node.inputs[i]) && !results
    let own = node
    if (!unchanged) {
      own = results ? rebuildRegion(node, inputs, results) : apply(primitive, inputs, node.attributes)[0].node
    }
    this.#known.set(key, own)
    this.#id(own)
    return own
  }

  /** Applies rules until none does. What a rule builds is taken in node by node. */
  #improve(tensor: Tensor): Tensor {
    const primitive = tensor.node.primitive as Primitive
    if (isInput(tensor) || constantValue(tensor) || tensor.node.outputs.length > 1 || tensor.node.region)
      return tensor
    const { inputs } = tensor.node
    if (
      inputs.length > 0 &&
      sizeOf(tensor.shape) <= CONSTANT_LIMIT &&
      inputs.every((each) => constantValue(each)) &&
      tensor.dtype !== 'bool'
    ) {
      const values = inputs.map((each) => ({ shape: each.shape, data: constantValue(each) as Float64Array }))
      return this.#take(constant(primitive.reference(values, tensor.node)[0], tensor.shape, tensor.dtype))
    }
    const better = primitive.simplify?.(tensor.node, (each) => this.#uses.get(each) ?? 1)
    return better ? this.#take(better) : tensor
  }

  #take(tensor: Tensor): Tensor {
    if (this.#ids.has(tensor.node)) return tensor
    if (isComposite(tensor.node.primitive)) return this.#take(tensor.node.body as Tensor)
    const inputs = tensor.node.inputs.map((each) => this.#take(each))
    return this.#improve(this.#intern(tensor.node, inputs).outputs[tensor.output])
  }
}

/** A node with a region again, on other inputs and results. */
function rebuildRegion(node: Node, inputs: readonly Tensor[], results: readonly Tensor[]): Node {
  const outputs: Tensor[] = []
  const own: Node = { ...node, inputs, outputs, region: { slices: node.region?.slices ?? [], results } }
  node.outputs.forEach(({ output, shape, dtype }) => outputs.push({ node: own, output, shape, dtype }))
  return own
}

const chains: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = { add, mul }

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
    const primitive = node.primitive as Primitive
    const inputs = node.inputs.map(get)
    const results = node.region?.results.map(get)
    if (node.outputs.length === 1 && primitive.name in chains) {
      const join = chains[primitive.name]
      const list = node.inputs.flatMap((tensor, i) =>
        uses.get(tensor) === 1 && tensor.node.primitive === primitive
          ? (operands.get(tensor) ?? [inputs[i]])
          : [inputs[i]],
      )
      operands.set(node.outputs[0], list)
      const smaller =
        list.length > 2 && list.some((operand) => sizeOf(operand.shape) < sizeOf(node.outputs[0].shape))
      const ordered = smaller ? list.toSorted((a, b) => sizeOf(a.shape) - sizeOf(b.shape)) : undefined
      if (ordered) {
        const chained = ordered.reduce(join)
        rewritten.set(node.outputs[0], chained)
        continue
      }
    }
    const unchanged = !results && inputs.every((tensor, i) => tensor === node.inputs[i])
    const own = unchanged
      ? node
      : results
        ? rebuildRegion(node, inputs, results)
        : apply(primitive, inputs, node.attributes)[0].node
    node.outputs.forEach((tensor, i) => rewritten.set(tensor, own.outputs[i]))
  }
  return outputs.map(get)
}
