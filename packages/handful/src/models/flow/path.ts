/**
 * The straight path between an image and noise, and the way back along it (Liu et al., arXiv 2209.03003; Lipman et al.,
 * arXiv 2210.02747). Time goes from 0, the image, to 1, the noise; a noise level is a thousand times the time:
 *
 *   x_t = (1 - t) x + t noise,   dx/dt = noise - x
 *
 * A model of the velocity is followed from t to 0 in steps: Euler's x' = x + (t' - t) v(x, t), or Heun's, which goes with
 * the mean of the velocities at both ends.
 */
import type { Random } from 'onnx-autodiff'
import type { NoiseRemoval, Predict, Removing } from '../denoising/from-noise.js'
import { HIGHEST_LEVEL } from '../denoising/inputs.js'
import type { Noise } from '../denoising/unet.js'

export type Solver = 'euler' | 'heun'

/** The mixture at a level. */
export function pathAt(level: number): Noise {
  const sigma = Math.min(Math.max(level / HIGHEST_LEVEL, 0), 1)
  const alpha = 1 - sigma
  return { level: sigma * HIGHEST_LEVEL, alpha, sigma, logSnr: 2 * Math.log(alpha / sigma) }
}

/**
 * Times of a batch, rising, as noise: one from each of `count` equal shares of the distribution, so that every batch
 * covers it. Log-odds of the time are normal (Esser et al., arXiv 2403.03206, equation 19), but for the tails of a
 * logistic of the same deviation, which keep both ends trained.
 */
export function drawTimes(
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
  random: Random,
  count: number,
): Noise[] {
  return Array.from({ length: count }, (_, i) => {
    const share = Math.min(Math.max((i + random.uniform()) / count, 1e-9), 1 - 1e-9)
    const standard = (Math.log(share / (1 - share)) * Math.sqrt(3)) / Math.PI
    return pathAt(HIGHEST_LEVEL / (1 + Math.exp(-(mean + deviation * standard))))
  })
}

/** The way from a level to the image, in equal steps. */
export function followFlow(from: number, steps: number, solver: Solver): NoiseRemoval {
  const levels = Array.from({ length: steps + 1 }, (_, i) => (from * (steps - i)) / steps)
  // At the image itself there is no step that a second velocity could better.
  const evaluations = solver === 'heun' ? 2 * steps - 1 : steps
  return { evaluations, remove: (x, removing) => follow(x, levels, solver, removing) }
}

async function follow(
  start: Float32Array,
  levels: readonly number[],
  solver: Solver,
  { predict, signal, onStep }: Removing,
): Promise<Float32Array> {
  const velocity: Predict = async (x, noise) => {
    signal?.throwIfAborted()
    const found = await predict(x, noise)
    onStep?.()
    return found
  }
  let x = start
  for (const [i, level] of levels.slice(0, -1).entries()) {
    const next = levels[i + 1]
    const change = (next - level) / HIGHEST_LEVEL
    const v = await velocity(x, pathAt(level))
    const ahead = x.map((value, k) => value + change * v[k])
    if (solver === 'euler' || next === 0) {
      x = ahead
      continue
    }
    const w = await velocity(ahead, pathAt(next))
    x = x.map((value, k) => value + (change * (v[k] + w[k])) / 2)
  }
  return x
}
