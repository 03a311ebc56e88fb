/** The ordinary form equals the training graph over all kinds of layers, at any batch size, in standard operators. */
import {
  adaptiveAveragePool,
  add,
  argmin,
  averagePool,
  batchNorm,
  blurImage,
  cast,
  clip,
  concat,
  constant,
  conv2d,
  convolution,
  convTranspose2d,
  div,
  embedding,
  erf,
  exp,
  expand,
  flattenImage,
  flipImage,
  fromBatchFirst,
  gelu,
  greater,
  groupNorm,
  input,
  layerNorm,
  leakyRelu,
  linear,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool,
  mean,
  minimum,
  mul,
  neg,
  normal,
  oneHot,
  pad,
  padImage,
  type Padding,
  pixelShuffle,
  pixelUnshuffle,
  pow,
  relu,
  reshape,
  resizeBilinear,
  resizeNearest,
  rmsNorm,
  silu,
  slice,
  softmax,
  softplus,
  sqrt,
  step,
  stopGradient,
  strideImage,
  sub,
  sum,
  tanh,
  type Tensor,
  toBatchFirst,
  topK,
  transpose,
  transposedConvolution,
  unflattenImage,
  upsampleNearest,
  where,
} from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'
import { unet } from '../nn/unet.js'
import { type Build, exported, onImage, onRows, worstDifference } from './ordinary.js'

const conv = (
  options: { stride?: number; padding?: Padding; dilation?: number; groups?: number; bias?: boolean },
  outChannels = 6,
): Build => onImage((x, p) => convolution(p, { inChannels: 4, outChannels, kernel: 3, ...options })(x))
const up = (options: {
  stride?: number
  padding?: Padding
  dilation?: number
  groups?: number
  outputPadding?: number
}): Build =>
  onImage((x, p) => transposedConvolution(p, { inChannels: 4, outChannels: 6, kernel: 3, ...options })(x))

