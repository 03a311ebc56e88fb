/**
 * The generated digits as their user meets them: the same bytes from the same seed, balanced classes, images that look
 * like scans of ink, and the difficulty that the examples rely on: four labels per class are too few for a linear
 * classifier on pixels, while neighbours among two thousand images mostly agree.
 */

import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'

import {
  STROKES_CLASSES as CLASSES,
  STROKES_SIZE,
  generateStrokes,
  type StrokesSplit,
} from '../../src/data/strokes.js'

const PIXELS = STROKES_SIZE * STROKES_SIZE

describe('generateStrokes', () => {
  it('gives the same bytes for the same seed and others for another', () => {
    const once = generateStrokes({ count: 60, testCount: 20, seed: 5 })
    const again = generateStrokes({ count: 60, testCount: 20, seed: 5 })
    const other = generateStrokes({ count: 60, testCount: 20, seed: 6 })
    expect(again).toEqual(once)
    expect(other.train.pixels).not.toEqual(once.train.pixels)
    expect(other.train.labels).not.toEqual(once.train.labels)
  })

  it('draws image i alike whatever the counts', () => {
    const large = generateStrokes({ count: 47, testCount: 23, seed: 1 })
    const small = generateStrokes({ count: 13, testCount: 6, seed: 1 })
    for (const split of ['train', 'test'] as const) {
      const { pixels, labels, count } = small[split]
      expect(large[split].pixels.subarray(0, count * PIXELS)).toEqual(pixels)
      expect(large[split].labels.subarray(0, count)).toEqual(labels)
    }
  })

  it('holds each digit once in every ten images, in changing order', () => {
    const { train } = generateStrokes({ count: 200, testCount: 0, seed: 2 })
    const orders = Array.from({ length: 20 }, (_, k) => [...train.labels.subarray(10 * k, 10 * k + 10)])
    for (const order of orders) expect(order.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(new Set(orders.map(String)).size).toBeGreaterThan(15)
  })

  it('reports progress up to the total', () => {
    const seen: [number, number][] = []
    generateStrokes({ count: 600, testCount: 70, seed: 0, onProgress: (...report) => seen.push(report) })
    expect(seen.at(-1)).toEqual([670, 670])
    expect(seen.map(([done]) => done)).toEqual(
      [...new Set(seen.map(([done]) => done))].toSorted((a, b) => a - b),
    )
    expect(seen.every(([, total]) => total === 670)).toBe(true)
  })

  it('takes empty splits', () => {
    const { train, test } = generateStrokes({ count: 0, testCount: 0, seed: 0 })
    expect([train.pixels.length, train.labels.length, test.count]).toEqual([0, 0, 0])
  })

  it.each([-1, 2.5, NaN, Infinity, 1e9])('refuses %d images with one clear line', (count) => {
    const message = `got ${count}, expected an integer from 0 to 1000000`
    expect(() => generateStrokes({ count, seed: 0 })).toThrow(`count (generateStrokes): ${message}`)
    expect(() => generateStrokes({ testCount: count, seed: 0 })).toThrow(
      `testCount (generateStrokes): ${message}`,
    )
  })

  it('refuses a seed that is none', () => {
    const message = `seed (generateStrokes): got -3, expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}`
    expect(() => generateStrokes({ count: 1, seed: -3 })).toThrow(message)
  })
})

describe('the images', () => {
  const { train, test } = generateStrokes({ count: 2000, testCount: 600, seed: 0 })

  it('are dark paper with a bright, centred digit', () => {
    let paper = 0
    let border = 0
    for (let i = 0; i < train.count; i++) {
      const image = imageOf(train, i)
      let ink = 0
      let momentX = 0
      let momentY = 0
      image.forEach((value, pixel) => {
        const column = pixel % STROKES_SIZE
        const row = Math.floor(pixel / STROKES_SIZE)
        ink += value
        momentX += value * column
        momentY += value * row
        if (value < 40) paper += 1
        if (Math.min(row, column) === 0 || Math.max(row, column) === STROKES_SIZE - 1) border += value
      })
      expect(Math.max(...image)).toBeGreaterThan(110)
      expect(ink / PIXELS).toBeGreaterThan(5)
      expect(ink / PIXELS).toBeLessThan(110)
      expect(Math.abs(momentX / ink - 13.5)).toBeLessThan(5)
      expect(Math.abs(momentY / ink - 13.5)).toBeLessThan(5)
    }
    expect(paper / train.pixels.length).toBeGreaterThan(0.65)
    expect(paper / train.pixels.length).toBeLessThan(0.9)
    expect(border / train.count / (4 * STROKES_SIZE - 4)).toBeLessThan(6)
  })

  it('differ from each other, across the splits too', () => {
    const images = new Set<string>()
    for (const split of [train, test]) {
      for (let i = 0; i < split.count; i++) images.add(Buffer.from(imageOf(split, i)).toString('base64'))
    }
    expect(images.size).toBe(train.count + test.count)
  })

  it('are hard for logistic regression on raw pixels with four labels per class', () => {
    const random = new Random(0, 'labelled draws')
    const accuracies = Array.from({ length: 5 }, () => {
      const shots = random.permutation(train.count)
      const labelled = [...Array(CLASSES).keys()].flatMap((digit) => {
        return [...shots.filter((i) => train.labels[i] === digit).subarray(0, 4)]
      })
      return logisticAccuracy(train, labelled, test)
    })
    const mean = accuracies.reduce((sum, accuracy) => sum + accuracy) / accuracies.length
    expect(mean).toBeLessThan(0.7)
    expect(mean).toBeGreaterThan(0.3)
  })

  it('are mostly known by their nearest neighbour among 2,000, every digit of them', () => {
    const right = new Float64Array(CLASSES)
    for (let i = 0; i < test.count; i++) {
      if (train.labels[nearest(train, imageOf(test, i))] === test.labels[i]) right[test.labels[i]] += 1
    }
    const perClass = test.count / CLASSES
    expect(right.reduce((sum, count) => sum + count) / test.count).toBeGreaterThan(0.88)
    expect(Math.min(...right) / perClass).toBeGreaterThan(0.7)
  })
})

function imageOf(split: StrokesSplit, i: number): Uint8Array {
  return split.pixels.subarray(i * PIXELS, (i + 1) * PIXELS)
}

function nearest(split: StrokesSplit, image: Uint8Array): number {
  let best = -1
  let shortest = Infinity
  for (let i = 0; i < split.count; i++) {
    let distance = 0
    for (let k = 0; k < PIXELS && distance < shortest; k++) {
      const difference = split.pixels[i * PIXELS + k] - image[k]
      distance += difference * difference
    }
    if (distance < shortest) [best, shortest] = [i, distance]
  }
  return best
}

/** Test accuracy of multinomial logistic regression, by 150 steps of gradient descent on pixels in [0, 1]. */
function logisticAccuracy(train: StrokesSplit, labelled: readonly number[], test: StrokesSplit): number {
  const weights = new Float64Array(CLASSES * PIXELS)
  const rate = 0.5 / labelled.length / 255
  const scores = (image: Uint8Array): Float64Array => {
    return new Float64Array(CLASSES).map((_, digit) => {
      let score = 0
      for (let k = 0; k < PIXELS; k++) score += weights[digit * PIXELS + k] * image[k]
      return score / 255
    })
  }
  for (let step = 0; step < 150; step++) {
    const before = labelled.map((i) => scores(imageOf(train, i)))
    labelled.forEach((i, row) => {
      const exponentials = before[row].map((score) => Math.exp(score - Math.max(...before[row])))
      const sum = exponentials.reduce((total, value) => total + value)
      const image = imageOf(train, i)
      for (let digit = 0; digit < CLASSES; digit++) {
        const error = exponentials[digit] / sum - (train.labels[i] === digit ? 1 : 0)
        for (let k = 0; k < PIXELS; k++) weights[digit * PIXELS + k] -= rate * error * image[k]
      }
    })
  }
  let right = 0
  for (let i = 0; i < test.count; i++) {
    const score = scores(imageOf(test, i))
    if (score.indexOf(Math.max(...score)) === test.labels[i]) right += 1
  }
  return right / test.count
}
