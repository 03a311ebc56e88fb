/** Several networks as one model: a file, a session and a pass over the data for all of them. */
import type { ArraySpec, Program } from '../runtime/types.js'
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode } from './model.js'
import { decodeModel } from './reader.js'
import { encodeModel } from './writer.js'

type Specs = Readonly<Record<string, ArraySpec>>

/**
 * Programs without state as one: inputs of the same name are one input, and a run gives the outputs of all.
 *
 * @throws Error if a program has state, two write one output, or one name stands for inputs of two types
 */
export function mergePrograms(programs: readonly Program[]): Program {
  if (programs.length === 1) return programs[0]
  const inputs: Record<string, ArraySpec> = {}
  const outputs: Record<string, ArraySpec> = {}
  for (const program of programs) {
    if (Object.keys(program.state).length > 0)
      throw new Error('programs (merge): got one with state, expected networks that only compute')
    for (const [name, spec] of Object.entries(program.inputs)) {
      const before = Object.hasOwn(inputs, name) ? text(inputs[name]) : text(spec)
      if (before !== text(spec))
        throw new Error(
          `programs (merge): got input "${name}" as ${before} and as ${text(spec)}, expected one type`,
        )
      inputs[name] = spec
    }
    for (const [name, spec] of Object.entries(program.outputs)) {
      if (Object.hasOwn(outputs, name))
        throw new Error(`programs (merge): got two outputs "${name}", expected names of their own`)
      outputs[name] = spec
    }
  }
  const models = programs.map(({ model }) => decodeModel(model))
  return { model: encodeModel(mergeModels(models, { inputs, outputs })), inputs, outputs, state: {} }
}

const text = ({ dtype, shape }: ArraySpec): string => `${dtype} [${shape.join(', ')}]`

function mergeModels(
  models: readonly OnnxModel[],
  { inputs, outputs }: { readonly inputs: Specs; readonly outputs: Specs },
): OnnxModel {
  // What is not an input or an output is a program's own: names get its number in front.
  const graphs = models.map(({ graph }, i) =>
    renamed(graph, (name) =>
      name === '' || Object.hasOwn(inputs, name) || Object.hasOwn(outputs, name) ? name : `${i}/${name}`,
    ),
  )
  const seen = new Set<string>()
  const [first] = models
  return {
    ...first,
    graph: {
      name: first.graph.name,
      nodes: graphs.flatMap(({ nodes }) => nodes),
      initializers: graphs.flatMap(({ initializers }) => initializers),
      inputs: graphs.flatMap((graph) => graph.inputs.filter(({ name }) => !seen.has(name) && seen.add(name))),
      outputs: graphs.flatMap((graph) => graph.outputs),
    },
    opsets: Object.assign({}, ...models.map(({ opsets }) => opsets)) as OnnxModel['opsets'],
    irVersion: Math.max(...models.map(({ irVersion }) => irVersion)),
    metadata: Object.assign({}, ...models.map(({ metadata }) => metadata)) as OnnxModel['metadata'],
  }
}

function renamed(graph: OnnxGraph, rename: (name: string) => string): OnnxGraph {
  const named = <T extends { readonly name: string }>(each: T): T => ({ ...each, name: rename(each.name) })
  const attribute = (value: OnnxAttribute): OnnxAttribute =>
    value.kind === 'graph' ? { kind: 'graph', value: renamed(value.value, rename) } : value
  const node = (each: OnnxNode): OnnxNode => ({
    ...named(each),
    inputs: each.inputs.map(rename),
    outputs: each.outputs.map(rename),
    attributes: Object.fromEntries(
      Object.entries(each.attributes).map(([name, value]) => [name, attribute(value)]),
    ),
  })
  return {
    ...graph,
    nodes: graph.nodes.map(node),
    initializers: graph.initializers.map(named),
    inputs: graph.inputs.map(named),
    outputs: graph.outputs.map(named),
  }
}
