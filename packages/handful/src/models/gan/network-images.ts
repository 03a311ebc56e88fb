/** From the user's images to what the networks of a GAN see, and back; noise planes. */
import {
  add,
  concat,
  mean,
  mul,
  padImage,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  slice,
  sub,
  type Tensor,
  toBatchFirst,
} from 'onnx-autodiff'
import { signedRange, toSignedRange } from '../common.js'
import type { ImageShape } from '../model.js'
import { toPatches } from '../patching.js'
import { type GanConfig, geometry } from './config.js'

/** Images of pixels [size, size, n, colours] -> of tiles [size / tile, size / tile, n, tile tile colours]. */
export const toTiles = (x: Tensor, tile: number): Tensor =>
  tile === 1 ? x : pixelUnshuffle(x, tile, 'channelLast')

/** The inverse. */
export const fromTiles = (x: Tensor, tile: number): Tensor =>
  tile === 1 ? x : pixelShuffle(x, tile, 'channelLast')

/**
 * uint8 [n, h, w, c] -> what the networks see, in -1..1: tiles of pixels as channels, [size / tile, size / tile, n, tile
 * tile colours], the numbers of a tile row by row. Tiles are single pixels but in large images, where what is done to each
 * pixel is done in runs of a tile's numbers, which takes a fraction of the time.
 */
export function networkImages(pixels: Tensor, config: GanConfig, image: ImageShape): Tensor {
  const { tile } = geometry(config, image)
  const margin = config.size - image.size
  const tripled = config.tripleGrey && image.channels === 1
  if (tile > 1 && margin === 0 && !tripled) {
    const cut = { patch: tile, side: config.size / tile, margin, order: 'channelLast' } as const
    return toPatches(pixels, cut, signedRange)
  }
  const x = toSignedRange(pixels)
  const before = Math.floor(margin / 2)
  const whole =
    margin === 0 ? x : sub(padImage(add(x, 1), [before, margin - before, before, margin - before]), 1)
  return toTiles(tripled ? concat([whole, whole, whole], 3) : whole, tile)
}

/** The inverse: tiles in -1..1 -> [n, h, w, c] in 0..1. */
export function userImages(x: Tensor, config: GanConfig, image: ImageShape): Tensor {
  const margin = config.size - image.size
  const before = Math.floor(margin / 2)
  const pixels = fromTiles(x, geometry(config, image).tile)
  const cropped = padImage(pixels, [-before, before - margin, -before, before - margin])
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
