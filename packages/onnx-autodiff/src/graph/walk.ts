/** Orders over the graph. */
import { isComposite, isInput, type Node, type Tensor } from './tensor.js'

/** What a node is computed from. A composite is computed from its body. */
export function dependencies(node: Node): readonly Tensor[] {
  if (node.body) return [node.body]
  return node.region ? [...node.inputs, ...node.region.results] : node.inputs
}

/**
 * What gradients of a node flow to: the inputs, or the body of a composite without a rule of its own. A loop depends on
 * what its region reads, too: a gradient that would have to flow there raises instead of being lost.
 */
export function gradientDependencies(node: Node): readonly Tensor[] {
  if (isComposite(node.primitive) && !node.primitive.gradient) return [node.body as Tensor]
  return node.region ? dependencies(node) : node.inputs
}

/** All nodes that the tensors need, each after the ones it depends on. Iterative: graphs are thousands deep. */
export function topologicalOrder(
  outputs: readonly Tensor[],
  next: (node: Node) => readonly Tensor[] = dependencies,
): Node[] {
  const order: Node[] = []
  const entered = new Set<Node>()
  const stack: { node: Node; inputs: readonly Tensor[]; at: number }[] = []
  const enter = (node: Node): void => {
    if (entered.has(node)) return
    entered.add(node)
    stack.push({ node, inputs: next(node), at: 0 })
  }
  for (const { node } of outputs) {
    enter(node)
    while (stack.length > 0) {
      const top = stack[stack.length - 1]
      if (top.at < top.inputs.length) enter(top.inputs[top.at++].node)
      else order.push((stack.pop() as typeof top).node)
    }
  }
  return order
}

/** The same graph with other tensors in place of some inputs: those that `replace` gives one for. */
export function substitute(
  outputs: readonly Tensor[],
  replace: (input: Tensor) => Tensor | undefined,
): Tensor[] {
  const replaced = new Map<Tensor, Tensor>()
  const now = (tensor: Tensor): Tensor => replaced.get(tensor) ?? tensor
  const all = (node: Node): readonly Tensor[] => [
    ...node.inputs,
    ...(node.body ? [node.body] : []),
    ...(node.region?.results ?? []),
  ]
  for (const node of topologicalOrder(outputs, all)) {
    if (isInput(node.outputs[0])) {
      const other = replace(node.outputs[0])
      if (other) replaced.set(node.outputs[0], other)
    } else if (all(node).some((tensor) => replaced.has(tensor))) {
      const own = withOperands(node, now)
      node.outputs.forEach((tensor, i) => replaced.set(tensor, own.outputs[i]))
    }
  }
  return outputs.map(now)
}

/** A node of the same kind and types on other tensors. */
function withOperands(node: Node, now: (tensor: Tensor) => Tensor): Node {
  const outputs: Tensor[] = []
  const own: Node = {
    ...node,
    inputs: node.inputs.map(now),
    outputs,
    ...(node.body ? { body: now(node.body) } : {}),
    ...(node.region ? { region: { ...node.region, results: node.region.results.map(now) } } : {}),
  }
  for (const { output, shape, dtype } of node.outputs) outputs.push({ node: own, output, shape, dtype })
  return own
}
