/**
 * The losses of one iteration, in their order (REFERENCE.md 1.5). Each is a scalar, weighted as it is minimised, with the
 * figures that a reader of the log wants beside it. Score(x) = D(E(x)).
 *
 *   1 discriminator   mean softplus(-Score(aug x)) + mean softplus(Score(aug G(F(z))))    updates D, E
 *   2 R1              gamma / 2 every mean |grad_x Score(aug x)|^2                         updates D, E
 *   3 generator       mean softplus(-Score(aug G(F(z))))                                   updates G, F
 *   4 path length     weight every mean (|J' y| - a)^2                                     updates G, F
 *   5 reconstruction  weight mean (w - E(G(w)))^2, w = F(z)                                updates G, F, E
 */
import {
  add,
  gradients,
  mean,
  mul,
  neg,
  reciprocal,
  softplus,
  sqrt,
  sub,
  sum,
  type Tensor,
} from 'onnx-autodiff'

export interface Loss {
  /** What is minimised. */
  readonly total: Tensor
  /** Scalars for the log, by name. */
  readonly metrics: Readonly<Record<string, Tensor>>
}

/** Scores [n, 1] of real and of generated images. */
export function discriminatorLoss(real: Tensor, fake: Tensor): Loss {
  const total = add(mean(softplus(neg(real))), mean(softplus(fake)))
  return { total, metrics: { discriminator: total, realScore: mean(real), fakeScore: mean(fake) } }
}

/** `images` [h, w, n, c] that the scores [n, 1] were computed from. */
export function r1Loss(
  images: Tensor,
  scores: Tensor,
  { gamma, every }: { gamma: number; every: number },
): Loss {
  const [slope] = gradients(sum(scores), [images])
  const penalty = mul(sum(mul(slope, slope)), 1 / scores.shape[0])
  return { total: mul(penalty, (gamma / 2) * every), metrics: { r1: penalty } }
}

/** Scores [n, 1] of generated images. */
export function generatorLoss(fake: Tensor): Loss {
  const total = mean(softplus(neg(fake)))
  return { total, metrics: { generator: total } }
}

/** Share of the latest lengths in their running mean. */
const LENGTH_SHARE = 0.01

/**
 * `images` of so many `pixels` made from `styles` (tensors [n, latent], no two the same), random `directions` of the images'
 * shape, the running mean of lengths []. Also gives the mean's next value.
 */
export function pathLengthLoss(
  images: Tensor,
  styles: readonly Tensor[],
  directions: Tensor,
  running: Tensor,
  { weight, every, pixels }: { weight: number; every: number; pixels: number },
): Loss & { readonly runningNext: Tensor } {
  const along = sum(mul(images, mul(directions, 1 / Math.sqrt(pixels))))
  const squares = gradients(along, styles).map((slope) => sum(mul(slope, slope), 1))
  const lengths = sqrt(
    mul(
      squares.reduce((a, b) => add(a, b)),
      1 / styles.length,
    ),
  )
  const runningNext = add(running, mul(sub(mean(lengths), running), LENGTH_SHARE))
  const off = sub(lengths, runningNext)
  const penalty = mean(mul(off, off))
  return {
    total: mul(penalty, weight * every),
    runningNext,
    metrics: { path: penalty, pathLength: mean(lengths) },
  }
}

/** Styles [n, latent] and what the encoder makes of their images. */
export function reconstructionLoss(w: Tensor, encoded: Tensor, weight: number): Loss {
  const off = sub(w, encoded)
  const error = mean(mul(off, off))
  return { total: mul(error, weight), metrics: { reconstruction: error } }
}

/**
 * How much generated images differ from each other, by how much real ones do: variances over the batch, summed over the
 * pixels. Near 0 the generator has collapsed.
 */
export function diversity(fake: Tensor, real: Tensor): Tensor {
  const variance = (x: Tensor): Tensor => {
    const off = sub(x, mean(x, 2, true))
    return add(mean(mul(off, off)), 1e-12)
  }
  return mul(variance(fake), reciprocal(variance(real)))
}
