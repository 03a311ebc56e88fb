/** Orders over the graph, and rebuilding it on other tensors. */
import { makeNode, type Node, type Tensor } from './tensor.js'

/** What a node is computed from. A composite is computed from its body. */
export function dependencies(node: Node): readonly Tensor[] {
  if (node.kind === 'composite') return [node.body]
  return node.kind === 'loop' ? [...node.inputs, ...node.results] : node.inputs
}

/**
 * What gradients of a node flow to: the inputs, or the body of a composite without a rule of its own. A loop depends on
 * what its region reads, too: a gradient that would have to flow there raises instead of being lost.
 */
export function gradientDependencies(node: Node): readonly Tensor[] {
  return node.kind === 'composite' && node.composite.gradient ? node.inputs : dependencies(node)
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

/** A node of the same kind and types on other tensors; itself where these are the same. */
export function withOperands<N extends Node>(node: N, now: (tensor: Tensor) => Tensor): N {
  const all = [...node.inputs, ...dependencies(node)]
  if (all.every((tensor) => now(tensor) === tensor)) return node
  return makeNode<N>(
    (outputs) => ({
      ...node,
      inputs: node.inputs.map(now),
      ...(node.kind === 'composite' ? { body: now(node.body) } : {}),
      ...(node.kind === 'loop' ? { results: node.results.map(now) } : {}),
      outputs,
    }),
    node.outputs,
  )
}

/** The same graph with other tensors in place of some inputs: those that `replace` gives one for. */
export function substitute(
  outputs: readonly Tensor[],
  replace: (input: Tensor) => Tensor | undefined,
): Tensor[] {
  const replaced = new Map<Tensor, Tensor>()
  const now = (tensor: Tensor): Tensor => replaced.get(tensor) ?? tensor
  for (const node of topologicalOrder(outputs, (each) => [...each.inputs, ...dependencies(each)])) {
    const own = node.kind === 'input' ? [replace(node.outputs[0])] : withOperands(node, now).outputs
    node.outputs.forEach((tensor, i) => {
      const other = own[i]
      if (other && other !== tensor) replaced.set(tensor, other)
    })
  }
  return outputs.map(now)
}
