/** The registry of parameters: names, scopes, reproducible initial values with the promised statistics. */
import {
  batchNorm,
  convolution,
  embedding,
  filled,
  groupNorm,
  heNormal,
  input,
  inputName,
  layerNorm,
  linear,
  normal,
  ones,
  Parameters,
  rmsNorm,
  torchDefault,
  transposedConvolution,
  uniform,
  zeros,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'

const statistics = (
  data: ArrayLike<number>,
): { mean: number; deviation: number; least: number; most: number } => {
  const values = Array.from(data)
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)
  return { mean, deviation, least: Math.min(...values), most: Math.max(...values) }
}

test('scopes are prefixes, and a registry lists what was asked for in order', () => {
  const p = new Parameters()
  const encoder = p.scope('encoder')
  linear(encoder.scope('first'), { inputs: 3, outputs: 4 })
  batchNorm(encoder.scope('norm'), 4)
  linear(p.scope('head'), { inputs: 4, outputs: 2, bias: false })
  expect(p.trained().map(inputName)).toEqual([
    'encoder.first.weight',
    'encoder.first.bias',
    'encoder.norm.weight',
    'encoder.norm.bias',
    'head.weight',
  ])
  expect(encoder.trained('encoder.norm.').map(inputName)).toEqual([
    'encoder.norm.weight',
    'encoder.norm.bias',
  ])
  expect(p.all().map(inputName)).toContain('encoder.norm.running_var')
  expect(p.count).toBe(3 * 4 + 4 + 4 + 4 + 4 * 2)
})

test('a name may be taken once, and a foreign tensor is no buffer', () => {
  const p = new Parameters()
  linear(p.scope('head'), { inputs: 3, outputs: 2 })
  expect(() => linear(p.scope('head'), { inputs: 3, outputs: 2 })).toThrow(
    'parameter (name): got "head.weight" twice, expected each once; put a scope around it',
  )
  expect(() => p.update(input('other', [1]), input('next', [1]))).toThrow(
    'parameter (update): got a tensor that is no buffer',
  )
})

test('the same seed gives the same values, whatever else the model has', () => {
  const build = (withMore: boolean): Parameters => {
    const p = new Parameters()
    if (withMore) linear(p.scope('extra'), { inputs: 5, outputs: 5 })
    linear(p.scope('head'), { inputs: 8, outputs: 8 })
    return p
  }
  const [alone, more] = [build(false).initialize(7), build(true).initialize(7)]
  expect(more['head.weight']).toEqual(alone['head.weight'])
  expect(build(false).initialize(8)['head.weight']).not.toEqual(alone['head.weight'])
  // Not the same numbers under another name.
  expect(more['extra.weight'].data.slice(0, 5)).not.toEqual(more['head.weight'].data.slice(0, 5))
})

test('initial values have the mean, spread and bounds that their names promise', () => {
  const size = 40_000
  const p = new Parameters()
  p.get('zeros', [3], zeros)
  p.get('ones', [3], ones)
  p.get('filled', [3], filled(0.5))
  p.get('uniform', [size], uniform(0.25))
  p.get('normal', [size], normal(2))
  p.get('he', [size], heNormal(50))
  p.get('torch', [size], torchDefault(16))
  const values = p.initialize(0)
  expect(['zeros', 'ones', 'filled'].map((name) => Array.from(values[name].data as Float32Array))).toEqual([
    [0, 0, 0],
    [1, 1, 1],
    [0.5, 0.5, 0.5],
  ])
  const expected = { uniform: 0.25 / Math.sqrt(3), normal: 2, he: 0.2, torch: 0.25 / Math.sqrt(3) }
  for (const [name, deviation] of Object.entries(expected)) {
    const found = statistics(values[name].data as Float32Array)
    // Four standard errors of a mean and of a deviation.
    expect(Math.abs(found.mean), name).toBeLessThan((4 * deviation) / Math.sqrt(size))
    expect(Math.abs(found.deviation / deviation - 1), name).toBeLessThan(4 / Math.sqrt(2 * size))
  }
  for (const name of ['uniform', 'torch']) {
    const { least, most } = statistics(values[name].data as Float32Array)
    expect([least >= -0.25, most <= 0.25, least < -0.2499, most > 0.2499]).toEqual([true, true, true, true])
  }
})

test('layers draw from the bounds that PyTorch uses', () => {
  const p = new Parameters()
  linear(p.scope('linear'), { inputs: 100, outputs: 64 })
  convolution(p.scope('conv'), { inChannels: 8, outChannels: 64, kernel: [3, 5], groups: 2 })
  transposedConvolution(p.scope('up'), { inChannels: 64, outChannels: 8, kernel: 3, groups: 2 })
  groupNorm(p.scope('group'), 6, 2)
  layerNorm(p.scope('layer'), 6)
  rmsNorm(p.scope('rms'), 6)
  embedding(p.scope('table'), { count: 100, channels: 20 })
  const values = p.initialize(1)
  // 1 / sqrt(fan in), with PyTorch's count of it: weight.size(1) times the kernel.
  const bounds = { linear: 0.1, conv: 1 / Math.sqrt(4 * 15), up: 1 / Math.sqrt(4 * 9) }
  for (const [name, bound] of Object.entries(bounds)) {
    for (const part of ['weight', 'bias']) {
      const { least, most } = statistics(values[`${name}.${part}`].data as Float32Array)
      expect(Math.max(-least, most), `${name}.${part}`).toBeLessThanOrEqual(Math.fround(bound))
    }
    const { least, most } = statistics(values[`${name}.weight`].data as Float32Array)
    expect(Math.max(-least, most), name).toBeGreaterThan(0.98 * bound)
  }
  expect(values['conv.weight'].shape).toEqual([3, 5, 4, 64])
  expect(values['up.weight'].shape).toEqual([3, 3, 4, 64])
  expect([
    ...(values['group.weight'].data as Float32Array),
    ...(values['layer.bias'].data as Float32Array),
  ]).toEqual([...new Array<number>(6).fill(1), ...new Array<number>(6).fill(0)])
  expect(Object.keys(values)).not.toContain('rms.bias')
  expect(statistics(values['table.weight'].data as Float32Array).deviation).toBeCloseTo(1, 1)
})

test("with an initializer of one's own the bias begins at zero", () => {
  const p = new Parameters()
  linear(p, { inputs: 4, outputs: 3, initialize: ones })
  const values = p.initialize(0)
  expect(Array.from(values.bias.data as Float32Array)).toEqual([0, 0, 0])
  expect(new Set(values.weight.data as Float32Array)).toEqual(new Set([1]))
})
