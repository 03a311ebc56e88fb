/**
 * Differentiable augmentation (Zhao et al., arXiv 2006.10738): real and generated images are shifted, recoloured and cut
 * alike before the encoder sees them, with gradients passing through, so that few images cannot be learnt by heart. What
 * is drawn, is drawn outside: the graph takes one row of numbers per image. The strength may adapt to overfitting (Karras
 * et al., arXiv 2006.06676).
 */
import {
  abs,
  add,
  clip,
  constant,
  matmul,
  mean,
  mul,
  type Random,
  relu,
  reshape,
  slice,
  step,
  sub,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
import type { GanAugmentation } from './config.js'
import { fromTiles, toTiles } from './network-images.js'

/** Columns of a row: what is done, and a number in 0..1 that says whether, by comparison with the strength. */
const COLUMNS = [
  'shiftRows',
  'shiftColumns',
  'shiftGate',
  'brightness',
  'saturation',
  'contrast',
  'colourGate',
  'cutRow',
  'cutColumn',
  'cutGate',
] as const

export const AUGMENTATION_COLUMNS = COLUMNS.length

type Column = (typeof COLUMNS)[number]

/** One row of numbers for each image, [count, AUGMENTATION_COLUMNS]. */
export function drawAugmentation(
  random: Random,
  count: number,
  size: number,
  { translation, shiftUnit = 1, colour }: GanAugmentation,
): Float32Array {
  const reach = Math.round((translation * size) / shiftUnit)
  const shift = (): number => shiftUnit * (random.integer(2 * reach + 1) - reach)
  const draws: Readonly<Record<Column, () => number>> = {
    shiftRows: shift,
    shiftColumns: shift,
    shiftGate: () => random.uniform(),
    brightness: () => random.between(-colour, colour),
    saturation: () => random.between(-2 * colour, 2 * colour),
    contrast: () => random.between(-colour, colour),
    colourGate: () => random.uniform(),
    cutRow: () => random.integer(size),
    cutColumn: () => random.integer(size),
    cutGate: () => random.uniform(),
  }
  return Float32Array.from({ length: count * AUGMENTATION_COLUMNS }, (_, i) =>
    draws[COLUMNS[i % AUGMENTATION_COLUMNS]](),
  )
}

/**
 * Images [h, w, n, c] in -1..1, or of tiles of pixels as `networkImages` has them, rows of `drawAugmentation`, strength []
 * in 0..1 -> images. What moves in from beyond the edge, and what is cut out, is black.
 * @param tile a divisor of `shiftUnit`
 */
export function augmentInGraph(
  x: Tensor,
  rows: Tensor,
  strength: Tensor,
  { translation, shiftUnit = 1, colour, cutout }: GanAugmentation,
  tile = 1,
): Tensor {
  const column = (name: Column): Tensor => slice(rows, 1, COLUMNS.indexOf(name), COLUMNS.indexOf(name) + 1)
  const gated = (name: Column, gate: Column): Tensor => mul(column(name), step(sub(strength, column(gate))))
  let y = x
  if (colour > 0) {
    y = recoloured(
      y,
      gated('brightness', 'colourGate'),
      gated('saturation', 'colourGate'),
      gated('contrast', 'colourGate'),
      tile * tile,
    )
  }
  if (translation > 0) {
    const units = (name: Column): Tensor => mul(gated(name, 'shiftGate'), 1 / shiftUnit)
    y = shifted(y, units('shiftRows'), units('shiftColumns'), shiftUnit / tile)
  }
  if (cutout > 0) {
    const side = mul(step(sub(strength, column('cutGate'))), Math.round(cutout * x.shape[0] * tile))
    y = toTiles(cut(fromTiles(y, tile), column('cutRow'), column('cutColumn'), side), tile)
  }
  return y
}

/**
 * Brighter by b, then away from each pixel's grey by s, then away from the image's mean by k, [n, 1] each; all in one,
 * which on large images is half the work:
 *
 *   (1 + k) ((1 + s) x - s grey(x)) + b - k mean(x)
 *
 * @param pixels of a tile
 */
function recoloured(x: Tensor, b: Tensor, s: Tensor, k: Tensor, pixels: number): Tensor {
  const colours = x.shape[3] === 3 * pixels
  const contrast = add(k, 1)
  const scaled = mul(x, colours ? mul(contrast, add(s, 1)) : contrast)
  const offset = sub(b, mul(k, mean(x, [0, 1, 3], true)))
  if (!colours) return add(scaled, offset)
  const grey = pixels === 1 ? mean(x, 3, true) : greyOfTiles(x)
  return add(scaled, sub(offset, mul(grey, mul(contrast, s))))
}

/** Each pixel's grey, three times as its colours are: [..., 3 pixels] -> the same, by one product with a matrix. */
function greyOfTiles(x: Tensor): Tensor {
  const numbers = x.shape[3]
  const ofPixel = (number: number): number => Math.floor(number / 3)
  const thirds = Float32Array.from({ length: numbers * numbers }, (_, at) =>
    ofPixel(Math.floor(at / numbers)) === ofPixel(at % numbers) ? 1 / 3 : 0,
  )
  return matmul(x, constant(thirds, [numbers, numbers]))
}

const places = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i)

