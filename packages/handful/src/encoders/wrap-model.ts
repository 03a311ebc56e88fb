/**
 * An encoder made elsewhere as a network of ours: bytes of images in, uint8 [n, size, size, channels], one row of features
 * out, float32 [n, columns]. Range, colour order and layout are nodes before it, pooling is nodes after it, so that the one
 * file says all that there is to say of how it runs.
 */
import {
  elementCode,
  type ForeignModel,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type Program,
} from 'onnx-autodiff'
import type { RowForm } from './feature-output.js'
import type { ImageInput } from './image-input.js'
import type { PixelRange } from './pixel-range.js'

export interface Wrapping {
  readonly input: ImageInput
  readonly range: PixelRange
  /** The value that is the feature. */
  readonly output: string
  /** As the value comes where left out. */
  readonly form?: RowForm
  readonly metadata?: Readonly<Record<string, string>>
}

export interface WrappedModel {
  /** An ONNX file. */
  readonly model: Uint8Array
  /** Names of its input and its output. */
  readonly image: string
  readonly features: string
}

export function wrapModel(model: ForeignModel, wrapping: Wrapping): WrappedModel {
  const { input, form, metadata = {} } = wrapping
  const { size, channels, single } = input
  const image = model.freeName('pixels')
  const features = model.freeName('encoder-features')
  const before = imageNodes(model, image, wrapping)
  const after = rowNodes(model, features, wrapping)
  const batch = single ? 1 : 'batch'
  return {
    image,
    features,
    model: model.surround({
      inputs: [{ name: image, dtype: 'uint8', shape: [batch, size, size, channels] }],
      before: before.nodes,
      after: after.nodes,
      initializers: [...before.initializers, ...after.initializers],
      outputs: [{ name: features, dtype: 'float32', shape: form && [batch, form.columns] }],
      metadata,
    }),
  }
}

/** A wrapped model as a session runs it. */
export const wrappedProgram = (
  { model, image, features }: WrappedModel,
  { size, channels, single }: Pick<ImageInput, 'size' | 'channels' | 'single'>,
  columns = -1,
): Program => ({
  model,
  inputs: { [image]: { dtype: 'uint8', shape: [single ? 1 : -1, size, size, channels] } },
  outputs: { [features]: { dtype: 'float32', shape: [single ? 1 : -1, columns] } },
  state: {},
})

const int = (value: number): OnnxAttribute => ({ kind: 'int', value })
const ints = (...value: number[]): OnnxAttribute => ({ kind: 'ints', value })

/** Nodes one after the other: each takes what the last one gave, and what else it is told. */
class Chain {
  readonly nodes: OnnxNode[] = []
  readonly initializers: OnnxTensor[] = []
  #value: string
  #count = 0

  constructor(
    readonly model: ForeignModel,
    start: string,
    readonly stem: string,
  ) {
    this.#value = start
  }

  add(op: string, attributes: OnnxNode['attributes'] = {}, others: readonly string[] = []): this {
    const name = this.#name(op)
    this.nodes.push({ op, domain: '', name, inputs: [this.#value, ...others], outputs: [name], attributes })
    this.#value = name
    return this
  }

  constant(tensor: Omit<OnnxTensor, 'name'>): string {
    const name = this.#name('constant')
    this.initializers.push({ ...tensor, name })
    return name
  }

  /** The last node gives this value. */
  end(name: string): void {
    const last = this.nodes[this.nodes.length - 1]
    this.nodes[this.nodes.length - 1] = { ...last, outputs: [name] }
  }

  #name(what: string): string {
    return this.model.freeName(`${this.stem}-${++this.#count}-${what.toLowerCase()}`)
  }
}

/** From bytes to what the model takes. */
function imageNodes(model: ForeignModel, image: string, { input, range }: Wrapping): Chain {
  const chain = new Chain(model, image, 'encoder-image')
  const { channels, elementType, layout, name } = input
  if (range.colours === 'bgr' && channels === 3) {
    const order = chain.constant({ dtype: 'int64', shape: [3], data: BigInt64Array.of(2n, 1n, 0n) })
    chain.add('Gather', { axis: int(3) }, [order])
  }
  if (elementType.startsWith('float')) {
    const row = (numbers: readonly number[]): string =>
      chain.constant({
        dtype: 'float32',
        shape: [numbers.length],
        data: Float32Array.from(range.colours === 'bgr' ? numbers.toReversed() : numbers),
      })
    chain.add('Cast', { to: int(elementCode('float32')) })
    if (range.scale.some((each) => each !== 1)) chain.add('Mul', {}, [row(range.scale)])
    if (range.offset.some((each) => each !== 0)) chain.add('Add', {}, [row(range.offset)])
  }
  // A model of one channel has its axis in the same place.
  if (layout === 'nchw') chain.add('Transpose', { perm: ints(0, 3, 1, 2) })
  chain.add('Cast', { to: int(elementCode(elementType)) }).end(name)
  return chain
}

/** From the model's value to one row an image; each step is one that all opsets write alike. */
function rowNodes(
  model: ForeignModel,
  features: string,
  { input: { single }, output, form }: Wrapping,
): Chain {
  const chain = new Chain(model, output, 'encoder-row')
  chain.add('Cast', { to: int(elementCode('float32')) })
  if (form !== undefined) {
    const { kind } = form
    // Tokens [n, tokens, numbers] as a map of one axis, or as one that holds the first token alone.
    if (kind === 'mean of tokens') chain.add('Transpose', { perm: ints(0, 2, 1) })
    if (kind === 'nhwc map') chain.add('Transpose', { perm: ints(0, 3, 1, 2) })
    if (kind === 'first token') {
      const first = chain.constant({ dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) })
      chain.add('Gather', { axis: int(1) }, [first])
    }
    if (kind === 'mean of tokens' || kind === 'nchw map' || kind === 'nhwc map')
      chain.add('GlobalAveragePool')
    // A row without a batch axis gets one.
    chain.add('Flatten', { axis: int(single ? 0 : 1) })
  }
  chain.end(features)
  return chain
}
