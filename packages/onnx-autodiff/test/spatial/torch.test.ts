/** Convolutions and transposed convolutions against PyTorch: values and all gradients. */
import { add, conv2d, convTranspose2d, evaluate, gradients, input, type Tensor } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { difference, weighted } from '../graph/values.js'
import { runInParts } from '../run.js'
import { filter, image, type TorchCase, torchCases } from './torch.js'

const layouts = {
  x: image,
  w: filter,
  b: ({ shape, data }: { shape: number[]; data: number[] }) => ({ shape, data: Float64Array.from(data) }),
  dy: image,
}

type Part = keyof typeof layouts

async function check(
  cases: readonly TorchCase[],
  build: (x: Tensor, w: Tensor, options: object) => Tensor,
): Promise<void> {
  const feeds: Record<string, Float64Array> = {}
  const rows = cases.flatMap(({ name, attributes, inputs, outputs, gradients: expected }) => {
    const tensors = Object.fromEntries(
      (Object.keys(inputs) as Part[]).map((part) => {
        const { shape, data } = layouts[part](inputs[part])
        feeds[`${name}: ${part}`] = data
        return [part, input(`${name}: ${part}`, shape)]
      }),
    ) as Record<'x' | 'w' | 'dy', Tensor> & { b?: Tensor }
    const { x, w, b, dy } = tensors
    const {
      padding = [
        [0, 0],
        [0, 0],
      ],
      ...rest
    } = attributes
    const convolved = build(x, w, { ...rest, padding: padding.flat() })
    const y = b ? add(convolved, b) : convolved
    const parts = Object.keys(expected) as Part[]
    const found = gradients(
      weighted([y], [dy]),
      parts.map((part) => tensors[part as 'x']),
    )
    return [
      { name: `${name}: y`, tensor: y, expected: image(outputs.y) },
      ...parts.map((part, i) => ({
        name: `${name}: d${part}`,
        tensor: found[i],
        expected: layouts[part](expected[part]),
      })),
    ]
  })
  expect(rows.map(({ tensor }) => tensor.shape)).toEqual(rows.map((row) => row.expected.shape))
  const tensors = rows.map(({ tensor }) => tensor)
  const exact = evaluate(tensors, feeds)
  const single = await runInParts(tensors, feeds)
  const wrong = rows.flatMap(({ name, expected: { data } }, i) => {
    const [inDouble, inSingle] = [difference(exact[i], data), difference(single[i], data)]
    return inDouble <= 1e-6 && inSingle <= 2e-5
      ? []
      : [`${name}: ${inDouble.toExponential(1)}, ${inSingle.toExponential(1)}`]
  })
  expect(wrong).toEqual([])
}

test('conv2d equals PyTorch', () => check(torchCases('convolution.json'), conv2d))

test('convTranspose2d equals PyTorch', () =>
  check(torchCases('convolution_transposed.json'), convTranspose2d))
