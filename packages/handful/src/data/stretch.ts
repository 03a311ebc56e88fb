/**
 * The stretch of scientific images: numbers between `low` and `high` become 0 to 255, what lies outside becomes black or
 * white. One stretch holds for a whole data set, so that a bright image stays brighter than a dark one. It is found from
 * robust percentiles of a seeded sample of the training images:
 *
 *     low, high = the 0.1 % and 99.9 % points of all sampled values
 *
 * so that dead and hot pixels do not set it, and a few bright cells among many dim ones still differ. Exceptions, each so
 * that nothing is lost that need not be:
 *
 *  - whole numbers of which the sample spans at most 256 (labels, counts): all of them, each keeps a level of its own;
 *  - a sample that reaches over most of an ordinary range (16-bit photographs, floats from 0 to 1 or to 255): that range;
 *  - percentiles that are equal (a few spots on an even ground): the least and the largest value.
 */

import { Random } from 'onnx-autodiff/random'
import type { RawImage } from './raw-image.js'
import type { ImageReading, Range } from './reading.js'
import { UnusableImage } from './unusable-image.js'

const LOW = 0.001
const HIGH = 0.999

/** Images and values of each that are looked at. A thousandth of them are still hundreds. */
export const SAMPLED_IMAGES = 200
const SAMPLED_VALUES = 4096

/** Images of the data set with numbers of a kind, some of them, drawn by chance. */
export type SampleSource = (kind: DeepKind) => AsyncIterable<RawImage>

export type DeepKind = Exclude<RawImage['kind'], 'byte'>

export class Stretch {
  readonly #found = new Map<DeepKind, Promise<readonly Range[]>>()
  readonly #known: Partial<Record<DeepKind, readonly Range[]>>
  readonly #reading: ImageReading

  /**
   * @param reading what is chosen, and what is known of the data set already
   * @param sample where the data set's own ranges are found; without it those known are all there are
   */
  constructor(
    reading: ImageReading,
    private readonly sample?: SampleSource,
    private readonly seed = 0,
  ) {
    this.#reading = reading
    this.#known = {
      ...(reading.integers && { integer: reading.integers }),
      ...(reading.floats && { float: reading.floats }),
    }
  }

  get channels(): readonly number[] | undefined {
    return this.#reading.channels
  }

  /** Whether images are read as versions did that knew no stretch. */
  get before(): boolean {
    return this.#reading.stretch === 'before'
  }

  /** What a run keeps: the choice, with the ranges that were found. */
  get reading(): ImageReading {
    const { integer, float } = this.#known
    return {
      ...this.#reading,
      ...(integer && { integers: integer.map(([low, high]) => [low, high]) }),
      ...(float && { floats: float.map(([low, high]) => [low, high]) }),
    }
  }

  /** What was found, for the user. */
  sentences(): string[] {
    if (this.#reading.stretch !== 'data' || this.sample === undefined) return []
    return Object.entries({ 'whole numbers': this.#known.integer, floats: this.#known.float }).flatMap(
      ([what, ranges]) => (ranges === undefined ? [] : rangesInWords(what, ranges)),
    )
  }

  /** @throws UnusableImage where its numbers cannot be placed */
  async rangesFor(image: RawImage): Promise<Placing> {
    const { kind } = image
    const { stretch } = this.#reading
    if (kind === 'byte' || stretch === 'none') return { ranges: [image.full] }
    if (typeof stretch === 'object') return { ranges: [stretch] }
    if (stretch === 'each') {
      return { ranges: rangesOf(valuesOf(image, new Random(this.seed, 'stretch')), 'in the image') }
    }
    const known = this.#known[kind]
    if (known !== undefined) return { ranges: fitting(known, image) }
    if (this.sample === undefined) return { ranges: this.#unknown(image), byType: true }
    let found = this.#found.get(kind)
    if (found === undefined) {
      found = this.#find(kind, this.sample)
      this.#found.set(kind, found)
    }
    return { ranges: fitting(await found, image) }
  }

  async #find(kind: DeepKind, sample: SampleSource): Promise<readonly Range[]> {
    const random = new Random(this.seed, `stretch/${kind}`)
    const values = emptyValues()
    for await (const image of sample(kind)) {
      addValues(values, image, random)
    }
    const ranges = rangesOf(values, 'in all images that were looked at')
    this.#known[kind] = ranges
    return ranges
  }

  /** A kind of numbers that the run has not seen: ordinary 16-bit images have a range, others have none. */
  #unknown(image: RawImage): readonly Range[] {
    if (image.kind === 'integer' && image.full[0] === 0 && image.full[1] <= 65_535) return [image.full]
    throw new UnusableImage(
      `${image.depth} numbers, of which the run's images had none: it does not say which are black and white`,
    )
  }
}

function rangesInWords(what: string, ranges: readonly Range[]): string {
  const number = (value: number): string => String(Number(value.toPrecision(6)))
  const each = ranges.map(([low, high]) => `${number(low)} is black and ${number(high)} white`)
  const channels =
    ranges.length === 1 ? each[0] : each.map((words, i) => `in channel ${i + 1} ${words}`).join(', ')
  return `images of ${what} beyond 8 bits: ${channels} in all of them (--stretch)`
}

