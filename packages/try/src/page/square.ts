/** Any picture as the square that a model takes, as handful makes it: on white, squared, resampled by Lanczos. */
import type { ModelMetadata } from './metadata.js'

/** `[height, width, 4]`, as a canvas has it. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
}

interface Part {
  /** Where the part of the picture begins and how long it is, in its pixels. */
  readonly start: number
  readonly length: number
  /** How many pixels it becomes. */
  readonly to: number
}

const LOBES = 3

const lanczos = (x: number): number => {
  if (x === 0) return 1
  if (Math.abs(x) >= LOBES) return 0
  const t = Math.PI * x
  return (LOBES * Math.sin(t) * Math.sin(t / LOBES)) / (t * t)
}

/** For each pixel of the result, which it is made of: the first, and each one's share. */
function sharesOf({ start, length, to }: Part, extent: number): { first: number; shares: Float64Array }[] {
  const scale = length / to
  // A reduction takes in all pixels that fall on one.
  const reach = LOBES * Math.max(1, scale)
  return Array.from({ length: to }, (_, i) => {
    const centre = start + (i + 0.5) * scale
    const first = Math.max(0, Math.floor(centre - reach))
    const last = Math.min(extent - 1, Math.ceil(centre + reach))
    const shares = Float64Array.from({ length: last - first + 1 }, (__, k) =>
      lanczos((first + k + 0.5 - centre) / Math.max(1, scale)),
    )
    const sum = shares.reduce((a, b) => a + b, 0)
    return { first, shares: shares.map((share) => share / sum) }
  })
}

/** Red, green and blue on white, resampled: `[down.to, across.to, 3]`. */
function resampled({ width, height, data }: Picture, across: Part, down: Part): Float64Array {
  const columns = sharesOf(across, width)
  const narrow = new Float64Array(height * across.to * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (const { first, shares } of columns) {
      for (let c = 0; c < 3; c++, at++) {
        for (let k = 0; k < shares.length; k++) {
          const pixel = 4 * (y * width + first + k)
          const alpha = data[pixel + 3] / 255
          narrow[at] += shares[k] * (data[pixel + c] * alpha + 255 * (1 - alpha))
        }
      }
    }
  }
  const rows = sharesOf(down, height)
  const line = across.to * 3
  const result = new Float64Array(down.to * line)
  rows.forEach(({ first, shares }, y) => {
    for (let k = 0; k < shares.length; k++)
      for (let i = 0; i < line; i++) result[y * line + i] += shares[k] * narrow[(first + k) * line + i]
  })
  return result
}

const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)))

/** uint8 `[size, size, channels]`. */
export function squareOf(
  picture: Picture,
  { fit }: ModelMetadata['square'],
  { size, channels }: Pick<ModelMetadata['inputs'][number], 'size' | 'channels'>,
): Uint8Array {
  const { width, height } = picture
  const side = Math.min(width, height)
  const longest = Math.max(width, height)
  const part = (extent: number): Part => {
    if (fit === 'cover') return { start: (extent - side) / 2, length: side, to: size }
    return {
      start: 0,
      length: extent,
      to: fit === 'pad' ? Math.max(1, Math.round((size * extent) / longest)) : size,
    }
  }
  const [across, down] = [part(width), part(height)]
  const small = resampled(picture, across, down)
  const result = new Uint8Array(size * size * channels).fill(255)
  const [left, top] = [Math.floor((size - across.to) / 2), Math.floor((size - down.to) / 2)]
  for (let y = 0; y < down.to; y++) {
    for (let x = 0; x < across.to; x++) {
      const [red, green, blue] = [0, 1, 2].map((c) => byte(small[(y * across.to + x) * 3 + c]))
      const at = ((top + y) * size + left + x) * channels
      if (channels === 1) result[at] = (77 * red + 150 * green + 29 * blue + 128) >> 8
      else result.set([red, green, blue], at)
    }
  }
  return result
}
