/**
 * The generated data set "strokes": handwriting-like digits, 10 classes, 28 x 28 grey, made from one seed in seconds and
 * without any download. The forms of the digits are in strokes-forms.ts, what varies from image to image in
 * strokes-hand.ts, the drawing of paths in strokes-pen.ts.
 */

import { Random } from 'onnx-autodiff/random'
import { usageError } from '../errors.js'
import { Artist, STROKES_SIZE } from './strokes-hand.js'

export { STROKES_SIZE }

/** Digits 0 to 9; a label is the digit. */
export const STROKES_CLASSES = 10

const PIXELS = STROKES_SIZE * STROKES_SIZE
const REPORT_EVERY = 250
/** 784 MB of pixels in one array; a slip of the keyboard should not take the whole memory. */
const LARGEST_COUNT = 1_000_000

export interface StrokesOptions {
  /** Training images; 20,000 unless given, at most 1,000,000. */
  readonly count?: number
  /** Test images, drawn from streams of their own; 4,000 unless given, at most 1,000,000. */
  readonly testCount?: number
  /** A safe integer >= 0. */
  readonly seed: number
  /** Called every few hundred images and at the end with the images drawn so far and in all, of both splits. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface StrokesSplit {
  /** `[count, 28, 28, 1]`, one byte per pixel, 0 paper to 255 ink. */
  readonly pixels: Uint8Array
  /** `[count]`, the digit 0 to 9. */
  readonly labels: Uint8Array
  readonly count: number
}

/**
 * Draws the data set. The same seed gives the same bytes, and image `i` of a split depends on the seed, the split and
 * `i` alone, so a smaller set is the beginning of a larger one. Every ten images in a row from a multiple of ten hold
 * each digit once, in random order. 24,000 images take a few seconds on one core; the call blocks meanwhile.
 *
 * @throws HandfulError if a count is not an integer from 0 to 1,000,000, or the seed not a safe integer of at least 0
 */
export function generateStrokes(options: StrokesOptions): { train: StrokesSplit; test: StrokesSplit } {
  const { count = 20_000, testCount = 4_000, seed, onProgress } = options
  checkInteger('count', count, LARGEST_COUNT)
  checkInteger('testCount', testCount, LARGEST_COUNT)
  checkInteger('seed', seed, Number.MAX_SAFE_INTEGER)
  const total = count + testCount
  const report = (done: number): void => {
    if (done === total || done % REPORT_EVERY === 0) onProgress?.(done, total)
  }
  const train = drawSplit(new Random(seed, 'strokes/train'), count, report)
  const test = drawSplit(new Random(seed, 'strokes/test'), testCount, (done) => report(count + done))
  return { train, test }
}

function checkInteger(what: string, value: number, largest: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= largest) return
  const expected = `an integer from 0 to ${largest}`
  throw usageError({ what, where: 'generateStrokes', got: String(value), expected })
}

function drawSplit(random: Random, count: number, report: (done: number) => void): StrokesSplit {
  const pixels = new Uint8Array(count * PIXELS)
  const labels = new Uint8Array(count)
  const artist = new Artist()
  let digits: Uint32Array = new Uint32Array(0)
  for (let i = 0; i < count; i++) {
    const place = i % STROKES_CLASSES
    if (place === 0) digits = random.child(`order/${i}`).permutation(STROKES_CLASSES)
    labels[i] = digits[place]
    artist.draw(labels[i], random.child(String(i)), pixels.subarray(i * PIXELS, (i + 1) * PIXELS))
    report(i + 1)
  }
  return { pixels, labels, count }
}
