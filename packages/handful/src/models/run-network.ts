/** Runs a network over rows in batches and joins what it gives: samples, codes, reconstructions, probabilities. */
import { type Arrays, type NamedArray, openSession, type Runnable } from 'onnx-autodiff'
import type { Pixels } from '../data/pixel-store.js'
import type { ImageShape, RunOptions } from './model.js'

/** Rows that go through a network at once. */
const ROWS_TOGETHER = 100

export interface BatchOptions extends RunOptions {
  /** Rows at once. */
  readonly batch?: number
  /** The output that is wanted. */
  readonly output?: string
}

/** The output `y` of all rows; `inputsOf` makes the inputs of rows `from` to `to`. */
export async function runInBatches(
  network: Runnable,
  count: number,
  inputsOf: (from: number, to: number) => Arrays,
  { threads, device, signal, onProgress, batch = ROWS_TOGETHER, output = 'y' }: BatchOptions,
): Promise<Float32Array> {
  const parts: Float32Array[] = []
  const session = await openSession(network, { threads, device })
  try {
    for (let from = 0; from < count; from += batch) {
      signal?.throwIfAborted()
      const to = Math.min(from + batch, count)
      parts.push((await session.run(inputsOf(from, to)))[output].data as Float32Array)
      onProgress?.(to, count)
    }
  } finally {
    await session.close()
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** `runInBatches` over images, uint8 [n, size, size, channels] one after the other. */
export function runOverImages(
  network: Runnable,
  { size, channels }: ImageShape,
  pixels: Pixels,
  options: BatchOptions,
): Promise<Float32Array> {
  const bytes = size * size * channels
  const inputsOf = (from: number, to: number): Arrays => {
    const shape = [to - from, size, size, channels]
    return { image: { dtype: 'uint8', shape, data: pixels.slice(from * bytes, to * bytes) } }
  }
  return runInBatches(network, pixels.length / bytes, inputsOf, options)
}

const DTYPES = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'uint8' } as const

/** Rows `from` to `to` of `data`, each of a shape, as an input that a session may take away. */
export function rowsOf(
  data: Float32Array | Int32Array | Uint8Array,
  shape: readonly number[],
  from: number,
  to: number,
): NamedArray {
  const length = shape.reduce((product, extent) => product * extent, 1)
  return {
    dtype: DTYPES[data.constructor.name as keyof typeof DTYPES],
    shape: [to - from, ...shape],
    data: data.slice(from * length, to * length),
  }
}
