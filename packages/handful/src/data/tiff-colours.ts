/**
 * Colour models of TIFF files that sharp takes for red, green and blue, or not at all: YCbCr that no JPEG decoder turns into
 * colours, and CIE L*a*b*.
 *
 * Source: TIFF 6.0, sections 20, 21 and 23; ICC.1:2022 (D50); IEC 61966-2-1 (sRGB), adapted to D50 by Bradford's transform.
 */
import type { Samples } from './raw-image.js'

/** The first three of `channels` numbers of each pixel as sRGB bytes, `[pixels, 3]`. */
export type ColourModel = (samples: Samples, channels: number) => Uint8Array

function eachPixel(
  samples: Samples,
  channels: number,
  colour: (first: number, second: number, third: number) => readonly [number, number, number],
): Uint8Array {
  const pixels = samples.length / channels
  const bytes = new Uint8ClampedArray(pixels * 3)
  for (let i = 0; i < pixels; i++) {
    const at = i * channels
    bytes.set(colour(samples[at], samples[at + 1], samples[at + 2]), 3 * i)
  }
  return new Uint8Array(bytes.buffer)
}

export interface YCbCrOptions {
  /** Shares of red, green and blue in the luminance; those of ITU-R BT.601 unless the file says otherwise. */
  readonly coefficients?: readonly number[]
  /** Codes of black and white of each of the three; `0 255 128 255 128 255` unless the file says otherwise. */
  readonly reference?: readonly number[]
}

/** Of 8 bits. */
export function yCbCr({
  coefficients: [red, green, blue] = [0.299, 0.587, 0.114],
  reference: [black, white, noBlue, fullBlue, noRed, fullRed] = [0, 255, 128, 255, 128, 255],
}: YCbCrOptions): ColourModel {
  return (samples, channels) =>
    eachPixel(samples, channels, (luminance, towardsBlue, towardsRed) => {
      const y = ((luminance - black) * 255) / (white - black)
      const b = y + (((towardsBlue - noBlue) * 127) / (fullBlue - noBlue)) * (2 - 2 * blue)
      const r = y + (((towardsRed - noRed) * 127) / (fullRed - noRed)) * (2 - 2 * red)
      return [r, (y - blue * b - red * r) / green, b]
    })
}

/** White of D50. */
const WHITE = [0.96422, 1, 0.82521] as const
/** XYZ by D50 to linear sRGB. */
const TO_RED = [3.1338561, -1.6168667, -0.4906146] as const
const TO_GREEN = [-0.9787684, 1.9161415, 0.033454] as const
const TO_BLUE = [0.0719453, -0.2289914, 1.4052427] as const
const KNEE = 6 / 29

const unfolded = (t: number): number => (t > KNEE ? t ** 3 : 3 * KNEE ** 2 * (t - 4 / 29))
const gamma = (linear: number): number =>
  255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(0, linear) ** (1 / 2.4) - 0.055)

/**
 * Of 8 or 16 bits.
 * @param offset whether a* and b* are stored 128 higher (ICC) or as signed numbers (CIE)
 */
export function lab(bits: number, offset: boolean): ColourModel {
  const unit = 2 ** (bits - 8)
  const signed = (code: number): number => {
    const value = code / unit
    if (offset) return value - 128
    return value >= 128 ? value - 256 : value
  }
  return (samples, channels) =>
    eachPixel(samples, channels, (lightness, a, b) => {
      const y = ((lightness * 100) / (2 ** bits - 1) + 16) / 116
      const xyz = [y + signed(a) / 500, y, y - signed(b) / 200].map((t, i) => WHITE[i] * unfolded(t))
      const [red, green, blue] = [TO_RED, TO_GREEN, TO_BLUE].map((row) =>
        gamma(row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]),
      )
      return [red, green, blue]
    })
}
