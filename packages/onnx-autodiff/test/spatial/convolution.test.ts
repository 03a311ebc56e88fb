/**
 * Every convolution algorithm against plain loops in double precision, forward and both gradients, in float32 through
 * onnxruntime: kernels 1 to 7, strides 1 to 3, dilations 1 and 2, paddings -1 to 3 (uneven ones too), groups, depthwise
 * with one and two filters a channel, images from 1x1 to 33x17.
 *
 * Largest error over all cases and over y, dx and dw, relative to the root mean square of the exact result, by algorithm
 * and by the products of the more elaborate axis's tile (outputs of a tile + taps of a phase - 1; 1 is direct):
 *
 *   products |    1       3       4       5       6       7       8       9      10
 *   direct   | 1.1e-6
 *   columns  | as direct, like shifts: one product over all taps
 *   tile2    |         2.5e-6  1.2e-6  2.2e-6  1.3e-5  3.3e-5  3.3e-5
 *   tile3    |                 1.4e-6  8.7e-6  6.6e-6  1.8e-5  1.3e-5  2.0e-4
 *   tile4    |                         8.4e-6  2.1e-5  5.7e-6  2.2e-5  1.4e-4  2.4e-3
 *   tile6    |                                         2.7e-5  3.5e-5  6.7e-5  1.8e-3
 *
 * The cost model offers up to 7 products. What depends on the error is the number of interpolation points, not the
 * number of outputs.
 */
