/** Images as squares of pixels: the same numbers in another order, and grids that do not grow with the image. */
import { constant, evaluate, input, mul, pixelUnshuffle, Random, sub } from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import { greyLevels } from '../../src/models/common.js'
import {
  fromPatches,
  patchFor,
  squareOrder,
  patching,
  patchSetting,
  toPatches,
} from '../../src/models/patching.js'
import { models } from '../../src/models/registry.js'
import { resolveModel } from '../../src/training/model-options.js'
import { MODELS } from '../../src/names.js'

test('squares grow with the image, and small images keep those of 2x2 pixels', () => {
  const sides = [8, 28, 32, 40, 48, 64, 96, 128, 160, 224].map((size) => patchFor({ size, channels: 3 }))
  expect(sides).toEqual([2, 2, 2, 2, 3, 4, 6, 8, 10, 14])
  expect(patchSetting({ size: 32, channels: 1 })).toEqual({})
  expect(patchSetting({ size: 96, channels: 3 })).toEqual({ patch: 6 })
})

describe.each([
  { size: 8, patch: 2, margin: 0 },
  { size: 12, patch: 3, margin: 0 },
  { size: 7, patch: 2, margin: 1 },
])('an image of $size in squares of $patch', ({ size, patch, margin }) => {
  const cut = patching({ size, channels: 3 }, patch, 2)
  const bytes = new Random(1, 'pixels')
    .fillUniform(new Float32Array(2 * size * size * 3), 0, 255)
    .map(Math.floor)
  const range = (levels: ReturnType<typeof input>) => sub(mul(levels, 2 / 255), 1)
  const pixels = () => input('pixels', [2, size, size, 3], 'uint8')

  it('comes as pixelUnshuffle has it, whatever the order of the two', () => {
    expect(cut.margin).toBe(margin)
    const [squares] = evaluate([toPatches(pixels(), cut, range)], { pixels: bytes })
    const whole = new Float64Array((size + margin) ** 2 * 2 * 3)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++)
        for (let n = 0; n < 2; n++)
          for (let c = 0; c < 3; c++) {
            const value = (bytes[((n * size + i) * size + j) * 3 + c] * 2) / 255 - 1
            whole[((i * (size + margin) + j) * 2 + n) * 3 + c] = value
          }
    const shape = [size + margin, size + margin, 2, 3]
    const [expected] = evaluate([pixelUnshuffle(constant(whole, shape), patch, squareOrder(patch))], {})
    expect(squares.length).toBe(expected.length)
    squares.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5))
  })

  it('and back is the image', () => {
    const [back, image] = evaluate(
      [
        fromPatches(
          toPatches(pixels(), cut, (x) => x),
          cut,
        ),
        greyLevels(pixels()),
      ],
      { pixels: bytes },
    )
    expect([...back]).toEqual([...image])
  })
})

test.each(MODELS)('%s: what a layer computes on does not grow with the image', (name) => {
  const grids = [32, 64, 128, 224].map((size) =>
    resolveModel({ model: name, preset: models[name].bestPreset, set: {} }, { size, channels: 3 })
      .layers()
      .map((layer) => layer.shape),
  )
  for (const grid of grids.slice(1)) expect(grid).toEqual(grids[0])
})

test.each(MODELS)('%s: only the layers that squares enter and leave by hold more weights', (name) => {
  const [small, large] = [32, 128].map(
    (size) =>
      resolveModel({ model: name, preset: 'fast', set: {} }, { size, channels: 3 }).train(10, 0)
        .parameterCount,
  )
  expect(large / small).toBeLessThan(1.1)
})
