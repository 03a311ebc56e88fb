/**
 * Noise schedules of a variance-preserving diffusion: x_t = alpha x + sigma noise with alpha^2 + sigma^2 = 1, and the
 * noise levels that a training batch is drawn at. Everywhere a noise level stands on one scale, 0 (clean) to 1000 (noise):
 *
 *   study    continuous, alpha^2 = exp(-(1e-4 + 10 t^2)) with t = level / 1000: the limit of the linear schedule
 *   linear   1000 steps, beta from 1e-4 to 0.02 (Ho et al., arXiv 2006.11239)
 *   cosine   1000 steps, alpha^2 = cos^2((t + 0.008) / 1.008 pi / 2), beta at most 0.999 (Nichol and Dhariwal, arXiv 2102.09672)
 *
 * In the two with steps a level means the nearest of the steps 1..1000.
 */
import type { Random } from 'onnx-autodiff'
import { HIGHEST_LEVEL } from '../denoising/inputs.js'
import type { Noise } from '../denoising/unet.js'

export type ScheduleName = 'study' | 'linear' | 'cosine'

export interface NoiseSchedule {
  readonly hasSteps: boolean
  /** The noise at a level, which is brought into the schedule's range first: a whole number from 1 where it has steps. */
  at(level: number): Noise
  /** The level whose log-SNR is this, or the nearest there is. */
  levelOf(logSnr: number): number
}

/** Everything from log(alpha^2), without cancellation at either end. */
function noiseOf(level: number, logAlphaSquared: number): Noise {
  const sigmaSquared = -Math.expm1(logAlphaSquared)
  return {
    level,
    alpha: Math.exp(logAlphaSquared / 2),
    sigma: Math.sqrt(sigmaSquared),
    logSnr: logAlphaSquared - Math.log(sigmaSquared),
  }
}

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high)

const study: NoiseSchedule = {
  hasSteps: false,
  at(level) {
    const within = clamp(level, 0, HIGHEST_LEVEL)
    return noiseOf(within, -(1e-4 + 10 * (within / HIGHEST_LEVEL) ** 2))
  },
  levelOf(logSnr) {
    // -log(alpha^2) = log(1 + exp(-logSnr)), written so that neither side overflows.
    const exponent = Math.max(-logSnr, 0) + Math.log1p(Math.exp(-Math.abs(logSnr)))
    return clamp(HIGHEST_LEVEL * Math.sqrt(Math.max(exponent - 1e-4, 0) / 10), 0, HIGHEST_LEVEL)
  },
}

/** A schedule from the beta of each of its steps 1..1000. */
function stepped(beta: (step: number) => number): NoiseSchedule {
  let logAlphaSquared = 0
  const table = Array.from({ length: HIGHEST_LEVEL }, (_, i) => {
    logAlphaSquared += Math.log1p(-beta(i + 1))
    return noiseOf(i + 1, logAlphaSquared)
  })
  return {
    hasSteps: true,
    at: (level) => table[clamp(Math.round(level), 1, HIGHEST_LEVEL) - 1],
    levelOf(logSnr) {
      let [low, high] = [1, HIGHEST_LEVEL]
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (table[middle - 1].logSnr > logSnr) low = middle
        else high = middle
      }
      return table[low - 1].logSnr - logSnr < logSnr - table[high - 1].logSnr ? low : high
    },
  }
}

const squaredCosine = (step: number): number =>
  Math.cos(((step / HIGHEST_LEVEL + 0.008) / 1.008) * (Math.PI / 2)) ** 2

const schedules: Readonly<Record<ScheduleName, NoiseSchedule>> = {
  study,
  linear: stepped((step) => 1e-4 + ((0.02 - 1e-4) * (step - 1)) / (HIGHEST_LEVEL - 1)),
  cosine: stepped((step) => Math.min(1 - squaredCosine(step) / squaredCosine(step - 1), 0.999)),
}

export const noiseSchedule = (name: ScheduleName): NoiseSchedule => schedules[name]

/**
 * How training spreads over the levels: evenly over the schedule, or with log(sigma / alpha) from a logistic distribution
 * of this mean and deviation: the log-normal of Karras et al. (arXiv 2206.00364) but for longer tails, which keep the ends
 * of the schedule trained.
 */
export type NoiseDraw =
  | { readonly kind: 'uniform' }
  | { readonly kind: 'logistic'; readonly mean: number; readonly deviation: number }

/**
 * Levels of a batch, rising: one from each of `count` equal shares of the distribution, so that every batch covers it and
 * the loss wanders less (Kingma et al., arXiv 2107.00630, appendix I.1).
 */
export function drawNoise(schedule: NoiseSchedule, draw: NoiseDraw, random: Random, count: number): Noise[] {
  return Array.from({ length: count }, (_, i) => {
    const share = (i + random.uniform()) / count
    if (draw.kind === 'uniform') return schedule.at((schedule.hasSteps ? 0.5 : 0) + share * HIGHEST_LEVEL)
    const within = clamp(share, 1e-9, 1 - 1e-9)
    const standard = (Math.log(within / (1 - within)) * Math.sqrt(3)) / Math.PI
    return schedule.at(schedule.levelOf(-2 * (draw.mean + draw.deviation * standard)))
  })
}
