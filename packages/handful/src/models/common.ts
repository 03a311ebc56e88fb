/** Pieces that several models share: pixels in and out, pooling of layers, running a network once. */
import {
  adaptiveAveragePool, type Arrays, cast, flattenImage, fromBatchFirst, mean, mul, openSession, type Program, sub, type Tensor,
} from 'onnx-autodiff'
import type { ImageShape, Pooling, RunOptions } from './model.js'

/** uint8 [n, h, w, c] -> float [h, w, n, c] in 0..1. */
export const toUnitRange = (pixels: Tensor): Tensor => mul(fromBatchFirst(cast(pixels, 'float32')), 1 / 255)

/** uint8 [n, h, w, c] -> float [h, w, n, c] in -1..1. */
export const toSignedRange = (pixels: Tensor): Tensor => sub(mul(fromBatchFirst(cast(pixels, 'float32')), 2 / 255), 1)

/** Floats 0..1 as bytes. */
export const toBytes = (values: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(values, (value) => Math.round(Math.min(Math.max(value, 0), 1) * 255))

/** A layer [h, w, n, c] (or [n, c]) as rows [n, numbers]; cells of a grid in the order row, column, channel. */
export function pooledRows(layer: Tensor, pooling: Pooling): Tensor {
  if (layer.shape.length === 2) return layer
  if (pooling === 'mean') return mean(layer, [0, 1])
  if (pooling === 'none') return flattenImage(layer)
  const cells = pooling === '2x2' ? 2 : 4
  const [h, w] = layer.shape
  return flattenImage(h <= cells && w <= cells ? layer : adaptiveAveragePool(layer, [Math.min(h, cells), Math.min(w, cells)]))
}

export const imageDimensions = (count: number, { size, channels }: ImageShape): number[] => [count, size, size, channels]

/** Opens a network, runs it once, closes it. */
export async function runOnce(program: Program, inputs: Arrays, { threads, device }: RunOptions): Promise<Arrays> {
  const session = await openSession(program, { threads, device })
  try {
    return await session.run(inputs)
  } finally {
    await session.close()
  }
}
