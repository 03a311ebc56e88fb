/**
 * A training step on WebGPU equals the CPU's. Without a GPU, a software adapter will do, such as the SwiftShader of Debian's
 * chromium: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json LD_LIBRARY_PATH=/usr/lib/chromium.
 */
import {
  adam,
  type Arrays,
  crossEntropy,
  gradients,
  input,
  linear,
  listDevices,
  openSession,
  Parameters,
  Random,
  relu,
  sequence,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'

const present = (await listDevices()).includes('webgpu')
if (!present) console.warn('webgpu.test.ts: there is no WebGPU adapter here, so its test is skipped')

test.skipIf(!present)(
  'losses and weights of five steps are the same on the CPU and on WebGPU',
  async () => {
    const p = new Parameters()
    const [x, labels] = [input('x', [16, 8]), input('labels', [16], 'int32')]
    const network = sequence(
      linear(p.scope('first'), { inputs: 8, outputs: 16 }),
      relu,
      linear(p.scope('last'), { inputs: 16, outputs: 3 }),
    )
    const loss = crossEntropy(network(x), labels)
    const trained = { parameters: p.trained(), gradients: gradients(loss, p.trained()) }
    const { updates, initialState } = adam(trained, { rate: 1e-2 })
    const random = new Random(1, 'batches')
    const inputs = Array.from({ length: 5 }, (): Arrays => ({
      x: {
        dtype: 'float32',
        shape: [16, 8],
        data: new Float32Array(128).map(() => 2 * random.uniform() - 1),
      },
      labels: { dtype: 'int32', shape: [16], data: new Int32Array(16).map(() => random.integer(3)) },
    }))
    const trainedOn = async (device: string): Promise<number[]> => {
      const state = { ...p.initialize(0), ...initialState }
      const session = await openSession(
        { inputs: [x, labels], state: updates, outputs: { loss } },
        { device, state },
      )
      const numbers: number[] = []
      for await (const run of session.advance({ from: 0, to: 5, draw: (at) => structuredClone(inputs[at]) }))
        numbers.push(...run.map((outputs) => Number(outputs.loss.data[0])))
      for (const { data } of Object.values(await session.readState()))
        numbers.push(...Array.from(data, Number))
      await session.close()
      return numbers
    }
    const [cpu, webgpu] = [await trainedOn('cpu'), await trainedOn('webgpu')]
    expect(webgpu).toHaveLength(cpu.length)
    expect(Math.max(...webgpu.map((value, i) => Math.abs(value - cpu[i])))).toBeLessThan(1e-4)
  },
  120_000,
)
