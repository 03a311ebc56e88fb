/**
 * Affine maps of images with bilinear resampling, and colours changed on the way, in WebAssembly with vector instructions
 * (warp-kernels.wat): about four times as fast as loops over bytes. In float64; everything rounds to the nearest byte.
 *
 *   output (x, y) from the centre reads (a x + b y + e, c x + d y + f) from the centre, or where that is beyond the edge,
 *   the edge;  p' = (grey + (p - grey) saturation - 128) contrast + 128 + brightness, grey the mean of the colours
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
  colour(from: number, to: number, size: number, ...map: readonly number[]): void
  grey(from: number, to: number, size: number, ...map: readonly number[]): void
}

let instance: { readonly memory: WasmMemory; readonly exports: Exports } | undefined

/** Bytes that the vector instructions read behind a row. */
const SLACK = 8

/** Writes the image that `from` is mapped to into `to`, both [size, size, channels]. Colours of grey images stay. */
export function warp(
  from: Uint8Array,
  to: Uint8Array,
  { size, channels }: { readonly size: number; readonly channels: number },
  map: Affine,
  colours?: Recolouring,
): void {
  const { memory, exports } = (instance ??= instantiate<Exports>(WARP_KERNELS))
  // A row behind the last one is read too, at a weight of 0.
  const place = from.length + size * channels + SLACK
  growTo(memory, 2 * place)
  const bytes = new Uint8Array(memory.buffer)
  bytes.set(from)
  if (channels === 1) exports.grey(0, place, size, ...map)
  else {
    const { brightness, contrast, saturation } = colours ?? SAME_COLOURS
    exports.colour(0, place, size, ...map, colours ? 1 : 0, brightness, contrast, saturation)
  }
  to.set(bytes.subarray(place, place + to.length))
}
