/**
 * Images that are there more than once: the same file in two classes, and test images that nearly equal a training image,
 * as another size, quality or brightness of one photograph makes them.
 *
 * Near ones are found by the signs of random rotations of 8x8 means (Charikar, "Similarity estimation techniques from
 * rounding algorithms", 2002): those that share one of a few runs of signs are compared, first by the correlation of
 * their 16x16 means, then by that of all their pixels.
 */

import { createHash } from 'node:crypto'
import { Random } from 'onnx-autodiff/random'
import { printable } from '../errors.js'
import { rowProduct } from '../numerics/matrix.js'
import type { LabelledFile } from './collection.js'
import type { ImageFacts } from './decode.js'
import { imageAt, type Images } from './image-set.js'

const SIDE = 8
const FINE_SIDE = 16
const BAND_BITS = 24
/** Rotations, each of 64 signs. */
const ROUNDS = 3
const BANDS = (ROUNDS * SIDE * SIDE) / BAND_BITS
/** Correlations from which on two images are taken for one: of means, and of pixels, which compression changes more. */
const ALIKE_MEANS = 0.997
const ALIKE_PIXELS = 0.98
/** Standard deviation, of 255, below which an image is plain, and like any other plain one. */
const PLAIN = 3

/** Of an image as it is stored; frames of one file are images of their own. */
export const contentDigest = ({ content, frame = 0 }: Pick<ImageFacts, 'content' | 'frame'>): string =>
  createHash('sha256').update(content).update(`#${frame}`).digest('base64')

/**
 * One line on files that are byte for byte the same and have several labels; undefined where there are none.
 *
 * @param digests of the content of each file, in the order of `files`
 */
export function severalLabels(
  files: readonly LabelledFile[],
  digests: readonly (string | undefined)[],
): string | undefined {
  const groups = new Map<string, LabelledFile[]>()
  files.forEach((file, i) => {
    const digest = digests[i]
    if (digest === undefined || file.split === 'test' || file.label === '') return
    const group = groups.get(digest)
    if (group === undefined) groups.set(digest, [file])
    else group.push(file)
  })
  const torn = [...groups.values()].flatMap((group) => {
    const other = group.find(({ label }) => label !== group[0].label)
    return other === undefined ? [] : [[group[0], other] as const]
  })
  if (torn.length === 0) return undefined
  const [[first, second]] = torn
  const named = ({ path, label }: LabelledFile): string => `${printable(path)} (${printable(label)})`
  const count = torn.length === 1 ? '1 image lies' : `${torn.length} images lie`
  return `${count} in two classes, byte for byte the same, such as ${named(first)} and ${named(second)}`
}

export interface AlikePair {
  /** Place among the training images, and among those of the test split. */
  readonly train: number
  readonly test: number
}

/** For each test image that nearly equals a training image, one such pair. Both of one form, `[count, side, side, channels]`. */
export function nearDuplicates(train: Images, test: Images): AlikePair[] {
  if (Math.min(train.height, train.width) < SIDE) return []
  const [known, asked] = [meansOf(train), meansOf(test)]
  const flips = projections()
  const centre = centreOf(known.coarse)
  const [knownSigns, askedSigns] = [
    signsOf(known.coarse, centre, flips),
    signsOf(asked.coarse, centre, flips),
  ]
  const columns = known.fine.length / train.count
  const pairs: AlikePair[] = []
  const found = new Uint8Array(test.count)
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<number, number[]>()
    for (let i = 0; i < train.count; i++) {
      if (known.plain[i]) continue
      const key = knownSigns[i * BANDS + band]
      const bucket = buckets.get(key)
      if (bucket === undefined) buckets.set(key, [i])
      else bucket.push(i)
    }
    for (let i = 0; i < test.count; i++) {
      if (found[i] === 1 || asked.plain[i]) continue
      for (const other of buckets.get(askedSigns[i * BANDS + band]) ?? []) {
        if (rowProduct(known.fine, other, asked.fine, i, columns) < ALIKE_MEANS) continue
        if (correlation(imageAt(train, other), imageAt(test, i)) < ALIKE_PIXELS) continue
        found[i] = 1
        pairs.push({ train: other, test: i })
        break
      }
    }
  }
  return pairs.sort((a, b) => a.test - b.test)
}

interface Means {
  /** `[count, 64]` and `[count, 256]`, of grey values, without their mean and of unit length. */
  readonly coarse: Float32Array
  readonly fine: Float32Array
  readonly plain: Uint8Array
}

