/** What the denoising network is fed: images in its range, arrays of noise, and what it is told of the noise level. */
import { mul, type NamedArray, sub, type Tensor } from 'onnx-autodiff'
import { greyLevels, unitRange } from '../common.js'
import type { ImageShape } from '../model.js'
import type { Noise, UNetConfig } from './unet.js'

/** The level of pure noise. */
export const HIGHEST_LEVEL = 1000

/** The network sees (pixel - mean) / deviation, pixels in 0..1; one half twice is the range -1..1. */
export interface PixelRange {
  readonly mean: number
  readonly deviation: number
}

/** What the parts of a model of noise have in common: its network, the range of its pixels, its noise at a level. */
export interface DenoisingModel {
  readonly config: UNetConfig & PixelRange
  readonly image: ImageShape
  readonly noiseAt: (level: number) => Noise
}

/** Grey levels 0..255 -> as the network sees them. */
export const standardise = (levels: Tensor, { mean: centre, deviation }: PixelRange): Tensor =>
  mul(sub(unitRange(levels), centre), 1 / deviation)

/** uint8 [n, h, w, c] -> [h, w, n, c] as the network sees it. */
export const standardised = (pixels: Tensor, range: PixelRange): Tensor =>
  standardise(greyLevels(pixels), range)

export const floats = (shape: readonly number[], data: Float32Array): NamedArray => ({
  dtype: 'float32',
  shape,
  data,
})

/** Numbers of one image. */
export const imageNumbers = ({ size, channels }: ImageShape): number => size * size * channels

/** Exported networks take and give images with channels before rows. */
export const exportedShape = (count: number, { size, channels }: ImageShape): number[] => [
  count,
  channels,
  size,
  size,
]
