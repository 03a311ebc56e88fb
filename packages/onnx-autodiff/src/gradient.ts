/**
 * Reverse-mode differentiation: a walk back over the graph that visits only what lies on a path from the targets to
 * the loss. The result is graph again, so gradients of gradients are gradients of it.
 */
import { add } from './graph/elementwise.js'
import { GraphError, sameShape, shapeError, shapeText } from './graph/shape.js'
import { constant, type Node, nodeName, scalar, type Tensor } from './graph/tensor.js'
import { expand } from './graph/broadcast.js'
import { gradientDependencies, topologicalOrder } from './graph/walk.js'

/**
 * Gradients of `loss` with respect to each target, in the targets' shapes; zeros where the loss does not depend on
 * one. `loss` is a scalar, or of any shape with the gradient that arrives at it in `seed`.
 */
export function gradients(loss: Tensor, targets: readonly Tensor[], seed?: Tensor): Tensor[] {
  if (!seed && loss.shape.length > 0) {
    shapeError('gradients', [loss.shape], 'a scalar loss', 'reduce it with sum or mean, or give a seed')
  }
  if (seed && !sameShape(seed.shape, loss.shape))
    shapeError('gradients', [loss.shape, seed.shape], 'a seed of the shape of the loss')

  const order = topologicalOrder([loss], gradientDependencies)
  const wanted = new Set<Node>(targets.map((target) => target.node))
  const onPath = new Set<Node>()
  for (const node of order) {
    if (wanted.has(node) || gradientDependencies(node).some((tensor) => onPath.has(tensor.node)))
      onPath.add(node)
  }

  const found = new Map<Tensor, Tensor>()
  const flow = (to: Tensor, gradient: Tensor): void => {
    const before = found.get(to)
    found.set(to, before ? add(before, gradient) : gradient)
  }
  flow(loss, seed ?? scalar(1))

  for (const node of order.toReversed()) {
    if (!onPath.has(node)) continue
    const arriving = node.outputs.map((output) => found.get(output))
    if (arriving.every((gradient) => gradient === undefined)) continue
    const inputs = gradientDependencies(node)
    if (!inputs.some((tensor) => onPath.has(tensor.node))) continue
    inputGradients(node, arriving, loss).forEach((gradient, i) => {
      if (!gradient || !onPath.has(inputs[i].node)) return
      if (!sameShape(gradient.shape, inputs[i].shape)) {
        throw new GraphError(
          `internal: the gradient of ${nodeName(node)} for input ${i} has shape ${shapeText(gradient.shape)}, ` +
            `expected ${shapeText(inputs[i].shape)}`,
        )
      }
      flow(inputs[i], gradient)
    })
  }
  return targets.map((target) => found.get(target) ?? zeros(target))
}

const zeros = (like: Tensor): Tensor => expand(constant([0], []), like.shape)

function inputGradients(
  node: Node,
  arriving: readonly (Tensor | undefined)[],
  loss: Tensor,
): readonly (Tensor | null)[] {
  if (node.kind === 'composite') {
    const gradient = arriving[0] as Tensor
    return node.composite.gradient ? node.composite.gradient(node, gradient) : [gradient]
  }
  if (node.kind === 'primitive' && node.primitive.gradient) return node.primitive.gradient(node, arriving)
  const name = nodeName(node)
  const shapes = node.inputs.map((tensor) => shapeText(tensor.shape)).join(', ')
  throw new GraphError(
    `gradients (${name}): got ${name}(${shapes}) on the path ${pathText(loss, node)}, ` +
      'expected a primitive with a gradient rule; put stopGradient around it if none should flow',
  )
}

/** The operators from the loss down to a node, as `sum < mul < topK`. */
function pathText(loss: Tensor, target: Node): string {
  const reader = new Map<Node, Node>()
  const order = topologicalOrder([loss], gradientDependencies)
  for (const node of order.toReversed()) {
    for (const { node: from } of gradientDependencies(node)) if (!reader.has(from)) reader.set(from, node)
  }
  const names: string[] = []
  for (let node: Node | undefined = target; node; node = reader.get(node)) names.push(nodeName(node))
  const path = names.reverse()
  return (path.length > 12 ? [...path.slice(0, 5), '...', ...path.slice(-6)] : path).join(' < ')
}
