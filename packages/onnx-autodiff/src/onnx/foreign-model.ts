/**
 * An ONNX model from elsewhere as far as one has to know it to run it: what it takes and gives, its operators, its small
 * constants. It is checked before anything runs (foreign-checks.ts), and what runs is never the file itself but what was
 * read of it, written again, so that nothing reaches onnxruntime that was not looked at.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { elementTypeOf } from './element-types.js'
import { checkForeign, foreignMessage, standardOpset } from './foreign-checks.js'
import { MICROSOFT_DOMAIN, STANDARD_DOMAINS } from './foreign-operators.js'
import { tensorNumbers } from './foreign-tensors.js'
import type { OnnxNode, OnnxTensor, OnnxValue } from './model.js'
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.js'
import { OnnxFormatError } from './reader.js'
import { nodeInit, tensorInit, valueInit } from './writer.js'

/** Protocol buffers end at 2 GiB. */
const LIMIT_BYTES = 2 ** 31 - 1
/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1
const ALLOWED_DOMAINS = [...STANDARD_DOMAINS, MICROSOFT_DOMAIN]

/** What goes into a model from elsewhere or comes out of it. */
export interface ForeignValue {
  readonly name: string
  /** `float32`, `float16`, `int64`, `string`, ...; undefined for what is no tensor. */
  readonly elementType?: string
  /** A dimension that is a text is open; undefined where the shape is unknown. */
  readonly shape?: readonly (number | string)[]
}

/** An operator of a model from elsewhere, with those of its attributes that are plain. */
export interface ForeignNode {
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Lists of whole numbers, and single ones as a list of one. */
  readonly ints: Readonly<Record<string, readonly number[]>>
  readonly floats: Readonly<Record<string, readonly number[]>>
}

/** Data that a model keeps in a file beside it. */
export interface ExternalData {
  /** As the model writes it: a path relative to its own folder, if it is honest. */
  readonly location: string
  readonly offset: number
  /** To the file's end where it is not said. */
  readonly length?: number
}

/** What a model runs as: nodes before and after it, and what goes in and comes out. */
export interface Surroundings {
  readonly inputs: readonly OnnxValue[]
  readonly before: readonly OnnxNode[]
  readonly after: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Reads and checks a model.
 *
 * @param external gives the bytes of tensors that lie in other files; without it these are refused
 * @throws OnnxFormatError in one line for what is no ONNX model, or one that must not run
 */
export async function readForeignModel(
  bytes: Uint8Array,
  external?: (data: ExternalData) => Promise<Uint8Array>,
): Promise<ForeignModel> {
  const message = foreignMessage(bytes)
  let inlined = bytes.length
  for (const tensor of allTensors(message)) {
    if (tensor.externalData.length === 0 && tensor.dataLocation !== EXTERNAL) continue
    const where = `tensor "${tensor.name ?? ''}"`
    if (external === undefined)
      throw new OnnxFormatError(
        `ONNX model (${where}): got data in another file, expected it in the model; save it as one file`,
      )
    const data = await external(externalDataOf(tensor, where))
    inlined += data.length
    if (inlined > LIMIT_BYTES)
      throw new OnnxFormatError(`ONNX model (${where}): got over 2 GiB in all, expected less`)
    tensor.rawData = data
    tensor.externalData = []
    tensor.dataLocation = undefined
  }
  return new ForeignModel(message, checkForeign(message))
}

function externalDataOf(tensor: TensorProto, where: string): ExternalData {
  const entries = new Map(tensor.externalData.map(({ key = '', value = '' }) => [key, value]))
  const number = (key: string): number | undefined => {
    const text = entries.get(key)
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (Number.isSafeInteger(value)) return value
    throw new OnnxFormatError(
      `ONNX model (${where}): got the ${key} "${text}", expected a whole number of at least 0`,
    )
  }
  const location = entries.get('location') ?? ''
  return { location, offset: number('offset') ?? 0, length: number('length') }
}

function* allTensors(message: ModelProto): Generator<TensorProto> {
  if (message.graph !== undefined) yield* tensorsOf(message.graph)
  for (const { node, attributeProto } of message.functions) {
    for (const { attribute } of node) yield* attributeTensors(attribute)
    yield* attributeTensors(attributeProto)
  }
}

function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer
  for (const { attribute } of graph.node) yield* attributeTensors(attribute)
}

