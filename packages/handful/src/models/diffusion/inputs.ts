/** What the denoising network is fed: images in its range, arrays of noise, and what it is told of the noise level. */
import { type Arrays, mul, type NamedArray, sub, type Tensor } from 'onnx-autodiff'
import { toUnitRange } from '../common.js'
import type { DiffusionConfig } from './config.js'
import type { Noise } from './schedule.js'
import { embeddingSize, embedNoise } from './unet.js'
import type { ImageShape } from '../model.js'

/** uint8 [n, h, w, c] -> [h, w, n, c] as the network sees it. */
export const standardised = (pixels: Tensor, { mean: centre, deviation }: DiffusionConfig): Tensor =>
  mul(sub(toUnitRange(pixels), centre), 1 / deviation)

export const floats = (shape: readonly number[], data: Float32Array): NamedArray => ({
  dtype: 'float32',
  shape,
  data,
})

/** What the step is told of the noise of each image. */
export function levelInputs(config: DiffusionConfig, noises: readonly Noise[]): Arrays {
  const weight = ({ alpha }: Noise): number => (config.lossWeight === 'alpha squared' ? alpha * alpha : 1)
  const column = (of: (noise: Noise) => number): Float32Array => Float32Array.from(noises, of)
  return {
    alpha: floats(
      [noises.length, 1],
      column(({ alpha }) => alpha),
    ),
    sigma: floats(
      [noises.length, 1],
      column(({ sigma }) => sigma),
    ),
    embedding: floats(
      [noises.length, embeddingSize(config)],
      Float32Array.from(noises.flatMap((noise) => embedNoise(config, noise))),
    ),
    weight: floats([noises.length], column(weight)),
  }
}

/** Numbers of one image. */
export const imageNumbers = ({ size, channels }: ImageShape): number => size * size * channels

/** Exported networks take and give images with channels before rows. */
export const exportedShape = (count: number, { size, channels }: ImageShape): number[] => [
  count,
  channels,
  size,
  size,
]
