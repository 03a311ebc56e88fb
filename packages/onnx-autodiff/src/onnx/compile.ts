/** From a graph with named inputs, state and outputs to a program: one ONNX model that is one training step. */
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from './model.js'
import type { ArraySpec } from '../arrays.js'
import { type Computation, isNetwork, type OutputName, type Step, type Update } from '../graph/computation.js'
import { GraphError, sameShape, shapeText } from '../graph/shape.js'
import { inputName, nodeName, type Tensor } from '../graph/tensor.js'
import { simplify } from '../graph/simplify.js'
import { ModelEmitter } from './emit.js'
import { exportModel } from './ordinary.js'
import { type Program, programOf } from './program.js'
import { renameValues } from './rename.js'
import { loopOverSteps } from './step-loop.js'
import { IR_VERSION, OPSET } from './versions.js'
import { encodeModel } from './writer.js'

/** What the ONNX is written for. */
export interface Target {
  /** As errors name it. */
  readonly name: string
  /** Operators of the com.microsoft domain may be written: faster on the CPU, absent elsewhere. */
  readonly contributed: boolean
  /** A step may be the body of a Loop, so that one run takes many. */
  readonly loops: boolean
  /** Operators that it can't run, each with what to do about it: a computation that needs one is refused. */
  readonly absent: Readonly<Record<string, string>>
}

/** What onnxruntime does on a CPU. */
export const CPU_TARGET: Target = { name: 'cpu', contributed: true, loops: true, absent: {} }

/** What the model is written for. */
export interface CompileOptions extends Partial<Target> {
  /**
   * One run takes as many steps as its inputs are long along a new first axis; outputs come stacked alike. Saves copying
   * the state between steps.
   */
  readonly manySteps?: boolean
}

const nextName = ({ variable }: Update): string => `${inputName(variable)}/next`
const spec = (tensor: Tensor): ArraySpec => ({ dtype: tensor.dtype, shape: tensor.shape })
const value = (name: string, { dtype, shape }: ArraySpec): OnnxValue => ({ name, dtype, shape })

/**
 * A computation as a program for a target, its type knowing the names of the outputs, the CPU unless said otherwise: an ONNX model that also stands on its own, in a
 * file. A network is written in the ordinary form, which needs standard operators only.
 *
 * @throws GraphError naming an operator that the target does not have, or what is wrong with the names
 */
export function compile<C extends Computation>(
  computation: C,
  options?: CompileOptions,
): Program<OutputName<C>>
export function compile(computation: Computation, options: CompileOptions = {}): Program {
  const target = { ...CPU_TARGET, ...options }
  if (isNetwork(computation)) {
    const model = exportModel(computation)
    checkOperators(model.graph, target)
    return programOf(model)
  }
  const { model, next } = compileModel(computation, options)
  checkOperators(model.graph, target)
  const { inputs = [], state = [], outputs } = computation
  const perRun = (tensor: Tensor): ArraySpec =>
    options.manySteps ? { dtype: tensor.dtype, shape: [-1, ...tensor.shape] } : spec(tensor)
  return {
    model: encodeModel(model),
    inputs: Object.fromEntries(inputs.map((tensor) => [inputName(tensor), perRun(tensor)])),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, perRun(tensor)])),
    manySteps: options.manySteps ?? false,
    state: Object.fromEntries(
      state.map(({ variable }, i) => [inputName(variable), { ...spec(variable), next: next[i] }]),
    ),
  }
}

/**
 * A step as an ONNX model that is not yet a file.
 *
 * @returns the model, and the names of its outputs that hold the next state, in the order of `parts.state`
 * @throws GraphError for names that stand twice
 */
