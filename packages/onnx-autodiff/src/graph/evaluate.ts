/** The reference interpreter: runs a graph by the primitives' reference kernels in double precision. For tests. */
import { GraphError, sameShape, shapeText, sizeOf } from './shape.js'
import { inputName, isComposite, isInput, type Tensor, type Values } from './tensor.js'
import { evaluateLoop } from './loop.js'
import { dependencies, topologicalOrder } from './walk.js'

/** Values of the outputs, given the elements of every input by its name. */
export function evaluate(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, ArrayLike<number>>> = {},
): Float64Array[] {
  return interpret(outputs, feeds, new Map())
}

/** `given` holds the slices of the rounds that are under way: they go by the tensor, since nested loops share names. */
function interpret(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, ArrayLike<number>>>,
  given: ReadonlyMap<Tensor, Values>,
): Float64Array[] {
  const known = new Map<Tensor, Values>()
  // A loop's region is evaluated round by round, by the loop.
  const order = topologicalOrder(outputs, (node) => (node.region ? node.inputs : dependencies(node)))
  for (const node of order) {
    const { primitive } = node
    if (node.region) {
      const round = (results: readonly Tensor[], slices: ReadonlyMap<Tensor, Values>): Float64Array[] =>
        interpret(results, feeds, new Map([...given, ...slices]))
      evaluateLoop(node, known, round).forEach((data, i) => {
        known.set(node.outputs[i], { shape: node.outputs[i].shape, data })
      })
    } else if (isComposite(primitive)) {
      const body = node.body as Tensor
      known.set(node.outputs[0], known.get(body) as Values)
    } else if (isInput(node.outputs[0])) {
      const [tensor] = node.outputs
      const data = given.get(tensor)?.data ?? feeds[inputName(tensor)]
      if (!data || data.length !== sizeOf(tensor.shape)) {
        throw new GraphError(
          `evaluate (input "${inputName(tensor)}"): got ${data ? `${data.length} elements` : 'nothing'}, ` +
            `expected ${sizeOf(tensor.shape)} for shape ${shapeText(tensor.shape)}`,
        )
      }
      known.set(tensor, { shape: tensor.shape, data: Float64Array.from(data) })
    } else {
      const inputs = node.inputs.map((tensor) => known.get(tensor) as Values)
      primitive.reference(inputs, node).forEach((data, i) => {
        known.set(node.outputs[i], { shape: node.outputs[i].shape, data })
      })
    }
  }
  return outputs.map((tensor) => (known.get(tensor) as Values).data)
}

/** Throws where a node's recorded types differ from what its shape rule says now. On in tests. */
export function validate(outputs: readonly Tensor[]): void {
  for (const node of topologicalOrder(outputs)) {
    if (isComposite(node.primitive) || node.region) continue
    node.primitive.shape(node.inputs, node.attributes).forEach(({ shape, dtype }, i) => {
      const output = node.outputs[i]
      if (!sameShape(shape, output.shape) || dtype !== output.dtype) {
        throw new GraphError(
          `internal: ${node.primitive.name} claims ${shapeText(output.shape)}, its rule gives ${shapeText(shape)}`,
        )
      }
    })
  }
}
