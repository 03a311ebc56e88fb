/**
 * Reads an ONNX model (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3) from bytes that may come from anywhere:
 * every length is checked before it is used, and what the model types cannot hold (other element types, external
 * data, functions) is refused rather than dropped. Documentation texts and inner value infos are left out.
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
import { arrayProblem, ELEMENT_TYPES, type Elements, ELEMENTS, type ElementType } from '../arrays.js'
import { ProtoError, ProtoReader } from './protobuf.js'

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
  try {
    return readModel(new ProtoReader(bytes))
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error
    throw new OnnxFormatError(`ONNX model: ${error.message}; is the file cut short, or no ONNX file?`)
  }
}

function fail(where: string, problem: string): never {
  throw new OnnxFormatError(`ONNX model (${where}): ${problem}`)
}

function readModel(reader: ProtoReader): OnnxModel {
  let graph: OnnxGraph | undefined
  let irVersion = 0
  let producer = ''
  const opsets: [string, number][] = []
  const metadata: [string, string][] = []
  while (reader.next()) {
    if (reader.field === MODEL.irVersion) irVersion = reader.int()
    else if (reader.field === MODEL.producer) producer = reader.text()
    else if (reader.field === MODEL.graph) {
      if (graph !== undefined) fail('graph', 'got a second one, expected one')
      graph = readGraph(reader.message(), 0)
    } else if (reader.field === MODEL.opset) opsets.push(readOpset(reader.message()))
    else if (reader.field === MODEL.metadata) metadata.push(readEntry(reader.message()))
    else if (reader.field === MODEL.functions) fail('functions', 'got a model-local function, expected none')
    else if (reader.field === MODEL.training) fail('training_info', 'got a training graph, expected none')
    else reader.skip()
  }
  if (graph === undefined) fail('graph', 'got none, expected one; is this an ONNX file?')
  return {
    graph,
    opsets: record(opsets, 'opset of domain'),
    irVersion,
    producer,
    metadata: record(metadata, 'metadata key'),
  }
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

function readOpset(reader: ProtoReader): [string, number] {
  let domain = ''
  let version = 0
  while (reader.next()) {
    if (reader.field === OPSET.domain) domain = reader.text()
    else if (reader.field === OPSET.version) version = reader.int()
    else reader.skip()
  }
  return [domain, version]
}

function readEntry(reader: ProtoReader): [string, string] {
  let key = ''
  let value = ''
  while (reader.next()) {
    if (reader.field === ENTRY.key) key = reader.text()
    else if (reader.field === ENTRY.value) value = reader.text()
    else reader.skip()
  }
  return [key, value]
}

function readGraph(reader: ProtoReader, depth: number): OnnxGraph {
  if (depth > MAX_GRAPH_DEPTH)
    fail('sub-graphs', `got over ${MAX_GRAPH_DEPTH} inside one another, expected fewer`)
  let name = ''
  const nodes: OnnxNode[] = []
  const initializers: OnnxTensor[] = []
  const inputs: OnnxValue[] = []
  const outputs: OnnxValue[] = []
  while (reader.next()) {
    if (reader.field === GRAPH.node) nodes.push(readNode(reader.message(), depth))
    else if (reader.field === GRAPH.name) name = reader.text()
    else if (reader.field === GRAPH.initializer) initializers.push(readTensor(reader.message()))
    else if (reader.field === GRAPH.input) inputs.push(readValue(reader.message()))
    else if (reader.field === GRAPH.output) outputs.push(readValue(reader.message()))
    else if (reader.field === GRAPH.sparseInitializer) {
      fail('initializers', 'got a sparse tensor, expected dense ones only')
    } else reader.skip()
  }
  return { name, nodes, initializers, inputs, outputs }
}

function readNode(reader: ProtoReader, depth: number): OnnxNode {
  let op = ''
  let domain = ''
  let name = ''
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes: [string, OnnxAttribute][] = []
  while (reader.next()) {
    if (reader.field === NODE.input) inputs.push(reader.text())
    else if (reader.field === NODE.output) outputs.push(reader.text())
    else if (reader.field === NODE.name) name = reader.text()
    else if (reader.field === NODE.op) op = reader.text()
    else if (reader.field === NODE.domain) domain = reader.text()
    else if (reader.field === NODE.attribute) attributes.push(readAttribute(reader.message(), depth))
    else reader.skip()
  }
  return { op, domain, name, inputs, outputs, attributes: record(attributes, `${op} "${name}", attribute`) }
}

function readAttribute(reader: ProtoReader, depth: number): [string, OnnxAttribute] {
  let name = ''
  let type = 0
  let float = 0
  let int = 0
  let string = ''
  let tensor: OnnxTensor | undefined
  let graph: OnnxGraph | undefined
  const floats: number[] = []
  const ints: number[] = []
  const strings: string[] = []
  while (reader.next()) {
    if (reader.field === ATTRIBUTE.name) name = reader.text()
    else if (reader.field === ATTRIBUTE.type) type = reader.int()
    else if (reader.field === ATTRIBUTE.float) float = reader.float()
    else if (reader.field === ATTRIBUTE.int) int = reader.int()
    else if (reader.field === ATTRIBUTE.string) string = reader.text()
    else if (reader.field === ATTRIBUTE.tensor) tensor = readTensor(reader.message())
    else if (reader.field === ATTRIBUTE.graph) graph = readGraph(reader.message(), depth + 1)
    else if (reader.field === ATTRIBUTE.floats) reader.floats(floats)
    else if (reader.field === ATTRIBUTE.ints) reader.ints(ints)
    else if (reader.field === ATTRIBUTE.strings) strings.push(reader.text())
    else if (reader.field === ATTRIBUTE.reference)
      fail(`attribute "${name}"`, 'got a reference, expected a value')
    else reader.skip()
  }
  const attribute = ((): OnnxAttribute | undefined => {
    switch (type) {
      case ATTRIBUTE_TYPES.float:
        return { kind: 'float', value: float }
      case ATTRIBUTE_TYPES.int:
        return { kind: 'int', value: int }
      case ATTRIBUTE_TYPES.string:
        return { kind: 'string', value: string }
      case ATTRIBUTE_TYPES.tensor:
        return tensor && { kind: 'tensor', value: tensor }
      case ATTRIBUTE_TYPES.graph:
        return graph && { kind: 'graph', value: graph }
      case ATTRIBUTE_TYPES.floats:
        return { kind: 'floats', value: floats }
      case ATTRIBUTE_TYPES.ints:
        return { kind: 'ints', value: ints }
      case ATTRIBUTE_TYPES.strings:
        return { kind: 'strings', value: strings }
      default:
        return undefined
    }
  })()
  if (attribute === undefined) {
    const expected = Object.entries(ATTRIBUTE_TYPES).map(([kind, code]) => `${code} (${kind})`)
    fail(
      `attribute "${name}"`,
      `got type ${type} without a value for it, expected one of ${expected.join(', ')}`,
    )
  }
  return [name, attribute]
}

function readDtype(code: number, where: string): ElementType {
  const dtype = ELEMENT_TYPES.find((candidate) => DTYPE_CODES[candidate] === code)
  const expected = ELEMENT_TYPES.map((candidate) => `${DTYPE_CODES[candidate]} (${candidate})`).join(', ')
  return dtype ?? fail(where, `got element type ${code}, expected one of ${expected}`)
}

/** A tensor's elements stand either in `raw_data` or, element by element, in the field of their type. */
function readTensor(reader: ProtoReader): OnnxTensor {
  let name = ''
  let code = 0
  let raw: Uint8Array | undefined
  const shape: number[] = []
  const floats: number[] = []
  const int32s: number[] = []
  const int64s: bigint[] = []
  while (reader.next()) {
    if (reader.field === TENSOR.dims) reader.ints(shape)
    else if (reader.field === TENSOR.dtype) code = reader.int()
    else if (reader.field === TENSOR.name) name = reader.text()
    else if (reader.field === TENSOR.rawData) raw = reader.bytes()
    else if (reader.field === TENSOR.floatData) reader.floats(floats)
    else if (reader.field === TENSOR.int32Data) reader.ints(int32s)
    else if (reader.field === TENSOR.int64Data) reader.bigints(int64s)
    else if (reader.field === TENSOR.externalData) {
      fail(`tensor "${name}"`, 'got data in another file, expected it in the model; save it as one file')
    } else if (reader.field === TENSOR.segment)
      fail(`tensor "${name}"`, 'got a segment, expected a whole tensor')
    else reader.skip()
  }
  const where = `tensor "${name}"`
  const dtype = readDtype(code, where)
  const data = raw === undefined ? typedData(dtype, floats, int32s, int64s) : rawData(dtype, raw, where)
  const problem = arrayProblem(dtype, shape, data)
  if (problem !== undefined) fail(where, problem)
  if (dtype === 'bool' && (data as Uint8Array).some((value) => value > 1)) {
    fail(where, `got a bool of ${(data as Uint8Array).find((value) => value > 1)}, expected 0 or 1`)
  }
  return { name, dtype, shape, data }
}

