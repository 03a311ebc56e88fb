/** Networks merged into one give what each gives alone. */
import {
  BATCH_MARKER,
  convolution,
  fromBatchFirst,
  input,
  linear,
  matmul,
  mean,
  mergeNetworks,
  type Network,
  openSession,
  Parameters,
  inputName,
  Random,
  relu,
  reshape,
  type Tensor,
} from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'

const image = (): Tensor => input('image', [BATCH_MARKER, 4, 4, 2])

/** Both networks below name their parameters alike, and their inner values too. */
function convolutional(output: string, seed: number): Network {
  const p = new Parameters()
  const conv = convolution(p.scope('layer'), { inChannels: 2, outChannels: 3, kernel: 3, padding: 1 })
  const pixels = image()
  const found = mean(relu(conv(fromBatchFirst(pixels))), [0, 1])
  return { inputs: [pixels], outputs: { [output]: found }, parameters: p.initialize(seed) }
}

function dense(output: string, seed: number): Network {
  const p = new Parameters()
  const layer = linear(p.scope('layer'), { inputs: 32, outputs: 5 })
  const pixels = image()
  const rows = reshape(pixels, [BATCH_MARKER, 32])
  const mixing = input('mixing', [5, 2])
  return {
    inputs: [pixels, mixing],
    outputs: { [output]: matmul(relu(layer(rows)), mixing) },
    parameters: p.initialize(seed),
  }
}

const floats = (name: string, shape: number[]) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b))
  new Random(3, name).fillNormal(data)
  return { dtype: 'float32' as const, shape, data }
}

describe('merged networks', () => {
  test('give the outputs of each, inputs of one name shared', async () => {
    const parts = [convolutional('a', 1), dense('b', 2), convolutional('c', 3)]
    const merged = mergeNetworks(parts)
    expect(merged.inputs.map(inputName)).toEqual(['image', 'mixing'])
    // A run takes its arrays over: each gets its own.
    const shapes: Record<string, number[]> = { image: [3, 4, 4, 2], mixing: [5, 2] }
    const inputsOf = ({ inputs }: Network) =>
      Object.fromEntries(inputs.map(inputName).map((name) => [name, floats(name, shapes[name])]))
    const session = await openSession(merged, { threads: 1 })
    const together = await session.run(inputsOf(merged))
    await session.close()
    for (const [i, part] of parts.entries()) {
      const alone = await openSession(part, { threads: 1 })
      const name = ['a', 'b', 'c'][i]
      expect([...together[name].data]).toEqual([...(await alone.run(inputsOf(part)))[name].data])
      await alone.close()
    }
  })

  test('refuse outputs and inputs that clash', () => {
    const network = convolutional('a', 1)
    expect(() => mergeNetworks([network, convolutional('a', 2)])).toThrow(/two outputs "a"/)
    const other = { ...dense('b', 1), inputs: [input('image', [BATCH_MARKER, 4, 4, 2], 'uint8')] }
    expect(() => mergeNetworks([network, other])).toThrow(/input "image" as float32 .* and as uint8/)
    expect(mergeNetworks([network])).toBe(network)
  })
})
