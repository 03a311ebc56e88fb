/**
 * What an execution backend says of itself. One is added by a file with one such object and a line in registry.ts. It is
 * plain data: it also goes to the thread that a session runs in.
 */
import type { Target } from '../../onnx/compile.js'

export interface Backend extends Target {
  /** The device's name, and onnxruntime's for what runs there. */
  readonly name: string
  /** What onnxruntime places operators on, first choice first: what one does not have falls to the next. */
  readonly executionProviders: readonly string[]
  /**
   * Where a run leaves its outputs and the next state. Only `cpu` is there to choose: of a tensor left on a GPU, getData()
   * of onnxruntime-node 1.30 ends the process.
   */
  readonly results: 'cpu'
}
