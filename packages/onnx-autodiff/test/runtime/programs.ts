/** Small programs written by hand, for the tests of the runtime. */

import type { OnnxNode, OnnxTensor } from '../../src/onnx/model.js'
import { encodeModel } from '../../src/onnx/writer.js'
import type { ArraySpec, NamedArray, Program } from 'onnx-autodiff'

export function node(
  op: string,
  inputs: string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
): OnnxNode {
  return { op, domain: '', name: output, inputs, outputs: [output], attributes }
}

/** Encodes a graph whose inputs and outputs are those of the program; -1 becomes a dimension named `N`. */
export function program(
  specs: Omit<Program, 'model'>,
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[] = [],
): Program {
  const value = (name: string, { dtype, shape }: ArraySpec) => ({
    name,
    dtype,
    shape: shape.map((size) => (size === -1 ? 'N' : size)),
  })
  const values = (specs: Readonly<Record<string, ArraySpec>>) =>
    Object.entries(specs).map(([name, spec]) => value(name, spec))
  const next = Object.values(specs.state).map((spec) => value(spec.next, spec))
  const outputs = [...values(specs.outputs), ...next].filter(
    ({ name }, i, all) => all.findIndex((other) => other.name === name) === i,
  )
  const graph = {
    name: 'graph',
    nodes,
    initializers,
    inputs: [...values(specs.inputs), ...values(specs.state)],
    outputs,
  }
  return {
    ...specs,
    model: encodeModel({ graph, opsets: { '': 21 }, irVersion: 10, producer: 'test', metadata: {} }),
  }
}

export function floats(values: readonly number[], shape: readonly number[] = [values.length]): NamedArray {
  return { dtype: 'float32', shape, data: Float32Array.from(values) }
}

/** Squares of its input, of any length; no state. */
export const square = program(
  {
    inputs: { x: { dtype: 'float32', shape: [-1] } },
    outputs: { y: { dtype: 'float32', shape: [-1] } },
    state: {},
  },
  [node('Mul', ['x', 'x'], 'y')],
)

/**
 * One step of gradient descent with momentum 0.9 and learning rate 0.1 on a linear model:
 * loss = mean((x w - t)^2), v' = 0.9 v + dloss/dw, w' = w - 0.1 v'.
 *
 * @param n rows of a batch @param d weights
 */
export function linearDescent(n: number, d: number): Program {
  const weights = { dtype: 'float32', shape: [d, 1] } as const
  return program(
    {
      inputs: { x: { dtype: 'float32', shape: [n, d] }, t: { dtype: 'float32', shape: [n, 1] } },
      outputs: { loss: { dtype: 'float32', shape: [] } },
      state: { w: { ...weights, next: 'w_next' }, v: { ...weights, next: 'v_next' } },
    },
    [
      node('MatMul', ['x', 'w'], 'y'),
      node('Sub', ['y', 't'], 'error'),
      node('Mul', ['error', 'error'], 'squares'),
      node('ReduceMean', ['squares'], 'loss', { keepdims: { kind: 'int', value: 0 } }),
      node('Transpose', ['x'], 'xT', { perm: { kind: 'ints', value: [1, 0] } }),
      node('MatMul', ['xT', 'error'], 'sum'),
      node('Mul', ['sum', 'scale'], 'gradient'),
      node('Mul', ['v', 'momentum'], 'v_kept'),
      node('Add', ['v_kept', 'gradient'], 'v_next'),
      node('Mul', ['v_next', 'rate'], 'step'),
      node('Sub', ['w', 'step'], 'w_next'),
    ],
    [
      { name: 'scale', ...floats([2 / n], []) },
      { name: 'momentum', ...floats([0.9], []) },
      { name: 'rate', ...floats([0.1], []) },
    ],
  )
}
