/** The VQ-VAE in both forms against PyTorch (bench/reference/models/vqvae.py) with the same weights. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ImageShape, Weights } from '../../src/models/model.js'
import { fast, vqVaeSchema } from '../../src/models/vqvae/config.js'
import { encodeCodes, vqVae } from '../../src/models/vqvae/vqvae.js'
import {
  batchFirst,
  bytes,
  floats,
  permuted,
  relative,
  torchCases,
  type TorchTensor,
} from './torch-values.js'
import { extract, takeStep } from './vae-support.js'

const attributes = z.looseObject({
  update: z.enum(['gradient', 'average']),
  size: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
})
const cases = torchCases('vqvae.json', attributes)

const parameter = (value: TorchTensor): TorchTensor =>
  value.shape.length === 4 ? permuted(value, [2, 3, 1, 0]) : value

for (const { name, attributes: given, inputs, outputs, gradients } of cases) {
  const { size, channels, update, ...own } = given
  const image: ImageShape = { size, channels }
  const { schedule, learningRate, weightDecay, warmUpSteps, codebook } = fast(image)
  const config = vqVaeSchema.parse({
    ...own,
    schedule,
    learningRate,
    weightDecay,
    warmUpSteps,
    codebook: update === 'gradient' ? { update } : codebook,
    emaHalfLife: 0,
  })
  const weights: Weights = Object.fromEntries(
    Object.entries(inputs)
      .filter(([key]) => !['pixels', 'target'].includes(key))
      .map(([key, value]) => [key, floats(parameter(value))]),
  )
  const pixels = bytes(inputs.pixels).data as Uint8Array

  test(`${name}: loss, its parts and gradients of a training step`, async () => {
    const trainable = vqVae.configure(config, image).train(10, 1)
    expect(Object.keys(trainable.initialState)).toEqual(expect.arrayContaining(Object.keys(weights)))
    const restarts = { dtype: 'int32' as const, shape: [config.codes], data: new Int32Array(config.codes) }
    const { outputs: found, state } = await takeStep(trainable, weights, {
      image: bytes(inputs.pixels),
      target: bytes(inputs.target),
      ...(update === 'average' ? { restarts } : {}),
    })
    for (const part of ['loss', 'reconstruction', 'codebook', 'commitment', 'perplexity']) {
      expect([part, relative(found[part].data as Float32Array, outputs[part]) < 1e-5]).toEqual([part, true])
    }
    expect(found.usage.data[0]).toBeCloseTo(new Set(outputs.codes.data).size / config.codes, 6)
    // The optimiser's first moment after its first step is the gradient.
    const wrong = Object.entries(gradients)
      .map(([key, expected]): [string, number] => [
        key,
        relative(state[`adam/m/${key}`].data as Float32Array, parameter(expected)),
      ])
      .filter(([, error]) => !(error < 1e-4))
    expect(wrong).toEqual([])
    expect('adam/m/codebook.weight' in state).toBe(update === 'gradient')
  })

  test(`${name}: all its layers, codes and image in use`, async () => {
    const layers = vqVae
      .configure(config, image)
      .layers()
      .map((layer) => layer.name)
    const found = await extract(
      vqVae.configure(config, image).features(weights, { layers, pooling: 'none' }),
      image,
      pixels,
    )
    for (const layer of layers) {
      const expected = outputs[layer].shape.length === 4 ? batchFirst(outputs[layer]) : outputs[layer]
      expect([layer, relative(found[layer], expected) < 1e-4]).toEqual([layer, true])
    }
    const codes = await encodeCodes(config, image, weights, pixels, { threads: 1 })
    expect([...codes]).toEqual(outputs.codes.data)
    const { mean, deviation } = config
    const expected = batchFirst(outputs.image).data.map((value, at) => {
      const channel = at % channels
      return Math.min(Math.max(value * deviation[channel] + mean[channel], 0), 1) * 255
    })
    const shown = await vqVae.configure(config, image).reconstruct?.(weights, pixels, { threads: 1 })
    expect(shown).toHaveLength(expected.length)
    const errors = expected.map((value, i) => Math.abs(value - Number(shown?.[i])))
    // Bytes are rounded.
    expect(errors.filter((error) => !(error < 0.51))).toEqual([])
  })
}
