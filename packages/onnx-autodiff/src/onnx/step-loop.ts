/**
 * Many steps in one run. A runtime copies the state out of the graph after every run: for large models a quarter of the
 * step's time. Here the step is the body of a Loop that carries the state, so that it is copied once for all steps of a
 * run. Inputs are stacked along a new first axis, whose extent, free at each run, is the number of steps; outputs too.
 */
import type { OnnxModel, OnnxNode, OnnxValue } from './model.js'
import { renameValues } from './rename.js'

const stacked = ({ name, dtype, shape = [] }: OnnxValue): OnnxValue => ({
  name,
  dtype,
  shape: ['steps', ...shape],
})

/** Names inside the body must differ from those outside. */
const inside = (name: string): string => `${name} within`

/**
 * @param model one step, with the inputs first and then the state among its inputs, and the next state first among its
 * outputs
 */
export function loopOverSteps(model: OnnxModel, stateCount: number): OnnxModel {
  const { graph } = model
  const inputs = graph.inputs.slice(0, graph.inputs.length - stateCount)
  const state = graph.inputs.slice(inputs.length)
  const [next, outputs] = [graph.outputs.slice(0, stateCount), graph.outputs.slice(stateCount)]
  const renamed = new Map([...graph.inputs, ...graph.outputs].map(({ name }) => [name, inside(name)]))
  const now = (name: string): string => renamed.get(name) ?? name
  const node = (
    op: string,
    from: readonly string[],
    to: readonly string[],
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    op,
    domain: '',
    name: `${op} ${to[0]}`,
    inputs: from,
    outputs: to,
    attributes,
  })
  const within = (value: OnnxValue): OnnxValue => ({ ...value, name: now(value.name) })
  const body = {
    name: 'step',
    nodes: [
      ...inputs.map(({ name }) =>
        node('Gather', [name, 'loop round'], [now(name)], { axis: { kind: 'int', value: 0 } }),
      ),
      ...renameValues(graph.nodes, now),
      node('Identity', ['loop condition'], ['loop goes on']),
    ],
    initializers: [],
    inputs: [
      { name: 'loop round', dtype: 'int64', shape: [] } as const,
      { name: 'loop condition', dtype: 'bool', shape: [] } as const,
      ...state.map(within),
    ],
    outputs: [
      { name: 'loop goes on', dtype: 'bool', shape: [] } as const,
      ...next.map(within),
      ...outputs.map(within),
    ],
  }
  return {
    ...model,
    graph: {
      name: 'steps',
      nodes: [
        node('Shape', [inputs[0].name], ['loop steps'], {
          start: { kind: 'int', value: 0 },
          end: { kind: 'int', value: 1 },
        }),
        node('Squeeze', ['loop steps'], ['loop count']),
        node(
          'Loop',
          ['loop count', 'loop true', ...state.map(({ name }) => name)],
          [...next, ...outputs].map(({ name }) => name),
          {
            body: { kind: 'graph', value: body },
          },
        ),
      ],
      initializers: [
        ...graph.initializers,
        { name: 'loop true', dtype: 'bool', shape: [], data: Uint8Array.of(1) },
      ],
      inputs: [...inputs.map(stacked), ...state],
      outputs: [...next, ...outputs.map(stacked)],
    },
  }
}
