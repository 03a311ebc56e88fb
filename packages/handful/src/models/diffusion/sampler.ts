/**
 * From noise to images with a denoiser (Song et al., arXiv 2010.02502, equations 12 and 16). A step goes from noise
 * (alpha, sigma) to less of it (alpha', sigma'):
 *
 *   x' = alpha' clean + sqrt(sigma'^2 - s^2) noise + s z,   s = eta (sigma' / sigma) sqrt(1 - alpha^2 / alpha'^2)
 *
 * with the clean image and the noise that the denoiser sees in x, and fresh noise z: deterministic with eta 0, the ancestral
 * sampling of DDPM with eta 1. The last step gives the clean image.
 */
import type { Predict } from '../denoising/from-noise.js'
import type { Noise } from '../denoising/unet.js'
import type { NoiseSchedule } from './schedule.js'

export type Parameterisation = 'v' | 'epsilon' | 'x0'

/** How levels are spaced: evenly, or as squares, closer towards the clean end, which few steps gain by (appendix D.2). */
export type Spacing = 'even' | 'quadratic'

export interface SamplerOptions {
  readonly schedule: NoiseSchedule
  readonly parameterisation: Parameterisation
  /** The level that x stands at: 1000 for pure noise. */
  readonly from: number
  readonly steps: number
  readonly spacing: Spacing
  /** 0 (deterministic) to 1 (ancestral). */
  readonly eta: number
  /** Fills with standard normals; with eta 0 it is never called. */
  readonly fillNoise: (target: Float32Array) => void
  /** Keeps the clean image within a range at every step; the noise is then what that leaves. */
  readonly range?: readonly [low: number, high: number]
  readonly signal?: AbortSignal
  readonly onStep?: () => void
}

/**
 * The noise that each step starts from, falling. In a schedule of steps each is taken once, so there may be fewer than
 * were asked for.
 */
export function samplingNoises({
  schedule,
  from,
  steps,
  spacing,
}: Pick<SamplerOptions, 'schedule' | 'from' | 'steps' | 'spacing'>): Noise[] {
  const power = spacing === 'quadratic' ? 2 : 1
  const all = Array.from({ length: steps }, (_, i) => schedule.at(from * ((steps - i) / steps) ** power))
  return all.filter(({ level }, i) => i === 0 || level < all[i - 1].level)
}

/** The clean images that noisy ones end at; `x` itself stays as it is. */
export async function removeNoise(
  x: Float32Array,
  predict: Predict,
  options: SamplerOptions,
): Promise<Float32Array> {
  const { eta, fillNoise, signal, onStep } = options
  const noises = samplingNoises(options)
  const fresh = new Float32Array(eta > 0 ? x.length : 0)
  let now = x
  for (const [i, noise] of noises.entries()) {
    signal?.throwIfAborted()
    const seen = separate(now, await predict(now, noise), noise, options)
    onStep?.()
    if (i === noises.length - 1) return seen.clean
    const next = noises[i + 1]
    const added =
      eta * (next.sigma / noise.sigma) * Math.sqrt(Math.max(1 - (noise.alpha / next.alpha) ** 2, 0))
    const kept = Math.sqrt(Math.max(next.sigma ** 2 - added ** 2, 0))
    if (eta > 0) fillNoise(fresh)
    now = seen.clean.map(
      (clean, k) => next.alpha * clean + kept * seen.noise[k] + (eta > 0 ? added * fresh[k] : 0),
    )
  }
  return now
}

/** The clean image and the noise that x consists of, by the network's prediction. */
function separate(
  x: Float32Array,
  prediction: Float32Array,
  { alpha, sigma }: Noise,
  { parameterisation, range }: SamplerOptions,
): { clean: Float32Array; noise: Float32Array } {
  const clean = x.map((value, k) => {
    const found =
      parameterisation === 'v'
        ? alpha * value - sigma * prediction[k]
        : parameterisation === 'epsilon'
          ? (value - sigma * prediction[k]) / alpha
          : prediction[k]
    return range ? Math.min(Math.max(found, range[0]), range[1]) : found
  })
  return { clean, noise: x.map((value, k) => (value - alpha * clean[k]) / sigma) }
}
