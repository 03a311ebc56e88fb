/** Schedules against their closed forms, in single precision as a session computes them. */
import {
  constantRate,
  cosineDecay,
  input,
  inverseSquareRoot,
  linearDecay,
  reshape,
  type Schedule,
  warmUp,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { run } from '../run.js'

const TOTAL = 100

/** The schedule at step 1 .. TOTAL + 20, through onnxruntime. */
async function rates(schedule: Schedule): Promise<Float64Array> {
  const length = TOTAL + 20
  const all = input('step', [length])
  const [values] = await run([reshape(schedule(all), schedule(all).shape)], {
    step: Array.from({ length }, (_, i) => i + 1),
  })
  return values
}

const expectClose = (values: Float64Array, expected: (step: number) => number, error: number): void => {
  const apart = values.map((value, i) => Math.abs(value - expected(i + 1)))
  expect(values.length).toBe(TOTAL + 20)
  expect(Math.max(...apart)).toBeLessThan(error)
}

test('cosine decay is half a cosine from the rate to the floor, within 3e-7 of it', async () => {
  const share = (step: number): number => Math.min((step - 1) / (TOTAL - 1), 1)
  expectClose(await rates(cosineDecay(1, TOTAL)), (step) => (1 + Math.cos(Math.PI * share(step))) / 2, 3e-7)
  const floored = await rates(cosineDecay(0.5, TOTAL, 0.1))
  expectClose(floored, (step) => 0.1 + 0.4 * ((1 + Math.cos(Math.PI * share(step))) / 2), 3e-7)
  expect([floored[0], floored[TOTAL - 1], floored[TOTAL + 19]].map((x) => x.toFixed(6))).toEqual([
    '0.500000',
    '0.100000',
    '0.100000',
  ])
})

test('linear decay, warm-up and the inverse square root', async () => {
  expectClose(
    await rates(linearDecay(1, TOTAL, 0.25)),
    (step) => 1 - 0.75 * Math.min((step - 1) / (TOTAL - 1), 1),
    1e-6,
  )
  expectClose(await rates(inverseSquareRoot(2, 16)), (step) => 2 / Math.sqrt(Math.max(step / 16, 1)), 1e-6)
  const warm = await rates(warmUp(1, 10, linearDecay(1, TOTAL)))
  expectClose(warm, (step) => Math.min(step / 10, 1) * (1 - Math.min((step - 1) / (TOTAL - 1), 1)), 1e-6)
})

test('warm-up alone stays at its rate, and without steps is no warm-up', async () => {
  const [values] = await run([warmUp(0.4, 4)(input('step', [6]))], { step: [1, 2, 3, 4, 5, 6] })
  expect([...values].map((x) => x.toFixed(4))).toEqual([
    '0.1000',
    '0.2000',
    '0.3000',
    '0.4000',
    '0.4000',
    '0.4000',
  ])
  const after = constantRate(3)
  expect(warmUp(1, 0, after)).toBe(after)
})

test('a schedule of one step is its rate there', async () => {
  const [values] = await run([cosineDecay(2, 1)(input('step', [1]))], { step: [1] })
  expect(values[0]).toBeCloseTo(2, 6)
  expect(() => cosineDecay(1, 0)).toThrow('cosineDecay (steps): got 0, expected at least 1')
})
