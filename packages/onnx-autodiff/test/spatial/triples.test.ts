/** The generated bilinear algorithms convolve exactly, cost what they promise, and a wrong one does not pass. */
import { expect, test } from 'vitest'
import { chooseAlgorithm, estimateSeconds, tripleFor } from '../../src/spatial/algorithms.js'
import {
  type AxisGeometry,
  axisOutputs,
  checkTriple,
  direct,
  polyphase,
  tileAxis,
  toomCook,
  type Triple,
} from '../../src/spatial/bilinear.js'
import {
  fraction,
  type Fraction,
  minus,
  one,
  over,
  plus,
  times,
  toNumber,
} from '../../src/spatial/fraction.js'

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('fractions are exact and in lowest terms', () => {
  expect(fraction(6, -4)).toEqual({ over: -3n, under: 2n })
  expect(plus(fraction(1, 3), fraction(1, 6))).toEqual(fraction(1, 2))
  expect(minus(fraction(1, 3), fraction(1, 3))).toEqual(fraction(0))
  expect(over(fraction(2, 3), fraction(4, 9))).toEqual(fraction(3, 2))
  expect(toNumber(times(fraction(2n ** 200n), fraction(1n, 2n ** 199n)))).toBe(2)
})

test('Toom-Cook for every size that there are points for', () => {
  for (const taps of range(1, 7)) {
    for (const outputs of range(1, 11 - taps)) {
      const triple = toomCook(outputs, taps)
      checkTriple(triple, 1, 1)
      expect(triple.products).toBe(outputs + taps - 1)
    }
  }
  expect(() => toomCook(5, 7)).toThrow('F(5, 7) (products): got 11, expected at most 10')
})

test('the direct algorithm for every stride and dilation', () => {
  for (const taps of range(1, 7)) {
    for (const stride of range(1, 3)) {
      for (const dilation of range(1, 3)) {
        for (const outputs of range(1, 4))
          checkTriple(direct(outputs, taps, stride, dilation), stride, dilation)
      }
    }
  }
})

test('strides split into phases', () => {
  for (const taps of range(1, 7)) {
    for (const stride of range(2, 4)) {
      for (const outputs of range(1, 6)) checkTriple(polyphase(outputs, taps, stride), stride, 1)
    }
  }
  // Products in two dimensions: 4 outputs of a 3-tap filter in 9x9, of a 4-tap one in 10x10, 2 of a 7-tap one in 9x9.
  expect(polyphase(4, 3, 2).products).toBe(9)
  expect(polyphase(4, 4, 2).products).toBe(10)
  expect(polyphase(2, 7, 2).products).toBe(9)
})

test('every algorithm that the cost model may name is exact, and falls back where it has no triple', () => {
  const names = ['direct', 'tile2', 'tile3', 'tile4', 'tile6'] as const
  for (const name of names) {
    for (const taps of range(1, 7)) {
      for (const stride of range(1, 3)) {
        const triple = tripleFor(name, taps, stride, 1)
        if (triple) checkTriple(triple, stride, 1)
      }
    }
  }
  expect(tripleFor('tile4', 3, 1, 2)).toBeUndefined()
  expect(tripleFor('tile4', 1, 1, 1)).toBeUndefined()
  expect(tripleFor('tile6', 7, 1, 1)).toBeUndefined()
})

test('a wrong triple is caught, wherever the fault lies', () => {
  const good = toomCook(4, 3)
  const altered = (
    part: 'A' | 'G' | 'B',
    i: number,
    j: number,
    change: (x: Fraction) => Fraction,
  ): Triple => ({
    ...good,
    [part]: good[part].map((row, k) => (k === i ? row.with(j, change(row[j])) : row)),
  })
  expect(() =>
    checkTriple(
      altered('A', 1, 2, (x) => plus(x, one)),
      1,
      1,
    ),
  ).toThrow(/internal: triple is wrong at output 1/)
  expect(() =>
    checkTriple(
      altered('G', 3, 1, (x) => times(x, fraction(-1))),
      1,
      1,
    ),
  ).toThrow(/tap 1/)
  expect(() =>
    checkTriple(
      altered('B', 0, 0, (x) => plus(x, fraction(1, 10 ** 12))),
      1,
      1,
    ),
  ).toThrow(/input 0/)
  expect(() => checkTriple(good, 2, 1)).toThrow(/triple is wrong/)
})

test('an axis in tiles: A diag(G w) B is the convolution matrix, paddings and remainders included', () => {
  const geometries: AxisGeometry[] = range(1, 9).flatMap((size) =>
    [
      [1, 1],
      [0, 3],
      [-1, 2],
    ].flatMap(([before, after]) =>
      range(1, 2).map((stride) => ({ size, taps: 3, stride, dilation: 1, before, after })),
    ),
  )
  for (const geometry of geometries.filter((each) => axisOutputs(each) > 0)) {
    for (const name of ['tile2', 'tile3', 'tile4', 'direct'] as const) {
      const triple = tripleFor(name, 3, geometry.stride, 1) as Triple
      const { A, B, G, products, tiles } = tileAxis(triple, geometry)
      expect([A.rows, B.columns]).toEqual([axisOutputs(geometry), geometry.size])
      for (let o = 0; o < A.rows; o++) {
        for (let s = 0; s < B.columns; s++) {
          for (let k = 0; k < 3; k++) {
            let total = 0
            for (let row = 0; row < products * tiles; row++) {
              const tap = G.data[Math.floor(row / tiles) * 3 + k]
              total += A.data[o * A.columns + row] * tap * B.data[row * B.columns + s]
            }
            expect(total).toBeCloseTo(s === o * geometry.stride + k - geometry.before ? 1 : 0, 12)
          }
        }
      }
    }
  }
})

test('the cost model takes fast algorithms where they pay, and its choice is never estimated above direct', () => {
  const axis = (size: number, taps: number, rest: Partial<AxisGeometry> = {}): AxisGeometry => ({
    size,
    taps,
    stride: 1,
    dilation: 1,
    before: Math.floor(taps / 2),
    after: Math.floor(taps / 2),
    ...rest,
  })
  const sizes = (size: number, channels: number, taps: number, rest: Partial<AxisGeometry> = {}) => ({
    height: axis(size, taps, rest),
    width: axis(size, taps, rest),
    batch: 64,
    inChannels: channels,
    outChannels: channels,
    groups: 1,
  })
  for (const [size, channels] of [
    [32, 64],
    [16, 128],
    [8, 256],
    [4, 512],
  ]) {
    const shape = sizes(size, channels, 3)
    const choice = chooseAlgorithm(shape)
    // A direct 3x3 convolution needs 9 products for each output.
    const perOutput =
      (choice.height.products * choice.height.tiles * choice.width.products * choice.width.tiles) / size ** 2
    expect(perOutput).toBeLessThan(4.5)
    expect(estimateSeconds(shape, choice)).toBeLessThan(
      estimateSeconds(shape, chooseAlgorithm(shape, 'direct')),
    )
  }
  expect(chooseAlgorithm(sizes(16, 64, 1)).height.products).toBe(1)
  expect(chooseAlgorithm(sizes(16, 64, 3, { dilation: 2 })).height.products).toBe(3)
  // A tile that has no triple for the shape falls back, whoever asks for it.
  expect(chooseAlgorithm(sizes(16, 64, 3, { dilation: 2 }), 'tile4').height.products).toBe(3)
})
