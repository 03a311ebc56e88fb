/** The noise-level sweep of a tiny diffusion model: what it holds, and that test labels choose nothing. */
import { describe, expect, it } from 'vitest'
import { sweepNoise, type SweepOptions } from '../../../src/study/sections/sweep/noise-sweep.js'
import { studySchema } from '../../../src/study/all-sections.js'
import { modelNamed } from '../../../src/models/registry.js'
import { tiny, untrained } from '../../models/diffusion-tiny.js'
import { CLASSES, context, draws, SIZE, testSet, train } from './sweep-problem.js'

const image = { size: SIZE, channels: 1 } as const
const config = { ...tiny.quick, width: 8, groups: 2, featurePooling: '2x2' as const }
const diffusion = modelNamed('diffusion')
const trained = { model: diffusion.configure(config, image), weights: untrained(config, image) }

const options: SweepOptions = {
  trained,
  train: train.images,
  test: testSet(),
  draws: draws(4),
  labelsPerClass: 4,
  classCount: CLASSES.length,
  layers: ['middle.1', 'up0.0'],
  noiseLevels: [1, 100, 900],
  head: 'ridge',
  unlabelledImages: 40,
  beforeAfter: [
    { labelsPerClass: 1, draws: draws(1) },
    { labelsPerClass: 2, draws: draws(2) },
    { labelsPerClass: 8, draws: draws(8) },
  ],
}

describe('noise-level sweep', () => {
  it('has a point for each layer, and all of them together, at each level', async () => {
    const seen: (readonly [number, number])[] = []
    const sweep = await sweepNoise(options, {
      ...context(),
      onProgress: (done, total) => seen.push([done, total]),
    })
    expect(
      seen.every(
        ([done, total], i) => done <= total && (done > (seen[i - 1]?.[0] ?? 0) || total !== seen[i - 1][1]),
      ),
    ).toBe(true)
    expect(seen.at(-1)?.[0]).toBe(seen.at(-1)?.[1])
    expect(studySchema.shape.sweep.parse(sweep)).toEqual(sweep)
    expect(sweep.points.map(({ layer, noiseLevel }) => `${layer}@${noiseLevel}`)).toEqual(
      [1, 100, 900].flatMap((level) =>
        ['middle.1', 'up0.0', 'middle.1+up0.0'].map((layer) => `${layer}@${level}`),
      ),
    )
    for (const { accuracies, crossValidated } of sweep.points) {
      expect(accuracies).toHaveLength(2)
      expect(crossValidated).toHaveLength(2)
      for (const value of crossValidated) expect(value).toBeLessThan(0)
    }
    // What is nearly all noise keeps no neighbours.
    const kept = (level: number): number =>
      Math.max(...sweep.points.filter((p) => p.noiseLevel === level).map((p) => p.labelFree ?? NaN))
    expect(kept(900)).toBeLessThan(kept(1))
    const at = (level: number): number =>
      Math.max(...sweep.points.filter((p) => p.noiseLevel === level).map((p) => p.accuracies[0]))
    expect(at(1)).toBeGreaterThan(at(900))
    expect(sweep.chosen.map(({ by }) => by)).toEqual(['cross-validation', 'label-free'])
    expect(sweep.fixedBadly).toEqual({ layer: 'middle.1+up0.0', noiseLevel: 50 })
    expect(
      sweep.beforeAfter.map((each) => [each.labelsPerClass, each.before.length, each.after.length]),
    ).toEqual([
      [1, 2, 2],
      [2, 2, 2],
      [8, 2, 2],
    ])
    expect(sweep.pictures.map(({ noiseLevel }) => noiseLevel)).toEqual([1, 100, 900])
    expect(sweep.together).toMatchObject({ layers: ['middle.1', 'up0.0'], noiseLevels: [50, 200] })
    expect(sweep.notes?.[0]).toBe('features are normalised by 40 unlabelled training images')
    expect(sweep.notes?.[1]).toContain(
      'each draw takes the setting that its own labels choose, of which 4 per class',
    )
  })

  it('chooses the same whatever the test labels are, and without a test set', async () => {
    const few = { ...options, noiseLevels: [100, 900], beforeAfter: [] }
    const original = await sweepNoise(few, context())
    const moved = await sweepNoise({ ...few, test: testSet(1) }, context())
    const without = await sweepNoise({ ...few, test: undefined }, context())
    expect(moved.points.map(({ accuracies }) => accuracies)).not.toEqual(
      original.points.map(({ accuracies }) => accuracies),
    )
    const choosing = ({ chosen, points }: typeof moved) => ({
      chosen,
      criteria: points.map(({ crossValidated, labelFree }) => ({ crossValidated, labelFree })),
    })
    expect(choosing(moved)).toEqual(choosing(original))
    expect(choosing(without)).toEqual(choosing(original))
    expect(without.points[0].accuracies).toEqual([])
  })

  it('says how many test images it stands on', async () => {
    const few = { ...options, noiseLevels: [100], beforeAfter: [], testImages: 20 }
    const { notes } = await sweepNoise(few, context())
    expect(notes?.[1]).toBe('accuracies are counted on 20 test images, drawn at random from 60')
  })

  it('chooses by the unlabelled images alone where a class has one label', async () => {
    const one = { ...options, draws: draws(1), labelsPerClass: 1, noiseLevels: [100, 900], beforeAfter: [] }
    const { chosen, points } = await sweepNoise(one, context())
    expect(points.every(({ crossValidated }) => crossValidated.length === 0)).toBe(true)
    expect(chosen.map(({ by }) => by)).toEqual(['label-free'])
  })

  it('compares two layers of one resolution where features are usually every number of one', async () => {
    const grey = { ...config, featurePooling: 'none' as const }
    const one = {
      ...options,
      ...{
        trained: { ...trained, model: diffusion.configure(grey, image) },
        layers: undefined,
        noiseLevels: [100],
        beforeAfter: [],
      },
    }
    const { points, together } = await sweepNoise(one, context())
    expect(points.map(({ layer }) => layer)).toEqual(['middle.0', 'middle.1', 'middle.0+middle.1'])
    expect(together?.layers).toEqual(['middle.1'])
  })

  it('stops when told to', async () => {
    const controller = new AbortController()
    const stopping = {
      ...context(),
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stop')),
    }
    await expect(sweepNoise(options, stopping)).rejects.toThrow('stop')
  })

  it('refuses a model without noise levels', async () => {
    const vae = modelNamed('vae')
    const other = { ...trained, model: vae.configure(vae.preset('fast', image), image) }
    await expect(sweepNoise({ ...options, trained: other }, context())).rejects.toThrow(
      'got vae, expected a diffusion model',
    )
  })
})