import {
  type AlgorithmName,
  conv2d,
  convTranspose2d,
  gradients,
  input,
  inputName,
  Random,
  type Tensor,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { tripleFor } from '../../src/spatial/algorithms.js'
import { normals, weighted } from '../graph/values.js'
import { runInParts } from '../run.js'
import {
  convolution,
  type Form,
  outputSize,
  relativeError,
  type Results,
  transposedConvolution,
} from './naive.js'

const algorithms: readonly (AlgorithmName | undefined)[] = [
  'direct',
  'tile2',
  'tile3',
  'tile4',
  'tile6',
  'columns',
  'shifts',
  undefined,
]

/** One axis: every kernel, stride and dilation, with sizes and paddings dealt out at random. */
interface Axis {
  readonly size: number
  readonly taps: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly after: number
}

const reach = ({ taps, dilation }: Axis): number => (taps - 1) * dilation + 1

function dealAxes(random: Random, sizes: readonly number[]): Axis[] {
  const axes: Axis[] = []
  for (let taps = 1; taps <= 7; taps++) {
    for (let stride = 1; stride <= 3; stride++) {
      for (let dilation = 1; dilation <= 2; dilation++) {
        const even = random.integer(4)
        const [before, after] =
          random.uniform() < 0.5 ? [even, even] : [random.integer(5) - 1, random.integer(5) - 1]
        const size = sizes[random.integer(sizes.length)]
        const axis = { size, taps, stride, dilation, before, after }
        const missing = reach(axis) - (size + before + after)
        axes.push(missing > 0 ? { ...axis, size: size + missing } : axis)
      }
    }
  }
  return random.shuffle(axes)
}

const GROUPS = [
  { inChannels: 3, outChannels: 4, groups: 1 },
  { inChannels: 4, outChannels: 2, groups: 2 },
  { inChannels: 3, outChannels: 3, groups: 3 },
  { inChannels: 2, outChannels: 4, groups: 2 },
  { inChannels: 1, outChannels: 1, groups: 1 },
  { inChannels: 5, outChannels: 1, groups: 1 },
] as const

const form = (height: Axis, width: Axis, index: number): Form => ({
  image: [height.size, width.size],
  kernel: [height.taps, width.taps],
  batch: 1 + (index % 2),
  ...GROUPS[index % GROUPS.length],
  stride: [height.stride, width.stride],
  padding: [height.before, height.after, width.before, width.after],
  dilation: [height.dilation, width.dilation],
})

const plain = (image: [number, number], taps: number, rest: Partial<Form> = {}): Form => ({
  image,
  kernel: [taps, taps],
  batch: 2,
  ...GROUPS[0],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [1, 1, 1, 1],
  ...rest,
})

const random = new Random(5, 'convolution')
const heights = dealAxes(random.child('height'), [1, 2, 5, 8, 13, 17])
const widths = dealAxes(random.child('width'), [1, 3, 4, 7, 9, 33])
const forms: readonly Form[] = [
  ...heights.map((height, i) => form(height, widths[i], i)),
  // The same kernel, stride and dilation on both axes, where fast algorithms meet in two dimensions.
  ...heights
    .filter((axis) => axis.dilation === 1)
    .map((axis, i) => form(axis, { ...axis, size: axis.size + 2 }, i)),
  plain([33, 17], 3),
  plain([33, 17], 4, { stride: [2, 2] }),
  plain([17, 33], 5, { padding: [2, 2, 2, 2] }),
  plain([1, 1], 3),
  plain([1, 1], 1, { padding: [0, 0, 0, 0] }),
  plain([1, 1], 7, { padding: [3, 3, 3, 3] }),
  plain([8, 8], 3, { inChannels: 64, outChannels: 48 }),
  plain([9, 9], 3, { inChannels: 64, outChannels: 48, stride: [2, 2] }),
]

const feeds: Record<string, Float64Array> = {}

function feed(name: string, shape: readonly number[], scale = 1): Tensor {
  feeds[name] ??= normals(shape, random.child(name), scale)
  return input(name, shape)
}

interface Row {
  readonly name: string
  readonly form: Form
  readonly tensors: readonly Tensor[]
  readonly expected: Results
}

const describe = ({
  image,
  kernel,
  inChannels,
  outChannels,
  groups,
  stride,
  padding,
  dilation,
}: Form): string =>
  `image ${image.join('x')}, kernel ${kernel.join('x')}, stride ${stride.join('x')}, padding ${padding.join()}, ` +
  `dilation ${dilation.join('x')}, ${inChannels} -> ${outChannels} in ${groups}`

const inputsOf = (each: Form, index: number, extra: readonly [number, number] = [0, 0]) => {
  const [height, width] = outputSize(each)
  const { image, kernel, batch, inChannels, outChannels, groups } = each
  return {
    x: feed(`x ${index} ${extra.join()}`, [image[0], image[1], batch, inChannels]),
    w: feed(`w ${index} ${extra.join()}`, [kernel[0], kernel[1], inChannels / groups, outChannels]),
    y: feed(`y ${index} ${extra.join()}`, [height, width, batch, outChannels]),
  }
}

const valuesOf = (tensor: Tensor): Float64Array => feeds[inputName(tensor)]

const rows: readonly Row[] = forms.map((each, index) => {
  const { x, w, y: dy } = inputsOf(each, index)
  const expected = convolution(each, valuesOf(x), valuesOf(w), valuesOf(dy))
  return { name: describe(each), form: each, tensors: [x, w, dy], expected }
})

/** The transposed convolution of a form reads what the form's convolution writes. */
const transposedRows: readonly (Row & { outputPadding: [number, number] })[] = forms.map((each, index) => {
  const [height, width] = outputSize(each)
  // The whole of the stride is used, so that the output has the image's size.
  const outputPadding = [0, 1].map((i) => {
    const room =
      each.image[i] +
      each.padding[2 * i] +
      each.padding[2 * i + 1] -
      (each.kernel[i] - 1) * each.dilation[i] -
      1
    return room - ([height, width][i] - 1) * each.stride[i]
  }) as [number, number]
  const { x: dy, w, y: x } = inputsOf(each, index, [1, 1])
  const expected = transposedConvolution(each, valuesOf(x), valuesOf(w), valuesOf(dy))
  return {
    name: `transposed ${describe(each)}, output padding ${outputPadding.join('x')}`,
    form: each,
    tensors: [x, w, dy],
    expected,
    outputPadding,
  }
})

/** The products of the most elaborate triple that an algorithm uses for a form: what its error depends on. */
const products = (algorithm: AlgorithmName, { kernel, stride, dilation, groups }: Form): number => {
  // One product over all taps, without interpolation; by groups the cost model chooses among the others.
  if (algorithm === 'columns' || algorithm === 'shifts') return groups === 1 ? 1 : 7
  return Math.max(
    ...[0, 1].map((i) => {
      const name = tripleFor(algorithm, kernel[i], stride[i], dilation[i]) ? algorithm : 'direct'
      const outputs = { direct: 1, tile2: 2, tile3: 3, tile4: 4, tile6: 6 }[name]
      const phaseTaps = Math.ceil(kernel[i] / stride[i])
      return outputs === 1 ? 1 : outputs + phaseTaps - 1
    }),
  )
}

/** Largest error allowed, by the products of a tile: two to three times what was measured. */
const BOUNDS: Readonly<Record<number, number>> = {
  1: 3e-6,
  3: 6e-6,
  4: 6e-6,
  5: 2.5e-5,
  6: 6e-5,
  7: 8e-5,
  8: 1e-4,
  9: 5e-4,
  10: 6e-3,
}

async function check(
  list: readonly Row[],
  algorithm: AlgorithmName | undefined,
  build: (row: Row, x: Tensor, w: Tensor) => Tensor,
): Promise<void> {
  const tensors = list.flatMap((row) => {
    const [x, w, dy] = row.tensors
    const y = build(row, x, w)
    return [y, ...gradients(weighted([y], [dy]), [x, w])]
  })
  const values = await runInParts(tensors, feeds, {}, 90)
  const wrong: string[] = []
  list.forEach(({ name, form: each, expected }, i) => {
    // Left to itself the cost model takes no tile of more than 7 products.
    const bound = BOUNDS[algorithm ? products(algorithm, each) : 7]
    ;(['y', 'dx', 'dw'] as const).forEach((part, k) => {
      const error = relativeError(values[3 * i + k], expected[part])
      if (!(error <= bound)) wrong.push(`${name}, ${part}: ${error.toExponential(1)}, at most ${bound}`)
    })
  })
  expect(wrong).toEqual([])
}

test.each(algorithms)('conv2d, algorithm %s', async (algorithm) => {
  await check(rows, algorithm, ({ form: { stride, padding, dilation, groups } }, x, w) =>
    conv2d(x, w, { stride, padding, dilation, groups, algorithm }),
  )
})

test.each(algorithms)('convTranspose2d, algorithm %s', async (algorithm) => {
  await check(transposedRows, algorithm, (row, x, w) => {
    const { stride, padding, dilation, groups } = row.form
    const { outputPadding } = row as (typeof transposedRows)[number]
    return convTranspose2d(x, w, { stride, padding, dilation, groups, outputPadding, algorithm })
  })
})
