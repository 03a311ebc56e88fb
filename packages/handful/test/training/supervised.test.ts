import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { flattenImage, linear } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { resnet18, resnet18Presets } from '../../src/models/resnet18/resnet18.js'
import { type SupervisedNetwork, untrainedWeights } from '../../src/models/supervised-network.js'
import { canChoose, chooseTraining } from '../../src/training/choose-training.js'
import { silentProgress } from '../../src/training/progress.js'
import {
  shiftedCrops,
  supervisedAugmentation,
  type SupervisedRequest,
  supervisedSchedule,
  supervisedSteps,
  trainSupervised,
} from '../../src/training/supervised.js'
import { bars, SIZE } from './bars.js'

/** Brighter and farther from the edge: a few steps are enough. */
const CLEAR = { margin: 2, noise: 100, bar: 130 }

function requestOn(labelled: number, changes: Partial<SupervisedRequest['options']> = {}): SupervisedRequest {
  const { images, truth } = bars(60, 1, CLEAR)
  const { optimiser, learningRate, weightDecay, warmUpSteps } = resnet18Presets.small
  return {
    images,
    labels: truth.map((label, i) => (i < labelled ? label : -1)),
    classCount: 2,
    options: {
      optimiser,
      learningRate,
      weightDecay,
      warmUpSteps,
      network: resnet18({ stem: 'small', width: 4 }),
      augmentation: null,
      ...supervisedSchedule,
      batch: 16,
      fewestSteps: 60,
      epochs: 1,
      ...changes,
    },
    seed: 3,
    threads: 1,
    signal: new AbortController().signal,
    progress: silentProgress,
  }
}

const accuracy = (probabilities: Float32Array, truth: Int32Array): number =>
  truth.filter((label, i) => probabilities[2 * i + label] > 0.5).length / truth.length

test('learns what the labelled few show and tells unseen images apart', async () => {
  const trained = await trainSupervised(requestOn(48, { augmentation: shiftedCrops({ mirror: true }) }))
  expect(trained.steps).toBe(60)
  const fresh = bars(100, 2, CLEAR)
  const { rows, columns, data } = await trained.predict(fresh.images)
  expect([rows, columns]).toEqual([100, 2])
  expect(data[0] + data[1]).toBeCloseTo(1, 5)
  expect(accuracy(data, fresh.truth)).toBeGreaterThan(0.9)
})

test('mirrored too, it says the mean of what it says of an image and of its mirrored image', async () => {
  const request = requestOn(8, { fewestSteps: 6 })
  const plain = await trainSupervised(request)
  const both = await trainSupervised({ ...request, mirror: true })
  expect(both.weights).toEqual(plain.weights)
  const { images } = bars(20, 2, CLEAR)
  const turned = images.pixels.slice()
  for (let at = 0; at < turned.length; at += SIZE) turned.subarray(at, at + SIZE).reverse()
  const [own, other] = [await plain.predict(images), await plain.predict({ ...images, pixels: turned })]
  const means = await both.predict(images)
  own.data.forEach((value, i) => expect(means.data[i]).toBeCloseTo((value + other.data[i]) / 2, 5))
  expect(own.data.some((value, i) => Math.abs(value - other.data[i]) > 0.01)).toBe(true)
})

test('hidden labels and the rest of the images change nothing, and the same seed gives the same network', async () => {
  const options = { fewestSteps: 6, augmentation: shiftedCrops({ mirror: true }) }
  const request = requestOn(4, options)
  const first = await trainSupervised(request)
  const pixels = request.images.pixels.slice().fill(7, 4 * SIZE * SIZE)
  const second = await trainSupervised({ ...request, images: { ...request.images, pixels } })
  expect(second.weights).toEqual(first.weights)
  const other = await trainSupervised({ ...request, seed: 4 })
  expect(other.weights['fc.weight']).not.toEqual(first.weights['fc.weight'])
})

test('Adam is the other way to train it', async () => {
  const { augmentation: _, ...adam } = { ...resnet18Presets.study, augmentation: null }
  const { optimiser, learningRate, weightDecay, warmUpSteps } = adam
  const losses: number[] = []
  await trainSupervised({
    ...requestOn(16, { optimiser, learningRate, weightDecay, warmUpSteps }),
    onMetrics: (_step, { loss }) => void losses.push(loss),
  })
  expect(losses.at(-1)).toBeLessThan(0.6)
})

