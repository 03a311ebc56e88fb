import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { TestSet } from '../../src/data/test-set.js'

function example(): TestSet {
  return new TestSet({
    name: 'four',
    height: 1,
    width: 2,
    channels: 1,
    pixels: Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]),
    labels: [2, 0, 0, 2],
    classNames: ['ant', 'bee', 'cat'],
    fileNames: ['test/cat/1.png', 'test/ant/1.png', 'test/ant/2.png', 'test/cat/2.png'],
  })
}

describe('TestSet', () => {
  it('counts right answers in all, class by class, and as a confusion matrix', () => {
    expect(example().score(Int32Array.of(2, 0, 1, 0))).toEqual({
      accuracy: 0.5,
      correct: 2,
      total: 4,
      perClass: [
        { className: 'ant', correct: 1, total: 2, accuracy: 0.5 },
        { className: 'bee', correct: 0, total: 0, accuracy: null },
        { className: 'cat', correct: 1, total: 2, accuracy: 0.5 },
      ],
      confusion: [
        [1, 1, 0],
        [0, 0, 0],
        [1, 0, 1],
      ],
    })
  })

  it('shows neither labels nor the file names that give them away', () => {
    const test = example()
    const shown = [
      inspect(test, { depth: 9, showHidden: true }),
      JSON.stringify(test),
      ...Reflect.ownKeys(test).map(String),
      ...Reflect.ownKeys(TestSet.prototype).map(String),
    ].join(' ')
    expect(shown).not.toMatch(/cat\/|ant\/|labels/i)
    expect(test.images.paths).toEqual(['test/00000', 'test/00001', 'test/00002', 'test/00003'])
    expect(test.images).not.toHaveProperty('labels')
  })

  it('is judged by other classes by their names; images of a class that is gone are never right', () => {
    const { test, foreign } = example().judgedBy(['dog', 'cat'])
    expect(foreign).toBe(2)
    expect(test.score([1, 1, 0, 1])).toEqual({
      accuracy: 0.5,
      correct: 2,
      total: 4,
      perClass: [
        { className: 'dog', correct: 0, total: 0, accuracy: null },
        { className: 'cat', correct: 2, total: 2, accuracy: 1 },
      ],
      confusion: [
        [0, 0],
        [0, 2],
      ],
    })
    expect(() => test.score([-1, -1, -1, -1])).toThrow(RangeError)
    const same = example().judgedBy(['cat', 'bee', 'ant'])
    expect([same.foreign, same.test.score([0, 2, 2, 0]).accuracy]).toEqual([0, 1])
  })

  it('keeps its own copy of the labels', () => {
    const labels = Int32Array.of(0, 1)
    const shape = { name: 'two', height: 1, width: 1, channels: 1, classNames: ['a', 'b'] } as const
    const test = new TestSet({ ...shape, pixels: new Uint8Array(2), labels })
    labels.fill(1)
    expect(test.score([0, 1]).accuracy).toBe(1)
  })

  it('scores in another order what it shows in that order', () => {
    const shape = { name: 'three', height: 1, width: 1, channels: 1, classNames: ['a', 'b'] } as const
    const test = new TestSet({ ...shape, pixels: Uint8Array.of(10, 20, 30), labels: [0, 0, 1] })
    const moved = test.reordered([2, 0, 1])
    expect([...moved.images.pixels.subarray()]).toEqual([30, 10, 20])
    expect([test.score([0, 0, 1]).accuracy, moved.score([1, 0, 0]).accuracy]).toEqual([1, 1])
    expect(moved.images.paths).toEqual(['test/00000', 'test/00001', 'test/00002'])
  })

  it('refuses predictions that are not one class for each image', () => {
    expect(() => example().score([0, 1])).toThrow('got 2 predictions, expected 4')
    expect(() => example().score([0, 1, 2, 3])).toThrow('got class 3 at 3, expected 0 to 2')
    expect(() => example().score([0, 1, 2, -1])).toThrow('got class -1')
    expect(() => example().score([0, 1, 2, Number.NaN])).toThrow('got class NaN')
  })
})
