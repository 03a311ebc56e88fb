/** Gradients of gradients through convolutions, against PyTorch: R1, the gradient penalty of WGAN-GP, and path length. */
import {
  add,
  conv2d,
  evaluate,
  gradients,
  input,
  matmul,
  maximum,
  mean,
  mul,
  pow,
  reshape,
  spatialMap,
  sqrt,
  sub,
  sum,
  tanh,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { matrix } from '../../src/spatial/matrix.js'
import { difference } from '../graph/values.js'
import { run } from '../run.js'
import { filter, image, type TorchCase, torchCases, type TorchTensor } from '../spatial/torch.js'

const square = (x: Tensor): Tensor => mul(x, x)
const plain = ({ shape, data }: TorchTensor) => ({ shape, data: Float64Array.from(data) })
/** By rank: images and filters have layouts of their own. */
const layout = (name: string, value: TorchTensor) =>
  value.shape.length === 4 ? (name.startsWith('w') ? filter(value) : image(value)) : plain(value)

const cases = torchCases('gradient_penalty.json')

/** Inputs by the reference's names, and their values. */
function inputsOf(each: TorchCase): { tensors: Record<string, Tensor>; feeds: Record<string, Float64Array> } {
  const feeds: Record<string, Float64Array> = {}
  const tensors = Object.fromEntries(
    Object.entries(each.inputs).map(([name, value]) => {
      const { shape, data } = layout(name, value)
      feeds[name] = data
      return [name, input(name, shape)]
    }),
  )
  return { tensors, feeds }
}

async function check(
  each: TorchCase,
  outputs: Record<string, Tensor>,
  feeds: Record<string, Float64Array>,
  tensors: Record<string, Tensor>,
) {
  const names = Object.keys(each.gradients)
  const found = gradients(
    outputs.penalty,
    names.map((name) => tensors[name]),
  )
  const rows = [
    ...Object.entries(each.outputs).map(([name, value]) => ({
      name,
      tensor: outputs[name],
      expected: layout(name, value).data,
    })),
    ...names.map((name, i) => ({
      name: `d${name}`,
      tensor: found[i],
      expected: layout(name, each.gradients[name]).data,
    })),
  ]
  const list = rows.map(({ tensor }) => tensor)
  const exact = evaluate(list, feeds)
  const single = await run(list, feeds)
  rows.forEach(({ name, expected }, i) => {
    expect(difference(exact[i], expected), `${name} in double precision`).toBeLessThan(1e-6)
    expect(difference(single[i], expected), `${name} through onnxruntime`).toBeLessThan(2e-5)
  })
}

// The case with a group norm belongs to the layers' tests.
test.each(cases.filter(({ inputs }) => 'w1' in inputs && 'x' in inputs && !('gamma' in inputs)))(
  '$name',
  async (each) => {
    const { tensors, feeds } = inputsOf(each)
    const { x, w1, b1, w2, b2 } = tensors
    const hidden = add(conv2d(x, w1, { padding: 1 }), b1)
    const leaky = maximum(hidden, mul(hidden, each.attributes.negativeSlope as number))
    const f = sum(tanh(add(conv2d(leaky, w2, { stride: 2 }), b2)), [0, 1, 3])
    const [inputGradient] = gradients(sum(f), [x])
    const squared = sum(square(inputGradient), [0, 1, 3])
    const penalty = mean(each.attributes.operation === 'r1' ? squared : square(sub(sqrt(squared), 1)))
    await check(each, { f, inputGradient, penalty }, feeds, tensors)
  },
)

test('path length', async () => {
  const each = cases.find(({ name }) => name === 'path length') as TorchCase
  const { tensors, feeds } = inputsOf({ ...each, inputs: each.inputs })
  const { w, w1, w2, u } = tensors
  // PyTorch reshapes [n, 18] to [n, 2, 3, 3].
  const small = transpose(reshape(matmul(w, w1, { transposeB: true }), [3, 2, 3, 3]), [2, 3, 0, 1])
  const twice = matrix(6, 3, (i, j) => (Math.floor(i / 2) === j ? 1 : 0))
  const picture = tanh(conv2d(spatialMap(small, twice, twice), w2, { padding: 1 }))
  const [latentGradient] = gradients(sum(mul(picture, u)), [w])
  const lengths = sqrt(sum(pow(latentGradient, 2), 1))
  const penalty = mean(square(sub(lengths, each.attributes.target as number)))
  await check(each, { image: picture, latentGradient, penalty }, feeds, tensors)
})
