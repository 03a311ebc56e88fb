/** What a compiled computation looks like to whoever runs it. */
import type { ArraySpec } from '../arrays.js'
import type { OnnxModel, OnnxValue } from './model.js'
import { encodeModel } from './writer.js'

/** One ONNX model that maps (inputs, state) to (outputs, next state). A network in use has an empty state. */
export interface Program<Output extends string = string> {
  /** The encoded ONNX model. */
  readonly model: Uint8Array
  /** What each run is fed, by ONNX input name. A dimension of -1 is dynamic. */
  readonly inputs: Readonly<Record<string, ArraySpec>>
  /** What each run gives back, by ONNX output name. */
  readonly outputs: Readonly<Record<Output, ArraySpec>>
  /**
   * What a run reads and replaces: by ONNX input name, the ONNX output that holds the next value. The same shape and
   * element type on both sides; never the same buffer (the runtime swaps two).
   */
  readonly state: Readonly<Record<string, ArraySpec & { readonly next: string }>>
  /** A run takes as many steps as its inputs are long along their first axis; the outputs' first axis is the steps', too. */
  readonly manySteps?: boolean
}

/** A model from elsewhere, such as `decodeModel` gives it, as a program without state; what has no fixed extent is -1. */
export function programOf(model: OnnxModel, encoded: Uint8Array = encodeModel(model)): Program {
  const constants = new Set(model.graph.initializers.map(({ name }) => name))
  const specs = (values: readonly OnnxValue[]): Program['inputs'] =>
    Object.fromEntries(
      values.map(({ name, dtype, shape = [] }) => [
        name,
        { dtype, shape: shape.map((extent) => (typeof extent === 'number' ? extent : -1)) },
      ]),
    )
  return {
    model: encoded,
    inputs: specs(model.graph.inputs.filter(({ name }) => !constants.has(name))),
    outputs: specs(model.graph.outputs),
    state: {},
  }
}
