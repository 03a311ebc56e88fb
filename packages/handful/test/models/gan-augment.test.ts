/** Augmentation inside the graph, against the same done by hand on the pixels. */
import { evaluate, gradients, input, Random, scalar, sum, mul } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import {
  adaptedStrength,
  AUGMENTATION_COLUMNS,
  augmentInGraph,
  drawAugmentation,
} from '../../src/models/gan/augment-in-graph.js'
import { fast, type GanAugmentation } from '../../src/models/gan/config.js'

const off: GanAugmentation = {
  translation: 0,
  colour: 0,
  cutout: 0,
  strength: 1,
  target: null,
  rampImages: 1000,
}
const [h, w, n, c] = [6, 6, 2, 3]
const pixels = new Random(1, 'pixels').fillUniform(new Float32Array(h * w * n * c), -1, 1)
const at = (i: number, j: number, k: number, l: number): number =>
  i < 0 || j < 0 || i >= h || j >= w ? -1 : pixels[((i * w + j) * n + k) * c + l]

const COLUMNS = [
  'shiftRows',
  'shiftColumns',
  'shiftGate',
  'brightness',
  'saturation',
  'contrast',
  'colourGate',
  'cutRow',
  'cutColumn',
  'cutGate',
]
function augmented(
  config: GanAugmentation,
  images: Readonly<Record<string, number>>[],
  strength = 1,
): (i: number, j: number, k: number, l: number) => number {
  const rows = images.flatMap((image) => COLUMNS.map((name) => image[name] ?? 0))
  const x = input('x', [h, w, n, c])
  const [y] = evaluate(
    [augmentInGraph(x, input('rows', [n, AUGMENTATION_COLUMNS]), scalar(strength), config)],
    { x: pixels, rows },
  )
  return (i, j, k, l) => y[((i * w + j) * n + k) * c + l]
}

function everywhere(
  found: ReturnType<typeof augmented>,
  expected: ReturnType<typeof augmented>,
  images = [0, 1],
): void {
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      for (const k of images)
        for (let l = 0; l < c; l++) expect(found(i, j, k, l)).toBeCloseTo(expected(i, j, k, l), 6)
}

test('each image is shifted by its own pixels, and what moves in is black', () => {
  const found = augmented({ ...off, translation: 0.5 }, [
    { shiftRows: 2, shiftColumns: -1 },
    { shiftRows: -3 },
  ])
  everywhere(found, (i, j, k, l) => (k === 0 ? at(i - 2, j + 1, k, l) : at(i + 3, j, k, l)))
})

test('a square of the given side is blacked out around a pixel', () => {
  for (const [cutout, before, after] of [
    [0.5, 1, 1],
    [0.34, 1, 0],
  ] as const) {
    const found = augmented({ ...off, cutout }, [{ cutRow: 2, cutColumn: 5 }, { cutGate: 1 }])
    everywhere(found, (i, j, k, l) =>
      k === 0 && i >= 2 - before && i <= 2 + after && j >= 5 - before && j <= 5 + after ? -1 : at(i, j, k, l),
    )
  }
})

test('brightness adds, saturation moves from grey, contrast from the mean', () => {
  const found = augmented({ ...off, colour: 0.5 }, [
    { brightness: 0.25, saturation: 0.5 },
    { contrast: -0.5 },
  ])
  const grey = (i: number, j: number): number => (at(i, j, 0, 0) + at(i, j, 0, 1) + at(i, j, 0, 2)) / 3 + 0.25
  let mean = 0
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++) for (let l = 0; l < c; l++) mean += at(i, j, 1, l) / (h * w * c)
  everywhere(found, (i, j, k, l) =>
    k === 0 ? grey(i, j) + (at(i, j, 0, l) + 0.25 - grey(i, j)) * 1.5 : mean + (at(i, j, 1, l) - mean) * 0.5,
  )
})

test('the strength is the share of images that something is done to', () => {
  const all: GanAugmentation = { ...off, translation: 0.2, colour: 0.5, cutout: 0.5 }
  const images: Readonly<Record<string, number>>[] = [
    { shiftRows: 1, shiftGate: 0.3, brightness: 0.5, colourGate: 0.7, cutRow: 2, cutGate: 0.9 },
    { shiftRows: 1, cutRow: 2 },
  ]
  everywhere(augmented(all, images, 0), at)
  const [some, shift] = [augmented(all, images, 0.5), augmented({ ...off, translation: 0.2 }, images)]
  everywhere(some, shift, [0])
})

test('draws stay within what is configured and depend on the stream alone', () => {
  const config = fast({ size: 32, channels: 3 }).augmentation as GanAugmentation
  const rows = drawAugmentation(new Random(3, 'a'), 500, 32, config)
  const column = (name: string): number[] =>
    Array.from({ length: 500 }, (_, i) => rows[i * AUGMENTATION_COLUMNS + COLUMNS.indexOf(name)])
  const shifts = column('shiftRows')
  expect([Math.min(...shifts), Math.max(...shifts)]).toEqual([-3, 3])
  expect(Math.max(...column('brightness').map(Math.abs))).toBeLessThanOrEqual(config.colour)
  expect(Math.max(...column('saturation').map(Math.abs))).toBeGreaterThan(config.colour)
  expect(drawAugmentation(new Random(3, 'a'), 500, 32, config)).toEqual(rows)
})

test('gradients reach every pixel that is still in the picture, and no other', () => {
  const x = input('x', [h, w, n, c])
  const rows = input('rows', [n, AUGMENTATION_COLUMNS])
  const y = augmentInGraph(x, rows, scalar(1), { ...off, translation: 0.5 })
  const [slope] = evaluate(gradients(sum(mul(y, 2)), [x]), {
    x: pixels,
    rows: [...[1, 0], ...new Array<number>(18).fill(0)],
  })
  for (let i = 0; i < h; i++)
    expect([slope[i * w * n * c], slope[i * w * n * c + c]]).toEqual([i < h - 1 ? 2 : 0, 2])
})

test('the adaptive strength rises while real images are told as real too often, falls otherwise, and stays within 0 and 1', () => {
  const config = { ...off, target: 0.6, rampImages: 100 }
  const next = (strength: number, scores: readonly number[]): number =>
    evaluate([adaptedStrength(input('p', []), input('scores', [scores.length, 1]), config)], {
      p: [strength],
      scores,
    })[0][0]
  expect(next(0.5, [1, 2, 3, 4])).toBeCloseTo(0.54, 9)
  expect(next(0.5, [1, 2, 3, -4])).toBeCloseTo(0.46, 9)
  expect(next(0.01, [-1, -1, 1, 1])).toBe(0)
  expect(next(0.99, [1, 1, 1, 1])).toBe(1)
})