test('averaged weights lie behind the last ones, and tell unseen images apart as well', async () => {
  const short = { fewestSteps: 20, augmentation: shiftedCrops({ mirror: false }) }
  const last = await trainSupervised(requestOn(48, short))
  const averaged = await trainSupervised(requestOn(48, { ...short, emaHalfLife: 0.2 }))
  const start = untrainedWeights(resnet18({ stem: 'small', width: 4 }), { size: SIZE, channels: 1 }, 2, 3)
  const classifier = (weights: typeof start): number[] => [...(weights['fc.weight'].data as Float32Array)]
  const from = classifier(start)
  const far = (weights: typeof start): number =>
    Math.hypot(...classifier(weights).map((value, i) => value - from[i]))
  expect(far(averaged.weights)).toBeGreaterThan(0)
  expect(far(averaged.weights)).toBeLessThan(far(last.weights))

  const strong = supervisedAugmentation('strong', { channels: 1 })
  const { predict } = await trainSupervised(requestOn(48, { emaHalfLife: 0.02, augmentation: strong }))
  const fresh = bars(100, 2, CLEAR)
  expect(accuracy((await predict(fresh.images)).data, fresh.truth)).toBeGreaterThan(0.8)
})

test('strong distortions mirror and recolour photographs, and leave letters the letters that they are', () => {
  expect(supervisedAugmentation('strong', { channels: 3 })).toMatchObject({ mirror: true, colour: 0.4 })
  expect(supervisedAugmentation('strong', { channels: 1 })).toMatchObject({ mirror: false, colour: 0 })
  expect(supervisedAugmentation('none', { channels: 3 })).toBeNull()
})

test('every number of labels gets at least 500 steps, many labels forty epochs', () => {
  const steps = [2, 20, 40, 160, 1280, 5120].map((count) => supervisedSteps(count, supervisedSchedule))
  expect(steps).toEqual([500, 500, 500, 500, 800, 3200])
})

test('labels that cannot be trained on are refused in one line', async () => {
  const request = requestOn(4)
  const message = (labels: Int32Array): Promise<string> =>
    trainSupervised({ ...request, labels }).then(
      () => 'no error',
      (error: Error) => error.message,
    )
  const none = new Int32Array(60).fill(-1)
  expect(await message(none)).toBe(
    'labels (supervised training on bars): got 0 labelled images, expected at least 2; label at least one image of each class',
  )
  expect(await message(none.with(5, 2))).toContain('got 2 at image 5, expected -1 to 1')
  expect(await message(new Int32Array(3))).toContain('got 3 labels, expected 60')
})

/** One layer on the pixels: trained in no time. */
const oneLayer: SupervisedNetwork = {
  title: 'one layer',
  layers: [],
  build: (p, { size, channels }, classCount) => {
    const logits = linear(p.scope('fc'), { inputs: size * size * channels, outputs: classCount })
    return (x) => ({ layers: {}, logits: logits(flattenImage(x)) })
  },
}

test('the labelled few choose rate and length, and keep what was fixed where nothing gains', async () => {
  const settings = { network: oneLayer, optimiser: 'sgd', warmUpSteps: 0, weightDecay: 0 } as const
  const { tried, ...chosen } = await chooseTraining(
    requestOn(40, { ...settings, learningRate: 0.02, fewestSteps: 40 }),
  )
  // Too slow by three, which labels tell that were left out; twice the steps gain less than two nats.
  expect(chosen).toEqual({ learningRate: 0.06, steps: 40, labels: 40 })
  expect(tried.map(({ learningRate, steps }) => [Number(learningRate.toPrecision(3)), steps])).toEqual([
    [0.00667, 20],
    [0.02, 20],
    [0.06, 20],
    [0.06, 40],
    [0.06, 80],
  ])
  const [, usual, faster, all, twice] = tried.map(({ nats }) => nats)
  expect(faster).toBeGreaterThan(usual + 2)
  expect(twice).toBeLessThan(all + 2)
  expect(canChoose(Int32Array.of(0, 0, 0, 0, 1, 1, 1, -1), 2)).toBe(false)
  expect(canChoose(Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1), 2)).toBe(true)
})

test('a number of steps, or minutes, take the place of epochs', async () => {
  const request = requestOn(8, { network: oneLayer, epochs: 100 })
  expect((await trainSupervised({ ...request, steps: 7 })).steps).toBe(7)
  const folder = await mkdtemp(path.join(tmpdir(), 'minutes-'))
  const inTime = await trainSupervised({ ...request, minutes: 0.01, checkpoints: { folder, key: 'k' } })
  expect(inTime.steps).toBeGreaterThanOrEqual(50)
  // Gone on with, it ends at the same number.
  expect(JSON.parse(await readFile(path.join(folder, 'plan.json'), 'utf8'))).toEqual({ steps: inTime.steps })
})
