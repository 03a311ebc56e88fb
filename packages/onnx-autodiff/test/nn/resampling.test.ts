/** Resampling, pooling and rearranging against PyTorch; what PyTorch lacks against plain loops. */
import {
  adaptiveAveragePool,
  averagePool,
  blurImage,
  constant,
  evaluate,
  flattenImage,
  flipImage,
  fromBatchFirst,
  gradients,
  input,
  maxPool,
  mul,
  padImage,
  pixelShuffle,
  pixelUnshuffle,
  resizeBilinear,
  resizeNearest,
  sizeOf,
  strideImage,
  sum,
  type Tensor,
  toBatchFirst,
  unflattenImage,
  upsampleNearest,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  attribute,
  type Case,
  cases,
  compare,
  gradientRows,
  imageOrPlain,
  inputs,
  number,
  pair,
  type Row,
} from './reference.js'

const pool = (each: Case): [[number, number], { stride: [number, number]; padding: [number, number] }] => {
  const [[top], [left]] = attribute(each, 'padding', z.tuple([z.array(z.number()), z.array(z.number())]))
  return [pair(each, 'kernel'), { stride: pair(each, 'stride'), padding: [top, left] }]
}

const build: Record<string, (x: Tensor, each: Case) => Tensor> = {
  interpolate: (x, each) => {
    const size = pair(each, 'size')
    return each.attributes.mode === 'bilinear' ? resizeBilinear(x, size) : resizeNearest(x, size)
  },
  avg_pool2d: (x, each) => averagePool(x, ...pool(each)),
  adaptive_avg_pool2d: (x, each) => adaptiveAveragePool(x, pair(each, 'size')),
  max_pool2d: (x, each) => maxPool(x, ...pool(each)),
  pixel_shuffle: (x, each) => pixelShuffle(x, number(each, 'factor')),
  pixel_unshuffle: (x, each) => pixelUnshuffle(x, number(each, 'factor')),
}

/** Average pooling counts padding as zeros, and has no option for anything else. */
const isOffered = ({ attributes }: Case): boolean => attributes.countIncludesPadding !== false

test('resampling, pooling and pixel shuffle equal PyTorch, values and gradients', async () => {
  const chosen = cases('resampling.json').filter(isOffered)
  expect(new Set(chosen.map(({ attributes }) => attributes.operation))).toEqual(new Set(Object.keys(build)))
  const feeds: Record<string, Float64Array> = {}
  const rows = chosen.flatMap((each): Row[] => {
    const { x, dy } = inputs(each, imageOrPlain, feeds)
    const y = build[each.attributes.operation as string](x, each)
    const found = gradients(sum(mul(y, dy)), [x])
    return [
      { name: `${each.name}: y`, tensor: y, expected: imageOrPlain(each.outputs.y) },
      ...gradientRows(each, imageOrPlain, ['x'], found),
    ]
  })
  await compare(rows, feeds)
})

/** One image of one channel with the values 1, 2, 3, ... */
const counting = (height: number, width: number): Tensor =>
  constant(
    Array.from({ length: height * width }, (_, i) => i + 1),
    [height, width, 1, 1],
  )
const rowsOf = (image: Tensor): number[][] => {
  const [values] = evaluate([image])
  return Array.from({ length: image.shape[0] }, (_, i) => [
    ...values.slice(i * image.shape[1], (i + 1) * image.shape[1]),
  ])
}

test('padding puts zeros around, or crops where it is negative', () => {
  const x = counting(2, 2)
  expect(rowsOf(padImage(x, [1, 0, 0, 1]))).toEqual([
    [0, 0, 0],
    [1, 2, 0],
    [3, 4, 0],
  ])
  expect(rowsOf(padImage(x, [-1, 0, 2, -1]))).toEqual([[0, 0, 3]])
  expect(() => padImage(x, -1)).toThrow(
    'padImage (padding): got -1, expected amounts that leave something of 2',
  )
})

test('flipping, striding and repeating pixels', () => {
  const x = counting(2, 3)
  expect(rowsOf(flipImage(x, { width: true }))).toEqual([
    [3, 2, 1],
    [6, 5, 4],
  ])
  expect(rowsOf(flipImage(x, { height: true }))).toEqual([
    [4, 5, 6],
    [1, 2, 3],
  ])
  expect(rowsOf(strideImage(x, 2))).toEqual([[1, 3]])
  expect(rowsOf(upsampleNearest(x, [1, 2]))).toEqual([
    [1, 1, 2, 2, 3, 3],
    [4, 4, 5, 5, 6, 6],
  ])
  expect(evaluate([upsampleNearest(x, [3, 2])])).toEqual(evaluate([resizeNearest(x, [6, 6])]))
  expect(() => upsampleNearest(x, 1.5)).toThrow('upsampleNearest (factor): got 1.5')
  expect(() => resizeBilinear(x, 0)).toThrow(
    'resizeBilinear (size): got 0, expected an integer of at least 1',
  )
})

