/** What a model is made of, layer by layer: shapes, parameters, floating-point operations. */
import { shapeText, type Shape, sizeOf } from '../graph/shape.js'
import { inputName, type Node, type Tensor } from '../graph/tensor.js'
import { dependencies, topologicalOrder } from '../graph/walk.js'
import type { Parameters } from '../nn/parameters.js'

/** A line of the summary: a layer. */
export interface LayerSummary {
  /** The scope of its parameters, such as `encoder.conv1`; empty for those without a scope. */
  readonly name: string
  /** Of what comes out where its parameters are used last. */
  readonly shape: Shape
  /** Trained numbers. */
  readonly parameters: number
  /** A multiplication and an addition count as two. */
  readonly flops: number
}

/** Layers, parameters and costs of a model. */
export interface ModelSummary {
  readonly layers: readonly LayerSummary[]
  /** Trained numbers in all. */
  readonly parameters: number
  /** Of one pass forward of the batch that the graph was built for, what belongs to no layer included. */
  readonly flops: number
  /** A table. */
  readonly text: string
}

const CONVOLUTIONS: ReadonlySet<string> = new Set(['conv2d', 'convTranspose2d'])
/** Primitives that move numbers and compute none. */
const FREE: ReadonlySet<string> = new Set([
  'reshape',
  'transpose',
  'expand',
  'slice',
  'pad',
  'concat',
  'gather',
  'cast',
  'stopGradient',
])

/** Convolutions count as their definition says, whatever algorithm computes them. */
function flopsOf(node: Node): number {
  if (node.kind === 'composite') {
    if (CONVOLUTIONS.has(node.composite.name)) {
      const [x, w] = node.inputs
      const [kh, kw, perGroup] = w.shape
      const pixels = node.composite.name === 'conv2d' ? node.outputs[0].shape : x.shape
      return 2 * sizeOf(pixels) * kh * kw * perGroup
    }
    const inner = topologicalOrder([node.body], (each) =>
      node.inputs.some((tensor) => tensor.node === each) ? [] : within(each),
    )
    return inner
      .filter((each) => !node.inputs.some((tensor) => tensor.node === each))
      .reduce((total, each) => total + flopsOf(each), 0)
  }
  if (node.kind === 'loop') return node.rounds * flopsOfAll(node.results)
  if (node.kind !== 'primitive' || FREE.has(node.primitive.name)) return 0
  const out = sizeOf(node.outputs[0].shape)
  if (node.primitive.name === 'matmul') {
    const [a] = node.inputs
    const { transposeA } = node.attributes as { transposeA: boolean }
    return 2 * out * a.shape[a.shape.length - (transposeA ? 2 : 1)]
  }
  return Math.max(out, ...node.inputs.map(({ shape }) => sizeOf(shape)))
}

/** A composite stands for its body: it is counted whole. */
const within = (node: Node): readonly Tensor[] =>
  node.kind === 'composite' ? node.inputs : node.kind === 'loop' ? node.inputs : dependencies(node)

const flopsOfAll = (outputs: readonly Tensor[]): number =>
  topologicalOrder(outputs, within).reduce((total, node) => total + flopsOf(node), 0)

/**
 * Summarises the graph that leads to some tensors.
 *
 *   const p = new Parameters()
 *   console.log(summarise(network(p)(input('x', [1, 2])), p).text)
 */
export function summarise(outputs: Tensor | readonly Tensor[], p: Parameters): ModelSummary {
  const list = 'node' in outputs ? [outputs] : outputs
  const trained = new Set(p.trained().map(({ node }) => node))
  const known = new Map(p.all().map((tensor) => [tensor.node, tensor]))
  const layers = new Map<string, { name: string; shape: Shape; parameters: number; flops: number }>()
  const counted = new Set<Node>()
  let flops = 0
  for (const node of topologicalOrder(list, within)) {
    const own = flopsOf(node)
    flops += own
    const read = node.inputs.flatMap((tensor) => known.get(tensor.node) ?? [])
    if (read.length === 0) continue
    const name = inputName(read[0]).split('.').slice(0, -1).join('.')
    const layer = layers.get(name) ?? { name, shape: [], parameters: 0, flops: 0 }
    layers.set(name, layer)
    layer.shape = node.outputs[0].shape
    layer.flops += own
    for (const { node: parameter, shape } of read) {
      if (trained.has(parameter) && !counted.has(parameter)) layer.parameters += sizeOf(shape)
      counted.add(parameter)
    }
  }
  const found = { layers: [...layers.values()], parameters: p.count, flops }
  return { ...found, text: tableOf(found) }
}

function tableOf({ layers, parameters, flops }: Omit<ModelSummary, 'text'>): string {
  const rows = [
    ['layer', 'shape', 'parameters', 'FLOPs'],
    ...layers.map((layer) => [
      layer.name || '(none)',
      shapeText(layer.shape),
      layer.parameters.toLocaleString('en-US'),
      layer.flops.toLocaleString('en-US'),
    ]),
    ['in all', '', parameters.toLocaleString('en-US'), flops.toLocaleString('en-US')],
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
