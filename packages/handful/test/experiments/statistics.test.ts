import { describe, expect, it } from 'vitest'
import { meanInterval, studentQuantile, wilsonInterval } from '../../src/experiments/statistics.js'

describe('studentQuantile', () => {
  // Standard tables of Student's t (two-sided 95 and 99 %), and the normal's 1.959964.
  it.each([
    [0.975, 1, 12.7062047],
    [0.975, 2, 4.30265273],
    [0.975, 4, 2.77644511],
    [0.975, 19, 2.09302405],
    [0.995, 9, 3.24983554],
    [0.975, 1000, 1.96233908],
    [0.975, Infinity, 1.95996398],
  ])('P %f with %f degrees of freedom is %f', (probability, freedom, expected) => {
    expect(studentQuantile(probability, freedom)).toBeCloseTo(expected, 6)
  })
})

describe('meanInterval', () => {
  it('is the mean plus and minus t s / sqrt(n)', () => {
    // s = sqrt(2.5), t(0.975, 4) = 2.776445: 3 +- 1.963243
    const { value, low, high } = meanInterval([1, 2, 3, 4, 5])
    expect(value).toBe(3)
    expect(low).toBeCloseTo(1.036757, 5)
    expect(high).toBeCloseTo(4.963243, 5)
  })

  it('claims nothing from one draw and says so without any', () => {
    expect(meanInterval([0.9])).toEqual({ value: 0.9, low: -Infinity, high: Infinity })
    expect(() => meanInterval([])).toThrow('mean over draws (statistics): got no values')
  })
})

describe('wilsonInterval', () => {
  it('of 8 in 10 is 49 to 94 %', () => {
    const { low, high } = wilsonInterval(8, 10)
    expect(low).toBeCloseTo(0.4902, 4)
    expect(high).toBeCloseTo(0.9433, 4)
  })

  it('never reaches certainty from three labels', () => {
    const { value, low, high } = wilsonInterval(3, 3)
    expect(value).toBe(1)
    expect(low).toBeCloseTo(0.4385, 4)
    expect(high).toBe(1)
  })

  it('of nothing is everything', () => {
    expect(wilsonInterval(0, 0)).toEqual({ value: NaN, low: 0, high: 1 })
  })
})
