/** Features of a diffusion model at several noise levels in one request. */
import { Random } from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { extractFeatures } from '../../src/features/extract.js'
import type { FeatureMatrix } from '../../src/numerics/matrix.js'
import { diffusion } from '../../src/models/diffusion/diffusion.js'
import { featureOutputs, type FeatureRequest } from '../../src/models/feature-request.js'
import { type ImageShape } from '../../src/models/model.js'
import { tiny, untrained } from './diffusion-tiny.js'

const image: ImageShape = { size: 12, channels: 1 }
const config = tiny.quick
const weights = untrained(config, image)
const random = new Random(1, 'pixels')
const images = {
  name: 'random',
  count: 5,
  height: 12,
  width: 12,
  channels: 1,
  pixels: Uint8Array.from({ length: 5 * 144 }, () => random.integer(256)),
  paths: [],
} as const

const ask = (more: Partial<FeatureRequest>): Promise<Record<string, FeatureMatrix>> => {
  const request: FeatureRequest = { layers: ['middle.0', 'up0.0'], pooling: '2x2', ...more }
  const network = diffusion.configure(config, image).features(weights, request)
  return extractFeatures(network, images, featureOutputs(request), { seed: 4, threads: 1 })
}

const differ = (a: FeatureMatrix, values: ArrayLike<number>): number =>
  Math.max(...a.data.map((value, i) => Math.abs(value - values[i])))

describe('several noise levels', () => {
  test('beside each other are what each gives on its own, layer by layer', async () => {
    const found = await ask({ noiseLevels: [50, 200] })
    expect(Object.keys(found)).toEqual(['middle.0@50', 'middle.0@200', 'up0.0@50', 'up0.0@200'])
    for (const noiseLevel of [50, 200]) {
      const alone = await ask({ noiseLevel })
      for (const layer of ['middle.0', 'up0.0'])
        expect(differ(found[`${layer}@${noiseLevel}`], alone[layer].data)).toBeLessThan(1e-5)
    }
  })

  test('averaged are the mean of those, under the names of the layers', async () => {
    const request = { draws: 2, mirror: true } as const
    const found = await ask({ ...request, noiseLevels: [10, 600], combineLevels: 'average' })
    expect(Object.keys(found)).toEqual(['middle.0', 'up0.0'])
    const [low, high] = [
      await ask({ ...request, noiseLevel: 10 }),
      await ask({ ...request, noiseLevel: 600 }),
    ]
    for (const layer of ['middle.0', 'up0.0']) {
      const mean = low[layer].data.map((value, i) => (value + high[layer].data[i]) / 2)
      expect(differ(found[layer], mean)).toBeLessThan(1e-5)
    }
  })

  test('views beside each other are the draws and their mirror images, whose mean is the usual feature', async () => {
    const request = { draws: 2, mirror: true, noiseLevels: [50, 200] } as const
    const [beside, mean] = [await ask({ ...request, combineViews: 'concatenate' }), await ask(request)]
    const first = await ask({ noiseLevels: [50, 200] })
    for (const [name, { rows, columns, data }] of Object.entries(mean)) {
      expect(beside[name].columns).toBe(4 * columns)
      for (let row = 0; row < rows; row++) {
        const views = beside[name].data.subarray(row * 4 * columns, (row + 1) * 4 * columns)
        for (let column = 0; column < columns; column++) {
          const [a, b, c, d] = [0, 1, 2, 3].map((view) => views[view * columns + column])
          expect((a + b + c + d) / 4).toBeCloseTo(data[row * columns + column], 4)
          expect(a).toBeCloseTo(first[name].data[row * columns + column], 4)
        }
      }
    }
  })

  test.each([
    [{ noiseLevels: [] }, 'noise levels (diffusion features): got none, expected each level once'],
    [{ noiseLevels: [50, 50] }, 'noise levels (diffusion features): got 50, 50, expected each level once'],
    [
      { noiseLevels: [50, -1] },
      'noise level (diffusion features): got -1, expected a number from 0 (clean) to 1000 (noise)',
    ],
  ])('%j is refused in one line', (more, message) => {
    const request: FeatureRequest = { layers: ['middle.0'], pooling: 'mean', ...more }
    expect(() => diffusion.configure(config, image).features(weights, request)).toThrow(message)
  })
})
