/** ONNX files alone, without anything that runs them: for browsers too. */
export type * from './onnx/model.js'
export { decodeModel, OnnxFormatError } from './onnx/reader.js'