export function compileModel(
  parts: Step,
  options: CompileOptions = {},
): { model: OnnxModel; next: string[] } {
  const { inputs = [], state = [], outputs } = parts
  checkNames(parts)
  const declared = [...inputs, ...state.map(({ variable }) => variable)]
  const taken = new Set([...declared.map(inputName), ...state.map(nextName), ...Object.keys(outputs)])
  const emitter = new ModelEmitter(options.contributed ?? CPU_TARGET.contributed, taken)
  for (const tensor of declared) emitter.bind(tensor, inputName(tensor))

  const results = simplify([...state.map(({ next }) => next), ...Object.values(outputs)])
  emitter.emit(results)
  const next = state.map(nextName)
  const names = [...next, ...Object.keys(outputs)]
  // Outputs get names of their own: two may be the same tensor, and one may be an input or a constant.
  const copies: OnnxNode[] = results.map((tensor, i) => ({
    op: 'Identity',
    domain: '',
    name: `output ${names[i]}`,
    inputs: [emitter.nameOf(tensor)],
    outputs: [names[i]],
    attributes: {},
  }))
  const nodes = renameOutputs([...emitter.mainNodes], copies)
  const model: OnnxModel = {
    graph: {
      name: 'program',
      nodes,
      initializers: emitter.initializers,
      inputs: declared.map((tensor) => value(inputName(tensor), spec(tensor))),
      outputs: results.map((tensor, i) => value(names[i], spec(tensor))),
    },
    opsets: { '': OPSET, 'com.microsoft': 1 },
    irVersion: IR_VERSION,
    producer: 'onnx-autodiff',
    metadata: {},
  }
  if (!options.manySteps) return { model, next }
  if (inputs.length === 0)
    throw new GraphError(
      'compile (manySteps): got no inputs, expected at least one, whose length is the number of steps',
    )
  return { model: loopOverSteps(model, state.length), next }
}

/** @throws GraphError for the first node that the target can't run */
function checkOperators({ nodes }: OnnxGraph, target: Target): void {
  for (const { op, attributes } of nodes) {
    if (Object.hasOwn(target.absent, op))
      throw new GraphError(
        `compile (${target.name}): got the operator ${op}, expected one that it has; ${target.absent[op]}`,
      )
    for (const attribute of Object.values(attributes))
      if (attribute.kind === 'graph') checkOperators(attribute.value, target)
  }
}

/** Lets a node write an output under the output's name where it is read once, and keeps the copy elsewhere. */
function renameOutputs(nodes: OnnxNode[], copies: readonly OnnxNode[]): OnnxNode[] {
  const produced = new Map<string, number>()
  nodes.forEach((node, i) => node.outputs.forEach((name) => produced.set(name, i)))
  const renamed = new Map<string, string>()
  const kept: OnnxNode[] = []
  for (const copy of copies) {
    const [from] = copy.inputs
    if (produced.has(from) && !renamed.has(from)) renamed.set(from, copy.outputs[0])
    else kept.push({ ...copy, inputs: [renamed.get(from) ?? from] })
  }
  const now = (name: string): string => renamed.get(name) ?? name
  return [...renameValues(nodes, now), ...kept]
}

function checkNames({ inputs = [], state = [], outputs }: Step): void {
  const seen = new Set<string>()
  for (const tensor of [...inputs, ...state.map(({ variable }) => variable)]) {
    if (tensor.node.kind !== 'input')
      throw new GraphError(`compile (inputs): got the result of ${nodeName(tensor.node)}, expected an input`)
    const name = inputName(tensor)
    if (seen.has(name))
      throw new GraphError(`compile (inputs): got the name "${name}" twice, expected each once`)
    seen.add(name)
  }
  for (const update of state) {
    if (seen.has(nextName(update)))
      throw new GraphError(`compile (state): got the name "${nextName(update)}" twice, expected each once`)
    seen.add(nextName(update))
  }
  for (const name of Object.keys(outputs)) {
    if (seen.has(name))
      throw new GraphError(`compile (outputs): got the name "${name}" of an input or state, expected another`)
  }
  for (const { variable, next } of state) {
    if (!sameShape(variable.shape, next.shape) || variable.dtype !== next.dtype) {
      const [was, is] = [variable, next].map((tensor) => `${tensor.dtype}${shapeText(tensor.shape)}`)
      throw new GraphError(
        `compile (state "${inputName(variable)}"): got ${is} for the next step, expected ${was}`,
      )
    }
  }
}
