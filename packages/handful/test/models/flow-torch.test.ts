/** Flow matching against PyTorch (bench/reference/models/flow.py) with the same weights. */
import { openLocalSession } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { levelInputs } from '../../src/models/denoising/training-step.js'
import { fast, type FlowConfig, networkOf } from '../../src/models/flow/config.js'
import { flow } from '../../src/models/flow/flow.js'
import { followFlow, pathAt } from '../../src/models/flow/path.js'
import type { ImageShape } from '../../src/models/model.js'
import {
  checkDenoisingStep,
  levels,
  floats,
  openDenoiser,
  parameter,
  permuted,
  relative,
  torchCases,
} from './torch-values.js'

const image: ImageShape = { size: 7, channels: 3 }
const config: FlowConfig = {
  ...fast(image),
  width: 4,
  multipliers: [1, 2],
  blocks: 1,
  patch: 2,
  patchKernel: 3,
  groups: 2,
  attention: 1,
  batch: 3,
  clipNorm: 0,
  samplingSteps: 4,
}
const [training, way] = torchCases('flow.json', levels)
const { program, initialState } = flow.configure(config, image).train(10, 1)
const weights = Object.fromEntries(
  Object.keys(initialState).flatMap((name) =>
    name in training.inputs ? [[name, floats(parameter(training.inputs[name]))]] : [],
  ),
)

test('loss and gradients of a training step', async () => {
  const { inputs, attributes } = training
  const pixels = permuted(inputs.pixels, [0, 2, 3, 1])
  const session = await openLocalSession(program, { threads: 1, state: { ...initialState, ...weights } })
  const found = await session.run({
    image: { dtype: 'uint8', shape: pixels.shape, data: Uint8Array.from(pixels.data) },
    noise: floats(permuted(inputs.noise, [2, 3, 0, 1])),
    ...levelInputs(networkOf(config), attributes.levels.map(pathAt), () => 1),
  })
  const state = await session.readState()
  await session.close()

  checkDenoisingStep(found, state, training)
  expect(Object.keys(training.gradients).length).toBeGreaterThan(30)
})

test("the way from noise to images by Heun's steps", async () => {
  const session = await openDenoiser(networkOf(config), image, weights)
  const { noise } = training.inputs
  const { evaluations, remove } = followFlow(1000, config.samplingSteps, config.solver)
  const drawn = await remove(Float32Array.from(noise.data), {
    predict: async (x, at) => {
      const told = levelInputs(networkOf(config), [at, at, at], () => 1).embedding
      const { prediction } = await session.run({ x: floats({ shape: noise.shape, data: [...x] }), told })
      return prediction.data as Float32Array
    },
    fillNoise: () => expect.unreachable(),
  })
  await session.close()
  expect(evaluations).toBe(7)
  expect(relative(drawn, way.outputs.x)).toBeLessThan(1e-4)
})
