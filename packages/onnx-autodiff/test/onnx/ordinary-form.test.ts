/** What an exported model looks like from outside: its operators, names and shapes; and what cannot be exported. */
import {
  averagePool,
  batchNorm,
  BATCH_MARKER,
  concat,
  constant,
  convolution,
  crossEntropy,
  decodeModel,
  encodeModel,
  exportModel,
  compile,
  expand,
  flattenImage,
  groupNorm,
  input,
  type Layer,
  linear,
  maxPool,
  mean,
  mul,
  normal,
  pad,
  Parameters,
  relu,
  reshape,
  sequence,
  slice,
  sum,
  sumOverSlices,
  type Tensor,
  transposedConvolution,
  upsampleNearest,
} from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { operators } from '../run.js'
import { exported, onImage, onRows, values } from './ordinary.js'

/** A small classifier with one layer of most kinds. */
const classifier = onImage(
  (x, p) => {
    const conv = (name: string, inChannels: number, outChannels: number): Layer =>
      convolution(p.scope(name), { inChannels, outChannels, kernel: 3, padding: 1 })
    const features = sequence(
      conv('first', 3, 8),
      batchNorm(p.scope('norm'), 8),
      relu,
      (h) => maxPool(h, 2),
      conv('second', 8, 8),
      (h) => averagePool(h, 2),
      (h) => upsampleNearest(h, 2),
      transposedConvolution(p.scope('third'), { inChannels: 8, outChannels: 4, kernel: 2, stride: 2 }),
    )
    return linear(p.scope('head'), { inputs: 4, outputs: 10 })(mean(features(x), [0, 1]))
  },
  [8, 8, 3],
)

test('layers become the operators that they are known by, a bias part of its convolution', () => {
  expect(operators(exported(classifier).model)).toEqual({
    Add: 1,
    AveragePool: 1,
    BatchNormalization: 1,
    Conv: 2,
    ConvTranspose: 1,
    Identity: 1,
    MatMul: 1,
    MaxPool: 1,
    ReduceMean: 1,
    Relu: 1,
    Resize: 1,
  })
  const convolutions = exported(classifier).model.graph.nodes.filter(({ op }) => op === 'Conv')
  expect(convolutions.map(({ inputs }) => inputs.slice(1))).toEqual([
    ['first.weight', 'first.bias'],
    ['second.weight', 'second.bias'],
  ])
})

test('parameters keep their names and are laid out as PyTorch has them', () => {
  const { model, parameters } = exported(classifier)
  const shapes = Object.fromEntries(model.graph.initializers.map(({ name, shape }) => [name, shape]))
  expect(Object.keys(parameters).every((name) => name in shapes)).toBe(true)
  expect(shapes).toMatchObject({
    'first.weight': [8, 3, 3, 3],
    'third.weight': [8, 4, 2, 2],
    'norm.running_var': [8],
    'head.weight': [4, 10],
  })
})

test('the batch is the one dimension that is open, and images are NCHW', () => {
  const { model } = exported(classifier)
  expect(model.graph.inputs).toEqual([{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }])
  expect(model.graph.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['batch', 10] }])
  const doubled = exported(onImage((x) => concat([x, x], 2)))
  expect(doubled.model.graph.outputs[0].shape).toEqual(['batch_times_2', 4, 6, 5])
  const marker = new RegExp(`\\b${BATCH_MARKER}\\b`)
  expect(
    marker.test(
      JSON.stringify(model, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
    ),
  ).toBe(false)
})

test('a program names open dimensions by -1, and metadata goes into the file', () => {
  const p = new Parameters('evaluate')
  const built = classifier(p, BATCH_MARKER)
  const parts = { ...built, parameters: values(p), metadata: { classes: 'cat,dog' } }
  const program = compile(parts)
  expect(program.inputs).toEqual({ image: { dtype: 'float32', shape: [-1, 3, 8, 8] } })
  expect(program.outputs).toEqual({ y: { dtype: 'float32', shape: [-1, 10] } })
  expect(program.state).toEqual({})
  expect(decodeModel(program.model).metadata).toEqual({ classes: 'cat,dog' })
  expect(encodeModel(exportModel(parts))).toEqual(program.model)
})

test('a convolution whose sum is not a bias keeps its Add', () => {
  const twice = onImage((x, p) => {
    const y = convolution(p, { inChannels: 4, outChannels: 4, kernel: 3, padding: 1, bias: false })(x)
    return mul(concat([y], 3), mul(y, 2))
  })
  expect(operators(exported(twice).model).Conv).toBe(1)
  const residual = onImage((x, p) => {
    const y = convolution(p, { inChannels: 4, outChannels: 4, kernel: 3, padding: 1, bias: false })(x)
    return [x, y].reduce((a, b) => mul(a, b))
  })
  expect(exported(residual).model.graph.nodes.find(({ op }) => op === 'Conv')?.inputs).toHaveLength(2)
})

