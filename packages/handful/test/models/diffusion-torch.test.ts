/** The diffusion model in both forms against PyTorch (bench/reference/models/diffusion.py) with the same weights. */
import { readFileSync } from 'node:fs'
import { type Arrays, BATCH_MARKER, input, inputName, openLocalSession, Parameters } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { DiffusionConfig } from '../../src/models/diffusion/config.js'
import { levelInputs } from '../../src/models/denoising/training-step.js'
import { diffusion, lossWeight } from '../../src/models/diffusion/diffusion.js'
import { noiseSchedule } from '../../src/models/diffusion/schedule.js'
import { denoiser, embeddingSize } from '../../src/models/denoising/unet.js'
import type { ImageShape } from '../../src/models/model.js'
import { parameterNames, tiny } from './diffusion-tiny.js'

const tensorSchema = z.object({ shape: z.array(z.int()), data: z.array(z.number()) })
type TorchTensor = z.infer<typeof tensorSchema>
const record = z.record(z.string(), tensorSchema)
const caseSchema = z.object({
  attributes: z.looseObject({ levels: z.array(z.number()) }),
  inputs: record,
  outputs: record,
  gradients: record,
})
const file = new URL('../reference/diffusion.json', import.meta.url)
const [study, ddpm] = z
  .object({ cases: z.tuple([caseSchema, caseSchema]) })
  .parse(JSON.parse(readFileSync(file, 'utf8'))).cases

/** The tensor with its axes in another order. */
function permuted({ shape, data }: TorchTensor, order: readonly number[]): TorchTensor {
  const to = order.map((axis) => shape[axis])
  const stride = (extents: readonly number[], axis: number): number =>
    extents.slice(axis + 1).reduce((a, b) => a * b, 1)
  const moved = data.map((_, at) => {
    const index = to.map((extent, axis) => Math.floor(at / stride(to, axis)) % extent)
    return data[order.reduce((offset, axis, i) => offset + index[i] * stride(shape, axis), 0)]
  })
  return { shape: to, data: moved }
}

/** PyTorch's filters are [out, in, h, w] and its matrices [out, in]. */
const parameter = (value: TorchTensor): TorchTensor =>
  value.shape.length === 4
    ? permuted(value, [2, 3, 1, 0])
    : value.shape.length === 2
      ? permuted(value, [1, 0])
      : value

const floats = ({ shape, data }: TorchTensor): Arrays[string] => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

/** The largest difference in units of the largest expected value. */
function relative(got: ArrayLike<number>, { data }: TorchTensor): number {
  const scale = Math.max(...data.map(Math.abs))
  expect(got.length).toBe(data.length)
  return Math.max(...data.map((value, i) => Math.abs(got[i] - value))) / scale
}

const forms = [
  { name: "the study's form", image: { size: 12, channels: 1 }, config: tiny.study, reference: study },
  { name: 'DDPM', image: { size: 7, channels: 3 }, config: tiny.ddpm, reference: ddpm },
] as const

test.each(forms)('loss and gradients of a training step, $name', async ({ image, config, reference }) => {
  const { inputs, outputs, gradients, attributes } = reference
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

  // A batch of three: its thirds are its images.
  const errors = ['lowNoise', 'middleNoise', 'highNoise'].map((name) => Number(found[name].data[0]))
  expect(relative(errors, outputs.errors)).toBeLessThan(1e-4)
  expect(relative(found.loss.data as Float32Array, outputs.loss)).toBeLessThan(1e-4)
  // The optimiser keeps m / (1 - beta1), which is the gradient itself after the first step.
  const moment = (name: string): Float32Array => state[`adam/m/${name}`].data as Float32Array
  const wrong = Object.entries(gradients)
    .map(([name, expected]) => [name, relative(moment(name), parameter(expected))] as const)
    .filter(([, error]) => !(error < 1e-4))
  expect(wrong).toEqual([])
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
  const prediction = await predictExported(
    config,
    image,
    weights,
    { shape: inputs.noise.shape, data: noisy },
    levelInputs(config, noises, () => 1).embedding,
  )
  expect(relative(prediction, outputs.prediction)).toBeLessThan(1e-4)
})

async function predictExported(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Arrays,
  noisy: TorchTensor,
  embedding: Arrays[string],
): Promise<Float32Array> {
  const x = input('x', [image.size, image.size, BATCH_MARKER, image.channels])
  const told = input('told', [BATCH_MARKER, embeddingSize(config)])
  const { prediction } = denoiser(new Parameters('evaluate'), config, image)(x, told)
  const session = await openLocalSession(
    { inputs: [x, told], outputs: { prediction }, parameters: weights },
    { threads: 1 },
  )
  try {
    return (await session.run({ x: floats(noisy), told: embedding })).prediction.data as Float32Array
  } finally {
    await session.close()
  }
}
