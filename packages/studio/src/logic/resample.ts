/** Any picture as the square that a model reads: fitted, resampled by Lanczos with three lobes, over a background. */

export type Fit = 'cover' | 'pad' | 'stretch'

export interface Picture {
  readonly width: number
  readonly height: number
  /** `[height * width * 4]`, red, green, blue, alpha; not multiplied by alpha. */
  readonly pixels: ArrayLike<number>
}

export interface Square {
  readonly size: number
  readonly channels: 1 | 3
  readonly fit: Fit
  /** `#rrggbb`. */
  readonly background: string
}

/** `[size * size * channels]` bytes. */
export function toSquare(picture: Picture, { size, channels, fit, background }: Square): Uint8Array {
  const flat = flattened(picture, background)
  const { width, height } = picture
  const scale = fit === 'pad' ? size / Math.max(width, height) : size / Math.min(width, height)
  const across = fit === 'stretch' ? size : Math.max(1, Math.round(width * scale))
  const down = fit === 'stretch' ? size : Math.max(1, Math.round(height * scale))
  const narrow = alongRows(flat, width, height, across)
  const small = transposed(alongRows(transposed(narrow, across, height), height, across, down), down, across)
  const ground = colourOf(background)
  const left = Math.floor((size - across) / 2)
  const top = Math.floor((size - down) / 2)
  const square = new Uint8Array(size * size * channels)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [sx, sy] = [x - left, y - top]
      const inside = sx >= 0 && sy >= 0 && sx < across && sy < down
      const colour = [0, 1, 2].map((c) => (inside ? byte(small[(sy * across + sx) * 3 + c]) : ground[c]))
      const at = (y * size + x) * channels
      if (channels === 3) square.set(colour, at)
      else square[at] = (77 * colour[0] + 150 * colour[1] + 29 * colour[2] + 128) >> 8
    }
  return square
}

/** `[height * width * 3]`, on the background. */
function flattened({ width, height, pixels }: Picture, background: string): Float32Array {
  const ground = colourOf(background)
  const flat = new Float32Array(width * height * 3)
  for (let k = 0; k < width * height; k++) {
    const alpha = pixels[4 * k + 3] / 255
    for (let c = 0; c < 3; c++) flat[3 * k + c] = pixels[4 * k + c] * alpha + ground[c] * (1 - alpha)
  }
  return flat
}

/** Rows of `width` pixels become rows of `to`; the kernel widens when they get shorter. */
function alongRows(values: Float32Array, width: number, rows: number, to: number): Float32Array {
  if (to === width) return values
  const ratio = width / to
  const reach = 3 * Math.max(1, ratio)
  const result = new Float32Array(to * rows * 3)
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * ratio - 0.5
    const first = Math.max(0, Math.ceil(centre - reach))
    const last = Math.min(width - 1, Math.floor(centre + reach))
    const weights = Array.from({ length: last - first + 1 }, (_, k) =>
      lanczos((first + k - centre) / Math.max(1, ratio)),
    )
    const sum = weights.reduce((all, weight) => all + weight, 0)
    for (let y = 0; y < rows; y++)
      for (let c = 0; c < 3; c++) {
        let value = 0
        for (let k = 0; k < weights.length; k++) value += weights[k] * values[(y * width + first + k) * 3 + c]
        result[(y * to + x) * 3 + c] = value / sum
      }
  }
  return result
}

function transposed(values: Float32Array, width: number, height: number): Float32Array {
  const result = new Float32Array(values.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) result[(x * height + y) * 3 + c] = values[(y * width + x) * 3 + c]
  return result
}

function lanczos(x: number): number {
  if (x === 0) return 1
  if (Math.abs(x) >= 3) return 0
  const angle = Math.PI * x
  return (3 * Math.sin(angle) * Math.sin(angle / 3)) / (angle * angle)
}

const byte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)))

function colourOf(background: string): readonly [number, number, number] {
  const value = Number.parseInt(background.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}
