/**
 * One image of the generated data set "strokes": the writer's hand (which form, how steady, how slanted and how large),
 * the pen (thickness and pressure along the stroke) and the scanner (blur, ink level, noise). The elastic distortion is
 * a sum of slow waves, a smooth random field like the one of Simard, Steinkraus & Platt, "Best practices for
 * convolutional neural networks applied to visual document analysis" (ICDAR 2003), applied to the path, not to pixels.
 */

import type { Random } from 'onnx-autodiff/random'
import { DIGIT_FORMS, type DigitForm, type StrokeFamily } from './strokes-forms.js'
import { PenPath, blurInk, inkPath, traceSpline } from './strokes-pen.js'

/** Height and width of an image in pixels. */
export const STROKES_SIZE = 28

const PIXELS = STROKES_SIZE * STROKES_SIZE

/**
 * How much hands, pens and scanners differ: standard deviations unless the name says otherwise; lengths in digit heights
 * unless it says pixels, angles in radians. Set so that the digits stay legible, four labels per class are too few for a
 * linear classifier on raw pixels (about as hard as MNIST), and nearest neighbours among thousands of images still agree.
 */
const VARIATION = {
  /** How far a blend may go beyond the two drawn extremes of a form, as a fraction of the way between them. */
  overshoot: 0.12,
  controlPoint: 0.015,
  rotation: 0.16,
  slantMean: 0.12,
  slant: 0.31,
  heightPixelsMean: 19.2,
  logHeight: 0.05,
  logAspect: 0.13,
  shiftPixels: 0.65,
  elasticWave: 0.013,
  tremorPixels: 0.14,
  penRadiusPixelsMean: 1.15,
  logPenRadius: 0.2,
  brokenStrokeChance: 0.06,
  fadingStrokeChance: 0.15,
  blotChance: 0.04,
}

/** Distance between the points of a path, in digit heights: about a pixel. */
const PATH_SPACING = 0.05

const ELASTIC_WAVES = 3

/** Draws one image after another with the same buffers; nothing carries over from one image to the next. */
export class Artist {
  readonly #path = new PenPath()
  readonly #ink = new Float32Array(PIXELS)
  readonly #noise = new Float32Array(PIXELS)