const kinds: Record<string, Record<string, Build>> = {
  convolutions: {
    plain: conv({}),
    'stride 2, padding 1': conv({ stride: 2, padding: 1 }),
    'asymmetric padding': conv({ padding: [1, 2, 0, 1] }),
    'negative padding': conv({ padding: [-1, 1, 2, -1] }),
    'dilation 2': conv({ dilation: 2, padding: 1 }),
    'groups 2': conv({ groups: 2 }),
    depthwise: conv({ groups: 4, padding: 1 }, 4),
    'depthwise, two outputs for each channel': conv({ groups: 4, padding: 1 }, 8),
    'without bias': conv({ bias: false }),
    'read twice': onImage((x, p) => {
      const y = convolution(p, { inChannels: 4, outChannels: 3, kernel: 3, bias: false })(x)
      const bias = p.get('own', [3], normal(1))
      return mul(add(y, bias), y)
    }),
    'a bias that is computed': onImage((x, p) =>
      add(conv2d(x, p.get('w', [3, 3, 4, 2], normal(1))), exp(p.get('b', [2], normal(1)))),
    ),
    'a filter that is computed': onImage((x, p) =>
      conv2d(x, mul(p.get('w', [3, 3, 4, 2], normal(1)), p.get('scale', [2], normal(1)))),
    ),
    'a constant filter': onImage((x) =>
      conv2d(
        x,
        constant(
          Array.from({ length: 36 * 2 }, (_, i) => Math.sin(i)),
          [3, 3, 4, 2],
        ),
      ),
    ),
    'one filter for two images': onImage((x, p) => {
      const w = p.get('w', [3, 3, 4, 4], normal(1))
      return conv2d(conv2d(x, w, { padding: 1 }), w)
    }),
    'one bias for two layouts': onImage((x, p) => {
      const b = p.get('b', [4], normal(1))
      return add(mul(x, b), linear(p, { inputs: 4, outputs: 4, bias: false })(reshape(b, [1, 4])))
    }),
    transposed: up({}),
    'transposed, stride 2, padding 1, output padding 1': up({ stride: 2, padding: 1, outputPadding: 1 }),
    'transposed, groups 2': up({ groups: 2 }),
    'transposed, dilation 2, stride 3': up({ dilation: 2, stride: 3 }),
    'transposed, asymmetric padding': up({ padding: [1, 2, 0, 1] }),
    'transposed, negative padding': up({ stride: 2, padding: [-1, 1, 0, -2] }),
    'transposed without bias': onImage((x, p) =>
      convTranspose2d(x, p.get('w', [2, 3, 5, 4], normal(1)), { stride: 2 }),
    ),
  },
  norms: {
    'group norm': onImage((x, p) => groupNorm(p, 4, 2, 0.01)(x)),
    'group norm of rows': onRows((x, p) => groupNorm(p, 6, 3)(x)),
    'batch norm': onImage((x, p) => batchNorm(p, 4, { epsilon: 0.01 })(x)),
    'batch norm of rows': onRows((x, p) => batchNorm(p, 6)(x)),
    'batch norm of maps in rows': onImage((x, p) => batchNorm(p, 4)(reshape(x, [30, -1, 4]))),
    'layer norm': onRows((x, p) => layerNorm(p, 6)(x)),
    'layer norm of an image': onImage((x, p) => layerNorm(p, 4)(x)),
    'RMS norm of an image': onImage((x, p) => rmsNorm(p, 4)(x)),
  },
  resampling: {
    'average pool': onImage((x) => averagePool(x, [2, 5])),
    'average pool of rows': onImage((x) => averagePool(x, [2, 1])),
    'average pool, a row left over': onImage((x) => averagePool(x, 2)),
    'average pool with stride and padding': onImage((x) => averagePool(x, 3, { stride: 2, padding: 1 })),
    'adaptive average pool': onImage((x) => adaptiveAveragePool(x, [3, 2])),
    'max pool': onImage((x) => maxPool(x, 2)),
    'max pool with stride and padding': onImage((x) => maxPool(x, 3, { stride: 2, padding: 1 })),
    upsampling: onImage((x) => upsampleNearest(x, 2)),
    'upsampling of one axis': onImage((x) => upsampleNearest(x, [1, 3])),
    nearest: onImage((x) => resizeNearest(x, [4, 7])),
    bilinear: onImage((x) => resizeBilinear(x, [9, 4])),
    flip: onImage((x) => flipImage(x, { width: true })),
    'pad and crop': onImage((x) => padImage(x, [1, 0, -1, 2])),
    'pad by nothing': onImage((x) => padImage(x, 0)),
    stride: onImage((x) => strideImage(x, [2, 1])),
    blur: onImage((x) => blurImage(x, [1, 2, 1], { padding: [1, 1], down: 2 })),
  },
  rearranging: {
    'pixel shuffle': onImage((x) => pixelShuffle(x, 2), [3, 5, 8]),
    'pixel unshuffle': onImage((x) => pixelUnshuffle(x, 2), [6, 4, 3]),
    'pixel shuffle, channels last': onImage((x) => pixelShuffle(x, 2, 'channelLast'), [3, 5, 8]),
    'pixel unshuffle, channels last': onImage((x) => pixelUnshuffle(x, 2, 'channelLast'), [6, 4, 3]),
    flatten: onImage((x) => flattenImage(x)),
    unflatten: onRows((x) => unflattenImage(x, [3, 2, 4]), 24),
    'flatten and back': onImage((x, p) =>
      unflattenImage(linear(p, { inputs: 120, outputs: 30 })(flattenImage(x)), [5, 2, 3]),
    ),
    'to batch first': onImage((x) => toBatchFirst(x)),
    'bytes, batch first': (_, n) => {
      const bytes = input('bytes', [n, 4, 3, 2], 'uint8')
      return { inputs: [bytes], outputs: { y: mul(fromBatchFirst(cast(bytes, 'float32')), 1 / 255) } }
    },
    'floats, batch first': (p, n) => {
      const image = input('stored', [n, 4, 3, 2])
      return {
        inputs: [image],
        outputs: { y: convolution(p, { inChannels: 2, outChannels: 3, kernel: 2 })(fromBatchFirst(image)) },
      }
    },
    reshape: onImage((x) => reshape(x, [30, -1, 2, 2])),
    transpose: onImage((x) => transpose(x, [2, 3, 0, 1])),
    'concat of channels': onImage((x) => concat([x, relu(x), x], 3)),
    'concat of pixel rows': onImage((x) => concat([x, mul(slice(x, 0, 0, 2), 3)], 0)),
    'concat of batches': onImage((x) => concat([x, neg(x)], 2)),
    'slice of channels': onImage((x) => slice(x, 3, 1, 3)),
    'slice of columns': onImage((x) => slice(x, 1, 2, 5)),
    'pad of channels': onImage((x) => pad(x, 3, 1, 2)),
    'pad of columns': onRows((x) => pad(x, 1, 0, 2)),
    'expand beside an image': onImage((x) => add(x, expand(constant([1, 2, 3, 4], [1, 4]), [5, 1, 4]))),
  },
  reductions: {
    'all axes, kept or not': (_, n) => {
      const image = input('image', [3, 5, n, 4])
      const outputs: Record<string, Tensor> = {}
      for (const axes of [
        [0, 1],
        [0],
        [1],
        [2],
        [3],
        [0, 3],
        [1, 3],
        [2, 3],
        [0, 1, 3],
        [0, 1, 2],
        [0, 1, 2, 3],
      ]) {
        for (const [name, reduce] of Object.entries({ sum, mean, max })) {
          outputs[`${name} over ${axes.join()}`] = reduce(image, axes)
          outputs[`${name} over ${axes.join()}, kept`] = reduce(image, axes, true)
        }
      }
      return { inputs: [image], outputs }
    },
    'of rows': onRows((x) => sub(x, max(x, 1, true))),
    'one after the other': onImage((x) => mean(sum(x, 0), 0)),
  },
  broadcasting: {
    'image and [channels]': onImage((x, p) => mul(x, p.get('scale', [4], normal(1)))),
    'image and [n, channels]': (p, n) => {
      const [image, shift] = [input('image', [3, 2, n, 4]), input('shift', [n, 4])]
      return {
        inputs: [image, shift],
        outputs: { y: sub(linear(p, { inputs: 4, outputs: 4 })(shift), image) },
      }
    },
    'image and [n, 1]': onImage((x) => sub(x, mean(x, [0, 1, 3], true))),
    'image and its mean': onImage((x) => sub(x, mean(x, [0, 1]))),
    'image and [width, 1, channels]': onImage((x, p) => add(x, p.get('place', [5, 1, 4], normal(1)))),
    'image and [height, width, 1, 1]': onImage((x, p) => add(x, p.get('place', [6, 5, 1, 1], normal(1)))),
    'image and a scalar': onImage((x, p) => add(mul(x, p.get('scale', [], normal(1))), 3)),
    'image and one number': onImage((x, p) => mul(x, p.get('scale', [1], normal(1)))),
    'image with five axes': onImage((x, p) =>
      mul(reshape(x, [6, 5, -1, 2, 2]), p.get('scale', [2, 1], normal(1))),
    ),
    'image and a tensor of five axes': onImage((x, p) => mul(x, p.get('scale', [2, 1, 1, 1, 1], normal(1)))),
    'rows and [columns]': onRows((x, p) => add(x, p.get('shift', [6], normal(1)))),
    'rows and a scalar': onRows((x) => div(1, add(mul(x, x), 1))),
  },
  elementwise: {
    activations: (_, n) => {
      const x = input('image', [3, 2, n, 4])
      const all = {
        silu: silu(x),
        gelu: gelu(x),
        gelu2: gelu(x, true),
        leaky: leakyRelu(x),
        softplus: softplus(x),
        erf: erf(x),
        tanh: tanh(x),
      }
      return {
        inputs: [x],
        outputs: { ...all, softmax: softmax(x), logSoftmax: logSoftmax(x, 0), kept: stopGradient(x) },
      }
    },
    arithmetic: (_, n) => {
      const x = input('image', [3, 2, n, 4])
      const y = flipImage(x, { width: true })
      const pairs = {
        maximum: maximum(x, y),
        minimum: minimum(x, 0.5),
        div: div(x, add(mul(y, y), 1)),
        clip: clip(x, -0.5, null),
      }
      const more = { pow: pow(add(mul(x, x), 0.1), 1.5), sqrt: sqrt(mul(x, x)), step: step(x) }
      return { inputs: [x], outputs: { ...pairs, ...more, where: where(greater(x, y), x, mul(y, 2)) } }
    },
    rows: onRows((x, p) => softmax(linear(p, { inputs: 6, outputs: 3 })(x))),
    'a linear map of every pixel': onImage((x, p) => silu(linear(p, { inputs: 4, outputs: 3 })(x))),
    'a linear map between convolutions': onImage((x, p) => {
      const first = convolution(p.scope('first'), { inChannels: 4, outChannels: 4, kernel: 3 })(x)
      return convolution(p.scope('last'), { inChannels: 2, outChannels: 3, kernel: 2 })(
        linear(p, { inputs: 4, outputs: 2 })(first),
      )
    }),
    'products with a transposed operand': onRows((x, p) =>
      matmul(matmul(x, p.get('w', [3, 6], normal(1)), { transposeB: true }), p.get('u', [3, 3], normal(1))),
    ),
    'distances between rows': onRows((x) => matmul(x, x, { transposeB: true })),
  },
  selection: {
    embedding: (p, n) => {
      const indices = input('indices', [n], 'int32')
      return {
        inputs: [indices],
        outputs: { y: embedding(p, { count: 4, channels: 3 })(indices), hot: oneHot(indices, 4) },
      }
    },
    'top k and argmin': (_, n) => {
      const rows = input('rows', [n, 6])
      const { values, indices } = topK(rows, 2)
      return { inputs: [rows], outputs: { values, indices, least: argmin(rows) } }
    },
  },
  networks: {
    unet: (p, n) => {
      const [image, time] = [input('image', [8, 8, n, 3]), input('time', [n, 16])]
      return {
        inputs: [image, time],
        outputs: { y: unet(p, { width: 8, timeEmbedding: 16, groups: 4 })(image, time) },
      }
    },
    'an input, a parameter and a constant as outputs': (p, n) => {
      const image = input('image', [2, 3, n, 2])
      const own = p.get('w', [2, 2], normal(1))
      return {
        inputs: [image],
        outputs: { same: image, twice: image, own, one: constant([1, 2], [2]), y: mul(image, 2) },
      }
    },
    'names like those the exporter gives': (p, n) => {
      const [t0, c1]: Tensor[] = [input('t0', [n, 3]), p.get('c1', [3], normal(1))]
      return { inputs: [t0], outputs: { t1: mul(add(exp(t0), c1), 2), t2: relu(t0), c0: add(t0, 5) } }
    },
  },
}

describe.each(Object.entries(kinds))('%s', (_, builds) => {
  test('equal the training graph to 1e-4 at several batch sizes, with one model', async () => {
    const wrong: string[] = []
    for (const [name, build] of Object.entries(builds)) {
      const error = await worstDifference(build).catch((reason: unknown) => String(reason))
      if (!(typeof error === 'number' && error < 1e-4)) wrong.push(`${name}: ${error}`)
    }
    expect(wrong).toEqual([])
  })

  test('are standard operators only', () => {
    for (const build of Object.values(builds)) {
      const { model } = exported(build)
      expect(Object.keys(model.opsets)).toEqual([''])
      expect(model.graph.nodes.filter(({ domain }) => domain !== '')).toEqual([])
    }
  })
})

test('one model serves a large batch too', async () => {
  expect(await worstDifference(kinds.networks.unet, [1, 2, 17])).toBeLessThan(1e-4)
})
