/** Random small networks: the ordinary form equals the training graph, whatever follows what. */
import {
  add,
  averagePool,
  batchNorm,
  concat,
  convolution,
  flattenImage,
  gelu,
  groupNorm,
  input,
  layerNorm,
  leakyRelu,
  linear,
  maxPool,
  mean,
  mul,
  normal,
  padImage,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  resizeBilinear,
  silu,
  slice,
  softmax,
  type Tensor,
  transposedConvolution,
  upsampleNearest,
} from 'onnx-autodiff'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Build, worstDifference } from './ordinary.js'

/** A layer given two numbers to make its choices by; it gives back its input where it does not fit. */
type Choice = (x: Tensor, p: Parameters, a: number, b: number) => Tensor

const divides = (by: number, ...extents: number[]): boolean => extents.every((extent) => extent % by === 0)

const layers: Record<string, Choice> = {
  convolution: (x, p, a, b) => {
    const groups = divides(2, x.shape[3]) && b === 2 ? 2 : 1
    return convolution(p, {
      inChannels: x.shape[3],
      outChannels: 2 + 2 * a,
      kernel: [3, 1 + b],
      padding: [1, 1, b, a],
      stride: 1 + (a % 2),
      groups,
    })(x)
  },
  transposed: (x, p, a, b) =>
    transposedConvolution(p, {
      inChannels: x.shape[3],
      outChannels: 1 + a,
      kernel: 2 + b,
      padding: Math.min(...x.shape.slice(0, 2)) > 1 ? a % 2 : 0,
      stride: 1 + (a % 2),
    })(x),
  groupNorm: (x, p, a) => groupNorm(p, x.shape[3], divides(2, x.shape[3]) && a > 0 ? 2 : 1)(x),
  batchNorm: (x, p) => batchNorm(p, x.shape[3])(x),
  layerNorm: (x, p) => (x.shape[3] > 2 ? layerNorm(p, x.shape[3])(x) : x),
  linear: (x, p, a) => linear(p, { inputs: x.shape[3], outputs: 1 + a })(x),
  activation: (x, _, a, b) => [relu, silu, gelu, leakyRelu][(a + b) % 4](x),
  softmax: (x) => softmax(x, 3),
  averagePool: (x, _, a) =>
    Math.min(...x.shape.slice(0, 2)) > 1 ? averagePool(x, 2, { stride: 1 + (a % 2) }) : x,
  maxPool: (x, _, a) =>
    Math.min(...x.shape.slice(0, 2)) > 2 ? maxPool(x, 3, { stride: 1 + (a % 2), padding: a % 2 }) : x,
  upsample: (x) => (x.shape[0] < 10 ? upsampleNearest(x, 2) : x),
  bilinear: (x, _, a, b) => resizeBilinear(x, [3 + a, 3 + b]),
  pad: (x, _, a, b) => padImage(x, [a, b, 0, 1]),
  shuffle: (x) => (divides(4, x.shape[3]) ? pixelShuffle(x, 2) : x),
  unshuffle: (x) => (divides(2, ...x.shape.slice(0, 2)) ? pixelUnshuffle(x, 2) : x),
  scale: (x, p) => mul(x, p.get('scale', [x.shape[3]], normal(1))),
  gate: (x) => mul(x, softmax(mean(x, [0, 1]))),
  residual: (x, p) =>
    add(x, convolution(p, { inChannels: x.shape[3], outChannels: x.shape[3], kernel: 3, padding: 1 })(x)),
  dense: (x, p) => (x.shape[3] < 9 ? concat([x, linear(p, { inputs: x.shape[3], outputs: 2 })(x)], 3) : x),
  slice: (x) => (x.shape[3] > 1 ? slice(x, 3, 1, x.shape[3]) : x),
}

const network = fc.array(
  fc.record({
    layer: fc.constantFrom(...Object.keys(layers)),
    a: fc.integer({ min: 0, max: 2 }),
    b: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 7 },
)

test('a random network has the same outputs in both forms', async () => {
  const property = fc.asyncProperty(
    network,
    fc.constantFrom(1, 2, 5),
    fc.boolean(),
    async (plan, batch, flat) => {
      const build: Build = (p, n) => {
        const image = input('image', [4, 6, n, 3])
        const apply = (x: Tensor, { layer, a, b }: (typeof plan)[number], i: number): Tensor =>
          layers[layer](x, p.scope(`layer${i}`), a, b)
        const h = plan.reduce<Tensor>(apply, image)
        const rows = flat ? flattenImage(h) : mean(h, [0, 1])
        const y = linear(p.scope('head'), { inputs: rows.shape[1], outputs: 3 })(rows)
        return { inputs: [image], outputs: { features: h, y } }
      }
      expect(await worstDifference(build, [batch])).toBeLessThan(1e-4)
    },
  )
  await fc.assert(property, { numRuns: 40, seed: 11 })
})
