import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { resnet18 } from '../../src/models/resnet18/resnet18.js'
import { fixMatch } from '../../src/training/fixmatch-settings.js'
import { silentProgress } from '../../src/training/progress.js'
import {
  shiftedCrops,
  strongAugmentation,
  type SupervisedRequest,
  trainSupervised,
} from '../../src/training/supervised.js'
import { bars, SIZE } from './bars.js'

type Changes = Partial<SupervisedRequest['options']>

function requestOn(labelled: number, changes: Changes = {}): SupervisedRequest {
  const { images, truth } = bars(400, 1)
  return {
    images,
    labels: truth.map((label, i) => (i < labelled ? label : -1)),
    classCount: 2,
    options: {
      optimiser: 'sgd',
      learningRate: 0.05,
      weightDecay: 5e-4,
      warmUpSteps: 10,
      emaHalfLife: 0.03,
      network: resnet18({ stem: 'small', width: 4 }),
      augmentation: shiftedCrops({ mirror: false }),
      batch: 16,
      fewestSteps: 250,
      epochs: 1,
      fixMatch: {
        ratio: 4,
        threshold: 0.9,
        weight: 1,
        strong: { ...strongAugmentation({ channels: 1 }), rotation: 5 },
      },
      ...changes,
    },
    seed: 3,
    threads: 1,
    signal: new AbortController().signal,
    progress: silentProgress,
  }
}

/** The same in three equal colours. */
function coloured(images: Images): Images {
  const grey = images.pixels.subarray()
  const pixels = Uint8Array.from({ length: 3 * grey.length }, (_, i) => grey[Math.floor(i / 3)])
  return { ...images, channels: 3, pixels }
}

async function accuracyOf(
  request: SupervisedRequest,
  seen: (images: Images) => Images = (images) => images,
): Promise<number> {
  const { predict } = await trainSupervised(request)
  const { images, truth } = bars(300, 2)
  const { data } = await predict(seen(images))
  return truth.filter((label, i) => data[2 * i + label] > 0.5).length / truth.length
}

test('unlabelled images make up for labels that are missing', async () => {
  const used: number[] = []
  const request = requestOn(4)
  const alone = await accuracyOf({ ...request, options: { ...request.options, fixMatch: undefined } })
  const all = await accuracyOf({
    ...request,
    onMetrics: (_step, metrics) => void used.push(metrics.used),
  })
  expect(used.at(-1)).toBeGreaterThan(0.5)
  expect(all, `${alone} from the labels alone`).toBeGreaterThan(alone + 0.1)
}, 60_000)

describe('the encoder of the contrastive network', () => {
  const grey = { size: SIZE, channels: 1 } as const
  const colour = { size: 32, channels: 3 } as const

  test('learns from random weights what labels alone do not tell', { timeout: 120_000 }, async () => {
    const set = { width: 6, batch: 16, fewestSteps: 200, epochs: 1, warmUpSteps: 10, learningRate: 3e-3 }
    const { training, title } = fixMatch({ network: 'contrastive', set }, { size: SIZE, channels: 3 })
    expect(title).toContain('24 numbers an image, a linear layer on its features, FixMatch on all')
    const { fixMatch: views, augmentation: _distorted, ...own } = training
    const strong = { ...strongAugmentation({ channels: 1 }), rotation: 5 }
    const request = requestOn(8, { ...own, fixMatch: views && { ...views, ratio: 4, strong } })
    const images = coloured(request.images)
    const alone = { ...request, images, options: { ...request.options, fixMatch: undefined } }
    const few = await accuracyOf(alone, coloured)
    const all = await accuracyOf({ ...request, images }, coloured)
    expect(all, `${few} from the labels alone`).toBeGreaterThan(few + 0.05)
    expect(all).toBeGreaterThan(0.92)
  })

  test('is that of the features: of colour images the one without a decoder, and as the model is set', () => {
    const model = { model: 'contrastive', preset: 'fast', set: { width: 12, temperature: 0.1 } } as const
    const own = fixMatch({ network: 'contrastive', set: {}, model }, colour)
    expect(own.title).toContain('contrastive network, 48 numbers an image')
    expect(own.settings).toMatchObject({ width: 12, blocks: 1, optimiser: 'adam', fixMatch: { ratio: 3 } })
    expect(own.settings).not.toHaveProperty('temperature')
    expect(fixMatch({ network: 'contrastive', set: { width: 4 }, model }, colour).title).toContain(
      '16 numbers',
    )
    expect(fixMatch({ network: 'resnet18', set: { width: 4 }, model }, colour).title).toBe(
      'ResNet-18, 3x3 stem, width 4, FixMatch on all training images',
    )
  })

  test.each([
    [grey, { blocks: 2 }, '--set blocks (model contrastive, preset fast): got an unknown name'],
    [
      colour,
      { widht: 2 },
      "--set widht (FixMatch of the contrastive network's encoder): got an unknown name",
    ],
    [colour, { emaHalfLife: 0 }, '--set emaHalfLife: got 0, expected more than 0 with FixMatch'],
  ])('a setting that does not suit is refused: %j %j', (image, set, message) => {
    expect(() => fixMatch({ network: 'contrastive', set }, image)).toThrow(message)
  })
})

test('the same seed gives the same network, and a training that was stopped goes on to the same weights', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fixmatch-'))
  const short = requestOn(4, { fewestSteps: 8 })
  const whole = await trainSupervised(short)
  const checkpoints = { folder, key: 'k' }
  const stopping = new AbortController()
  const stopped = trainSupervised({
    ...short,
    checkpoints,
    signal: stopping.signal,
    onStart: () => stopping.abort(new Error('stopped')),
  })
  await expect(stopped).rejects.toThrow('stopped')
  let from = -1
  const resumed = await trainSupervised({ ...short, checkpoints, onStart: (step) => void (from = step) })
  expect(from).toBeGreaterThan(0)
  expect(resumed.weights).toEqual(whole.weights)
}, 60_000)
