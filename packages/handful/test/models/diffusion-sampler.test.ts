/**
 * Sampling with a perfect denoiser. Numbers from a normal distribution (mean m, deviation d) have a closed form: of x at
 * noise (alpha, sigma) the clean number is on average m + alpha d^2 (x - alpha m) / (alpha^2 d^2 + sigma^2).
 */
import { Random } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import type { Predict } from '../../src/models/denoising/from-noise.js'
import {
  type Parameterisation,
  removeNoise,
  samplingNoises,
  type SamplerOptions,
} from '../../src/models/diffusion/sampler.js'
import { noiseSchedule, type ScheduleName } from '../../src/models/diffusion/schedule.js'

const [MEAN, DEVIATION] = [0.4, 0.3]

const perfect =
  (parameterisation: Parameterisation): Predict =>
  (x, { alpha, sigma }) =>
    Promise.resolve(
      x.map((value) => {
        const gain = (alpha * DEVIATION ** 2) / (alpha ** 2 * DEVIATION ** 2 + sigma ** 2)
        const clean = MEAN + gain * (value - alpha * MEAN)
        const noise = (value - alpha * clean) / sigma
        return parameterisation === 'v'
          ? alpha * noise - sigma * clean
          : parameterisation === 'epsilon'
            ? noise
            : clean
      }),
    )

const COUNT = 2000
const noise = (seed: number): Float32Array => new Random(seed, 'start').fillNormal(new Float32Array(COUNT))

function options(
  schedule: ScheduleName,
  parameterisation: Parameterisation,
  eta: number,
  steps = 1000,
): SamplerOptions {
  const fresh = new Random(2, 'fresh')
  return {
    schedule: noiseSchedule(schedule),
    parameterisation,
    from: 1000,
    steps,
    spacing: 'even',
    eta,
    fillNoise: (x) => fresh.fillNormal(x),
  }
}

function moments(x: Float32Array): [mean: number, deviation: number] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  return [mean, Math.sqrt(x.reduce((total, value) => total + (value - mean) ** 2, 0) / x.length)]
}

const cases = (['study', 'linear', 'cosine'] as const).flatMap((schedule) =>
  [0, 1].map((eta) => [schedule, eta] as const),
)

describe('a perfect denoiser of a normal distribution gives it back', () => {
  test.each(cases)('%s, eta %d', async (schedule, eta) => {
    const [mean, deviation] = moments(await removeNoise(noise(1), perfect('v'), options(schedule, 'v', eta)))
    expect(Math.abs(mean - MEAN)).toBeLessThan(0.02)
    expect(Math.abs(deviation / DEVIATION - 1)).toBeLessThan(0.04)
  })
})

test('what the network predicts makes no difference', async () => {
  const [v, epsilon, x0] = await Promise.all(
    (['v', 'epsilon', 'x0'] as const).map((form) =>
      removeNoise(noise(1), perfect(form), options('cosine', form, 1, 20)),
    ),
  )
  v.forEach((value, i) => {
    expect(Math.abs(epsilon[i] - value)).toBeLessThan(1e-3)
    expect(Math.abs(x0[i] - value)).toBeLessThan(1e-3)
  })
})

test('twenty deterministic steps come close, closer with quadratic spacing', async () => {
  const few = options('study', 'v', 0, 20)
  const error = async (spacing: SamplerOptions['spacing']): Promise<number> => {
    const [mean, deviation] = moments(await removeNoise(noise(1), perfect('v'), { ...few, spacing }))
    expect(Math.abs(mean - MEAN)).toBeLessThan(0.02)
    return Math.abs(deviation / DEVIATION - 1)
  }
  const [even, quadratic] = [await error('even'), await error('quadratic')]
  expect(even).toBeLessThan(0.25)
  expect(quadratic).toBeLessThan(even * 0.7)
})

test('deterministic steps draw nothing and leave their start alone', async () => {
  const start = noise(3)
  const before = start.slice()
  const fillNoise = (): never => expect.fail('noise was drawn')
  const found = await removeNoise(start, perfect('v'), { ...options('study', 'v', 0, 5), fillNoise })
  expect(start).toEqual(before)
  expect(await removeNoise(start, perfect('v'), { ...options('study', 'v', 0, 5), fillNoise })).toEqual(found)
})

test('a range holds at every step', async () => {
  const found = await removeNoise(noise(4), perfect('epsilon'), {
    ...options('linear', 'epsilon', 1, 20),
    range: [0.2, 0.6],
  })
  expect(Math.min(...found)).toBeGreaterThanOrEqual(0.2 - 1e-6)
  expect(Math.max(...found)).toBeLessThanOrEqual(0.6 + 1e-6)
})

test('progress counts the steps, and an aborted signal ends them', async () => {
  let steps = 0
  await removeNoise(noise(5), perfect('v'), { ...options('study', 'v', 0, 7), onStep: () => steps++ })
  expect(steps).toBe(7)
  const signal = AbortSignal.abort(new Error('stopped'))
  await expect(
    removeNoise(noise(5), perfect('v'), { ...options('study', 'v', 0, 7), signal }),
  ).rejects.toThrow('stopped')
})

test('a schedule of steps takes none of them twice', () => {
  const shared = { steps: 500, from: 300, spacing: 'even' } as const
  expect(samplingNoises({ ...shared, schedule: noiseSchedule('linear') }).map(({ level }) => level)).toEqual(
    Array.from({ length: 300 }, (_, i) => 300 - i),
  )
  expect(samplingNoises({ ...shared, schedule: noiseSchedule('study') })).toHaveLength(500)
  const squares = samplingNoises({
    schedule: noiseSchedule('linear'),
    from: 1000,
    steps: 10,
    spacing: 'quadratic',
  })
  expect(squares.map(({ level }) => level)).toEqual([1000, 810, 640, 490, 360, 250, 160, 90, 40, 10])
})
