/** What study.json says of each image, and of two methods on the same draws. */
import { expect, test } from 'vitest'
import { TestSet } from '../../src/data/test-set.js'
import { exactMcNemar } from '../../src/numerics/mcnemar.js'
import {
  answersOf,
  comparisonsOf,
  decodeClasses,
  detailOf,
  encodeClasses,
  testImagesOf,
} from '../../src/study/answers.js'

// R 4.3: 2 * pbinom(min(b, c), b + c, 0.5), at most 1.
test.each([
  [0, 0, 1],
  [5, 5, 1],
  [1, 9, 0.021484375],
  [5, 15, 0.04138947],
  [15, 5, 0.04138947],
  [0, 1, 1],
  [0, 10, 2 ** -9],
])('McNemar of %d and %d is %d', (first, second, p) => {
  expect(exactMcNemar(first, second)).toBeCloseTo(p, 7)
})

test('McNemar of thousands of images is a number, nearly what the normal distribution says', () => {
  // z = (2600 - 2400) / sqrt(5000), less half an image on each side: p = 0.00489.
  expect(exactMcNemar(2400, 2600)).toBeGreaterThan(0.0047)
  expect(exactMcNemar(2400, 2600)).toBeLessThan(0.0051)
})

test('classes come back from their code, of few classes and many', () => {
  const classes = [0, 255, 3, 7]
  expect([...decodeClasses(encodeClasses(classes, 256), 256)]).toEqual(classes)
  expect([...decodeClasses(encodeClasses([0, 256, 999], 1000), 1000)]).toEqual([0, 256, 999])
})

const labels = [0, 0, 1, 1]
const set = new TestSet({
  ...{ name: 'four', height: 1, width: 1, channels: 1, labels, classNames: ['a', 'b', 'none'] },
  pixels: new Uint8Array(4),
  fileNames: ['a/1', 'a/2', 'b/1', 'b/2'],
})
const cell = (method: string, ...draws: readonly (readonly number[])[]) => ({
  ...{ method, head: 'auto', labelsPerClass: 1 },
  accuracies: draws.map((said) => set.score(said).accuracy),
  details: draws.map((said) => detailOf(set.score(said))),
  predicted: encodeClasses(draws[0], 3),
})

test('a cell says how many of each class were right over its draws, and for what they were taken', () => {
  expect(answersOf(cell('x', [0, 0, 1, 0], [0, 2, 1, 1]), set)).toEqual({
    perClass: [0.75, 0.75, null],
    confusion: [
      [3, 0, 1],
      [1, 3, 0],
      [0, 0, 0],
    ],
    predicted: encodeClasses([0, 0, 1, 0], 3),
  })
  expect(testImagesOf(set)).toEqual({
    names: ['a/1', 'a/2', 'b/1', 'b/2'],
    classes: encodeClasses(labels, 3),
  })
  // What an older version kept of a cell.
  expect(answersOf({ accuracies: [0.5], details: [null] }, set)).toEqual({ predicted: undefined })
})

test('two methods are compared on the draws that both have', () => {
  const [found, ...more] = comparisonsOf(
    [cell('x', [0, 0, 1, 1], [0, 0, 1, 0]), cell('y', [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 1])],
    set,
  )
  expect(more).toEqual([])
  expect(found).toMatchObject({ first: 'x', second: 'y', draws: 2, onlyFirst: 3, onlySecond: 0 })
  expect(found.p).toBeCloseTo(0.25)
  // Differences 0.75 and 0.25.
  expect(found.difference).toBeCloseTo(0.5)
  expect([found.low, found.high]).toEqual([-1, 1])
})