/** Black and white for an image: one range, or one for each of its colours. */
export interface Placing {
  readonly ranges: readonly Range[]
  /** Whether the type of the numbers alone says so, since nothing is known of the data set's. */
  readonly byType?: boolean
}

interface Values {
  /** One list for all channels, or one for each. */
  channels: number[][]
  least: number[]
  most: number[]
  whole: boolean
}

const emptyValues = (): Values => ({ channels: [], least: [], most: [], whole: true })

function valuesOf(image: RawImage, random: Random): Values {
  const values = emptyValues()
  addValues(values, image, random)
  return values
}

function addValues(values: Values, image: RawImage, random: Random): void {
  const { samples, colours, alpha, separate, kind } = image
  const stride = colours + (alpha ? 1 : 0)
  const lists = separate ? colours : 1
  const pixels = samples.length / stride
  values.whole &&= kind === 'integer'
  const taken = Math.min(pixels, Math.ceil(SAMPLED_VALUES / (colours / lists)))
  for (let list = 0; list < lists; list++) {
    const into = (values.channels[list] ??= [])
    values.least[list] ??= Infinity
    values.most[list] ??= -Infinity
    for (let i = 0; i < taken; i++) {
      const pixel = taken === pixels ? i : random.integer(pixels)
      for (let colour = list; colour < colours; colour += lists) {
        const value = samples[pixel * stride + colour]
        if (!Number.isFinite(value)) continue
        into.push(value)
        if (value < values.least[list]) values.least[list] = value
        if (value > values.most[list]) values.most[list] = value
      }
    }
  }
}

/** Ordinary ranges, which images that reach over most of one are meant in. */
const ORDINARY = {
  integer: [[0, 65_535]],
  float: [
    [0, 1],
    [0, 255],
    [0, 65_535],
  ],
} as const satisfies Record<DeepKind, readonly Range[]>

/** @throws UnusableImage where there is nothing to stretch */
function rangesOf({ channels, least, most, whole }: Values, where: string): Range[] {
  const ranges = channels.map((values, i): Range | undefined => {
    if (values.length === 0 || least[i] === most[i]) return undefined
    if (whole && most[i] - least[i] <= 255) return [least[i], most[i]]
    const sorted = Float64Array.from(values).sort()
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]
    const [low, high] = [at(LOW), at(HIGH)]
    const ordinary = ORDINARY[whole ? 'integer' : 'float'].find(([black, white]) => {
      const span = white - black
      const inside = least[i] >= black - 0.01 * span && most[i] <= white + 0.01 * span
      return inside && low <= black + 0.25 * span && high >= white - 0.25 * span
    })
    if (ordinary !== undefined) return [...ordinary]
    return low < high ? [low, high] : [least[i], most[i]]
  })
  const placed = ranges.filter((range) => range !== undefined)
  if (placed.length > 0) {
    // A channel that holds nothing beside others that do: it stays black.
    return ranges.map((range, i) => range ?? (channels[i].length === 0 ? [0, 1] : [least[i], least[i] + 1]))
  }
  const held = channels.some((values) => values.length > 0)
  throw new UnusableImage(
    held ? `the same number everywhere ${where}, ${least[0]}: nothing to see` : `no finite number ${where}`,
  )
}

/** Ranges of other channels than the image has become one that holds them all. */
function fitting(ranges: readonly Range[], { colours, separate }: RawImage): readonly Range[] {
  if (ranges.length === 1 || (separate && ranges.length === colours)) return ranges
  return [[Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))]]
}

export interface StretchedImage {
  /** `[height, width, channels]`, 1 grey, 3 colours, and 1 more where there is transparency. */
  readonly bytes: Uint8Array
  readonly channels: 1 | 2 | 3 | 4
  /** Numbers that were NaN or infinite. */
  readonly notFinite: number
}

/**
 * Numbers to bytes: NaN and what lies below the range is black, what lies above is white.
 * @param ranges one, or one for each colour
 */
export function stretched(image: RawImage, ranges: readonly Range[]): StretchedImage {
  const { samples, colours, alpha, full, inverted, kind } = image
  const stride = colours + (alpha ? 1 : 0)
  const pixels = samples.length / stride
  const shown = colours === 1 ? 1 : 3
  const channels = alpha ? (shown === 1 ? 2 : 4) : shown
  const bytes = new Uint8Array(pixels * channels)
  let notFinite = 0
  for (let colour = 0; colour < colours; colour++) {
    const [low, high] = ranges[colour] ?? ranges[0]
    const scale = 255 / (high - low)
    for (let pixel = 0; pixel < pixels; pixel++) {
      const value = samples[pixel * stride + colour]
      if (kind === 'float' && !Number.isFinite(value)) notFinite++
      if (Number.isNaN(value)) continue
      const level = value <= low ? 0 : value >= high ? 255 : Math.round((value - low) * scale)
      bytes[pixel * channels + colour] = inverted ? 255 - level : level
    }
  }
  if (alpha) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      bytes[pixel * channels + channels - 1] = Math.round((255 * samples[pixel * stride + colours]) / full[1])
    }
  }
  return { bytes, channels, notFinite }
}