describe('what does not work at every batch size is refused by name', () => {
  const fails =
    (build: ReturnType<typeof onImage>): (() => void) =>
    () =>
      void exported(build)
  const expected = 'expected an operator that works at any batch size'

  test('shapes that are written down', () => {
    expect(fails(onRows((x) => expand(slice(x, 1, 0, 1), x.shape)))).toThrow(
      `export (expand): got the batch in [10007, 6], ${expected}`,
    )
    expect(fails(onImage((x) => averagePool(reshape(x, [6, 5, -1]), 2)))).toThrow(
      /export \(spatialMap\): got the batch in /,
    )
    expect(fails(onRows((x) => mul(x, constant(new Float64Array(x.shape[0]), [x.shape[0], 1]))))).toThrow(
      `export (mul): got the batch in [10007, 1], ${expected}`,
    )
  })

  test('parts of the batch', () => {
    expect(fails(onImage((x) => slice(x, 2, 0, x.shape[2] - 1)))).toThrow(
      `export (slice): got [6, 5, 10007, 4] along axis 2, the batch, ${expected}`,
    )
    expect(fails(onRows((x) => pad(x, 0, 1, 0)))).toThrow(
      `export (pad): got [10007, 6] along axis 0, the batch, ${expected}`,
    )
  })

  test('a mean by a factor of its own', () => {
    expect(fails(onRows((x) => mul(sum(x, 0), 1 / x.shape[0])))).toThrow(
      `export (mul): got a factor of 1 / batch, ${expected}; use mean`,
    )
    const loss = (n: number): Tensor => crossEntropy(input('logits', [n, 10]), input('labels', [n], 'int32'))
    const y = loss(BATCH_MARKER)
    const inputs = [input('logits', [BATCH_MARKER, 10]), input('labels', [BATCH_MARKER], 'int32')]
    expect(() => exportModel({ inputs, outputs: { y }, parameters: {} })).toThrow('export (')
  })

  test('loops and the batch in two extents', () => {
    expect(fails(onRows((x) => sumOverSlices([reshape(x, [1, -1, 6])], ([each]) => [sum(each)])[0]))).toThrow(
      `export (sumOverSlices): got a loop, ${expected}`,
    )
    const pairs = onRows((x) =>
      reshape(mul(reshape(x, [-1, 1, 6]), reshape(x, [1, -1, 6])), [-1, 1, x.shape[0], 6]),
    )
    expect(fails(pairs)).toThrow(
      'export (reshape): got [10007, 1, 10007, 6], expected the batch in one extent only',
    )
  })

  test('batch norm in training', () => {
    const x = input('x', [BATCH_MARKER, 3])
    const p = new Parameters()
    const parts = { inputs: [x], outputs: { y: batchNorm(p, 3)(x) }, parameters: values(p) }
    expect(() => exportModel(parts)).toThrow(
      "export (batchNorm): got the statistics of a batch, expected running ones; build the network with new Parameters('evaluate')",
    )
  })

  test('norms and pools of other than images and rows', () => {
    expect(fails(onImage((x, p) => groupNorm(p, 4, 2)(reshape(x, [30, -1, 4]))))).toThrow(
      'export (groupNorm): got [30, 10007, 4], expected an image or [batch, channels]',
    )
    expect(fails(onImage((x) => maxPool(reshape(x, [6, 5, -1]), 2)))).toThrow(
      'export (maxPool): got [6, 5, 40028], expected an image',
    )
  })
})

test('a tensor without a value and a name that is taken are refused by name', () => {
  const x = input('x', [BATCH_MARKER, 3])
  const w = input('w', [3], 'float32')
  expect(() => exportModel({ inputs: [x], outputs: { y: mul(x, w) }, parameters: {} })).toThrow(
    'export (input "w"): got no value, expected it among the inputs or the parameters',
  )
  const parameters = { w: { dtype: 'float32' as const, shape: [3], data: Float32Array.of(1, 2, 3) } }
  for (const name of ['x', 'w']) {
    expect(() => exportModel({ inputs: [x], outputs: { [name]: mul(x, w) }, parameters })).toThrow(
      `export (names): got "${name}" twice among inputs, outputs and parameters, expected each once`,
    )
  }
})

test('parameters that the network does not read are not written', () => {
  const p = new Parameters('evaluate')
  const kept = p.get('kept', [2], normal(1))
  p.get('other', [1000], normal(1))
  const x = input('x', [BATCH_MARKER, 2])
  const model = exportModel({ inputs: [x], outputs: { y: mul(x, kept) }, parameters: values(p) })
  expect(model.graph.initializers.map(({ name }) => name)).toEqual(['kept'])
})

test('flattening an image keeps the order of the training graph', () => {
  const ops = operators(exported(onImage((x) => flattenImage(x))).model)
  expect(ops).toEqual({ Flatten: 1, Identity: 1, Transpose: 1 })
})