test('a blur equals zeros inserted, padded, filtered and every other pixel kept', () => {
  const [taps, up, down, padding] = [[1, 3, 3, 2], 2, 3, [2, 1]] as const
  const line = [1, -2, 4, 0.5, 3]
  // Karras et al., arXiv 1912.04958, upfirdn, along one axis: a true convolution, so the taps run backwards.
  const spaced = line.flatMap((value) => [value, ...new Array<number>(up - 1).fill(0)])
  const padded = [
    ...new Array<number>(padding[0]).fill(0),
    ...spaced,
    ...new Array<number>(padding[1]).fill(0),
  ]
  const total = taps.reduce<number>((a, b) => a + b, 0)
  const expected: number[] = []
  for (let i = 0; i + taps.length <= padded.length; i += down) {
    expected.push(
      taps.reduce<number>((y, _, t) => y + (padded[i + t] * taps[taps.length - 1 - t] * up) / total, 0),
    )
  }
  const column = constant(line, [5, 1, 1, 1])
  // Along the width of one pixel the same filter gives a known row of factors.
  const image = evaluate([blurImage(column, taps, { up, down, padding })])[0]
  const width = image.length / expected.length
  const factors = Array.from({ length: width }, (_, j) => image[j] / expected[0])
  expected.forEach((value, i) => {
    factors.forEach((factor, j) => expect(image[i * width + j]).toBeCloseTo(value * factor, 12))
  })
  // A blur of ones without a change of size keeps their sum: the taps are normalised.
  const flat = evaluate([
    blurImage(constant(new Float64Array(49).fill(1), [7, 7, 1, 1]), [1, 2, 1], { padding: [1, 1] }),
  ])[0]
  expect(flat[24]).toBeCloseTo(1, 12)
})

test('rearrangements and their inverses', () => {
  const [h, w, n, c] = [2, 3, 4, 5]
  const x = constant(
    Array.from({ length: sizeOf([h, w, n, c]) }, (_, i) => i),
    [h, w, n, c],
  )
  const [values] = evaluate([x])
  const [rows, again, stored, back, shuffled, last, lastBack] = evaluate([
    flattenImage(x),
    unflattenImage(flattenImage(x), [h, w, c]),
    toBatchFirst(x),
    fromBatchFirst(toBatchFirst(x)),
    pixelUnshuffle(pixelShuffle(constant(values, [h, w, n / 4, c * 4]), 2), 2),
    pixelShuffle(constant(values, [h, w, n / 4, c * 4]), 2, 'channelLast'),
    pixelUnshuffle(pixelShuffle(constant(values, [h, w, n / 4, c * 4]), 2, 'channelLast'), 2, 'channelLast'),
  ])
  expect(again).toEqual(values)
  expect(back).toEqual(values)
  expect(shuffled).toEqual(values)
  expect(lastBack).toEqual(values)
  // Block (1, 2), row 1 and column 0 of it, channel 3: the second of four runs of five channels.
  expect(last[((1 * 2 + 1) * 2 * w + 2 * 2) * c + 3]).toBe(values[(1 * w + 2) * 4 * c + 2 * c + 3])
  // Row 1, column 2, image 3, channel 4.
  const at = values[((1 * w + 2) * n + 3) * c + 4]
  expect(rows[3 * h * w * c + (1 * w + 2) * c + 4]).toBe(at)
  expect(stored[((3 * h + 1) * w + 2) * c + 4]).toBe(at)
})

test('windows that do not fit and channels that do not divide are refused with their numbers', () => {
  const x = input('x', [4, 6, 2, 6])
  expect(() => averagePool(x, 5)).toThrow('averagePool (kernel on an axis of 4): got 5, expected at most 4')
  expect(() => maxPool(x, 2, { padding: 2 })).toThrow(/maxPool .*padding of at most half/)
  expect(() => pixelShuffle(x, 2)).toThrow(
    'pixelShuffle (shape): got [4, 6, 2, 6], expected [height, width, batch, channels] with channels that divide by 4',
  )
  expect(() => pixelUnshuffle(x, 4)).toThrow(/pixelUnshuffle \(shape\): got \[4, 6, 2, 6\].*divide by 4/)
  expect(() => unflattenImage(input('rows', [2, 10]), [3, 3, 1])).toThrow(
    /unflattenImage \(shape\): got \[2, 10\] and \[3, 3, 1\]/,
  )
  expect(() => flattenImage(input('rows', [2, 10]))).toThrow(
    'flattenImage (shape): got [2, 10], expected [height, width, batch, channels]',
  )
})
