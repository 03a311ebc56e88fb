/** The engine's public face. */
export { Random, type RandomState } from './random.js'
export * from './graph/shape.js'
export {
  batchFirstInput,
  constant,
  input,
  inputName,
  scalar,
  uniformValue,
  constantValue,
  compose,
  type Composite,
  type DType,
  type Node,
  nodeName,
  type Operand,
  type Primitive,
  type Tensor,
  type TensorType,
} from './graph/tensor.js'
export {
  abs,
  add,
  cast,
  clip,
  div,
  equal,
  erf,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  sigmoid,
  sqrt,
  step,
  stopGradient,
  sub,
  tanh,
  where,
} from './graph/elementwise.js'
export { expand, sum, sumTo } from './graph/broadcast.js'
export { concat, pad, reshape, slice, transpose } from './graph/movement.js'
export { matmul } from './graph/matmul.js'
export { max, mean } from './graph/reduce.js'
export { argmin, gather, oneHot, topK } from './graph/select.js'
export { randomUniform, type StreamName } from './graph/random-uniform.js'
export { sumOverSlices } from './graph/loop.js'
export { evaluate, validate } from './graph/evaluate.js'
export { gradients } from './gradient.js'
export { spatialMap } from './spatial/map.js'
export {
  conv2d,
  convTranspose2d,
  type ConvolutionOptions,
  type ConvolutionTransposeOptions,
  type Padding,
} from './spatial/convolution.js'
export type { AlgorithmName } from './spatial/algorithms.js'
export {
  type Computation,
  mergeNetworks,
  withInput,
  type Network,
  type OutputName,
  type Step,
  type Update,
} from './graph/computation.js'
export type { Arrays, ArraySpec, Elements, ElementType, NamedArray } from './arrays.js'
export { compile, compileModel, type CompileOptions, type Target } from './onnx/compile.js'
export { type Program, programOf } from './onnx/program.js'
export type * from './onnx/model.js'
export type { Outputs, Session, SessionOptions, Steps } from './runtime/types.js'
export * from './spatial/resample.js'
export * from './spatial/rearrange.js'
export * from './nn/activations.js'
export * from './nn/losses.js'
export * from './nn/layers.js'
export * from './nn/parameters.js'
export * from './nn/dropout.js'
export * from './nn/attention.js'
export { batchStatistics } from './nn/normalise.js'
export * from './optim/optimisers.js'
export * from './optim/schedules.js'
export { BATCH_MARKER } from './graph/ordinary-form.js'
export { exportModel } from './onnx/ordinary.js'
export { type JoinedNodes, type JoinedPart, joinModels, joinNodes } from './onnx/join.js'
export { nodesForOpset } from './onnx/older-opset.js'
export { decodeModel, OnnxFormatError } from './onnx/reader.js'
export { elementCode } from './onnx/element-types.js'
export {
  type ExternalData,
  type ForeignModel,
  type ForeignNode,
  type ForeignValue,
  readForeignModel,
  type Surroundings,
} from './onnx/foreign-model.js'
export { halfToNumber } from './onnx/foreign-tensors.js'
export { encodeModel } from './onnx/writer.js'
export type { Backend } from './runtime/backends/backend.js'
export { checkDevice, DeviceError, listDevices } from './runtime/devices.js'
export { availableThreads } from './runtime/threads.js'
export type { Runnable } from './runtime/programs.js'
export { openLocalSession, openSession } from './runtime/node.js'
export {
  type Checkpoint,
  type LoadedCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from './runtime/checkpoint.js'
export {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type Safetensors,
  SafetensorsError,
  type SafetensorsSource,
  safetensorsParts,
} from './runtime/safetensors.js'
export type { Data, Examples } from './training/batches.js'
export * from './training/epoch.js'
export * from './training/train.js'
export * from './training/callbacks.js'
export * from './training/metrics.js'
export * from './training/summary.js'
export * from './training/first-non-finite.js'
export * from './training/tensorboard.js'
export * from './training/weights.js'