function meansOf(images: Images): Means {
  const { count, height, width, channels } = images
  const side = Math.min(FINE_SIDE, height, width)
  const coarse = new Float32Array(count * SIDE * SIDE)
  const fine = new Float32Array(count * side * side)
  const plain = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const pixels = imageAt(images, i)
    const deviation = blockMeans(pixels, { height, width, channels, side }, fine, i)
    blockMeans(pixels, { height, width, channels, side: SIDE }, coarse, i)
    plain[i] = deviation < PLAIN ? 1 : 0
  }
  return { coarse, fine, plain }
}

interface Blocks {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly side: number
}

/** Means over `side` x `side` blocks, centred and normalised. @returns their standard deviation */
function blockMeans(
  pixels: Uint8Array,
  { height, width, channels, side }: Blocks,
  out: Float32Array,
  index: number,
): number {
  const first = index * side * side
  let mean = 0
  for (let y = 0; y < side; y++) {
    const [top, bottom] = [Math.floor((y * height) / side), Math.floor(((y + 1) * height) / side)]
    for (let x = 0; x < side; x++) {
      const left = Math.floor((x * width) / side) * channels
      const right = Math.floor(((x + 1) * width) / side) * channels
      let sum = 0
      for (let row = top; row < bottom; row++) {
        const start = row * width * channels
        for (let at = start + left; at < start + right; at++) sum += pixels[at]
      }
      const value = sum / ((bottom - top) * (right - left))
      out[first + y * side + x] = value
      mean += value
    }
  }
  mean /= side * side
  let squares = 0
  for (let at = first; at < first + side * side; at++) {
    out[at] -= mean
    squares += out[at] * out[at]
  }
  const length = Math.sqrt(squares) || 1
  for (let at = first; at < first + side * side; at++) out[at] /= length
  return length / side
}

/** Random signs before each transform, `[ROUNDS, 2, 64]`. */
function projections(): Float32Array {
  const random = new Random(0, 'data/near duplicates')
  return Float32Array.from({ length: ROUNDS * 2 * SIDE * SIDE }, () => (random.uniform() < 0.5 ? -1 : 1))
}

/** Walsh-Hadamard transform in place: with random signs before it, as good as a random rotation and much quicker. */
function transform(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let block = 0; block < values.length; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const a = values[i]
        const b = values[i + half]
        values[i] = a + b
        values[i + half] = a - b
      }
    }
  }
}

/** Mean of all rows: away from it, signs tell most. */
function centreOf(coarse: Float32Array): Float32Array {
  const columns = SIDE * SIDE
  const centre = new Float32Array(columns)
  const rows = coarse.length / columns
  for (let at = 0; at < coarse.length; at++) centre[at % columns] += coarse[at] / rows
  return centre
}

/** `[count, BANDS]`: the signs of each band as the bits of a number. */
function signsOf(coarse: Float32Array, centre: Float32Array, flips: Float32Array): Int32Array {
  const columns = SIDE * SIDE
  const rows = coarse.length / columns
  const signs = new Int32Array(rows * BANDS)
  const turned = new Float32Array(columns)
  for (let row = 0; row < rows; row++) {
    for (let round = 0; round < ROUNDS; round++) {
      const first = 2 * round * columns
      for (let i = 0; i < columns; i++) turned[i] = (coarse[row * columns + i] - centre[i]) * flips[first + i]
      transform(turned)
      for (let i = 0; i < columns; i++) turned[i] *= flips[first + columns + i]
      transform(turned)
      for (let i = 0; i < columns; i++) {
        const bit = round * columns + i
        if (turned[i] > 0) signs[row * BANDS + Math.floor(bit / BAND_BITS)] |= 1 << (bit % BAND_BITS)
      }
    }
  }
  return signs
}

function correlation(a: Uint8Array, b: Uint8Array): number {
  let [sumA, sumB, squaresA, squaresB, both] = [0, 0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    sumA += a[i]
    sumB += b[i]
    squaresA += a[i] * a[i]
    squaresB += b[i] * b[i]
    both += a[i] * b[i]
  }
  const variances = (squaresA - sumA ** 2 / a.length) * (squaresB - sumB ** 2 / a.length)
  return variances <= 0 ? 0 : (both - (sumA * sumB) / a.length) / Math.sqrt(variances)
}
