/** Noise schedules against the published table and closed forms, and how a batch spreads over them. */
import fc from 'fast-check'
import { Random } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { drawNoise, noiseSchedule } from '../../src/models/diffusion/schedule.js'

const names = ['study', 'linear', 'cosine'] as const

test("the study's schedule is the table of its own figures", () => {
  // REFERENCE.md 1.1: alpha and sigma at t.
  const table = [
    [0.01, 0.9995, 0.0332],
    [0.03, 0.9955, 0.0952],
    [0.05, 0.9875, 0.1574],
    [0.1, 0.9512, 0.3086],
    [0.35, 0.542, 0.8404],
    [0.5, 0.2865, 0.9581],
    [0.8, 0.0408, 0.9992],
    [1, 0.0067, 1],
  ] as const
  for (const [t, alpha, sigma] of table) {
    const noise = noiseSchedule('study').at(1000 * t)
    expect(Math.abs(noise.alpha - alpha)).toBeLessThan(6e-5)
    expect(Math.abs(noise.sigma - sigma)).toBeLessThan(6e-5)
    expect(noise.logSnr).toBeCloseTo(-Math.log(Math.expm1(1e-4 + 10 * t * t)), 9)
  }
})

test('the stepped schedules are those of their papers', () => {
  const linear = noiseSchedule('linear')
  expect(linear.at(1).sigma ** 2).toBeCloseTo(1e-4, 12)
  // The product of all 1 - beta, as DDPM's own code gives it.
  expect(linear.at(1000).alpha ** 2 / 4.0358e-5).toBeCloseTo(1, 4)
  const halfWay = Math.cos((508 / 1008) * (Math.PI / 2)) ** 2 / Math.cos((8 / 1008) * (Math.PI / 2)) ** 2
  expect(noiseSchedule('cosine').at(500).alpha ** 2).toBeCloseTo(halfWay, 10)
  expect(linear.at(0).level).toBe(1)
  expect(linear.at(20.4).level).toBe(20)
})

test("the study's schedule is the limit of the linear one", () => {
  for (const level of [50, 200, 350]) {
    expect(noiseSchedule('study').at(level).alpha / noiseSchedule('linear').at(level).alpha).toBeCloseTo(
      1,
      1.5,
    )
  }
})

describe.each(names)('%s', (name) => {
  const schedule = noiseSchedule(name)

  test('keeps the variance, and more of the scale is more noise', () => {
    const level = fc.double({ min: 1, max: 999, noNaN: true })
    fc.assert(
      fc.property(level, (at) => {
        const noise = schedule.at(at)
        expect(noise.alpha ** 2 + noise.sigma ** 2).toBeCloseTo(1, 12)
        expect(noise.logSnr).toBeCloseTo(2 * Math.log(noise.alpha / noise.sigma), 8)
        expect(schedule.at(at + 1).logSnr).toBeLessThan(noise.logSnr)
      }),
    )
  })

  test('finds the level of a log-SNR', () => {
    for (const level of [1, 7, 50, 333, 700, 990]) {
      expect(schedule.levelOf(schedule.at(level).logSnr)).toBeCloseTo(level, 3)
    }
    expect(schedule.levelOf(1000)).toBeLessThanOrEqual(1)
    expect(schedule.levelOf(-1000)).toBe(1000)
  })

  test('every batch covers all levels, rising, from its stream alone', () => {
    const levels = (stream: string): number[] =>
      drawNoise(schedule, { kind: 'uniform' }, new Random(5, stream), 20).map(({ level }) => level)
    levels('a').forEach((level, i) => {
      expect(level).toBeGreaterThanOrEqual(50 * i)
      expect(level).toBeLessThanOrEqual(50 * (i + 1) + 0.5)
    })
    expect(levels('a')).toEqual(levels('a'))
    expect(levels('a')).not.toEqual(levels('b'))
  })
})

test('a logistic draw has the mean and deviation asked for', () => {
  const draw = { kind: 'logistic', mean: -0.8, deviation: 0.7 } as const
  const logs = drawNoise(noiseSchedule('study'), draw, new Random(1, 'levels'), 4000).map(
    ({ logSnr }) => -logSnr / 2,
  )
  const mean = logs.reduce((a, b) => a + b) / logs.length
  expect(mean).toBeCloseTo(-0.8, 2)
  expect(Math.sqrt(logs.reduce((total, x) => total + (x - mean) ** 2, 0) / logs.length)).toBeCloseTo(0.7, 1)
})
