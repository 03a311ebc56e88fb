/**
 * Augmentation of image batches on the host: a random affine map with bilinear resampling, a mirror image, and for colour
 * brightness, contrast and saturation. Each image draws from its own stream, so a batch depends on the step alone.
 */
import type { Random } from 'onnx-autodiff'
import type { Pixels } from '../data/pixel-store.js'

/** How far training images are distorted at random. */
export interface AugmentOptions {
  /** Greatest rotation either way, in degrees. */
  readonly rotation: number
  /** Greatest shear either way, as a share of the height. */
  readonly shear: number
  /** Scales by a factor between 1 / (1 + scale) and 1 + scale on each axis. */
  readonly scale: number
  /** Greatest shift either way, as a share of the size. */
  readonly shift: number
  /** Mirrors half of the images left to right. */
  readonly mirror: boolean
  /** Greatest change of brightness, contrast and saturation, as a share. */
  readonly colour: number
  /** Cut to a square of at least this share of the area, at a random place, and enlarged again; 1 or undefined: none is. */
  readonly crop?: number
  /** Share of the images that lose their colours. */
  readonly grey?: number
  /** Greatest side of a square at a random place that becomes mid-grey, as a share of the size; undefined: none does. */
  readonly cutout?: number
}

/** What leaves a written character or a small shape what it is. */
export const shapeAugmentation: AugmentOptions = {
  rotation: 20,
  shear: 0.3,
  scale: 0.2,
  shift: 0.1,
  mirror: false,
  colour: 0,
}

/** What leaves a photograph's subject what it is. */
export const photoAugmentation: AugmentOptions = {
  rotation: 12,
  shear: 0.1,
  scale: 0.25,
  shift: 0.12,
  mirror: true,
  colour: 0.3,
}

/** Stronger still: two such views of a photograph have its subject in common and little else. */
export const cropAugmentation: AugmentOptions = {
  ...photoAugmentation,
  rotation: 0,
  shear: 0,
  shift: 0,
  colour: 0.4,
  crop: 0.25,
  grey: 0.2,
}

/** Images as they are. */
export const NO_AUGMENTATION: AugmentOptions = {
  rotation: 0,
  shear: 0,
  scale: 0,
  shift: 0,
  mirror: false,
  colour: 0,
}

export interface PixelBatch {
  readonly pixels: Uint8Array
  readonly count: number
  readonly size: number
  readonly channels: number
}

/** Pixels of the images at `indices`, [count, size, size, channels]. */
export function takeImages(pixels: Pixels, imageLength: number, indices: ArrayLike<number>): Uint8Array {
  const batch = new Uint8Array(indices.length * imageLength)
  for (let i = 0; i < indices.length; i++) {
    batch.set(pixels.subarray(indices[i] * imageLength, (indices[i] + 1) * imageLength), i * imageLength)
  }
  return batch
}

/**
 * A new, augmented batch. Pixels from beyond the edge repeat the edge.
 * @param side of the augmented images, in pixels: the images' own unless said otherwise
 */
export function augment(
  { pixels, count, size, channels }: PixelBatch,
  options: AugmentOptions,
  random: Random,
  side = size,
): Uint8Array {
  const [length, made] = [size * size * channels, side * side * channels]
  const result = new Uint8Array(count * made)
  for (let i = 0; i < count; i++) {
    const from = pixels.subarray(i * length, (i + 1) * length)
    const to = result.subarray(i * made, (i + 1) * made)
    warp(from, to, { size, side, channels }, drawAffine(options, size, random))
    if (channels === 3 && options.colour > 0) recolour(to, options.colour, options.grey ?? 0, random)
    if (options.cutout !== undefined) cutOut(to, { size: side, channels }, options.cutout, random)
  }
  return result
}

/** Cutout (DeVries and Taylor, arXiv 1708.04552): the square may reach beyond the edges. */
function cutOut(
  pixels: Uint8Array,
  { size, channels }: Pick<PixelBatch, 'size' | 'channels'>,
  share: number,
  random: Random,
): void {
  const side = Math.round(random.between(0, share) * size)
  const [top, left] = [random.integer(size), random.integer(size)].map((at) => at - (side >> 1))
  const [from, to] = [Math.max(0, left), Math.min(size, left + side)]
  for (let row = Math.max(0, top); row < Math.min(size, top + side); row++)
    pixels.fill(128, (row * size + from) * channels, (row * size + Math.max(from, to)) * channels)
}

/** Output (x, y) from the centre reads input (a x + b y + e, c x + d y + f) from the centre. */
type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

