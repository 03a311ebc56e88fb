/** Networks merged into one give what each gives alone. */
import {
  BATCH_MARKER,
  convolution,
  exportProgram,
  fromBatchFirst,
  input,
  linear,
  matmul,
  mean,
  mergePrograms,
  openSession,
  Parameters,
  type Program,
  Random,
  relu,
  reshape,
  type Tensor,
} from 'onnx-autodiff'
import { describe, expect, test } from 'vitest'

const image = (): Tensor => input('image', [BATCH_MARKER, 4, 4, 2])

/** Both networks below name their parameters alike, and their inner values too. */
function convolutional(output: string, seed: number): Program {
  const p = new Parameters()
  const conv = convolution(p.scope('layer'), { inChannels: 2, outChannels: 3, kernel: 3, padding: 1 })
  const pixels = image()
  const found = mean(relu(conv(fromBatchFirst(pixels))), [0, 1])
  return exportProgram({
    inputs: [pixels],
    outputs: { [output]: found },
    parameters: p.initialize(seed),
  })
}

function dense(output: string, seed: number): Program {
  const p = new Parameters()
  const layer = linear(p.scope('layer'), { inputs: 32, outputs: 5 })
  const pixels = image()
  const rows = reshape(pixels, [BATCH_MARKER, 32])
  const mixing = input('mixing', [5, 2])
  return exportProgram({
    inputs: [pixels, mixing],
    outputs: { [output]: matmul(relu(layer(rows)), mixing) },
    parameters: p.initialize(seed),
  })
}

const floats = (name: string, shape: number[]) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b))
  new Random(3, name).fillNormal(data)
  return { dtype: 'float32' as const, shape, data }
}

describe('merged programs', () => {
  test('give the outputs of each, inputs of one name shared', async () => {
    const parts = [convolutional('a', 1), dense('b', 2), convolutional('c', 3)]
    const merged = mergePrograms(parts)
    expect(Object.keys(merged.inputs)).toEqual(['image', 'mixing'])
    // A run takes its arrays over: each gets its own.
    const shapes: Record<string, number[]> = { image: [3, 4, 4, 2], mixing: [5, 2] }
    const inputsOf = ({ inputs }: Program) =>
      Object.fromEntries(Object.keys(inputs).map((name) => [name, floats(name, shapes[name])]))
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

  test('refuse outputs and inputs that clash, and state', () => {
    const network = convolutional('a', 1)
    expect(() => mergePrograms([network, convolutional('a', 2)])).toThrow(/two outputs "a"/)
    const other: Program = { ...dense('b', 1), inputs: { image: { dtype: 'uint8', shape: [-1, 4, 4, 2] } } }
    expect(() => mergePrograms([network, other])).toThrow(/input "image" as float32 .* and as uint8/)
    const stateful: Program = {
      ...dense('b', 1),
      state: { w: { dtype: 'float32', shape: [2], next: 'w.next' } },
    }
    expect(() => mergePrograms([network, stateful])).toThrow(/one with state/)
    expect(mergePrograms([network])).toBe(network)
  })
})
