/** Encodes a model as ONNX, by the messages that are generated from onnx.proto. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { arrayProblem } from '../arrays.js'
import { ATTRIBUTE_TYPES, DTYPE_CODES } from './codes.js'
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import type {
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx_pb.js'
import { ModelProtoSchema } from './onnx_pb.js'

/** Protocol buffers end at 2 GiB. */
const LIMIT_BYTES = 2 ** 31 - 1

/**
 * Encodes a model, fields in the order of their numbers, maps in the order of their keys: the same model always gives
 * the same bytes.
 *
 * @throws RangeError if a tensor's data does not fit its shape and type, or the model passes 2 GiB
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const arrayBytes = model.graph.initializers.reduce((sum, { data }) => sum + data.byteLength, 0)
  if (arrayBytes > LIMIT_BYTES) {
    throw new RangeError(
      `initializers (encodeModel): got ${arrayBytes} bytes, expected at most ${LIMIT_BYTES}; feed large arrays as inputs or state`,
    )
  }
  const message = create(ModelProtoSchema, {
    irVersion: BigInt(model.irVersion),
    producerName: unlessEmpty(model.producer),
    graph: graphInit(model.graph),
    opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({
      domain: unlessEmpty(domain),
      version: BigInt(version),
    })),
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
  })
  const bytes = toBinary(ModelProtoSchema, message)
  if (bytes.length > LIMIT_BYTES) {
    throw new RangeError(`model (encodeModel): got ${bytes.length} bytes, expected at most ${LIMIT_BYTES}`)
  }
  return bytes
}

const unlessEmpty = (text: string): string | undefined => (text === '' ? undefined : text)

const graphInit = (graph: OnnxGraph): MessageInitShape<typeof GraphProtoSchema> => ({
  node: graph.nodes.map(nodeInit),
  name: graph.name,
  initializer: graph.initializers.map(tensorInit),
  input: graph.inputs.map(valueInit),
  output: graph.outputs.map(valueInit),
})

export const nodeInit = (node: OnnxNode): MessageInitShape<typeof NodeProtoSchema> => ({
  input: [...node.inputs],
  output: [...node.outputs],
  name: unlessEmpty(node.name),
  opType: node.op,
  attribute: Object.entries(node.attributes).map(([name, attribute]) => ({
    name,
    type: ATTRIBUTE_TYPES[attribute.kind],
    ...attributeValue(attribute),
  })),
  domain: unlessEmpty(node.domain),
})

function attributeValue(attribute: OnnxAttribute): MessageInitShape<typeof AttributeProtoSchema> {
  switch (attribute.kind) {
    case 'float':
      return { f: attribute.value }
    case 'int':
      return { i: BigInt(attribute.value) }
    case 'string':
      return { s: attribute.value }
    case 'tensor':
      return { t: tensorInit(attribute.value) }
    case 'graph':
      return { g: graphInit(attribute.value) }
    case 'floats':
      return { floats: [...attribute.value] }
    case 'ints':
      return { ints: attribute.value.map(BigInt) }
    case 'strings':
      return { strings: [...attribute.value] }
  }
}

export function tensorInit({
  name,
  dtype,
  shape,
  data,
}: OnnxTensor): MessageInitShape<typeof TensorProtoSchema> {
  const problem = arrayProblem(dtype, shape, data)
  if (problem !== undefined) throw new RangeError(`tensor "${name}" (encodeModel): ${problem}`)
  return {
    dims: shape.map(BigInt),
    dataType: DTYPE_CODES[dtype],
    name: unlessEmpty(name),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  }
}

/** A scalar has a shape without dimensions, which is not the same as an unknown shape. */
export const valueInit = ({
  name,
  dtype,
  shape,
}: OnnxValue): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    tensorType: {
      elemType: DTYPE_CODES[dtype],
      shape: shape && {
        dim: shape.map((extent) =>
          typeof extent === 'number' ? { dimValue: BigInt(extent) } : { dimParam: unlessEmpty(extent) },
        ),
      },
    },
  },
})
