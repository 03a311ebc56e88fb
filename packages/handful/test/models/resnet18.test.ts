/** ResNet-18 in both stems against PyTorch (bench/reference/models/resnet18.py) with the same weights. */
import {
  type Arrays,
  compile,
  crossEntropy,
  evaluate,
  gradients,
  input,
  inputName,
  openLocalSession,
  Parameters,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { toSignedRange } from '../../src/models/common.js'
import { resnet18, resnet18Presets } from '../../src/models/resnet18/resnet18.js'
import { PROBABILITIES, supervisedFeatures, untrainedWeights } from '../../src/models/supervised-network.js'
import { floats, parameter, permuted, torchCases, type TorchTensor } from './torch-values.js'

const attributesSchema = z.object({
  stem: z.enum(['imagenet', 'small']),
  width: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  size: z.int(),
  batch: z.int(),
  classes: z.int(),
})
const cases = torchCases('resnet18.json', attributesSchema)

const difference = (a: ArrayLike<unknown>, b: readonly number[]): number =>
  Math.max(...b.map((value, i) => Math.abs(value - Number(a[i])))) / Math.max(1e-2, ...b.map(Math.abs))

for (const { name, attributes, inputs, outputs, gradients: expectedGradients } of cases) {
  const { stem, width, size, channels, batch, classes } = attributes
  const network = resnet18({ stem, width })
  const shape = { size, channels }
  const pixels = permuted(inputs.pixels, [0, 2, 3, 1])
  const image: Arrays[string] = {
    dtype: 'uint8',
    shape: pixels.shape,
    data: Uint8Array.from(pixels.data),
  }

  test(`forward, loss, gradients and running statistics equal PyTorch's: ${name} stem`, async () => {
    const p = new Parameters('train')
    const seen = input('image', pixels.shape, 'uint8')
    const labels = input('labels', [batch], 'int32')
    const { logits } = network.build(p, shape, classes)(toSignedRange(seen))
    const loss = crossEntropy(logits, labels)
    const trained = p.trained().filter((tensor) => inputName(tensor) in expectedGradients)
    const found = { 'found logits': logits, 'found loss': loss }
    const named = gradients(loss, trained).map((each, i) => [`gradient ${inputName(trained[i])}`, each])
    const running = p.bufferUpdates().map(({ variable, next }) => [`next ${inputName(variable)}`, next])
    const all = { ...found, ...Object.fromEntries([...named, ...running]) } as Record<string, typeof loss>
    const feeds: Record<string, Arrays[string]> = {
      image,
      labels: { dtype: 'int32', shape: [batch], data: Int32Array.from(inputs.labels.data) },
    }
    for (const tensor of p.all()) feeds[inputName(tensor)] = floats(parameter(inputs[inputName(tensor)]))
    const session = await openLocalSession(compile({ inputs: [seen, labels, ...p.all()], outputs: all }), {
      threads: 1,
    })
    const single = await session.run(feeds)
    await session.close()
    const double = evaluate(
      Object.values(all),
      Object.fromEntries(Object.entries(feeds).map(([key, { data }]) => [key, data as Float32Array])),
    )
    expect(trained.length).toBe(p.trained().length - 3)
    const expected: Record<string, TorchTensor> = {
      'found logits': outputs.logits,
      'found loss': outputs.loss,
      ...Object.fromEntries(
        Object.entries(expectedGradients).map(([key, each]) => [`gradient ${key}`, parameter(each)]),
      ),
      ...Object.fromEntries(Object.entries(outputs).filter(([key]) => key.startsWith('next '))),
    }
    expect(Object.keys(expected).sort()).toEqual(Object.keys(all).sort())
    const wrong = Object.keys(all).flatMap((key, i) => {
      const errors = [
        difference(double[i], expected[key].data),
        difference(single[key].data, expected[key].data),
      ]
      return errors[0] < 1e-5 && errors[1] < 1e-4 ? [] : [`${key}: ${errors.join(', ')}`]
    })
    expect(wrong).toEqual([])
  })

  test(`the exported network uses running statistics and works at any batch: ${name} stem`, async () => {
    const weights = Object.fromEntries(
      Object.entries(inputs)
        .filter(([key]) => key !== 'pixels' && key !== 'labels')
        .map(([key, value]) => [key, floats(parameter(outputs[`next ${key}`] ?? value))]),
    )
    const { program } = supervisedFeatures(network, shape, classes, weights, {
      layers: ['layer2', 'mean'],
      pooling: '2x2',
    })
    const session = await openLocalSession(program, { threads: 1 })
    const together = await session.run({ image })
    const length = size * size * channels
    const first = (image.data as Uint8Array).slice(0, length)
    const alone = await session.run({
      image: { dtype: 'uint8', shape: [1, size, size, channels], data: first },
    })
    await session.close()
    const logits = Array.from({ length: batch }, (_, i) =>
      outputs.evaluated.data.slice(i * classes, (i + 1) * classes),
    )
    const expected = logits.flatMap((row) => {
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0)
      return row.map((value) => Math.exp(value) / total)
    })
    expect(difference(together[PROBABILITIES].data, expected)).toBeLessThan(1e-4)
    expect(difference(alone[PROBABILITIES].data, expected.slice(0, classes))).toBeLessThan(1e-4)
    expect(together.layer2.shape).toEqual([batch, 2 * 2 * 2 * width])
    expect(together.mean.shape).toEqual([batch, 8 * width])
  })
}

test('at full width it has the 11.2 million parameters of torchvision, named alike', () => {
  const weights = untrainedWeights(resnet18(resnet18Presets.imagenet), { size: 32, channels: 3 }, 10, 0)
  const trained = Object.entries(weights).filter(([name]) => !name.includes('running'))
  // torchvision's resnet18(num_classes=10): 11,181,642.
  expect(trained.reduce((sum, [, { data }]) => sum + data.length, 0)).toBe(11_181_642)
  expect(weights['layer2.0.downsample.0.weight'].shape).toEqual([1, 1, 64, 128])
  // Variance 2 / fan out.
  const { data } = weights['layer4.1.conv2.weight']
  const square = (data as Float32Array).reduce((sum, value) => sum + value * value, 0) / data.length
  expect(square / (2 / (9 * 512))).toBeCloseTo(1, 1)
})

test('a layer that does not exist is named with those that do', () => {
  const shape = { size: 8, channels: 1 } as const
  const network = resnet18({ stem: 'small', width: 1 })
  const weights = untrainedWeights(network, shape, 2, 0)
  expect(() =>
    supervisedFeatures(network, shape, 2, weights, { layers: ['layer5'], pooling: 'mean' }),
  ).toThrow(
    'layer (ResNet-18, 3x3 stem, width 1): got "layer5", expected one of stem, layer1, layer2, layer3, layer4, mean',
  )
})
