/** Where a computation first stops giving numbers: every operator's result looked at, in order, as onnxruntime computes it. */
import type { Arrays } from '../arrays.js'
import { shapeText, type Shape } from '../graph/shape.js'
import { inputName, type Node, nodeName, type Tensor } from '../graph/tensor.js'
import { dependencies, topologicalOrder } from '../graph/walk.js'
import { openLocalSession } from '../runtime/node.js'

/** The first operator that made a value that is no finite number. */
export interface NonFinite {
  /** The primitive, or `input "name"` where what was given is no number already. */
  readonly operator: string
  /** The composites that it stands in, the innermost first, such as `logSoftmax`. */
  readonly within: readonly string[]
  readonly shape: Shape
  /** Of the first element that is none, counted through all. */
  readonly index: number
  /** NaN, Infinity or -Infinity. */
  readonly value: number
  /** One line that says all of it, with the ranges of the operator's own operands. */
  readonly message: string
}

/** Nodes of a loop's rounds have no value of their own. */
const next = (node: Node): readonly Tensor[] => (node.kind === 'loop' ? node.inputs : dependencies(node))

/**
 * Runs the graph once, with every result kept, and names the first operator that gives NaN or an infinity; undefined where
 * there is none. Takes the memory of all results together: for a batch that went wrong, not for every step.
 *
 * @param values of all inputs and parameters by name, such as a batch with `session.readState()`
 */
export async function firstNonFinite(
  outputs: readonly Tensor[],
  values: Arrays,
  { threads = 1 } = {},
): Promise<NonFinite | undefined> {
  const order = topologicalOrder(outputs, next)
  const inputs = order.filter(({ kind }) => kind === 'input').map((node) => node.outputs[0])
  const watched = order.flatMap((node) => (node.kind === 'constant' ? [] : node.outputs))
  const floats = watched.filter(({ dtype }) => dtype === 'float32')
  const named = Object.fromEntries(floats.map((tensor, i) => [`result ${i}`, tensor]))
  const given = Object.fromEntries(inputs.map((tensor) => [inputName(tensor), values[inputName(tensor)]]))
  const session = await openLocalSession({ inputs, outputs: named }, { threads, optimization: 'none' })
  try {
    const found = await session.run(given)
    const results = new Map(floats.map((tensor, i) => [tensor, found[`result ${i}`].data as Float32Array]))
    for (const tensor of floats) {
      const data = results.get(tensor) as Float32Array
      const index = data.findIndex((value) => !Number.isFinite(value))
      if (index >= 0) return described(tensor, data, index, results, order)
    }
    return undefined
  } finally {
    await session.close()
  }
}

function described(
  tensor: Tensor,
  data: Float32Array,
  index: number,
  results: ReadonlyMap<Tensor, Float32Array>,
  order: readonly Node[],
): NonFinite {
  const { node, shape } = tensor
  const operator = node.kind === 'input' ? `input "${node.name}"` : nodeName(node)
  const within = enclosing(node, order)
  const operands = node.inputs.map((each) => {
    const name = each.node.kind === 'input' ? `"${each.node.name}"` : nodeName(each.node)
    const range = results.get(each)
    return `${name} ${shapeText(each.shape)}${range ? ` from ${least(range)} to ${most(range)}` : ''}`
  })
  const inside = within.length > 0 ? ` in ${within.join(' in ')}` : ''
  const of = operands.length > 0 ? ` of ${operands.join(', ')}` : ''
  const message = `${operator}${inside} (result): got ${data[index]} at ${index} of ${shapeText(shape)}${of}, expected numbers`
  return { operator, within, shape, index, value: data[index], message }
}

const least = (values: Float32Array): number => values.reduce((a, b) => Math.min(a, b), Infinity)
const most = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), -Infinity)

/** The composites whose bodies hold a node, but not their operands. */
function enclosing(node: Node, order: readonly Node[]): string[] {
  const holds = (composite: Node): boolean => {
    if (composite.kind !== 'composite') return false
    const operands = new Set(composite.inputs.map((tensor) => tensor.node))
    const body = topologicalOrder([composite.body], (each) => (operands.has(each) ? [] : next(each)))
    return body.includes(node) && !operands.has(node)
  }
  return order.filter(holds).map(nodeName)
}
