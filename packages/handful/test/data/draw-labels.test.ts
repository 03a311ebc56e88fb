import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { drawLabels } from '../../src/data/draw-labels.js'
import { countLabels } from '../../src/data/image-set.js'
import { failure } from './support.js'

const labels = Int32Array.from({ length: 60 }, (_, i) => (i % 7 === 6 ? -1 : i % 3))

describe('drawLabels', () => {
  it('keeps n labels of each class and hides the rest', () => {
    const drawn = drawLabels(labels, 4, new Random(1, 'draw'))
    expect([...countLabels(drawn, 3)]).toEqual([4, 4, 4])
    drawn.forEach((label, index) => {
      if (label >= 0) expect(label).toBe(labels[index])
    })
    expect(labels[0]).toBe(0)
  })

  it('gives the same draw for the same stream, another for another seed', () => {
    const draw = (seed: number) => [...drawLabels(labels, 4, new Random(seed, 'draw'))]
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  it('draws 2 labels among the 4 of the same stream', () => {
    const two = drawLabels(labels, 2, new Random(5, 'draw'))
    const four = drawLabels(labels, 4, new Random(5, 'draw'))
    two.forEach((label, index) => {
      if (label >= 0) expect(four[index]).toBe(label)
    })
  })

  it('draws every image equally often', () => {
    const times = new Float64Array(12)
    const eachClass = Int32Array.from({ length: 12 }, (_, i) => i % 2)
    for (let seed = 0; seed < 3000; seed++) {
      drawLabels(eachClass, 2, new Random(seed, 'draw')).forEach((label, i) => {
        if (label >= 0) times[i]++
      })
    }
    // Binomial with p = 1/3: standard deviation 26; five of them.
    for (const count of times) expect(Math.abs(count - 1000)).toBeLessThan(130)
  })

  it('refuses more than a class has', async () => {
    const error = await failure(() => drawLabels(Int32Array.of(0, 0, 1), 2, new Random(0, 'draw')))
    expect(error.message).toBe('labels per class (class 1): got 2, expected at most 1, its labelled images')
    const named = await failure(() =>
      drawLabels(Int32Array.of(0, 1), 2, new Random(0, 'draw'), ['cat', 'dog']),
    )
    expect(named.where).toBe('class "cat"')
    await failure(() => drawLabels(labels, 0, new Random(0, 'draw')))
  })
})
