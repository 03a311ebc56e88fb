/**
 * How far two augmented views of an image are apart, while the codes of a batch are to take as much room as they can: the total
 * coding rate of Tong et al. ("EMP-SSL: towards self-supervised learning in one training epoch", arXiv 2304.03977, equations 2
 * and 3), with two views of each image,
 *
 *   mean |z - z'|^2 / 2  -  (R(Z) + R(Z')) / (2 lambda),    R(Z) = log det(I + d / (n e) Z'Z) / 2,
 *
 * Z the first views of n images, Z' the second ones, z of d numbers and length 1. No image is told from any other, so that
 * those of one class may lie together.
 */
import {
  add,
  matmul,
  mul,
  type Parameters,
  slice,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
import { square, unitProjection } from './view-disagreement.js'

/** e, the squared distance up to which two codes count as one, and lambda, what likeness weighs, of the paper. */
const [DISTORTION, LIKENESS] = [0.2, 200]

/**
 * h [2 n, numbers], the second views after all the first ones -> a scalar whose gradient is the equation's and whose value is its
 * first term: the determinant is never taken.
 */
export function viewDistance(p: Parameters, h: Tensor, { projection }: { projection: number }): Tensor {
  const [rows] = h.shape
  const images = rows / 2
  const unit = unitProjection(p, h, projection)
  const codes = [slice(unit, 0, 0, images), slice(unit, 0, images, rows)]
  const apart = add(mul(sum(mul(codes[0], codes[1])), -1 / images), 1)
  const rates = codes.map((code) => rateGradient(code, projection / (images * DISTORTION)))
  return sub(apart, mul(add(rates[0], rates[1]), 1 / (2 * LIKENESS)))
}

/**
 * Nothing, with the gradient of log det(A) / 2, A = I + factor Z'Z, which is factor Z A^-1.
 * @param z [rows, numbers], rows of length 1
 */
function rateGradient(z: Tensor, factor: number): Tensor {
  const [rows, numbers] = z.shape
  const identity = square(numbers, (row, column) => (row === column ? 1 : 0))
  const a = add(mul(matmul(transpose(z, [1, 0]), z), factor), identity)
  const weighed = mul(sum(mul(inverse(stopGradient(a), identity, 1 + factor * rows), a)), 0.5)
  return sub(weighed, stopGradient(weighed))
}

/** What is left of I - X A at the end. */
const TOLERANCE = 1e-6

/**
 * A^-1 by Newton's iteration X <- X (2 I - A X), which squares what I - X A lacks (Schulz 1933): every product is one of
 * matrices, which a CPU is fast at, and nothing is decided on the way.
 * @param largest no eigenvalue of A is larger; none is smaller than 1
 */
function inverse(a: Tensor, identity: Tensor, largest: number): Tensor {
  const first = 2 / (1 + largest)
  const steps = Math.ceil(Math.log2(Math.log(TOLERANCE) / Math.log1p(-first)))
  let x = mul(identity, first)
  for (let i = 0; i < steps; i++) x = sub(mul(x, 2), matmul(matmul(x, a), x))
  return x
}
