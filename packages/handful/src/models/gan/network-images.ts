/** From the user's images to what the networks of a GAN see, and back; noise planes. */
import {
  add,
  concat,
  mean,
  mul,
  padImage,
  reshape,
  slice,
  sub,
  type Tensor,
  toBatchFirst,
} from 'onnx-autodiff'
import { toSignedRange } from '../common.js'
import type { GanConfig } from './config.js'
import type { ImageShape } from '../model.js'

/** uint8 [n, h, w, c] -> what the networks see, [size, size, n, colours] in -1..1. */
export function networkImages(pixels: Tensor, config: GanConfig, image: ImageShape): Tensor {
  const x = toSignedRange(pixels)
  const margin = config.size - image.size
  const before = Math.floor(margin / 2)
  const whole =
    margin === 0 ? x : sub(padImage(add(x, 1), [before, margin - before, before, margin - before]), 1)
  return config.tripleGrey && image.channels === 1 ? concat([whole, whole, whole], 3) : whole
}

/** The inverse: [size, size, n, colours] in -1..1 -> [n, h, w, c] in 0..1. */
export function userImages(x: Tensor, config: GanConfig, image: ImageShape): Tensor {
  const margin = config.size - image.size
  const before = Math.floor(margin / 2)
  const cropped = padImage(x, [-before, before - margin, -before, before - margin])
  const coloured = config.tripleGrey && image.channels === 1 ? mean(cropped, 3, true) : cropped
  return toBatchFirst(mul(add(coloured, 1), 0.5))
}

/** All noise planes of a batch in one input, apart: [pixels, n, 1] -> [side, side, n, 1] each. */
export function noisePlanes(noise: Tensor, sides: readonly number[]): Tensor[] {
  let from = 0
  return sides.map((side) => {
    const plane = slice(noise, 0, from, (from += side * side))
    return reshape(plane, [side, side, noise.shape[1], 1])
  })
}

export const noisePixels = (sides: readonly number[]): number =>
  sides.reduce((sum, side) => sum + side * side, 0)
