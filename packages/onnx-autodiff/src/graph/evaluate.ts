/** The reference interpreter: runs a graph by the primitives' reference kernels in double precision. For tests. */
import { GraphError, sameShape, shapeText, sizeOf } from './shape.js'
import type { Tensor, Values } from './tensor.js'
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
  const order = topologicalOrder(outputs, (node) => (node.kind === 'loop' ? node.inputs : dependencies(node)))
  for (const node of order) {
    const store = (results: readonly Float64Array[]): void =>
      node.outputs.forEach((tensor, i) => known.set(tensor, { shape: tensor.shape, data: results[i] }))
    switch (node.kind) {
      case 'primitive':
        store(
          node.primitive.reference(
            node.inputs.map((tensor) => known.get(tensor) as Values),
            node,
          ),
        )
        break
      case 'composite':
        store([(known.get(node.body) as Values).data])
        break
      case 'loop':
        store(
          evaluateLoop(node, known, (results, slices) =>
            interpret(results, feeds, new Map([...given, ...slices])),
          ),
        )
        break
      case 'input':
        store([fed(node.outputs[0], node.name, given, feeds)])
        break
      case 'constant':
        store([node.data])
    }
  }
  return outputs.map((tensor) => (known.get(tensor) as Values).data)
}

function fed(
  tensor: Tensor,
  name: string,
  given: ReadonlyMap<Tensor, Values>,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array {
  const data = given.get(tensor)?.data ?? feeds[name]
  if (!data || data.length !== sizeOf(tensor.shape)) {
    throw new GraphError(
      `evaluate (input "${name}"): got ${data ? `${data.length} elements` : 'nothing'}, ` +
        `expected ${sizeOf(tensor.shape)} for shape ${shapeText(tensor.shape)}`,
    )
  }
  return Float64Array.from(data)
}

/** Throws where a node's recorded types differ from what its shape rule says now. On in tests. */
export function validate(outputs: readonly Tensor[]): void {
  for (const node of topologicalOrder(outputs)) {
    if (node.kind !== 'primitive') continue
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