/**
 * y[i, j] = x[i - unit rows, j - unit columns], by one matrix of zeros and ones per image and axis; [n, 1] units each. The
 * matrices are of (size / unit)^2: larger units keep large images as cheap as small ones.
 */
function shifted(x: Tensor, rows: Tensor, columns: Tensor, unit: number): Tensor {
  const [h, w, n, c] = x.shape
  const [high, wide] = [h / unit, w / unit]
  const selection = (size: number, shift: Tensor): Tensor => {
    const difference = constant(
      Float32Array.from({ length: size * size }, (_, k) => (k % size) - Math.floor(k / size)),
      [size, size],
    )
    return relu(sub(1, abs(add(difference, reshape(shift, [n, 1, 1])))))
  }
  // What is shifted together stands in a row: [n, rows of units, all the rest], then [n, columns of units, all the rest].
  const light = transpose(reshape(add(x, 1), [high, unit, wide, unit, n, c]), [4, 0, 1, 2, 3, 5])
  const down = matmul(selection(high, rows), reshape(light, [n, high, unit * w * c]))
  const turned = transpose(reshape(down, [n, high, unit, wide, unit, c]), [0, 3, 1, 2, 4, 5])
  const across = matmul(selection(wide, columns), reshape(turned, [n, wide, h * unit * c]))
  const back = transpose(reshape(across, [n, wide, high, unit, unit, c]), [2, 3, 1, 4, 0, 5])
  return sub(reshape(back, [h, w, n, c]), 1)
}

/** Blacks out a square of `side` pixels around a pixel; [n, 1] each. */
function cut(x: Tensor, row: Tensor, column: Tensor, side: Tensor): Tensor {
  const [h, w, n] = x.shape
  const inside = (size: number, centre: Tensor, shape: number[]): Tensor =>
    step(sub(mul(side, 0.5), abs(sub(reshape(constant(places(size), [size]), shape), sub(centre, 0.25)))))
  const outside = sub(1, mul(inside(h, row, [h, 1, 1, 1]), inside(w, column, [1, w, 1, 1])))
  return sub(mul(add(x, 1), reshape(outside, [h, w, n, 1])), 1)
}

/**
 * The strength after a step: up where more than `target` of the real images (those told as real less the others) are
 * told as real, else down. `scores` [n, 1] of real images.
 */
export function adaptedStrength(
  strength: Tensor,
  scores: Tensor,
  { target, rampImages }: GanAugmentation,
): Tensor {
  const told = sub(mul(mean(step(scores)), 2), 1)
  const direction = sub(mul(step(sub(told, target ?? 0)), 2), 1)
  return clip(add(strength, mul(direction, scores.shape[0] / rampImages)), 0, 1)
}
