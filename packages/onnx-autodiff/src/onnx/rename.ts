/** Other names for the values that nodes read and write, in the bodies of loops too. */
import type { OnnxAttribute, OnnxNode } from './model.js'

export function renameValues(nodes: readonly OnnxNode[], now: (name: string) => string): OnnxNode[] {
  const attribute = (value: OnnxAttribute): OnnxAttribute =>
    value.kind === 'graph'
      ? { kind: 'graph', value: { ...value.value, nodes: renameValues(value.value.nodes, now) } }
      : value
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(now),
    outputs: node.outputs.map(now),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [key, attribute(value)]),
    ),
  }))
}
