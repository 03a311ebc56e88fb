/**
 * How far two augmented views of an image are from having like features: the normalised temperature-scaled cross-entropy of
 * Chen et al. ("A simple framework for contrastive learning of visual representations", arXiv 2002.05709, equation 1),
 *
 *   -log exp(cos(z_i, z_j) / T) / sum over k != i of exp(cos(z_i, z_k) / T),   z = linear(relu(linear(h)))
 *
 * where j is the other view of i's image: the mean over both views of all images of the batch, in nats.
 */
import {
  add,
  constant,
  linear,
  logSoftmax,
  matmul,
  mul,
  type Parameters,
  reciprocal,
  relu,
  sqrt,
  sum,
  type Tensor,
  transpose,
} from 'onnx-autodiff'

export interface DisagreementOptions {
  readonly temperature: number
  /** Numbers of the projection. */
  readonly projection: number
}

/** Similarity of a view to itself: it takes no part in the sum. */
const NEVER = -1e9

/** What views are compared by: z of length 1. h [rows, numbers] -> [rows, projection]. */
export function unitProjection(p: Parameters, h: Tensor, projection: number): Tensor {
  const [, numbers] = h.shape
  const first = linear(p.scope('first'), { inputs: numbers, outputs: numbers })
  const second = linear(p.scope('second'), { inputs: numbers, outputs: projection })
  const z = second(relu(first(h)))
  return mul(z, reciprocal(sqrt(add(sum(mul(z, z), 1, true), 1e-12))))
}

/** A constant [side, side]. */
export const square = (side: number, value: (row: number, column: number) => number): Tensor =>
  constant(
    Float64Array.from({ length: side * side }, (_, i) => value(Math.floor(i / side), i % side)),
    [side, side],
  )

/** h [2 n, numbers], the second views after all the first ones -> a scalar. */
export function viewDisagreement(
  p: Parameters,
  h: Tensor,
  { temperature, projection }: DisagreementOptions,
): Tensor {
  const [rows] = h.shape
  const unit = unitProjection(p, h, projection)
  const cosines = matmul(unit, transpose(unit, [1, 0]))
  const itself = square(rows, (row, column) => (row === column ? NEVER : 0))
  const other = square(rows, (row, column) => (column === (row + rows / 2) % rows ? 1 : 0))
  return mul(sum(mul(logSoftmax(add(mul(cosines, 1 / temperature), itself)), other)), -1 / rows)
}
