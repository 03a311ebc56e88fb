/** Runs graphs through onnxruntime in tests: many tensors at once, since making a session is what takes the time. */
import ort from 'onnxruntime-node'
import { compile, type CompileOptions, inputName, type Tensor } from 'onnx-autodiff'
import { dependencies, topologicalOrder } from '../src/graph/walk.js'
import type { OnnxGraph, OnnxModel } from '../src/onnx/model.js'

export type Feeds = Readonly<Record<string, ArrayLike<number>>>

/** The inputs that tensors are computed from; those of a loop's rounds are not among them. */
export function inputsOf(tensors: readonly Tensor[]): Tensor[] {
  const order = topologicalOrder(tensors, dependencies)
  const slices = new Set(order.flatMap((node) => (node.kind === 'loop' ? node.slices : [])))
  return order
    .filter(({ kind }) => kind === 'input')
    .map((node) => node.outputs[0])
    .filter((tensor) => !slices.has(tensor))
}

function feedOf({ dtype, shape }: Tensor, values: ArrayLike<number>): ort.Tensor {
  if (dtype === 'float32') return new ort.Tensor('float32', Float32Array.from(values), shape)
  if (dtype === 'int32') return new ort.Tensor('int32', Int32Array.from(values), shape)
  return new ort.Tensor(dtype, Uint8Array.from(values), shape)
}

/** Values of the tensors as onnxruntime computes them in float32, given the elements of every input by its name. */
export async function run(
  tensors: readonly Tensor[],
  feeds: Feeds,
  options: CompileOptions = {},
): Promise<Float64Array[]> {
  const inputs = inputsOf(tensors)
  const outputs = Object.fromEntries(tensors.map((tensor, i) => [`output ${i}`, tensor]))
  const session = await ort.InferenceSession.create(compile({ inputs, outputs }, options).model, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  })
  const results = await session.run(
    Object.fromEntries(inputs.map((tensor) => [inputName(tensor), feedOf(tensor, feeds[inputName(tensor)])])),
  )
  const values = tensors.map((tensor, i) => {
    const result = results[`output ${i}`]
    if (result.dims.join() !== tensor.shape.join()) {
      throw new Error(`output ${i}: got shape [${result.dims.join()}], expected [${tensor.shape.join()}]`)
    }
    return Float64Array.from(result.data as Float32Array, Number)
  })
  await session.release()
  return values
}

/** The same in several sessions: making one takes time that grows faster than the graph does. */
export async function runInParts(
  tensors: readonly Tensor[],
  feeds: Feeds,
  options: CompileOptions = {},
  size = 100,
): Promise<Float64Array[]> {
  const values: Float64Array[] = []
  for (let at = 0; at < tensors.length; at += size) {
    values.push(...(await run(tensors.slice(at, at + size), feeds, options)))
  }
  return values
}

/** How often each operator stands in a model's main graph; with `inside`, in the bodies of its loops. */
export function operators({ graph }: OnnxModel, where: 'main' | 'inside' = 'main'): Record<string, number> {
  const bodies = (of: OnnxGraph): OnnxGraph[] =>
    of.nodes.flatMap((node) =>
      Object.values(node.attributes).flatMap((each) => (each.kind === 'graph' ? [each.value] : [])),
    )
  const counts: Record<string, number> = {}
  const graphs = where === 'main' ? [graph] : bodies(graph)
  for (const { nodes } of graphs) for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
}
