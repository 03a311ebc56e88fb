import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { type MapInput, studyMap } from '../../../src/study/sections/maps/study-map.js'
import { plainLinearAlgebra } from '../../../src/numerics/linear-algebra.js'
import { featureMatrix, unitRows } from '../../../src/numerics/matrix.js'
import { studySchema } from '../../../src/study/all-sections.js'
import type { StageContext } from '../../../src/stages/stage.js'

const context: StageContext = {
  linearAlgebra: plainLinearAlgebra(),
  seed: 3,
  threads: 1,
  device: 'cpu',
  signal: new AbortController().signal,
}

/** Two classes around two directions, every tenth image unlabelled. */
function input(count = 200): MapInput {
  const noise = new Random(0, 'noise').fillNormal(new Float32Array(count * 4))
  const features = featureMatrix(
    count,
    4,
    noise.map((value, i) => 0.3 * value + (i % 4 === Math.floor(i / 4) % 2 ? 2 : 0)),
  )
  const images = {
    name: 'grey',
    count,
    height: 5,
    width: 5,
    channels: 1 as const,
    pixels: new Uint8Array(25 * count).fill(90),
    paths: Array.from({ length: count }, (_, i) => `train/${i}`),
  }
  const labels = Int32Array.from({ length: count }, (_, i) => (i % 10 === 9 ? -1 : i % 2))
  return { method: 'vae', features: unitRows(features), images, labels, classNames: ['a', 'b'] }
}

const quick = { epochs: 30 }

describe('studyMap', () => {
  it('holds what the study keeps of a map', async () => {
    const map = await studyMap(input(), context, quick)
    expect(() => studySchema.shape.maps.parse([map])).not.toThrow()
    expect(map.x).toHaveLength(180)
    expect(new Set(map.label)).toEqual(new Set([0, 1]))
    expect(map.purity).toBeGreaterThan(0.95)
    expect(map.purityByChance).toBeCloseTo(0.506, 1)
    expect(map.silhouette).toBeGreaterThan(0.4)
    expect(map.thumbnails.length).toBeGreaterThan(50)
    expect(map.thumbnails[0].image).toMatch(/^data:image\/png;base64,/)
  })

  it('draws labelled images where there are many, the same for the same seed', async () => {
    const few = { ...quick, most: 60, thumbnails: 10 }
    const [first, again, other] = [
      await studyMap(input(), context, few),
      await studyMap(input(), context, few),
      await studyMap(input(), { ...context, seed: 4 }, few),
    ]
    expect(first.x).toHaveLength(60)
    expect(first.thumbnails.length).toBeLessThanOrEqual(10)
    expect(again).toEqual(first)
    expect(other.x).not.toEqual(first.x)
  })

  it('lays points out without a look at their labels', async () => {
    const { labels, ...rest } = input()
    const mixed = labels.map((label, i) => (label < 0 ? label : Math.floor(i / 4) % 2))
    const [own, other] = [
      await studyMap({ ...rest, labels }, context, quick),
      await studyMap({ ...rest, labels: mixed }, context, quick),
    ]
    expect(other.x).toEqual(own.x)
    expect(other.purity).toBeLessThan(0.7)
  })

  it('says so where a map has nothing to show', async () => {
    const all = input()
    const labels = all.labels.map(() => 0)
    await expect(studyMap({ ...all, labels }, context, quick)).rejects.toThrow(
      'labels (map of vae): got 1 labelled classes of 2, expected at least two; label images of another class',
    )
  })
})
