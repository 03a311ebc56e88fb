/** Pixels as a file holds them, before they are bytes: any number of channels, any type of number. */

import type { Range } from './reading.js'

export type Samples =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/** `byte` is what screens show and is never stretched. */
export type NumberKind = 'byte' | 'integer' | 'float'

/** An image whose header was read. Channels are counted from 0; an alpha channel is the last one. */
export interface RawPage {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly kind: NumberKind
  /** In words, such as `16-bit`, `32-bit float`. */
  readonly depth: string
  /** What the type of the numbers can hold; of floats 0 to 1. */
  readonly full: Range
  /** Whether the last channel is transparency, and says so. */
  readonly alpha: boolean
  /** Whether channels are measured on their own rather than being red, green and blue. */
  readonly separate: boolean
  /** Whether 0 is white. */
  readonly inverted: boolean
  /** As TIFF and EXIF number it: 1 is upright. */
  readonly orientation: number
  /** Harmless faults of the file, in words; complete once it was read. */
  readonly faults: readonly string[]
  /**
   * `[height, width, picked]` of the channels at `picked`.
   * @throws UnusableImage or the decoder's error, where the pixels are damaged
   */
  readonly read: (picked: readonly number[]) => Promise<Samples>
}

/** What pictures for screens are. */
export const BYTES = { kind: 'byte', depth: '8-bit', full: [0, 255] } as const

/** Channels that were taken of one image, as they are stored. */
export interface RawImage extends Omit<RawPage, 'read' | 'faults' | 'channels'> {
  /** Colours: without the alpha channel. */
  readonly colours: number
  /** `[height, width, colours (+ 1 where alpha)]`. */
  readonly samples: Samples
}

/** Every `channels`-th of `samples`, at the places `picked`; the same array where that is all of them in their order. */
export function pickChannels<T extends Samples>(samples: T, channels: number, picked: readonly number[]): T {
  if (picked.length === channels && picked.every((channel, i) => channel === i)) return samples
  const pixels = samples.length / channels
  const taken = samples.slice(0, 0).constructor as new (length: number) => T
  const out = new taken(pixels * picked.length)
  for (let pixel = 0, to = 0; pixel < pixels; pixel++) {
    for (const channel of picked) out[to++] = samples[pixel * channels + channel]
  }
  return out
}

/** Bytes `[height, width, channels]` turned upright as EXIF's orientation (1 to 8) says. */
export function upright(
  bytes: Uint8Array,
  {
    width,
    height,
    channels,
    orientation,
  }: { width: number; height: number; channels: number; orientation: number },
): { bytes: Uint8Array; width: number; height: number } {
  if (!(orientation >= 2 && orientation <= 8)) return { bytes, width, height }
  const swapped = orientation >= 5
  const [across, down] = swapped ? [height, width] : [width, height]
  const [fromRight, fromBottom] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)]
  const out = new Uint8Array(bytes.length)
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [column, row] = swapped ? [y, x] : [x, y]
      const from = (fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column)
      for (let c = 0; c < channels; c++) out[(y * across + x) * channels + c] = bytes[from * channels + c]
    }
  }
  return { bytes: out, width: across, height: down }
}
