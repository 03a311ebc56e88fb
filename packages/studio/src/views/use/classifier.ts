/** The exported model in this browser: onnxruntime-web, fetched when first used, with its wasm from the page's own files. */
import type { InferenceSession } from 'onnxruntime-web'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { onnxMetadata } from '../../logic/onnx-metadata.js'
import { toSquare, type Fit, type Picture } from '../../logic/resample.js'

interface ModelInput {
  readonly name: string
  readonly size: number
  readonly channels: 1 | 3
}

interface Described {
  readonly classes: readonly string[]
  readonly inputs: readonly ModelInput[]
  readonly square: { readonly fit: Fit; readonly background: string }
}

export interface Classified {
  /** `[classes]`, as `classes` are. */
  readonly probabilities: ArrayLike<number>
  /** Of length 1. */
  readonly features: Float32Array
}

export class Classifier {
  private constructor(
    private readonly session: InferenceSession,
    private readonly tensor: typeof import('onnxruntime-web').Tensor,
    readonly classes: readonly string[],
    private readonly inputs: readonly ModelInput[],
    private readonly square: { readonly fit: Fit; readonly background: string },
  ) {}

  /** @throws Error where the file is not a model that `handful export` writes. */
  static async open(address: string): Promise<Classifier> {
    const response = await fetch(address, { credentials: 'same-origin' })
    if (!response.ok) throw new Error(`the model did not come (${response.status})`)
    const file = new Uint8Array(await response.arrayBuffer())
    const { classes, inputs, square } = readMetadata(onnxMetadata(file).get('handful'))
    const runtime = await import('onnxruntime-web/wasm')
    runtime.env.wasm.numThreads = 1
    runtime.env.wasm.wasmPaths = { wasm: new URL(wasm, location.href).href }
    const session = await runtime.InferenceSession.create(file, { executionProviders: ['wasm'] })
    return new Classifier(session, runtime.Tensor, classes, inputs, square)
  }

  async classify(picture: Picture): Promise<Classified> {
    const feeds = Object.fromEntries(
      this.inputs.map(({ name, size, channels }) => {
        const bytes = toSquare(picture, { size, channels, ...this.square })
        return [name, new this.tensor('uint8', bytes, [1, size, size, channels])]
      }),
    )
    const { probabilities, features } = await this.session.run(feeds)
    return { probabilities: numbers(probabilities?.data), features: numbers(features?.data) }
  }

  async close(): Promise<void> {
    await this.session.release()
  }
}

function numbers(data: unknown): Float32Array {
  return data instanceof Float32Array ? data : new Float32Array(0)
}

function readMetadata(text: string | undefined): Described {
  if (text === undefined)
    throw new Error('the model: got no metadata named handful, expected a model that the studio has exported')
  const parsed: unknown = JSON.parse(text)
  const { classes, inputs, square } = record(parsed)
  const { fit, background } = record(square)
  if (!Array.isArray(classes) || !Array.isArray(inputs))
    throw new Error('the model: its metadata names no classes')
  const named = inputs.map((input: unknown): ModelInput => {
    const { name, size, channels } = record(input)
    if (typeof name !== 'string' || typeof size !== 'number')
      throw new Error('the model: its metadata names no input')
    return { name, size, channels: channels === 1 ? 1 : 3 }
  })
  return {
    classes: classes.map(String),
    inputs: named,
    square: {
      fit: fit === 'pad' || fit === 'stretch' ? fit : 'cover',
      background:
        typeof background === 'string' && /^#[0-9a-f]{6}$/i.test(background) ? background : '#ffffff',
    },
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
