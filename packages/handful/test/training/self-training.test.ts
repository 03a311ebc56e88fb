import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { resolveModel } from '../../src/training/model-options.js'
import { pretrain } from '../../src/training/pretrain.js'
import { silentProgress } from '../../src/training/progress.js'
import { selfTraining, selfTrainingDefaults } from '../../src/training/self-training.js'
import { type SupervisedRequest, trainSupervised } from '../../src/training/supervised.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { failure } from '../data/support.js'
import { bars, SIZE } from './bars.js'

const { signal } = new AbortController()
const choice = {
  model: 'vae',
  preset: 'contrastive',
  set: { width: 8, hidden: 16, latent: 4, batch: 32 },
} as const
const model = resolveModel(choice, { size: SIZE, channels: 1 })
const { images, truth } = bars(400, 1)

const request: SupervisedRequest = {
  images,
  labels: truth.map((label, i) => (i < 4 ? label : -1)),
  classCount: 2,
  options: selfTraining(model, { ...selfTrainingDefaults, learningRate: 3e-3, batch: 16 }),
  steps: 400,
  seed: 3,
  threads: 1,
  signal,
  progress: silentProgress,
}

async function accuracyOf(given: Partial<SupervisedRequest>): Promise<number> {
  const { predict } = await trainSupervised({ ...request, ...given })
  const others = bars(300, 2)
  const { data } = await predict(others.images)
  return others.truth.filter((label, i) => data[2 * i + label] > 0.5).length / others.truth.length
}

test('an encoder learns on from what is said of the unlabelled images', { timeout: 120_000 }, async () => {
  const { weights } = await pretrain(
    images,
    { model, augmentation: null, seed: 0, steps: 30, threads: 1, device: 'cpu' },
    {
      checkpoints: { folder: mkdtempSync(path.join(tmpdir(), 'self-training-')), key: 'k' },
      signal,
      progress: silentProgress,
    },
  )
  // Three in four are right, and none is sure.
  const guide = featureMatrix(400, 2)
  truth.forEach((label, i) => {
    const said = i % 4 === 3 ? 1 - label : label
    guide.data[2 * i + said] = 0.7
    guide.data[2 * i + 1 - said] = 0.3
  })
  const alone = await accuracyOf({ start: { weights } })
  const guided = await accuracyOf({ start: { weights, guide } })
  expect(guided, `${alone} without`).toBeGreaterThan(0.85)
  expect(guided).toBeGreaterThan(alone)

  // It is where the model's weights are that it begins: after one small step nothing has moved far.
  const { weights: after } = await trainSupervised({
    ...request,
    start: { weights },
    steps: 1,
    options: { ...request.options, learningRate: 1e-6 },
  })
  const moved = (name: string): number =>
    Math.max(
      ...Array.from(after[name].data as Float32Array, (x, i) => Math.abs(x - Number(weights[name].data[i]))),
    )
  for (const name of ['encoder.fine1.weight', 'encoder.hidden.weight']) expect(moved(name)).toBeLessThan(1e-4)
  // No decoder is carried along.
  expect(Object.keys(after).filter((name) => name.startsWith('decoder'))).toEqual([])
})

test('a model whose features no labels can train further is refused', async () => {
  const vqvae = resolveModel({ model: 'vqvae', preset: 'fast', set: {} }, { size: SIZE, channels: 1 })
  expect((await failure(() => Promise.resolve().then(() => selfTraining(vqvae)))).message).toContain(
    '--model: got vqvae, expected a model with an encoder that labels can train further',
  )
})
