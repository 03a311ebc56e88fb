/**
 * Reads an ONNX model from bytes that may come from anywhere. What the model types cannot hold (other element types,
 * external data, functions) is refused rather than dropped. Documentation texts and inner value infos are left out.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { arrayProblem, ELEMENT_TYPES, type Elements, ELEMENTS, type ElementType } from '../arrays.js'
import { ATTRIBUTE_TYPES, DTYPE_CODES } from './codes.js'
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import type { AttributeProto, DimensionProto, GraphProto, NodeProto, TensorProto } from './onnx_pb.js'
import { type ModelProto, ModelProtoSchema, type ValueInfoProto } from './onnx_pb.js'

/** Loops in loops: real models go two or three deep. */
const MAX_GRAPH_DEPTH = 16

/** Raised when bytes are no ONNX model that the engine can hold; the message is one line. */
export class OnnxFormatError extends Error {
  override readonly name = 'OnnxFormatError'
}

/**
 * Decodes an ONNX model. Arrays are copied, so the bytes may be reused.
 *
 * @throws OnnxFormatError in one line: `ONNX model (where): got X, expected Y`
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const { graph, ...model } = messageOf(bytes)
  if (model.functions.length > 0) fail('functions', 'got a model-local function, expected none')
  if (model.trainingInfo.length > 0) fail('training_info', 'got a training graph, expected none')
  if (graph === undefined) fail('graph', 'got none, expected one; is this an ONNX file?')
  const opsets = model.opsetImport.map(({ domain = '', version }): [string, number] => [
    domain,
    safe(version, `opset of domain "${domain}"`),
  ])
  const metadata = model.metadataProps.map(({ key = '', value = '' }): [string, string] => [key, value])
  return {
    graph: readGraph(graph, 0),
    opsets: record(opsets, 'opset of domain'),
    irVersion: safe(model.irVersion, 'ir_version'),
    producer: model.producerName ?? '',
    metadata: record(metadata, 'metadata key'),
  }
}

/** The library checks every length against the bytes that are there, and ends messages in messages at 100 deep. */
function messageOf(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false })
  } catch (error) {
    const [problem] = (error as Error).message.split('\n')
    throw new OnnxFormatError(`ONNX model: ${problem}; is the file cut short, or no ONNX file?`)
  }
}

function fail(where: string, problem: string): never {
  throw new OnnxFormatError(`ONNX model (${where}): ${problem}`)
}

/** A signed 64-bit integer that fits a JavaScript number exactly. */
function safe(value: bigint | undefined, where: string): number {
  const number = Number(value ?? 0n)
  return Number.isSafeInteger(number) ? number : fail(where, `got ${value}, expected an integer within 2^53`)
}

/** An object of the entries; a name that comes twice is an error, since one would silently win. */
function record<T>(entries: readonly (readonly [string, T])[], what: string): Readonly<Record<string, T>> {
  const names = new Set<string>()
  for (const [name] of entries) {
    if (names.has(name)) fail(`${what} "${name}"`, 'got it twice, expected it once')
    names.add(name)
  }
  return Object.fromEntries(entries)
}

function readGraph(graph: GraphProto, depth: number): OnnxGraph {
  if (depth > MAX_GRAPH_DEPTH)
    fail('sub-graphs', `got over ${MAX_GRAPH_DEPTH} inside one another, expected fewer`)
  if (graph.sparseInitializer.length > 0)
    fail('initializers', 'got a sparse tensor, expected dense ones only')
  return {
    name: graph.name ?? '',
    nodes: graph.node.map((node) => readNode(node, depth)),
    initializers: graph.initializer.map(readTensor),
    inputs: graph.input.map(readValue),
    outputs: graph.output.map(readValue),
  }
}

function readNode({ opType: op = '', name = '', ...node }: NodeProto, depth: number): OnnxNode {
  const attributes = node.attribute.map((attribute): [string, OnnxAttribute] => [
    attribute.name ?? '',
    readAttribute(attribute, depth),
  ])
  return {
    op,
    domain: node.domain ?? '',
    name,
    inputs: node.input,
    outputs: node.output,
    attributes: record(attributes, `${op} "${name}", attribute`),
  }
}