function rawData(dtype: ElementType, raw: Uint8Array, where: string): Elements {
  const { bytes, array } = ELEMENTS[dtype]
  if (raw.length % bytes !== 0) {
    fail(where, `got ${raw.length} bytes of raw data, expected a multiple of ${bytes} for ${dtype}`)
  }
  return array(new Uint8Array(raw).buffer)
}

function typedData(
  dtype: ElementType,
  floats: readonly number[],
  int32s: readonly number[],
  int64s: readonly bigint[],
): Elements {
  if (dtype === 'float32') return Float32Array.from(floats)
  if (dtype === 'int64') return BigInt64Array.from(int64s)
  return dtype === 'int32' ? Int32Array.from(int32s) : Uint8Array.from(int32s)
}

function readValue(reader: ProtoReader): OnnxValue {
  let name = ''
  let type: Omit<OnnxValue, 'name'> | undefined
  while (reader.next()) {
    if (reader.field === VALUE.name) name = reader.text()
    else if (reader.field === VALUE.type) type = readType(reader.message(), `value "${name}"`)
    else reader.skip()
  }
  if (type === undefined) fail(`value "${name}"`, 'got no type, expected a tensor type')
  return { name, ...type }
}

function readType(reader: ProtoReader, where: string): Omit<OnnxValue, 'name'> | undefined {
  let tensorType: Omit<OnnxValue, 'name'> | undefined
  while (reader.next()) {
    if (reader.field !== TYPE.tensor) {
      reader.skip()
      continue
    }
    const tensor = reader.message()
    let code = 0
    let shape: (number | string)[] | undefined
    while (tensor.next()) {
      if (tensor.field === TENSOR_TYPE.dtype) code = tensor.int()
      else if (tensor.field === TENSOR_TYPE.shape) shape = readShape(tensor.message(), where)
      else tensor.skip()
    }
    const dtype = readDtype(code, where)
    tensorType = shape === undefined ? { dtype } : { dtype, shape }
  }
  return tensorType
}

/** A dimension without a value or a name is unknown: the empty text. */
function readShape(reader: ProtoReader, where: string): (number | string)[] {
  const shape: (number | string)[] = []
  while (reader.next()) {
    if (reader.field !== SHAPE.dim) {
      reader.skip()
      continue
    }
    const message = reader.message()
    let dim: number | string = ''
    while (message.next()) {
      if (message.field === DIM.value) dim = message.int()
      else if (message.field === DIM.param) dim = message.text()
      else message.skip()
    }
    if (typeof dim === 'number' && dim < 0) fail(where, `got a dimension of ${dim}, expected at least 0`)
    shape.push(dim)
  }
  return shape
}
