/**
 * Augmentation of image batches on the host: a random affine map with bilinear resampling, a mirror image, and for colour
 * brightness, contrast, saturation and hue. Each image draws from its own stream, so a batch depends on the step alone.
 */
import type { Random } from 'onnx-autodiff'
import type { Pixels } from '../data/pixel-store.js'
import { type Affine, type Recolouring, warp } from './warp.js'

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
  /** Greatest turn of hues either way, as a share of the circle; undefined: none turns. */
  readonly hue?: number
  /** Share of the images whose colours change at all; undefined: all. */
  readonly recoloured?: number
  /** Cut to a square of at least this share of the area, at a random place, and enlarged again; 1 or undefined: none is. */
  readonly crop?: number
  /** Share of the recoloured images that lose their colours. */
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

/** The same, partly covered: two such views have to be known for the same by different parts of it. */
export const coveredAugmentation: AugmentOptions = { ...shapeAugmentation, cutout: 0.8 }

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
  hue: 0.1,
  recoloured: 0.8,
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
    const map = drawAffine(options, size, random)
    const colours = channels === 3 ? drawRecolouring(options, random) : undefined
    warp(from, to, { size, side, channels }, map, colours)
    if (colours !== undefined && options.hue !== undefined)
      turnHues(to, random.between(-options.hue, options.hue))
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

function drawRecolouring(
  { colour, recoloured = 1, grey = 0 }: AugmentOptions,
  random: Random,
): Recolouring | undefined {
  if (colour === 0 || (recoloured < 1 && random.uniform() >= recoloured)) return undefined
  const brightness = random.between(-colour, colour) * 128
  const contrast = 1 + random.between(-colour, colour)
  const saturation = grey > 0 && random.uniform() < grey ? 0 : 1 + random.between(-colour, colour)
  return { brightness, contrast, saturation }
}

/** Turns colours about the line of greys by a share of the circle: red becomes green after a third of it, and greys stay. */
export function turnHues(pixels: Uint8Array, turn: number): void {
  const [cos, sin] = [Math.cos(2 * Math.PI * turn), Math.sin(2 * Math.PI * turn)]
  // Rodrigues' rotation about (1, 1, 1): each colour keeps `own` of itself.
  const own = (1 + 2 * cos) / 3
  const ofNext = (1 - cos) / 3 - sin / Math.sqrt(3)
  const ofLast = (1 - cos) / 3 + sin / Math.sqrt(3)
  for (let at = 0; at < pixels.length; at += 3) {
    const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]]
    pixels[at] = toByte(own * red + ofNext * green + ofLast * blue)
    pixels[at + 1] = toByte(own * green + ofNext * blue + ofLast * red)
    pixels[at + 2] = toByte(own * blue + ofNext * red + ofLast * green)
  }
}

const toByte = (value: number): number => Math.floor(Math.min(Math.max(value, 0), 255) + 0.5)
