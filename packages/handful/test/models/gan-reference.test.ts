/** The GAN's networks, losses and their gradients against PyTorch's (bench/reference/models/gan.py), same weights. */
import { readFileSync } from 'node:fs'
import {
  add,
  type Arrays,
  compile,
  evaluate,
  gradients,
  input,
  inputName,
  mul,
  openLocalSession,
  Parameters,
  sizeOf,
  slice,
  sub,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { fast, type GanConfig, geometry } from '../../src/models/gan/config.js'
import { noisePlanes } from '../../src/models/gan/network-images.js'
import {
  discriminatorLoss,
  generatorLoss,
  pathLengthLoss,
  r1Loss,
  reconstructionLoss,
} from '../../src/models/gan/losses.js'
import { discriminator, encoder, generator, mapping } from '../../src/models/gan/networks.js'

const array = z.object({ shape: z.array(z.int()), data: z.array(z.number()) })
type TorchArray = z.infer<typeof array>
const attributes = z.object({
  latent: z.int(),
  hidden: z.int(),
  mappingLayers: z.int(),
  mappingRate: z.number(),
  discriminatorLayers: z.int(),
  batch: z.int(),
  size: z.int(),
  patch: z.int(),
  colours: z.union([z.literal(1), z.literal(3)]),
  channels: z.array(z.int()),
  deviationGroup: z.int().nullable(),
})
const arrays = z.record(z.string(), array)
const file = z.object({
  cases: z.array(
    z.object({ name: z.string(), attributes, inputs: arrays, outputs: arrays, gradients: arrays }),
  ),
})
const { cases } = file.parse(
  JSON.parse(readFileSync(new URL('../reference/gan.json', import.meta.url), 'utf8')),
)

function permuted({ shape, data }: TorchArray, order: readonly number[]): TorchArray {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
  const to = order.map((axis) => shape[axis])
  const values = data.map((_, i) => {
    let rest = i
    let at = 0
    for (let axis = to.length - 1; axis >= 0; axis--) {
      at += (rest % to[axis]) * strides[order[axis]]
      rest = Math.floor(rest / to[axis])
    }
    return data[at]
  })
  return { shape: to, data: values }
}

const image = (value: TorchArray): TorchArray => permuted(value, [2, 3, 0, 1])

/** A PyTorch parameter in the engine's layout: filters, linear weights, and rows of an image in the order h, w, c. */
function parameter(name: string, value: TorchArray, base: number): TorchArray {
  if (name.endsWith('.constant')) return image(value)
  if (value.shape.length === 4) return permuted(value, [2, 3, 1, 0])
  if (!name.endsWith('hidden.weight')) return value.shape.length === 2 ? permuted(value, [1, 0]) : value
  const [hidden, numbers] = value.shape
  const apart = { shape: [hidden, numbers / base ** 2, base, base], data: value.data }
  return { shape: [numbers, hidden], data: permuted(apart, [2, 3, 1, 0]).data }
}

for (const { name, attributes: given, inputs, outputs, gradients: expectedGradients } of cases) {
  test(`networks, losses and gradients equal PyTorch's: ${name}`, async () => {
    const { colours, ...own } = given
    const shape = { size: given.size, channels: colours }
    const config: GanConfig = { ...fast(shape), ...own }
    const { base, styles: count, noiseSides } = geometry(config, shape)
    const { batch, latent, size } = config

    const p = new Parameters('train')
    const [F, D] = [mapping(p.scope('mapping'), config), discriminator(p.scope('discriminator'), config)]
    const G = generator(p.scope('generator'), config, shape)
    const E = encoder(p.scope('encoder'), config, shape)
    const x = input('x', [size, size, batch, colours])
    const [first, second] = ['z', 'second z'].map((each) => input(each, [batch, latent]))
    const mixing = input('mixing', [count])
    const noise = input('noise', inputs.noise.shape.toReversed().concat(1))
    const directions = input('directions', x.shape)
    const running = input('path/mean', [])

    const w = F(first)
    const other = F(second)
    const mixed = Array.from({ length: count }, (_, i) =>
      add(other, mul(sub(w, other), slice(mixing, 0, i, i + 1))),
    )
    const planes = noisePlanes(noise, noiseSides)
    const picture = G(mixed, planes)
    const code = E(x).w
    const [real, fake] = [D(code), D(E(picture).w)]
    const pixels = picture.shape[0] * picture.shape[1]
    const path = pathLengthLoss(picture, mixed, directions, running, { weight: 2, every: 4, pixels })
    const losses: Readonly<Record<string, readonly [Tensor, readonly string[]]>> = {
      discriminator: [discriminatorLoss(real, fake).total, ['discriminator', 'encoder']],
      r1: [r1Loss(x, real, { gamma: 10, every: 16 }).total, ['discriminator', 'encoder']],
      generator: [generatorLoss(fake).total, ['mapping', 'generator']],
      path: [path.total, ['mapping', 'generator']],
      reconstruction: [
        reconstructionLoss(w, E(G(new Array<Tensor>(count).fill(w), planes)).w, 1).total,
        ['mapping', 'generator', 'encoder'],
      ],
    }
    const found: Record<string, Tensor> = {
      'found w': w,
      'found image': picture,
      'found code': code,
      'found score': real,
      'found pathMean': path.runningNext,
    }
    const expected: Record<string, TorchArray> = {}
    for (const key of ['w', 'image', 'code', 'score', 'pathMean']) {
      expected[`found ${key}`] = key === 'image' ? image(outputs[key]) : outputs[key]
    }
    for (const [loss, [total, networks]] of Object.entries(losses)) {
      found[`found ${loss}`] = total
      expected[`found ${loss}`] = outputs[loss]
      const targets = networks.flatMap((network) => p.trained(`${network}.`))
      gradients(total, targets).forEach((gradient, i) => {
        const key = `${loss}: ${inputName(targets[i])}`
        found[key] = gradient
        expected[key] = parameter(inputName(targets[i]), expectedGradients[key], base)
      })
    }
    expect(Object.keys(expected).length - 10).toBe(Object.keys(expectedGradients).length)

    const values = (value: TorchArray): Arrays[string] => ({
      dtype: 'float32',
      shape: value.shape,
      data: Float32Array.from(value.data),
    })
    const feeds: Record<string, Arrays[string]> = {
      x: values(image(inputs.x)),
      z: values(inputs.z),
      'second z': values(inputs['second z']),
      mixing: values(inputs.mixing),
      noise: { ...values(permuted(inputs.noise, [1, 0])), shape: noise.shape },
      directions: values(image(inputs.directions)),
      'path/mean': { dtype: 'float32', shape: [], data: Float32Array.of(0.5) },
    }
    for (const tensor of p.all()) {
      const key = inputName(tensor)
      feeds[key] =
        key in inputs
          ? values(parameter(key, inputs[key], base))
          : { dtype: 'float32', shape: [], data: new Float32Array(1) }
    }
    const all = [x, first, second, mixing, noise, directions, running, ...p.all()]
    const session = await openLocalSession(compile({ inputs: all, outputs: found }), { threads: 1 })
    const single = await session.run(feeds)
    await session.close()
    const names = Object.keys(expected)
    const feedsInDouble = Object.fromEntries(
      Object.entries(feeds).map(([key, { data }]) => [key, data as Float32Array]),
    )
    const double = evaluate(
      names.map((key) => found[key]),
      feedsInDouble,
    )
    const wrong = names.flatMap((key, i) => {
      const { shape: expectedShape, data } = expected[key]
      expect([key, found[key].shape]).toEqual([key, expectedShape])
      const size = Math.max(...data.map(Math.abs))
      const error = (values: ArrayLike<unknown>): number =>
        Math.max(...data.map((value, k) => Math.abs(value - Number(values[k]))))
      const errors = [error(double[i]) / Math.max(size, 1e-3), error(single[key].data) / Math.max(size, 0.1)]
      return errors[0] < 1e-5 && errors[1] < 1e-4
        ? []
        : [`${key}: ${errors.map((each) => each.toExponential(1)).join(', ')} of ${size}`]
    })
    expect(wrong).toEqual([])
  })
}