  /** Fills `target` (28 x 28 bytes, row-major, 0 paper to 255 ink) with the digit, drawing every choice from `random`. */
  draw(digit: number, random: Random, target: Uint8Array): void {
    const form = chooseForm(DIGIT_FORMS[digit], random)
    const blend = random.between(-VARIATION.overshoot, 1 + VARIATION.overshoot)
    const move = drawMotion(random)
    const penRadius = VARIATION.penRadiusPixelsMean * Math.exp(VARIATION.logPenRadius * random.normal())
    const softness = random.between(0.9, 1.5)
    this.#ink.fill(0)
    for (const family of form.strokes) {
      if (random.uniform() >= family.presence) continue
      this.#path.length = 0
      traceSpline(this.#path, jitterPoints(family, blend, random), family.corners, PATH_SPACING)
      move(this.#path)
      pressPen(this.#path, penRadius, random)
      inkPath(this.#ink, STROKES_SIZE, this.#path, softness)
    }
    if (random.uniform() < VARIATION.blotChance) this.#blot(random)
    blurInk(this.#ink, STROKES_SIZE, random.between(0.08, 0.2))
    this.#scan(random, target)
  }

  /** A short smear somewhere in the middle of the image. */
  #blot(random: Random): void {
    const x = random.between(5, STROKES_SIZE - 6)
    const y = random.between(5, STROKES_SIZE - 6)
    this.#path.length = 0
    this.#path.add(x, y)
    this.#path.add(x + 1.2 * random.normal(), y + 1.2 * random.normal())
    this.#path.radius.fill(random.between(0.5, 1.3), 0, 2)
    this.#path.pressure.fill(random.between(0.4, 0.9), 0, 2)
    inkPath(this.#ink, STROKES_SIZE, this.#path, 1.2)
  }

  /** Ink to bytes: an overall level, saturated in about every second image, and noise everywhere. */
  #scan(random: Random, target: Uint8Array): void {
    const level = 255 * random.between(0.82, 1.15)
    const noise = random.between(1, 11)
    random.fillNormal(this.#noise)
    for (let i = 0; i < PIXELS; i++) {
      const value = level * this.#ink[i] + noise * this.#noise[i]
      target[i] = Math.max(0, Math.min(255, Math.round(value)))
    }
  }
}

function chooseForm(forms: readonly DigitForm[], random: Random): DigitForm {
  let remaining = random.uniform() * forms.reduce((sum, form) => sum + form.frequency, 0)
  return forms.find((form) => (remaining -= form.frequency) < 0) ?? forms[forms.length - 1]
}

function jitterPoints({ from, to }: StrokeFamily, blend: number, random: Random): Float64Array {
  return from.map((value, k) => {
    return value + blend * (to[k] - value) + VARIATION.controlPoint * random.normal()
  })
}

/** The map from digit heights to pixels that all strokes of an image share: elastic distortion, then an affine map. */
function drawMotion(random: Random): (path: PenPath) => void {
  const waves = Array.from({ length: ELASTIC_WAVES }, () => ({
    alongX: 2 * Math.PI * random.between(-1.2, 1.2),
    alongY: 2 * Math.PI * random.between(-1.2, 1.2),
    phase: 2 * Math.PI * random.uniform(),
    pushX: Math.SQRT2 * VARIATION.elasticWave * random.normal(),
    pushY: Math.SQRT2 * VARIATION.elasticWave * random.normal(),
  }))
  const angle = VARIATION.rotation * clippedNormal(random)
  const slant = VARIATION.slantMean + VARIATION.slant * clippedNormal(random)
  const height = VARIATION.heightPixelsMean * Math.exp(VARIATION.logHeight * clippedNormal(random))
  const width = height * Math.exp(VARIATION.logAspect * clippedNormal(random))
  const centre = (STROKES_SIZE - 1) / 2
  const shiftX = centre + VARIATION.shiftPixels * clippedNormal(random)
  const shiftY = centre + VARIATION.shiftPixels * clippedNormal(random)
  const cosine = Math.cos(angle)
  const sine = Math.sin(angle)
  return (path) => {
    for (let i = 0; i < path.length; i++) {
      let x = path.x[i]
      let y = path.y[i]
      for (const wave of waves) {
        const swing = Math.cos(wave.alongX * path.x[i] + wave.alongY * path.y[i] + wave.phase)
        x += wave.pushX * swing
        y += wave.pushY * swing
      }
      const wide = width * (x - slant * y)
      const high = height * y
      path.x[i] = shiftX + cosine * wide - sine * high
      path.y[i] = shiftY + sine * wide + cosine * high
    }
  }
}

/** Standard normal cut at 2, so that no digit leaves its image or turns into another one. */
function clippedNormal(random: Random): number {
  return Math.max(-2, Math.min(2, random.normal()))
}

/**
 * Radius and pressure along a path in pixels. The pen trembles, tapers at the ends and swells slowly; some
 * strokes fade towards their end, some break.
 */
function pressPen(path: PenPath, penRadius: number, random: Random): void {
  const taper = random.between(0, 0.4)
  const swell = random.between(0, 0.22)
  const swellRate = random.between(0.12, 0.4)
  const tremorRate = random.between(0.5, 1.1)
  const phases = [0, 1, 2].map(() => 2 * Math.PI * random.uniform())
  const tremor = VARIATION.tremorPixels * Math.abs(random.normal())
  const fade = random.uniform() < VARIATION.fadingStrokeChance ? random.between(0.2, 0.6) : 0
  const length = pathLength(path)
  const broken = random.uniform() < VARIATION.brokenStrokeChance
  const gapStart = broken ? length * random.between(0.15, 0.75) : Infinity
  const gapEnd = gapStart + 2 * penRadius + random.between(0.6, 1.8)
  let along = 0
  for (let i = 0; i < path.length; i++) {
    if (i > 0) along += pieceLength(path, i)
    const toEnd = Math.max(0, Math.min(along, length - along))
    const slow = 1 + swell * Math.cos(swellRate * along + phases[0])
    path.radius[i] = penRadius * slow * (1 - taper * Math.exp(-toEnd / 1.5))
    path.pressure[i] = along > gapStart && along < gapEnd ? 0 : 1 - fade * (along / length)
  }
  for (let i = 0, travelled = 0; i < path.length; i++) {
    if (i > 0) travelled += pieceLength(path, i)
    path.x[i] += tremor * Math.cos(tremorRate * travelled + phases[1])
    path.y[i] += tremor * Math.cos(tremorRate * travelled + phases[2])
  }
}

function pieceLength(path: PenPath, i: number): number {
  const dx = path.x[i] - path.x[i - 1]
  const dy = path.y[i] - path.y[i - 1]
  return Math.sqrt(dx * dx + dy * dy)
}

function pathLength(path: PenPath): number {
  let length = 0
  for (let i = 1; i < path.length; i++) length += pieceLength(path, i)
  return length
}