function readAttribute(attribute: AttributeProto, depth: number): OnnxAttribute {
  const where = `attribute "${attribute.name ?? ''}"`
  if (attribute.refAttrName !== undefined) fail(where, 'got a reference, expected a value')
  const { type, t: tensor, g: graph } = attribute
  if (type === ATTRIBUTE_TYPES.float) return { kind: 'float', value: attribute.f ?? 0 }
  if (type === ATTRIBUTE_TYPES.int) return { kind: 'int', value: safe(attribute.i, where) }
  if (type === ATTRIBUTE_TYPES.string) return { kind: 'string', value: attribute.s ?? '' }
  if (type === ATTRIBUTE_TYPES.tensor && tensor) return { kind: 'tensor', value: readTensor(tensor) }
  if (type === ATTRIBUTE_TYPES.graph && graph) return { kind: 'graph', value: readGraph(graph, depth + 1) }
  if (type === ATTRIBUTE_TYPES.floats) return { kind: 'floats', value: attribute.floats }
  if (type === ATTRIBUTE_TYPES.ints)
    return { kind: 'ints', value: attribute.ints.map((value) => safe(value, where)) }
  if (type === ATTRIBUTE_TYPES.strings) return { kind: 'strings', value: attribute.strings }
  const expected = Object.entries(ATTRIBUTE_TYPES).map(([kind, code]) => `${code} (${kind})`)
  fail(where, `got type ${type ?? 0} without a value for it, expected one of ${expected.join(', ')}`)
}

function readDtype(code: number | undefined, where: string): ElementType {
  const dtype = ELEMENT_TYPES.find((candidate) => DTYPE_CODES[candidate] === code)
  const expected = ELEMENT_TYPES.map((candidate) => `${DTYPE_CODES[candidate]} (${candidate})`).join(', ')
  return dtype ?? fail(where, `got element type ${code ?? 0}, expected one of ${expected}`)
}

function readTensor(tensor: TensorProto): OnnxTensor {
  const { name = '', externalData, segment } = tensor
  const where = `tensor "${name}"`
  if (externalData.length > 0)
    fail(where, 'got data in another file, expected it in the model; save it as one file')
  if (segment) fail(where, 'got a segment, expected a whole tensor')
  const dtype = readDtype(tensor.dataType, where)
  const shape = tensor.dims.map((extent) => safe(extent, where))
  const data = readElements(tensor, dtype, where)
  const problem = arrayProblem(dtype, shape, data)
  if (problem !== undefined) fail(where, problem)
  if (dtype === 'bool') {
    const wrong = (data as Uint8Array).find((value) => value > 1)
    if (wrong !== undefined) fail(where, `got a bool of ${wrong}, expected 0 or 1`)
  }
  return { name, dtype, shape, data }
}

/** A tensor's elements stand either in `raw_data` or, element by element, in the field of their type. */
function readElements(tensor: TensorProto, dtype: ElementType, where: string): Elements {
  const { rawData: raw, floatData, int32Data, int64Data } = tensor
  if (raw !== undefined) {
    const { bytes, array } = ELEMENTS[dtype]
    if (raw.length % bytes !== 0)
      fail(where, `got ${raw.length} bytes of raw data, expected a multiple of ${bytes} for ${dtype}`)
    return array(new Uint8Array(raw).buffer)
  }
  if (dtype === 'float32') return Float32Array.from(floatData)
  if (dtype === 'int64') return BigInt64Array.from(int64Data)
  return dtype === 'int32' ? Int32Array.from(int32Data) : Uint8Array.from(int32Data)
}

function readValue({ name = '', type }: ValueInfoProto): OnnxValue {
  const where = `value "${name}"`
  const tensor = type?.tensorType
  if (tensor === undefined) fail(where, 'got no type, expected a tensor type')
  const dtype = readDtype(tensor.elemType, where)
  return tensor.shape === undefined
    ? { name, dtype }
    : { name, dtype, shape: tensor.shape.dim.map((extent) => readExtent(extent, where)) }
}

/** A dimension without a value or a name is unknown: the empty text. */
function readExtent({ dimValue, dimParam = '' }: DimensionProto, where: string): number | string {
  if (dimValue === undefined) return dimParam
  const extent = safe(dimValue, where)
  return extent < 0 ? fail(where, `got a dimension of ${extent}, expected at least 0`) : extent
}