function drawAffine(
  { rotation, shear, scale, shift, mirror, crop = 1 }: AugmentOptions,
  size: number,
  random: Random,
): Affine {
  const angle = (random.between(-rotation, rotation) * Math.PI) / 180
  const slant = random.between(-shear, shear)
  const stretch = Math.log1p(scale)
  // Side of the square that is kept, and how far its middle may lie from the image's.
  const side = crop < 1 ? Math.sqrt(random.between(crop, 1)) : 1
  const room = (1 - side) / 2
  const scaleX = side * Math.exp(random.between(-stretch, stretch))
  const scaleY = side * Math.exp(random.between(-stretch, stretch))
  const travel = (): number =>
    (random.between(-shift, shift) + (room > 0 ? random.between(-room, room) : 0)) * size
  const flip = mirror && random.uniform() < 0.5 ? -1 : 1
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  return [
    flip * scaleX * cos,
    flip * scaleX * (slant * cos - sin),
    scaleY * sin,
    scaleY * (slant * sin + cos),
    travel(),
    travel(),
  ]
}

/** What an axis reads: the first of two neighbours, how far on the second one is, and its weight. */
interface Reading {
  readonly first: Int32Array
  readonly step: Int32Array
  readonly weight: Float64Array
}

/** Pixels a side of what is read and of what is made. */
interface Sides {
  readonly size: number
  readonly side: number
  readonly channels: number
}

/** @param at where a place of the result reads, in pixels from the first of the image */
function readings({ size, side }: Sides, stride: number, at: (place: number) => number): Reading {
  const reading = {
    first: new Int32Array(side),
    step: new Int32Array(side),
    weight: new Float64Array(side),
  }
  for (let i = 0; i < side; i++) {
    const from = Math.min(Math.max(at(i), 0), size - 1)
    const whole = Math.floor(from)
    reading.first[i] = whole * stride
    reading.step[i] = whole < size - 1 ? stride : 0
    reading.weight[i] = from - whole
  }
  return reading
}

function warp(from: Uint8Array, to: Uint8Array, sides: Sides, map: Affine): void {
  const [a, b, c, d, e, f] = map
  const ratio = sides.size / sides.side
  const scaled: Affine = [a * ratio, b * ratio, c * ratio, d * ratio, e, f]
  if (b === 0 && c === 0) warpAlongAxes(from, to, sides, scaled)
  else warpAnyWay(from, to, sides, scaled)
}

/** Rows and columns keep apart: what each reads is worked out once. */
function warpAlongAxes(from: Uint8Array, to: Uint8Array, sides: Sides, [a, , , d, e, f]: Affine): void {
  const { size, side, channels } = sides
  const [centre, middle] = [(size - 1) / 2, (side - 1) / 2]
  const across = readings(sides, channels, (column) => a * (column - middle) + e + centre)
  const down = readings(sides, size * channels, (row) => d * (row - middle) + f + centre)
  let at = 0
  for (let row = 0; row < side; row++) {
    const top = down.first[row]
    const bottom = top + down.step[row]
    const below = down.weight[row]
    const above = 1 - below
    for (let column = 0; column < side; column++) {
      const left = across.first[column]
      const right = left + across.step[column]
      const after = across.weight[column]
      const before = 1 - after
      for (let k = 0; k < channels; k++) {
        const upper = from[top + left + k] * before + from[top + right + k] * after
        const lower = from[bottom + left + k] * before + from[bottom + right + k] * after
        to[at++] = (upper * above + lower * below + 0.5) | 0
      }
    }
  }
}

function warpAnyWay(
  from: Uint8Array,
  to: Uint8Array,
  { size, side, channels }: Sides,
  [a, b, c, d, e, f]: Affine,
): void {
  const [centre, middle] = [(size - 1) / 2, (side - 1) / 2]
  const last = size - 1
  let at = 0
  for (let row = 0; row < side; row++) {
    const y = row - middle
    for (let column = 0; column < side; column++) {
      const x = column - middle
      const u = Math.min(Math.max(a * x + b * y + e + centre, 0), last)
      const v = Math.min(Math.max(c * x + d * y + f + centre, 0), last)
      // Not below 0: cutting off is rounding down.
      const u0 = u | 0
      const v0 = v | 0
      const right = u - u0
      const down = v - v0
      const step = u0 < last ? channels : 0
      const top = (v0 * size + u0) * channels
      const bottom = v0 < last ? top + size * channels : top
      for (let k = 0; k < channels; k++) {
        const upper = from[top + k] * (1 - right) + from[top + step + k] * right
        const lower = from[bottom + k] * (1 - right) + from[bottom + step + k] * right
        to[at++] = (upper * (1 - down) + lower * down + 0.5) | 0
      }
    }
  }
}

function recolour(pixels: Uint8Array, strength: number, grey: number, random: Random): void {
  const brightness = random.between(-strength, strength) * 128
  const contrast = 1 + random.between(-strength, strength)
  const saturation = grey > 0 && random.uniform() < grey ? 0 : 1 + random.between(-strength, strength)
  for (let i = 0; i < pixels.length; i += 3) {
    const grey = (pixels[i] + pixels[i + 1] + pixels[i + 2]) / 3
    for (let k = i; k < i + 3; k++) {
      const value = (grey + (pixels[k] - grey) * saturation - 128) * contrast + 128 + brightness + 0.5
      // Within 0..255 cutting off is rounding down.
      pixels[k] = value < 0 ? 0 : value > 255 ? 255 : value | 0
    }
  }
}
