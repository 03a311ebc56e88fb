/**
 * Nodes of the ordinary form, which are written for our opset, as an older one has them, so that they can stand beside
 * nodes of a model from elsewhere: one model has one version of the operators. Of the operators that the engine writes,
 * only these have changed since version 11 in a way that shows.
 */
import { OnnxFormatError } from './reader.js'
import type { OnnxNode, OnnxTensor } from './model.js'

/** Operators whose axes became an input, and the version in which. */
const AXES_INPUT_SINCE: Readonly<Record<string, number>> = {
  ReduceMax: 18,
  ReduceMean: 18,
  ReduceMin: 18,
  ReduceSum: 13,
  Squeeze: 13,
  Unsqueeze: 13,
}

export const OLDEST_WRITTEN_OPSET = 11

/** @throws OnnxFormatError for a version before 11, where too much was otherwise */
export function nodesForOpset(
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[],
  opset: number,
): OnnxNode[] {
  if (opset < OLDEST_WRITTEN_OPSET)
    throw new OnnxFormatError(
      `ONNX model (opset): got ${opset}, expected at least ${OLDEST_WRITTEN_OPSET} where other nodes are to stand beside its own; export it again`,
    )
  const constants = new Map(initializers.map((tensor) => [tensor.name, tensor]))
  return nodes.map((node) => {
    const since = Object.hasOwn(AXES_INPUT_SINCE, node.op) ? AXES_INPUT_SINCE[node.op] : 0
    const [input, axes] = node.inputs
    if (node.domain !== '' || opset >= since || axes === undefined) return node
    const value = Array.from(constants.get(axes)?.data ?? [], Number)
    return {
      ...node,
      inputs: [input],
      attributes: { ...node.attributes, axes: { kind: 'ints', value } },
    }
  })
}
