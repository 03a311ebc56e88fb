/** The diffusion model in both forms against PyTorch (bench/reference/models/diffusion.py) with the same weights. */
import { inputName, openLocalSession } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { levelInputs } from '../../src/models/denoising/training-step.js'
import { diffusion, lossWeight } from '../../src/models/diffusion/diffusion.js'
import { noiseSchedule } from '../../src/models/diffusion/schedule.js'
import { parameterNames, tiny } from './diffusion-tiny.js'
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

const [study, ddpm] = torchCases('diffusion.json', levels)

const forms = [
  { name: "the study's form", image: { size: 12, channels: 1 }, config: tiny.study, reference: study },
  { name: 'DDPM', image: { size: 7, channels: 3 }, config: tiny.ddpm, reference: ddpm },
] as const

test.each(forms)('loss and gradients of a training step, $name', async ({ image, config, reference }) => {
  const { inputs, attributes } = reference
  const { program, initialState } = diffusion.configure(config, image).train(10, 1)
  const weights = Object.fromEntries(
    Object.keys(initialState).flatMap((name) =>
      name in inputs ? [[name, floats(parameter(inputs[name]))]] : [],
    ),
  )
  const pixels = permuted(inputs.pixels, [0, 2, 3, 1])
  const session = await openLocalSession(program, { threads: 1, state: { ...initialState, ...weights } })
  const found = await session.run({
    image: { dtype: 'uint8', shape: pixels.shape, data: Uint8Array.from(pixels.data) },
    noise: floats(permuted(inputs.noise, [2, 3, 0, 1])),
    ...levelInputs(
      config,
      attributes.levels.map((level) => noiseSchedule(config.schedule).at(level)),
      (noise) => lossWeight(config, noise),
    ),
    ...Object.fromEntries(
      (program.inputs ?? [])
        .map(inputName)
        .flatMap((name) => (name.startsWith('dropout') ? [[name, floats(inputs[name])]] : [])),
    ),
  })
  const state = await session.readState()
  await session.close()

  checkDenoisingStep(found, state, reference)
  expect(Object.keys(weights).length).toBe(
    Object.keys(initialState).filter((name) => name.startsWith('ema/')).length,
  )
})

test('DDPM: the exported network predicts the same', async () => {
  const { image, config, reference } = forms[1]
  const { inputs, outputs, attributes } = reference
  const weights = Object.fromEntries(
    parameterNames(config, image).map((name) => [name, floats(parameter(inputs[name]))]),
  )
  const noises = attributes.levels.map((level) => noiseSchedule('linear').at(level))
  const numbers = image.size ** 2 * image.channels
  const noisy = inputs.pixels.data.map((pixel, at) => {
    const { alpha, sigma } = noises[Math.floor(at / numbers)]
    return alpha * (pixel / 127.5 - 1) + sigma * inputs.noise.data[at]
  })
  const session = await openDenoiser(config, image, weights)
  const told = levelInputs(config, noises, () => 1).embedding
  const { prediction } = await session.run({ x: floats({ shape: inputs.noise.shape, data: noisy }), told })
  await session.close()
  expect(relative(prediction.data as Float32Array, outputs.prediction)).toBeLessThan(1e-4)
})
