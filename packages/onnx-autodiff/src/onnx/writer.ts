/**
 * Encodes a model as ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). The buffer is filled from its end
 * to its front (protobuf.ts), so each function below writes the last field of its message first.
 */

import {
  ATTRIBUTE,
  ATTRIBUTE_TYPES,
  DIM,
  DTYPE_CODES,
  ENTRY,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from './fields.js'
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import { arrayProblem } from '../arrays.js'
import { ProtoWriter } from './protobuf.js'

/** Protocol buffers end at 2 GiB. */
const LIMIT_BYTES = 2 ** 31 - 1

/**
 * Encodes a model, fields in the order of their numbers, maps in the order of their keys: the same model always gives
 * the same bytes.
 *
 * @throws RangeError if a tensor's data does not fit its shape and type, or the model passes 2 GiB
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const arrayBytes = initializerBytes(model.graph)
  if (arrayBytes > LIMIT_BYTES) {
    throw new RangeError(
      `initializers (encodeModel): got ${arrayBytes} bytes, expected at most ${LIMIT_BYTES}; feed large arrays as inputs or state`,
    )
  }
  // Room for the arrays and a usual node each, so that large models are not copied while the buffer grows.
  const writer = new ProtoWriter(arrayBytes + 160 * model.graph.nodes.length + 4096)
  for (const [key, value] of Object.entries(model.metadata).reverse()) {
    const mark = writer.mark()
    writer.text(ENTRY.value, value)
    writer.text(ENTRY.key, key)
    writer.endMessage(MODEL.metadata, mark)
  }
  for (const [domain, version] of Object.entries(model.opsets).reverse()) {
    const mark = writer.mark()
    writer.int(OPSET.version, version)
    if (domain !== '') writer.text(OPSET.domain, domain)
    writer.endMessage(MODEL.opset, mark)
  }
  writeGraph(writer, MODEL.graph, model.graph)
  if (model.producer !== '') writer.text(MODEL.producer, model.producer)
  writer.int(MODEL.irVersion, model.irVersion)
  if (writer.mark() > LIMIT_BYTES) {
    throw new RangeError(`model (encodeModel): got ${writer.mark()} bytes, expected at most ${LIMIT_BYTES}`)
  }
  return writer.finish()
}

function initializerBytes(graph: OnnxGraph): number {
  return graph.initializers.reduce((sum, tensor) => sum + tensor.data.byteLength + tensor.name.length + 32, 0)
}

function writeGraph(writer: ProtoWriter, field: number, graph: OnnxGraph): void {
  const mark = writer.mark()
  for (let i = graph.outputs.length - 1; i >= 0; i--) writeValue(writer, GRAPH.output, graph.outputs[i])
  for (let i = graph.inputs.length - 1; i >= 0; i--) writeValue(writer, GRAPH.input, graph.inputs[i])
  for (let i = graph.initializers.length - 1; i >= 0; i--) {
    writeTensor(writer, GRAPH.initializer, graph.initializers[i])
  }
  writer.text(GRAPH.name, graph.name)
  for (let i = graph.nodes.length - 1; i >= 0; i--) writeNode(writer, graph.nodes[i])
  writer.endMessage(field, mark)
}

function writeNode(writer: ProtoWriter, node: OnnxNode): void {
  const mark = writer.mark()
  if (node.domain !== '') writer.text(NODE.domain, node.domain)
  for (const [name, attribute] of Object.entries(node.attributes).reverse()) {
    writeAttribute(writer, name, attribute)
  }
  writer.text(NODE.op, node.op)
  if (node.name !== '') writer.text(NODE.name, node.name)
  for (let i = node.outputs.length - 1; i >= 0; i--) writer.text(NODE.output, node.outputs[i])
  for (let i = node.inputs.length - 1; i >= 0; i--) writer.text(NODE.input, node.inputs[i])
  writer.endMessage(GRAPH.node, mark)
}

function writeAttribute(writer: ProtoWriter, name: string, attribute: OnnxAttribute): void {
  const mark = writer.mark()
  writer.int(ATTRIBUTE.type, ATTRIBUTE_TYPES[attribute.kind])
  switch (attribute.kind) {
    case 'float':
      writer.float(ATTRIBUTE.float, attribute.value)
      break
    case 'int':
      writer.int(ATTRIBUTE.int, attribute.value)
      break
    case 'string':
      writer.text(ATTRIBUTE.string, attribute.value)
      break
    case 'tensor':
      writeTensor(writer, ATTRIBUTE.tensor, attribute.value)
      break
    case 'graph':
      writeGraph(writer, ATTRIBUTE.graph, attribute.value)
      break
    case 'floats':
      writer.packedFloats(ATTRIBUTE.floats, attribute.value)
      break
    case 'ints':
      writer.packedInts(ATTRIBUTE.ints, attribute.value)
      break
    case 'strings':
      for (let i = attribute.value.length - 1; i >= 0; i--) writer.text(ATTRIBUTE.strings, attribute.value[i])
  }
  writer.text(ATTRIBUTE.name, name)
  writer.endMessage(NODE.attribute, mark)
}

function writeTensor(writer: ProtoWriter, field: number, tensor: OnnxTensor): void {
  const problem = arrayProblem(tensor.dtype, tensor.shape, tensor.data)
  if (problem !== undefined) throw new RangeError(`tensor "${tensor.name}" (encodeModel): ${problem}`)
  const { buffer, byteOffset, byteLength } = tensor.data
  const mark = writer.mark()
  writer.bytes(TENSOR.rawData, new Uint8Array(buffer, byteOffset, byteLength))
  if (tensor.name !== '') writer.text(TENSOR.name, tensor.name)
  writer.int(TENSOR.dtype, DTYPE_CODES[tensor.dtype])
  writer.packedInts(TENSOR.dims, tensor.shape)
  writer.endMessage(field, mark)
}

function writeValue(writer: ProtoWriter, field: number, value: OnnxValue): void {
  const mark = writer.mark()
  if (value.shape !== undefined) {
    const shapeMark = writer.mark()
    for (let i = value.shape.length - 1; i >= 0; i--) {
      const dim = value.shape[i]
      const dimMark = writer.mark()
      if (typeof dim === 'number') writer.int(DIM.value, dim)
      else if (dim !== '') writer.text(DIM.param, dim)
      writer.endMessage(SHAPE.dim, dimMark)
    }
    // Written even when empty: a scalar has a shape without dimensions, which is not the same as an unknown shape.
    writer.endMessage(TENSOR_TYPE.shape, shapeMark)
  }
  writer.int(TENSOR_TYPE.dtype, DTYPE_CODES[value.dtype])
  writer.endMessage(TYPE.tensor, mark)
  writer.endMessage(VALUE.type, mark)
  writer.text(VALUE.name, value.name)
  writer.endMessage(field, mark)
}
