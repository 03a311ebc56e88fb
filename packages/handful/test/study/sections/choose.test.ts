import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import {
  bestSetting,
  leaveOneOutLikelihood,
  neighbourAgreement,
  overNeighbours,
  settingFlags,
  withoutChoosing,
} from '../../../src/study/sections/sweep/choose.js'
import { plainLinearAlgebra } from '../../../src/numerics/linear-algebra.js'
import type { BoundModel, ImageShape, Model } from '../../../src/models/model.js'
import { modelNamed } from '../../../src/models/registry.js'
import { blobs, firstLabels } from '../../heads/problem.js'

const linearAlgebra = plainLinearAlgebra()
const likelihood = (spread: number, perClass: number) => {
  const { features, truth } = blobs(60, 3, 8, spread)
  const labels = firstLabels(truth, perClass)
  return leaveOneOutLikelihood({
    features,
    labels,
    classCount: 3,
    random: new Random(1, 'test'),
    linearAlgebra,
  })
}

describe('leave-one-out likelihood', () => {
  it('is higher for features whose classes are apart, and that of guessing where they are not', async () => {
    const [apart, near, mixed] = await Promise.all([0.1, 0.8, 50].map((spread) => likelihood(spread, 6)))
    expect(apart).toBeGreaterThan(near ?? 0)
    expect(near).toBeGreaterThan(mixed ?? 0)
    expect(apart).toBeGreaterThan(-0.2)
    expect(mixed).toBeLessThan(Math.log(1 / 3) + 0.2)
  })

  it('is unknown with a label a class', async () => {
    expect(await likelihood(0.1, 1)).toBeUndefined()
  })
})

describe('agreement of neighbours', () => {
  const { features } = blobs(60, 3, 8, 1)

  it('is 1 where augmentation changes nothing, and that of chance between unrelated features', async () => {
    expect(await neighbourAgreement(features, features, linearAlgebra)).toBe(1)
    const unrelated = blobs(60, 3, 8, 1000, 7).features
    // 10 neighbours of 59 others.
    expect(await neighbourAgreement(features, unrelated, linearAlgebra)).toBeCloseTo(10 / 59, 1)
  })
})

describe('the best setting', () => {
  const rated = [10, 50, 100, 200, 350].map((noiseLevel, i) => ({
    layer: 'up',
    noiseLevel,
    value: [9, 0, 5, 6, 5][i],
  }))

  it('is the middle of a good range, not a single good value', () => {
    expect(overNeighbours(rated).map(({ value }) => value)).toEqual([6, 3.5, 4, 5.5, 16 / 3])
    const lone = rated.map((each) => ({ ...each, value: each.noiseLevel === 10 ? 7 : each.value }))
    expect(bestSetting(lone)).toEqual({ layer: 'up', noiseLevel: 200 })
  })

  it('passes over what is unknown', () => {
    expect(bestSetting([{ layer: 'up', noiseLevel: 1, value: NaN }])).toBeUndefined()
  })
})

it('without choosing takes the usual layers, two at most, at two levels', () => {
  const diffusion = modelNamed('diffusion')
  const [large, small] = [{ size: 32, channels: 3 } as const, { size: 28, channels: 1 } as const]
  const fast = (model: Model, image: ImageShape): BoundModel =>
    model.configure(model.preset('fast', image), image)
  expect(withoutChoosing(fast(diffusion, large))).toEqual({
    layers: ['middle.1', 'up1.0'],
    pooling: '2x2',
    noiseLevels: [50, 200],
  })
  const grey = fast(diffusion, small)
  expect(withoutChoosing(grey)).toEqual({
    layers: ['middle.3'],
    pooling: 'none',
    noiseLevels: [50, 200],
  })
  const older = diffusion.configure({ ...grey.config, featurePooling: undefined }, small)
  expect(withoutChoosing(older)).toMatchObject({
    layers: ['middle.3', 'up0.0'],
    pooling: '2x2',
  })
  expect(withoutChoosing(fast(modelNamed('vae'), small))).toBeUndefined()
})

it('a setting as flags of handful features', () => {
  expect(settingFlags(['middle.3', 'up0.0'], [50, 200])).toBe('--layers middle.3,up0.0 --noise-level 50,200')
})
