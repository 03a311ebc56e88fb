/**
 * Affine maps of images with bilinear resampling, and colours changed on the way, in WebAssembly with vector instructions
 * (warp-kernels.wat): about four times as fast as loops over bytes. In float64; everything rounds to the nearest byte.
 *
 *   output (x, y) from its centre reads (a x + b y + e, c x + d y + f) from the image's centre, or where that is beyond the
 *   edge, the edge, a to d being times size / side where the output has another side;  p' = (grey + (p - grey) saturation - 128) contrast + 128 + brightness, grey the mean of the colours
 */
import { growTo, instantiate, type WasmMemory } from '../numerics/web-assembly.js'
import { WARP_KERNELS } from './warp-kernels-module.js'

/** Where an output pixel is read from. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

/** How the colours of an image change. */
export interface Recolouring {
  readonly brightness: number
  readonly contrast: number
  readonly saturation: number
}

const SAME_COLOURS: Recolouring = { brightness: 0, contrast: 1, saturation: 1 }

interface Exports {
  colour(from: number, to: number, size: number, side: number, ...map: readonly number[]): void
  grey(from: number, to: number, size: number, side: number, ...map: readonly number[]): void
}

let instance: { readonly memory: WasmMemory; readonly exports: Exports } | undefined

/** Bytes that the vector instructions read behind a row. */
const SLACK = 8

/** Pixels a side of what is read and of what is made. */
export interface Sides {
  readonly size: number
  /** As many as are read, unless said otherwise. */
  readonly side?: number
  readonly channels: number
}

/**
 * Writes the image that `from`, [size, size, channels], is mapped to into `to`, [side, side, channels]. Colours of grey images
 * stay.
 */
export function warp(
  from: Uint8Array,
  to: Uint8Array,
  { size, side = size, channels }: Sides,
  [a, b, c, d, e, f]: Affine,
  colours?: Recolouring,
): void {
  const { memory, exports } = (instance ??= instantiate<Exports>(WARP_KERNELS))
  // A row behind the last one is read too, at a weight of 0.
  const place = from.length + size * channels + SLACK
  growTo(memory, place + to.length)
  const bytes = new Uint8Array(memory.buffer)
  bytes.set(from)
  const ratio = size / side
  const map: Affine = [a * ratio, b * ratio, c * ratio, d * ratio, e, f]
  if (channels === 1) exports.grey(0, place, size, side, ...map)
  else {
    const { brightness, contrast, saturation } = colours ?? SAME_COLOURS
    exports.colour(0, place, size, side, ...map, colours ? 1 : 0, brightness, contrast, saturation)
  }
  to.set(bytes.subarray(place, place + to.length))
}