function* attributeTensors(attributes: readonly AttributeProto[]): Generator<TensorProto> {
  for (const { t: tensor, g: graph, tensors, graphs } of attributes) {
    if (tensor !== undefined) yield tensor
    yield* tensors
    if (graph !== undefined) yield* tensorsOf(graph)
    for (const inner of graphs) yield* tensorsOf(inner)
  }
}

/** A model that was read and checked. */
export class ForeignModel {
  readonly #message: ModelProto
  readonly #graph: GraphProto
  readonly #constants: ReadonlyMap<string, TensorProto>
  readonly #names: ReadonlySet<string>
  /** Of the standard operators. */
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
  readonly producer: string
  readonly graphName: string
  /** What a run has to be given: inputs without a value of their own. */
  readonly inputs: readonly ForeignValue[]
  readonly outputs: readonly ForeignValue[]
  /** Of the outer graph, in its order. */
  readonly nodes: readonly ForeignNode[]

  /** Of a message that was checked, and the graph in it. */
  constructor(message: ModelProto, graph: GraphProto) {
    this.#message = message
    this.#graph = graph
    this.opset = standardOpset(message)
    this.metadata = Object.fromEntries(message.metadataProps.map(({ key = '', value = '' }) => [key, value]))
    this.producer = message.producerName ?? ''
    this.graphName = graph.name ?? ''
    const valued = new Set(graph.initializer.map(({ name = '' }) => name))
    this.inputs = graph.input.filter(({ name = '' }) => !valued.has(name)).map(valueOf)
    this.outputs = graph.output.map(valueOf)
    this.nodes = graph.node.map(nodeOf)
    this.#constants = constantsOf(graph)
    this.#names = namesOf(graph)
  }

  /** The numbers of a small constant; undefined where it is none, is large, or holds something else. */
  constant(name: string): readonly number[] | undefined {
    const tensor = this.#constants.get(name)
    return tensor && tensorNumbers(tensor)
  }

  /** The shape of a constant of any size. */
  constantShape(name: string): readonly number[] | undefined {
    return this.#constants.get(name)?.dims.map(Number)
  }

