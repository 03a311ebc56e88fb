/**
 * The codebook of a VQ-VAE: the nearest vector to each of the encoder's, and the update of the vectors as running means
 * of what they stand for (van den Oord et al., arXiv 1711.00937, appendix A.1):
 *
 *   N <- decay N + (1 - decay) n,  m <- decay m + (1 - decay) sum of the n encoder vectors z,  e = m / N
 *
 * A vector with N below its threshold starts again at an encoder vector of the batch, as if it had had even use. At the
 * start that is so for most of them: the first batches lay the codebook out.
 */
import {
  add,
  argmin,
  type Arrays,
  cast,
  div,
  gather,
  input,
  less,
  matmul,
  maximum,
  mul,
  type Parameters,
  reshape,
  sub,
  sum,
  type Tensor,
  uniform,
  type Update,
} from 'onnx-autodiff'
import type { VqVaeConfig } from './config.js'

export interface Codebook {
  /** [codes, codeSize]. */
  readonly vectors: Tensor
  /** [rows, codeSize] -> int32 [rows]: the places of the nearest vectors. */
  readonly nearest: (rows: Tensor) => Tensor
  /** int32 [rows] -> [rows, codeSize]. */
  readonly lookUp: (places: Tensor) => Tensor
}

export function codebook(p: Parameters, { codes, codeSize, codebook: { update } }: VqVaeConfig): Codebook {
  const start = uniform(1 / codes)
  const shape = [codes, codeSize]
  const vectors = update === 'gradient' ? p.get('weight', shape, start) : p.buffer('weight', shape, start)
  const lengths = sum(mul(vectors, vectors), 1)
  return {
    vectors,
    // |z - e|^2 less |z|^2, which is the same for all codes.
    nearest: (rows) => argmin(sub(lengths, mul(matmul(rows, vectors, { transposeB: true }), 2))),
    lookUp: (places) => gather(vectors, places),
  }
}

export interface Averaging {
  readonly decay: number
  readonly restartBelow: number
}

export interface CodebookStep {
  readonly nextVectors: Tensor
  /** Of N and m. */
  readonly updates: readonly Update[]
  readonly initialState: Arrays
  /** int32 [codes]: for each code the row that it would start again at, to be drawn from all rows. */
  readonly restarts: Tensor
}

/** One step of the running means; rows [rows, codeSize] of the encoder, `chosen` [rows, codes] one-hot. */
export function averagedCodebook(
  vectors: Tensor,
  rows: Tensor,
  chosen: Tensor,
  { decay, restartBelow }: Averaging,
): CodebookStep {
  const [codes, codeSize] = vectors.shape
  const even = rows.shape[0] / codes
  const use = input('codebook/use', [codes, 1])
  const total = input('codebook/total', vectors.shape)
  const restarts = input('restarts', [codes], 'int32')
  const towards = (running: Tensor, now: Tensor): Tensor => add(mul(running, decay), mul(now, 1 - decay))
  const used = towards(use, reshape(sum(chosen, 0), [codes, 1]))
  const summed = towards(total, matmul(chosen, rows, { transposeA: true }))
  const dead = cast(less(used, restartBelow * even), 'float32')
  const nextUse = add(used, mul(dead, sub(even, used)))
  const nextTotal = add(summed, mul(dead, sub(mul(gather(rows, restarts), even), summed)))
  return {
    // Without restarts the use of a code can fall to nothing.
    nextVectors: div(nextTotal, maximum(nextUse, 1e-6)),
    updates: [
      { variable: use, next: nextUse },
      { variable: total, next: nextTotal },
    ],
    initialState: {
      'codebook/use': { dtype: 'float32', shape: use.shape, data: new Float32Array(codes) },
      'codebook/total': { dtype: 'float32', shape: total.shape, data: new Float32Array(codes * codeSize) },
    },
    restarts,
  }
}
