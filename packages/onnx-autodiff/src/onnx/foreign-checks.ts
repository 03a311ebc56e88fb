/**
 * Whether a model from elsewhere may be given to onnxruntime: it is data that anybody may have made. Checked are its
 * operators, what its tensors claim, how deep its graphs lie in one another, and how large its functions grow when they
 * are put in place. What the operators compute on the way is not known beforehand.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { MICROSOFT_DOMAIN, MICROSOFT_OPERATORS, STANDARD_DOMAINS } from './foreign-operators.js'
import { checkTensor, LIMIT_ELEMENTS, tensorNumbers } from './foreign-tensors.js'
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
} from './onnx_pb.js'
import { OnnxFormatError } from './reader.js'

/** Real models have some thousand nodes; graphs in graphs go two or three deep. */
export const LIMIT_NODES = 100_000
export const LIMIT_GRAPH_DEPTH = 16
/** onnxruntime reads no older ones. */
const OLDEST_OPSET = 7

function fail(where: string, problem: string): never {
  throw new OnnxFormatError(`ONNX model (${where}): ${problem}`)
}

/** The message in some bytes; fields that are not in onnx.proto here do not come along. */
export function foreignMessage(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false })
  } catch (error) {
    const [problem] = (error as Error).message.split('\n')
    throw new OnnxFormatError(`ONNX model: ${problem}; is the file cut short, or no ONNX file?`)
  }
}

/** @throws OnnxFormatError in one line: `ONNX model (where): got X, expected Y` */
export function checkForeign(model: ModelProto): GraphProto {
  const { graph, functions } = model
  if (graph === undefined) fail('graph', 'got none, expected one; is this an ONNX file?')
  if (model.trainingInfo.length > 0) fail('training_info', 'got a training graph, expected none')
  const opset = standardOpset(model)
  if (opset < OLDEST_OPSET) fail('opset', `got ${opset}, expected at least ${OLDEST_OPSET}; export it again`)
  new Walk(functions).graph(graph, 0)
  return graph
}

/** Of the standard operators. */
export function standardOpset({ opsetImport }: Pick<ModelProto, 'opsetImport'>): number {
  const found = opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')
  return Number(found?.version ?? 1n)
}

const functionKey = (domain = '', name = '', overload = ''): string =>
  JSON.stringify([domain, name, overload])

class Walk {
  readonly #functions: ReadonlyMap<string, FunctionProto>
  /** Nodes that a function becomes, functions in it included. */
  readonly #sizes = new Map<string, number | 'open'>()
  #nodes = 0

  constructor(functions: readonly FunctionProto[]) {
    this.#functions = new Map(
      functions.map((each) => [functionKey(each.domain, each.name, each.overload), each]),
    )
    for (const [key, each] of this.#functions) {
      this.#size(key, each)
      for (const attribute of each.attributeProto) this.#attribute(attribute, 0, true)
    }
  }

  graph(graph: GraphProto, depth: number, inFunction = false): void {
    if (depth > LIMIT_GRAPH_DEPTH)
      fail('sub-graphs', `got over ${LIMIT_GRAPH_DEPTH} inside one another, expected fewer`)
    if (graph.sparseInitializer.length > 0)
      fail('initializers', 'got a sparse tensor, expected dense ones only')
    graph.initializer.forEach(checkTensor)
    checkSizes(graph)
    for (const node of graph.node) this.node(node, depth, inFunction)
  }

  node(node: NodeProto, depth: number, inFunction: boolean): void {
    const key = functionKey(node.domain, node.opType, node.overload)
    const own = this.#functions.get(key)
    if (own === undefined) checkOperator(node)
    this.#nodes += own === undefined ? 1 : this.#size(key, own)
    if (this.#nodes > LIMIT_NODES)
      fail('nodes', `got over ${LIMIT_NODES.toLocaleString('en-US')}, expected fewer`)
    for (const attribute of node.attribute) this.#attribute(attribute, depth, inFunction)
  }

  #attribute(attribute: AttributeProto, depth: number, inFunction: boolean): void {
    const where = `attribute "${attribute.name ?? ''}"`
    const { t: tensor, g: graph, tensors, graphs, refAttrName, typeProtos, sparseTensors } = attribute
    if (attribute.sparseTensor !== undefined || sparseTensors.length > 0)
      fail(where, 'got a sparse tensor, expected dense ones only')
    if (attribute.tp !== undefined || typeProtos.length > 0) fail(where, 'got a type, expected a value')
    if (refAttrName !== undefined && !inFunction) fail(where, 'got a reference, expected a value')
    if (tensor !== undefined) checkTensor(tensor)
    tensors.forEach(checkTensor)
    for (const inner of graph === undefined ? graphs : [graph, ...graphs])
      this.graph(inner, depth + 1, inFunction)
  }

  /** A function that calls itself never ends, and one that calls others ten times each grows without bounds. */
  #size(key: string, { name = '', node: nodes }: FunctionProto): number {
    const known = this.#sizes.get(key)
    if (known === 'open') fail(`function "${name}"`, 'got one that calls itself, expected none')
    if (known !== undefined) return known
    this.#sizes.set(key, 'open')
    const before = this.#nodes
    this.#nodes = 0
    for (const node of nodes) this.node(node, 0, true)
    const size = Math.max(1, this.#nodes)
    this.#nodes = before
    this.#sizes.set(key, size)
    return size
  }
}

function checkOperator({ opType = '', domain = '', name = '' }: NodeProto): void {
  if (STANDARD_DOMAINS.includes(domain)) return
  if (domain === MICROSOFT_DOMAIN && MICROSOFT_OPERATORS.has(opType)) return
  const hint = /nchwc|nhwc/i.test(domain)
    ? '; it was saved by onnxruntime for one kind of machine, export it again without that'
    : ''
  fail(
    `node "${name}"`,
    `got the operator ${opType} of "${domain}", expected operators of ONNX (or of com.microsoft that networks are made of)${hint}`,
  )
}

/** Operators that make something as large as a constant says, and which of their inputs says it. */
const SHAPED_BY: Readonly<Record<string, number>> = {
  ConstantOfShape: 0,
  Expand: 1,
  Resize: 3,
}
/** Operators whose attribute `shape` says it. */
const SHAPED_BY_ATTRIBUTE: ReadonlySet<string> = new Set(['RandomNormal', 'RandomUniform'])

/** What a graph says beforehand that it will make. */
function checkSizes(graph: GraphProto): void {
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name ?? '', tensor]))
  for (const { opType, attribute, output } of graph.node) {
    const value = opType === 'Constant' ? attribute.find(({ name }) => name === 'value')?.t : undefined
    if (value !== undefined) constants.set(output[0] ?? '', value)
  }
  for (const { opType = '', name = '', input, attribute } of graph.node) {
    const place = Object.hasOwn(SHAPED_BY, opType) ? SHAPED_BY[opType] : undefined
    const tensor = place === undefined ? undefined : constants.get(input[place] ?? '')
    const shape = SHAPED_BY_ATTRIBUTE.has(opType)
      ? attribute.find((each) => each.name === 'shape')?.ints.map(Number)
      : tensor && tensorNumbers(tensor)
    const elements = (shape ?? []).reduce((product, extent) => product * Math.max(1, extent), 1)
    if (elements > LIMIT_ELEMENTS)
      fail(
        `node "${name}"`,
        `got ${opType} of [${(shape ?? []).join(', ')}], expected at most 2^28 elements (1 GiB)`,
      )
  }
}