  /** Whether the graph has a value of this name. */
  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** A name that nothing in the graph has. */
  freeName(stem: string): string {
    let name = stem
    for (let number = 2; this.#names.has(name); number++) name = `${stem}-${number}`
    return name
  }

  /** The same model, of which every name has this before it: names of others are free then. */
  renamed(prefix: string): ForeignModel {
    return new ForeignModel(this.#message, withPrefix(this.#graph, prefix))
  }

  /**
   * The model with nodes around it as an ONNX file of its own, without what its outputs do not need. `before` has to give
   * every input.
   */
  surround({ inputs, before, after, initializers, outputs, metadata }: Surroundings): Uint8Array {
    const own = before.map((node) => create(NodeProtoSchema, nodeInit(node)))
    const later = after.map((node) => create(NodeProtoSchema, nodeInit(node)))
    const all = [...own, ...this.#graph.node, ...later]
    const { nodes, used } = needed(
      all,
      outputs.map(({ name }) => name),
    )
    const { irVersion = 0n, opsetImport, functions } = this.#message
    const domains = new Set([...ALLOWED_DOMAINS, ...functions.map(({ domain = '' }) => domain)])
    const message = create(ModelProtoSchema, {
      // Before version 4 what has a value had to stand among the inputs.
      irVersion: irVersion < 4n ? 4n : irVersion,
      producerName: this.producer,
      opsetImport: opsetImport.filter(({ domain = '' }) => domains.has(domain)),
      functions,
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: this.graphName === '' ? 'model' : this.graphName,
        node: nodes,
        initializer: [
          ...this.#graph.initializer.filter(({ name = '' }) => used.has(name)),
          ...initializers.map((tensor) => create(TensorProtoSchema, tensorInit(tensor))),
        ],
        input: inputs.map((value) => create(ValueInfoProtoSchema, valueInit(value))),
        output: outputs.map((value) => create(ValueInfoProtoSchema, valueInit(value))),
      },
    })
    return toBinary(ModelProtoSchema, message)
  }
}

function valueOf({ name = '', type }: ValueInfoProto): ForeignValue {
  const tensor = type?.tensorType
  return {
    name,
    elementType: tensor && elementTypeOf(tensor.elemType)?.name,
    shape: tensor?.shape?.dim.map(({ dimValue, dimParam = '' }) =>
      dimValue === undefined || dimValue <= 0n ? dimParam || '?' : Number(dimValue),
    ),
  }
}

function nodeOf({ opType: op = '', domain = '', input, output, attribute }: NodeProto): ForeignNode {
  const ints: Record<string, readonly number[]> = {}
  const floats: Record<string, readonly number[]> = {}
  for (const each of attribute) {
    const name = each.name ?? ''
    if (each.ints.length > 0 || each.i !== undefined)
      ints[name] = each.ints.length > 0 ? each.ints.map(Number) : [Number(each.i)]
    if (each.floats.length > 0 || each.f !== undefined)
      floats[name] = each.floats.length > 0 ? each.floats : [each.f ?? 0]
  }
  return { op, domain, inputs: input, outputs: output, ints, floats }
}

/** Initializers, and the constants that stand as nodes. */
function constantsOf(graph: GraphProto): Map<string, TensorProto> {
  const found = new Map(graph.initializer.map((tensor) => [tensor.name ?? '', tensor]))
  for (const { opType, attribute, output } of graph.node) {
    if (opType !== 'Constant') continue
    for (const { name, t: tensor, f, floats, i, ints } of attribute) {
      const numbers = name === 'value_float' ? [f ?? 0] : name === 'value_floats' ? floats : undefined
      const whole = name === 'value_int' ? [i ?? 0n] : name === 'value_ints' ? ints : undefined
      const value =
        tensor ??
        (numbers !== undefined
          ? create(TensorProtoSchema, {
              dataType: 1,
              dims: name === 'value_float' ? [] : [BigInt(numbers.length)],
              floatData: numbers,
            })
          : whole &&
            create(TensorProtoSchema, {
              dataType: 7,
              dims: name === 'value_int' ? [] : [BigInt(whole.length)],
              int64Data: whole,
            }))
      if (value !== undefined) found.set(output[0] ?? '', value)
    }
  }
  return found
}

/** Bodies of loops and branches use names of the graph around them: all are renamed alike. */
function withPrefix(graph: GraphProto, prefix: string): GraphProto {
  const now = (name: string | undefined): string =>
    name === undefined || name === '' ? '' : `${prefix}${name}`
  const attribute = (each: AttributeProto): AttributeProto => ({
    ...each,
    g: each.g && withPrefix(each.g, prefix),
    graphs: each.graphs.map((inner) => withPrefix(inner, prefix)),
  })
  return {
    ...graph,
    node: graph.node.map((node) => ({
      ...node,
      name: now(node.name),
      input: node.input.map(now),
      output: node.output.map(now),
      attribute: node.attribute.map(attribute),
    })),
    initializer: graph.initializer.map((tensor) => ({ ...tensor, name: now(tensor.name) })),
    input: graph.input.map((value) => ({ ...value, name: now(value.name) })),
    output: graph.output.map((value) => ({ ...value, name: now(value.name) })),
  }
}

function namesOf(graph: GraphProto): Set<string> {
  const names = new Set<string>()
  const add = (inner: GraphProto): void => {
    for (const { name = '' } of [...inner.initializer, ...inner.input, ...inner.output]) names.add(name)
    for (const { input, output, attribute } of inner.node) {
      for (const name of [...input, ...output]) names.add(name)
      for (const { g: deeper, graphs } of attribute) {
        if (deeper !== undefined) add(deeper)
        graphs.forEach(add)
      }
    }
  }
  add(graph)
  return names
}

/** The nodes that some outputs need, in their order, and all names that these use. */
function needed(
  nodes: readonly NodeProto[],
  outputs: readonly string[],
): { nodes: NodeProto[]; used: ReadonlySet<string> } {
  const used = new Set(outputs)
  const kept = nodes.toReversed().filter(({ input, output, attribute }) => {
    if (!output.some((name) => used.has(name))) return false
    for (const name of input) used.add(name)
    // Graphs in it may use whatever stands around them.
    for (const { g: graph, graphs } of attribute)
      for (const inner of graph === undefined ? graphs : [graph, ...graphs])
        for (const name of namesOf(inner)) used.add(name)
    return true
  })
  return { nodes: kept.reverse(), used }
}
