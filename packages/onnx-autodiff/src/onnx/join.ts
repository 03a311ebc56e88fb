/**
 * Models one after the other as one: values of each keep apart by a prefix, and inputs of later ones are values of earlier
 * ones. What nothing needs is left out.
 */
import { GraphError } from '../graph/shape.js'
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import { renameValues } from './rename.js'

/** One of the models. */
export interface JoinedPart {
  readonly model: OnnxModel
  /** Stands before the names of its values, save those that are given here. */
  readonly prefix: string
  /** What its inputs and outputs are called in the whole. An input that a value here is called so is that value. */
  readonly names: Readonly<Record<string, string>>
  /** Inputs that are fixed. */
  readonly constants?: readonly OnnxTensor[]
}

/** Nodes and constants of a whole, before it is given inputs and outputs. */
export interface JoinedNodes {
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
}

/** The parts' nodes in their order, as far as `outputs` need them. */
export function joinNodes(parts: readonly JoinedPart[], outputs: readonly string[]): JoinedNodes {
  const nodes: OnnxNode[] = []
  const initializers: OnnxTensor[] = []
  for (const { model, prefix, names, constants = [] } of parts) {
    // An optional input that is left out has the empty name.
    const now = (name: string): string => (name === '' ? '' : (names[name] ?? `${prefix}${name}`))
    nodes.push(...renameValues(model.graph.nodes, now).map((node) => ({ ...node, name: now(node.name) })))
    for (const tensor of [...model.graph.initializers, ...constants])
      initializers.push({ ...tensor, name: now(tensor.name) })
  }
  return needed(nodes, initializers, outputs)
}

/**
 * The parts as one model.
 *
 * @throws GraphError where they are written for different versions of the operators
 */
export function joinModels(
  parts: readonly JoinedPart[],
  { inputs, outputs }: { readonly inputs: readonly OnnxValue[]; readonly outputs: readonly OnnxValue[] },
  metadata: OnnxModel['metadata'] = {},
): OnnxModel {
  const [{ model: first }] = parts
  for (const { model } of parts)
    if (JSON.stringify(model.opsets) !== JSON.stringify(first.opsets))
      throw new GraphError(
        `models (join): got opsets ${JSON.stringify(first.opsets)} and ${JSON.stringify(model.opsets)}, expected the same`,
      )
  const joined = joinNodes(
    parts,
    outputs.map(({ name }) => name),
  )
  return {
    ...first,
    graph: { name: 'network', ...joined, inputs, outputs },
    metadata,
  }
}

function needed(
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[],
  outputs: readonly string[],
): JoinedNodes {
  const used = new Set(outputs)
  const kept = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => used.has(name))) return false
    for (const name of valuesRead(node)) used.add(name)
    return true
  })
  return { nodes: kept.reverse(), initializers: initializers.filter(({ name }) => used.has(name)) }
}

/** Bodies of loops may use whatever stands around them. */
function valuesRead({ inputs, attributes }: OnnxNode): string[] {
  const inner = Object.values(attributes).flatMap((attribute) =>
    attribute.kind === 'graph'
      ? [...attribute.value.nodes.flatMap(valuesRead), ...attribute.value.outputs.map(({ name }) => name)]
      : [],
  )
  return [...inputs, ...inner]
}
