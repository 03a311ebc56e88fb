/** The three VAEs against PyTorch (bench/reference/models/vae.py) with the same weights. */
import { openLocalSession } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ImageShape, Weights } from '../../src/models/model.js'
import { vae } from '../../src/models/vae/vae.js'
import { fast, vaeSchema } from '../../src/models/vae/config.js'
import {
  batchFirst,
  bytes,
  floats,
  permuted,
  relative,
  torchCases,
  type TorchTensor,
} from './torch-values.js'
import { takeStep } from './vae-support.js'

const attributes = z.looseObject({
  network: z.string(),
  size: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
})
const cases = torchCases('vae.json', attributes)

/**
 * A parameter in the engine's layout. PyTorch's filters are [out, in, h, w] and its matrices [out, in]; rows of an image
 * are in the order c, h, w there and h, w, c here.
 */
function parameter(name: string, value: TorchTensor, side: number): TorchTensor {
  const { shape, data } = value
  if (shape.length === 4) return permuted(value, [2, 3, 1, 0])
  const numbers = side * side
  if (name === 'encoder.hidden.weight') {
    const apart = { shape: [shape[0], shape[1] / numbers, side, side], data }
    return { shape: [shape[1], shape[0]], data: permuted(apart, [2, 3, 1, 0]).data }
  }
  if (name.startsWith('decoder.spread.')) {
    const apart = { shape: [shape[0] / numbers, side, side, ...shape.slice(1)], data }
    const moved = permuted(apart, shape.length === 2 ? [3, 1, 2, 0] : [1, 2, 0])
    return { shape: shape.toReversed(), data: moved.data }
  }
  return shape.length === 2 ? permuted(value, [1, 0]) : value
}

for (const { name, attributes: given, inputs, outputs, gradients } of cases) {
  const { size, channels, ...own } = given
  const image: ImageShape = { size, channels }
  const { schedule, learningRate, weightDecay, warmUpSteps, invariance } = fast(image)
  const config = vaeSchema.parse({
    ...own,
    schedule,
    learningRate,
    weightDecay,
    warmUpSteps,
    emaHalfLife: 0,
    invariance,
  })
  const side = Math.ceil(size / 4)
  const weights: Weights = Object.fromEntries(
    Object.entries(inputs)
      .filter(([key]) => !['pixels', 'target', 'noise'].includes(key))
      .map(([key, value]) => [key, floats(parameter(key, value, side))]),
  )

  test(`${name}: loss, its parts, gradients and statistics of a training step`, async () => {
    const trainable = vae.configure(config, image).train(10, 1)
    expect(Object.keys(trainable.initialState)).toEqual(expect.arrayContaining(Object.keys(weights)))
    const { outputs: found, state } = await takeStep(trainable, weights, {
      image: bytes(inputs.pixels),
      target: bytes(inputs.target),
      noise: floats(inputs.noise),
    })
    for (const part of ['loss', 'reconstruction', 'divergence']) {
      expect([part, relative(found[part].data as Float32Array, outputs[part]) < 1e-5]).toEqual([part, true])
    }
    // The optimiser's first moment after its first step is the gradient. That of a bias before batch norm is zero, and
    // what rounding leaves of it is in proportion to the other gradients.
    const largest = Math.max(...Object.values(gradients).flatMap(({ data }) => data.map(Math.abs)))
    const wrong = Object.entries(gradients)
      .map(([key, expected]): [string, number] => {
        const zero = Math.max(...expected.data.map(Math.abs)) < 1e-9
        const got = state[`adam/m/${key}`].data as Float32Array
        return [key, relative(got, parameter(key, expected, side), zero ? largest : undefined)]
      })
      .filter(([, error]) => !(error < 1e-4))
    expect(wrong).toEqual([])
    for (const [key, expected] of Object.entries(outputs).filter(([each]) => each.startsWith('after '))) {
      const buffer = key.slice('after '.length)
      expect([key, relative(state[buffer].data as Float32Array, expected) < 1e-5]).toEqual([key, true])
      // Without averaging, what is kept for use is the latest.
      expect(state[`ema/${buffer}`].data).toEqual(state[buffer].data)
    }
  })

  test(`${name}: all its layers and its image in use`, async () => {
    const layers = vae
      .configure(config, image)
      .layers()
      .map((layer) => layer.name)
    const { program } = vae.configure(config, image).features(weights, { layers, pooling: 'none' })
    const session = await openLocalSession(program, { threads: 1 })
    const found = await session.run({ image: bytes(inputs.pixels) })
    await session.close()
    for (const layer of layers) {
      const expected = outputs[layer].shape.length === 4 ? batchFirst(outputs[layer]) : outputs[layer]
      expect([layer, relative(found[layer].data as Float32Array, expected) < 1e-4]).toEqual([layer, true])
    }
    const shown = await vae
      .configure(config, image)
      .reconstruct?.(weights, bytes(inputs.pixels).data as Uint8Array, {
        threads: 1,
      })
    const expected = batchFirst(outputs.image).data.map((value) => Math.min(Math.max(value, 0), 1) * 255)
    expect(shown).toHaveLength(expected.length)
    const errors = expected.map((value, i) => Math.abs(value - Number(shown?.[i])))
    // Bytes are rounded.
    expect(errors.filter((error) => !(error < 0.51))).toEqual([])
  })
}
