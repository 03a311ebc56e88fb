/**
 * Small ONNX files for tests. Their feature is the mean of each colour and of its square, so that what an image should
 * give can be worked out by hand.
 */
import {
  encodeModel,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from 'onnx-autodiff'

export interface TinyOptions {
  readonly layout?: 'nchw' | 'nhwc'
  readonly dtype?: 'float32' | 'uint8'
  readonly batch?: number | string
  readonly size?: number | string
  readonly channels?: number
  /** What it does with its input first. */
  readonly first?: readonly OnnxNode[]
  readonly constants?: readonly OnnxTensor[]
  readonly output?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly change?: (model: OnnxModel) => OnnxModel
}

export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
  domain = '',
): OnnxNode => ({ op, domain, name: `${op} ${outputs[0]}`, inputs, outputs, attributes })

export const floats = (name: string, shape: readonly number[], ...data: number[]): OnnxTensor => ({
  name,
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

export const int = (value: number): OnnxAttribute => ({ kind: 'int', value })
export const ints = (...value: number[]): OnnxAttribute => ({ kind: 'ints', value })

/** `[batch, 2 channels]`: means over all pixels, then means of squares. */
export function tinyModel({
  layout = 'nchw',
  dtype = 'float32',
  batch = 'batch',
  size = 16,
  channels = 3,
  first = [],
  constants = [],
  output = 'features',
  metadata = {},
  change = (model) => model,
}: TinyOptions = {}): Uint8Array {
  const shape = layout === 'nchw' ? [batch, channels, size, size] : [batch, size, size, channels]
  const start = first.at(-1)?.outputs[0] ?? 'image'
  const nodes = [
    ...first,
    node('Cast', [start], ['numbers'], { to: int(1) }),
    ...(layout === 'nhwc'
      ? [node('Transpose', ['numbers'], ['x'], { perm: ints(0, 3, 1, 2) })]
      : [node('Identity', ['numbers'], ['x'])]),
    node('Mul', ['x', 'x'], ['squares']),
    node('Concat', ['x', 'squares'], ['map'], { axis: int(1) }),
    node('GlobalAveragePool', ['map'], ['pooled']),
    node('Flatten', ['pooled'], [output], { axis: int(1) }),
  ]
  return encodeModel(
    change({
      graph: {
        name: 'tiny',
        nodes,
        initializers: constants,
        inputs: [{ name: 'image', dtype, shape }],
        outputs: [{ name: output, dtype: 'float32', shape: [batch, 2 * channels] }],
      },
      opsets: { '': 17 },
      irVersion: 8,
      producer: 'test',
      metadata,
    }),
  )
}

/** The same model with another graph. */
export const withGraph = (model: OnnxModel, graph: Partial<OnnxModel['graph']>): OnnxModel => ({
  ...model,
  graph: { ...model.graph, ...graph },
})
