/** The training loop: batches, validation, callbacks, and that a partial batch counts as what it is. */
import {
  type Arrays,
  cosineDecay,
  dropout,
  earlyStopping,
  type Epoch,
  type Gradients,
  findLearningRate,
  input,
  linear,
  mean,
  meanSquaredError,
  mul,
  type NamedArray,
  Parameters,
  sgd,
  sub,
  sum,
  train,
  type TrainedModel,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { floats, numbers } from '../optim/steps.js'
import { blobs, classifier } from './blobs.js'

const rate = (value: number) => (pairs: Gradients) => sgd(pairs, { rate: value })

/** One number w that is drawn to the mean of the examples: each step w <- w - 2 rate mean(w - x). */
const mover: TrainedModel = (p, { x }) => {
  const w = p.get('w', [1], () => new Float32Array(1))
  const apart = sub(x, w)
  return { loss: mean(mul(apart, apart)) }
}

test('the last, smaller batch is a step of its own size: the closed form of three steps', async () => {
  const x = floats([1, 2, 3, 4, 5], [5, 1])
  const { parameters, history } = await train(
    mover,
    { x },
    {
      epochs: 1,
      batchSize: 2,
      shuffle: false,
      threads: 1,
      optimiser: rate(0.25),
      validation: { x: floats([1, 3, 8], [3, 1]) },
    },
  )
  // Each step goes half the way to the mean of its batch, 1.5, 3.5, and 5 of the last alone.
  const w = [0, 0.75, 2.125, 3.5625]
  expect(numbers(parameters.w)).toEqual([w[3]])
  const square = (values: number[], at: number): number => values.reduce((s, v) => s + (v - at) ** 2, 0)
  const loss = (square([1, 2], w[0]) + square([3, 4], w[1]) + square([5], w[2])) / 5
  expect(history).toHaveLength(1)
  expect(history[0].step).toBe(3)
  expect(history[0].training.loss).toBeCloseTo(loss, 5)
  expect(history[0].validation?.loss).toBeCloseTo(square([1, 3, 8], w[3]) / 3, 5)
})

test('training learns, the same again by the same seed, in another order by another', async () => {
  const data = blobs(100, 'training')
  const run = async (seed: number, copy: Arrays = data) =>
    train(classifier, copy, {
      epochs: 8,
      batchSize: 16,
      seed,
      threads: 1,
      validation: blobs(50, 'validation'),
      optimiser: (pairs) => sgd(pairs, { rate: cosineDecay(0.5, 56), momentum: 0.9 }),
    })
  const [first, again, other] = [await run(1), await run(1), await run(2)]
  expect(first.history.at(-1)?.validation?.loss).toBeLessThan(0.15)
  expect(again.parameters).toEqual(first.parameters)
  expect(other.parameters).not.toEqual(first.parameters)
})

test('examples may be made when they are asked for, each once an epoch', async () => {
  const asked: number[][] = [[], []]
  const { history } = await train(
    mover,
    {
      count: 7,
      specs: { x: { dtype: 'float32', shape: [1] } },
      draw: async (indices) => {
        asked[asked[0].length < 7 ? 0 : 1].push(...indices)
        await new Promise((resolve) => setTimeout(resolve, 1))
        return { x: floats(indices, [indices.length, 1]) }
      },
    },
    { epochs: 2, batchSize: 3, threads: 1 },
  )
  expect(history.map(({ step }) => step)).toEqual([3, 6])
  const all = [0, 1, 2, 3, 4, 5, 6]
  expect(asked.map((list) => list.toSorted((a, b) => a - b))).toEqual([all, all])
  expect(asked[0]).not.toEqual(asked[1])
})

test('early stopping waits, stops, and leaves the best epoch', async () => {
  const seen: number[] = []
  const x = floats([0, 0], [2, 1])
  // A rate above 1 throws w further from 0 every time: the first epoch is the best.
  const initial = { w: floats([1]) }
  const { parameters, history } = await train(
    mover,
    { x },
    {
      epochs: 20,
      batchSize: 2,
      threads: 1,
      initial,
      optimiser: rate(1.1),
      validation: { x },
      callbacks: [
        earlyStopping({ patience: 2 }),
        { onEpoch: ({ validation }: Epoch) => void seen.push(validation?.loss ?? 0) },
      ],
    },
  )
  expect(history).toHaveLength(3)
  expect(seen[0]).toBeCloseTo(1.44, 5)
  expect(numbers(parameters.w)[0]).toBeCloseTo(-1.2, 6)
  await expect(
    train(mover, { x }, { epochs: 1, threads: 1, callbacks: [earlyStopping({ patience: 1, metric: 'f1' })] }),
  ).rejects.toThrow('metric (earlyStopping): got "f1", expected one of loss')
})

test('frozen parameters stay, others move on from the values given', async () => {
  const model: TrainedModel = (p, { x }) => {
    const h = linear(p.scope('base'), { inputs: 2, outputs: 2 })(dropout(p.scope('lost'), 0.5)(x))
    return { loss: mean(sum(linear(p.scope('head'), { inputs: 2, outputs: 1 })(h), 1)) }
  }
  const initial: Record<string, NamedArray> = { 'base.weight': floats([1, 2, 3, 4], [2, 2]) }
  const x = floats([1, 2, 3, 4, 5, 6], [3, 2])
  const { parameters } = await train(
    model,
    { x },
    { epochs: 2, batchSize: 2, threads: 1, initial, frozen: (name) => name.startsWith('base.') },
  )
  expect(parameters['base.weight']).toEqual(initial['base.weight'])
  const begun = new Parameters()
  model(begun, { x: input('x', [2, 2]) })
  expect(parameters['head.weight']).not.toEqual(begun.initialize(0)['head.weight'])
  // Two epochs of two steps: dropout has counted them.
  expect(numbers(parameters['lost.step'])).toEqual([4])
})

test('the search for a rate finds one that trains, and says where the loss grows', async () => {
  const data = blobs(64, 'training')
  const { suggested, rates, losses } = await findLearningRate(classifier, data, {
    batchSize: 16,
    from: 1e-4,
    to: 1000,
    steps: 80,
    threads: 1,
  })
  expect(rates[0]).toBeCloseTo(1e-4, 9)
  expect(rates.length).toBeLessThan(80)
  expect(losses.at(-1)).toBeGreaterThan(3 * Math.min(...losses))
  const { history } = await train(classifier, data, {
    epochs: 15,
    batchSize: 16,
    threads: 1,
    optimiser: rate(suggested),
  })
  expect(history[14].training.loss).toBeLessThan(0.7 * history[0].training.loss)
})

test('what does not fit is told before anything runs, and a loss that is no number where it happens', async () => {
  const x = floats([1, 2], [2, 1])
  await expect(train(mover, { x }, { epochs: 0 })).rejects.toThrow(
    'epochs (train): got 0, expected a whole number of at least 1',
  )
  await expect(train(mover, { x, y: floats([1]) }, { epochs: 1 })).rejects.toThrow(
    'data (train): got x [2, 1], y [1], expected arrays with the same number of examples first',
  )
  await expect(train(mover, { x }, { epochs: 1, initial: { v: floats([1]) } })).rejects.toThrow(
    `initial (train): got "v", expected names of the model's: w`,
  )
  const unreduced: TrainedModel = (p, { x: given }) => ({
    loss: sub(
      given,
      p.get('w', [1], () => new Float32Array(1)),
    ),
  })
  await expect(train(unreduced, { x }, { epochs: 1 })).rejects.toThrow(
    'train, output "loss" (shape): got [2, 1], expected a scalar; reduce it with mean',
  )
  const broken: TrainedModel = (p, { x: given }) => {
    const w = p.get('w', [2, 1], () => new Float32Array(2).fill(1))
    return { loss: meanSquaredError(mul(given, w), mul(given, 1e30)) }
  }
  await expect(train(broken, { x }, { epochs: 1, threads: 1 })).rejects.toThrow(
    /^loss \(train, step 1\): got Infinity, expected a number; lower the rate, or ask firstNonFinite/,
  )
})
