/** A training that was stopped and goes on comes to the same numbers as one that was not, all of them, bit for bit. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  adamW,
  cosineDecay,
  crossEntropy,
  dropout,
  earlyStopping,
  linear,
  relu,
  sgd,
  train,
  type TrainedModel,
  type TrainOptions,
} from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobs } from './blobs.js'

let parent: string
beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'onnx-autodiff-resume-'))
})
afterAll(() => rm(parent, { recursive: true }))

/** Moments, a schedule that counts, masks of dropout, a last batch of its own size: all of it has to go on. */
const model: TrainedModel = (p, { x, labels }) => {
  const hidden = relu(linear(p.scope('hidden'), { inputs: 2, outputs: 8 })(x))
  const logits = linear(p.scope('out'), { inputs: 8, outputs: 3 })(dropout(p.scope('lost'), 0.3)(hidden))
  return { loss: crossEntropy(logits, labels) }
}
const data = blobs(50, 'training')
const options: TrainOptions = {
  epochs: 6,
  batchSize: 16,
  seed: 3,
  threads: 1,
  validation: blobs(20, 'validation'),
  optimiser: (pairs) => adamW(pairs, { rate: cosineDecay(0.05, 24) }),
}

test('stopped after an epoch or within one, it comes to the same parameters and history', async () => {
  const whole = await train(model, data, options)
  const checkpoints = path.join(parent, 'epochs')
  const first = await train(model, data, { ...options, epochs: 2, checkpoints })
  expect(first.history).toEqual(whole.history.slice(0, 2))

  const stop = new AbortController()
  const interrupted = train(model, data, {
    ...options,
    checkpoints,
    signal: stop.signal,
    callbacks: [
      { onStep: (step) => (step === 14 ? stop.abort(new Error('stopped within epoch 4')) : undefined) },
    ],
  })
  await expect(interrupted).rejects.toThrow('stopped within epoch 4')

  const steps: number[] = []
  const resumed = await train(model, data, {
    ...options,
    checkpoints,
    callbacks: [{ onStep: (step) => void steps.push(step) }],
  })
  // Three epochs of four steps were whole.
  expect(steps[0]).toBe(13)
  expect(resumed).toEqual(whole)

  // And once more, when nothing is left to do.
  expect(await train(model, data, { ...options, checkpoints })).toEqual(whole)
})

test('early stopping waits as long as it would have, and leaves the same best epoch', async () => {
  // At this rate the validation's loss goes up and down.
  const stopping = (): TrainOptions => ({
    ...options,
    epochs: 40,
    optimiser: (pairs) => sgd(pairs, { rate: 0.8 }),
    callbacks: [earlyStopping({ patience: 3 })],
  })
  const whole = await train(model, data, stopping())
  const ended = whole.history.length
  expect(ended).toBeLessThan(40)
  expect(ended).toBeGreaterThan(4)
  const checkpoints = path.join(parent, 'stopping')
  // In the middle of its patience.
  await train(model, data, { ...stopping(), epochs: ended - 1, checkpoints })
  expect(await train(model, data, { ...stopping(), checkpoints })).toEqual(whole)
  // What has been ended is not begun again.
  expect(await train(model, data, { ...stopping(), checkpoints })).toEqual(whole)
})

test('checkpoints of another training are refused', async () => {
  const checkpoints = path.join(parent, 'other')
  await train(model, data, { ...options, epochs: 1, checkpoints })
  const other = (changed: Partial<TrainOptions>) =>
    train(model, data, { ...options, checkpoints, ...changed })
  await expect(other({ seed: 4 })).rejects.toThrow(
    /^checkpoints \(train, .*000001\): got seed 3, expected 4; name another folder/,
  )
  await expect(other({ optimiser: (pairs) => sgd(pairs, { rate: 0.1 }) })).rejects.toThrow(
    /got adam\/.*expected/,
  )
  await expect(other({ callbacks: [earlyStopping({ patience: 1 })] })).rejects.toThrow(
    'got 0 callbacks that keep something, expected 1, in the same order',
  )
})
