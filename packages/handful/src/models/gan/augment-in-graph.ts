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
  { translation, colour }: GanAugmentation,
): Float32Array {
  const reach = Math.round(translation * size)
  const draws: Readonly<Record<Column, () => number>> = {
    shiftRows: () => random.integer(2 * reach + 1) - reach,
    shiftColumns: () => random.integer(2 * reach + 1) - reach,
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
 * Images [h, w, n, c] in -1..1, rows of `drawAugmentation`, strength [] in 0..1 -> images. What moves in from beyond the
 * edge, and what is cut out, is black.
 */
export function augmentInGraph(
  x: Tensor,
  rows: Tensor,
  strength: Tensor,
  { translation, colour, cutout }: GanAugmentation,
): Tensor {
  const column = (name: Column): Tensor => slice(rows, 1, COLUMNS.indexOf(name), COLUMNS.indexOf(name) + 1)
  const gated = (name: Column, gate: Column): Tensor => mul(column(name), step(sub(strength, column(gate))))
  let y = x
  if (colour > 0) {
    const [brightness, saturation, contrast] = (['brightness', 'saturation', 'contrast'] as const).map(
      (name) => gated(name, 'colourGate'),
    )
    y = add(y, brightness)
    if (x.shape[3] === 3) y = away(y, mean(y, 3, true), saturation)
    y = away(y, mean(y, [0, 1, 3], true), contrast)
  }
  if (translation > 0) y = shifted(y, gated('shiftRows', 'shiftGate'), gated('shiftColumns', 'shiftGate'))
  if (cutout > 0) {
    const side = mul(step(sub(strength, column('cutGate'))), Math.round(cutout * x.shape[0]))
    y = cut(y, column('cutRow'), column('cutColumn'), side)
  }
  return y
}

/** centre + (x - centre) (1 + amount). */
const away = (x: Tensor, centre: Tensor, amount: Tensor): Tensor => add(x, mul(sub(x, centre), amount))

const places = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i)

/** y[i, j] = x[i - rows, j - columns], by one matrix of zeros and ones per image and axis; [n, 1] pixels each. */
function shifted(x: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [h, w, n] = x.shape
  const selection = (size: number, shift: Tensor): Tensor => {
    const difference = constant(
      Float32Array.from({ length: size * size }, (_, k) => (k % size) - Math.floor(k / size)),
      [size, size],
    )
    return relu(sub(1, abs(add(difference, reshape(shift, [n, 1, 1, 1])))))
  }
  const light = transpose(add(x, 1), [2, 3, 0, 1])
  const moved = matmul(matmul(selection(h, rows), light), selection(w, columns), { transposeB: true })
  return sub(transpose(moved, [2, 3, 0, 1]), 1)
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
