import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { resnet18 } from '../../src/models/resnet18/resnet18.js'
import { silentProgress } from '../../src/training/progress.js'
import {
  shiftedCrops,
  strongAugmentation,
  type SupervisedRequest,
  trainSupervised,
} from '../../src/training/supervised.js'
import { bars } from './bars.js'

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

async function accuracyOf(request: SupervisedRequest): Promise<number> {
  const { predict } = await trainSupervised(request)
  const { images, truth } = bars(300, 2)
  const { data } = await predict(images)
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
