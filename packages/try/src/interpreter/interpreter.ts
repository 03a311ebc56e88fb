/**
 * Runs an exported model in plain JavaScript: the operators that handful's models are made of, node by node. Small models
 * take milliseconds; nothing has to be downloaded, compiled or allowed for it.
 */
import { decodeModel, type OnnxModel, type OnnxNode, type OnnxTensor } from 'onnx-autodiff/onnx'
import { Attributes, type Operators } from './operator.js'
import { elementwise } from './operators/elementwise.js'
import { movement } from './operators/movement.js'
import { products } from './operators/products.js'
import { reduce } from './operators/reduce.js'
import { type Data, ModelError, type Tensor, Unsupported } from './tensor.js'

const operators: Operators = { ...elementwise, ...movement, ...products, ...reduce }

export interface LoadedModel {
  readonly metadata: Readonly<Record<string, string>>
  /** @throws Error that names the operator for what it cannot compute */
  run(inputs: Readonly<Record<string, Tensor>>, outputs: readonly string[]): Record<string, Tensor>
}

/**
 * @throws OnnxFormatError for what is no ONNX file that can be read here
 * @throws Unsupported naming the operators that are missing
 */
export function loadModel(bytes: Uint8Array): LoadedModel {
  const model = decodeModel(bytes)
  const missing = missingOperators(model)
  if (missing.length > 0)
    throw new Unsupported(`operators that this page does not have: ${missing.join(', ')}`)
  const { graph } = model
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensorOf(tensor)]))
  const lastUse = lastUses(graph.nodes)
  return {
    metadata: model.metadata,
    run(inputs, outputs) {
      const values = new Map(constants)
      for (const [name, tensor] of Object.entries(inputs)) values.set(name, tensor)
      for (const [place, node] of graph.nodes.entries()) {
        runNode(node, values)
        for (const name of node.inputs)
          if (lastUse.get(name) === place && !constants.has(name) && !outputs.includes(name))
            values.delete(name)
      }
      return Object.fromEntries(
        outputs.map((name) => {
          const value = values.get(name)
          if (value === undefined) throw new ModelError(`no output ${name}`)
          return [name, value]
        }),
      )
    },
  }
}

function runNode(node: OnnxNode, values: Map<string, Tensor>): void {
  const inputs = node.inputs.map((name) => {
    if (name === '') return undefined
    const value = values.get(name)
    if (value === undefined) throw new ModelError(`${node.op}: no value ${name}`)
    return value
  })
  const outputs = operators[node.op](inputs, new Attributes(node.attributes))
  node.outputs.forEach((name, i) => {
    if (name !== '') values.set(name, outputs[i])
  })
}

/** Names of operators of a model that are not here. */
function missingOperators({ graph }: OnnxModel): string[] {
  const names = graph.nodes
    .filter(({ op, domain }) => (domain !== '' && domain !== 'ai.onnx') || !Object.hasOwn(operators, op))
    .map(({ op, domain }) => (domain === '' ? op : `${domain}.${op}`))
  return [...new Set(names)].sort()
}

function lastUses(nodes: readonly OnnxNode[]): Map<string, number> {
  const last = new Map<string, number>()
  for (const [place, { inputs }] of nodes.entries()) for (const name of inputs) last.set(name, place)
  return last
}

function tensorOf({ dtype, shape, data }: OnnxTensor): Tensor {
  const own: Data = data instanceof BigInt64Array ? Float64Array.from(data, Number) : data
  return { dtype, shape, data: own }
}
