/** Images as squares of pixels: the same numbers in another order, and grids that do not grow with the image. */
import {
  averagePool,
  constant,
  convolution,
  evaluate,
  input,
  mul,
  Parameters,
  pixelShuffle,
  pixelUnshuffle,
  Random,
  sub,
} from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import { greyLevels } from '../../src/models/common.js'
import {
  blockMeans,
  fromPatches,
  imagePatches,
  patchFor,
  patching,
  patchKernel,
  patchSetting,
  perSquareNumber,
  squareOrder,
  squaresIn,
  squaresOut,
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

describe('layers between squares and channels', () => {
  const [size, channels, width] = [12, 3, 4] as const
  const image = (patch: number) => ({
    feeds: {
      image: new Random(2, 'image').fillNormal(new Float32Array(size * size * 2 * channels)),
      channels: new Random(2, 'channels').fillNormal(new Float32Array((size / patch) ** 2 * 2 * width)),
    },
    x: input('image', [size, size, 2, channels]),
    inner: input('channels', [size / patch, size / patch, 2, width]),
  })

  it.each([2, 3, 4])(
    'do with squares of %d what convolutions do with channels first, by the same weights',
    (patch) => {
      const { x, inner, feeds } = image(patch)
      const numbers = channels * patch * patch
      const [p, q] = [new Parameters('train'), new Parameters('train')]
      const cut = patching({ size, channels }, patch, 1)
      const own = [
        squaresIn(p.scope('in'), { channels, patch, width })(imagePatches(x, cut)),
        fromPatches(squaresOut(p.scope('out'), { channels, patch, width })(inner), cut),
      ]
      const enter = convolution(q.scope('in'), { inputs: numbers, outputs: width, ...patchKernel(patch) })
      const leave = convolution(q.scope('out'), { inputs: width, outputs: numbers, ...patchKernel(patch) })
      const plain = [enter(pixelUnshuffle(x, patch)), pixelShuffle(leave(inner), patch)]
      const weights = p.initialize(3)
      expect(q.initialize(3)).toEqual(weights)
      const values = Object.fromEntries(
        Object.entries(weights).map(([name, { data }]) => [name, data as Float32Array]),
      )
      const found = evaluate([...own, ...plain], { ...feeds, ...values })
      for (const i of [0, 1]) {
        expect(found[i].length).toBe(found[i + 2].length)
        found[i].forEach((value, at) => expect(value).toBeCloseTo(found[i + 2][at], 5))
      }
    },
  )

  it.each([
    [4, 2],
    [6, 2],
    [6, 3],
  ])('means of squares of %d over blocks of %d are those of the image', (patch, block) => {
    const { x, feeds } = image(patch)
    const means = blockMeans(imagePatches(x, patching({ size, channels }, patch, 1)), channels, patch, block)
    const [found, expected] = evaluate(
      [fromPatches(means, { patch: patch / block, margin: 0 }), averagePool(x, block)],
      feeds,
    )
    expect(found.length).toBe((size / block) ** 2 * 2 * channels)
    found.forEach((value, at) => expect(value).toBeCloseTo(expected[at], 5))
  })

  it.each([2, 3])('numbers of a channel stand where squares of %d hold that channel', (patch) => {
    const ofChannels = [5, 6, 7]
    const [squares] = evaluate([
      imagePatches(constant(Array.from({ length: 36 }, () => ofChannels).flat(), [6, 6, 1, 3]), {
        patch,
        margin: 0,
      }),
    ])
    expect(perSquareNumber(ofChannels, patch)).toEqual([...squares.subarray(0, 3 * patch * patch)])
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
