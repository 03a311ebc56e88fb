/**
 * What encoding and decoding ONNX costs: a model with 100 MB of initialisers, and the training step of a deep network
 * (over 2,000 nodes). One case per process, so that its peak of memory is its own.
 *
 *   npx tsx bench/engine/protobuf.ts initialisers|step [--rounds 10] [--engine packages/onnx-autodiff/dist/index.js]
 *
 * `--engine` names the built engine to measure, such as that of another checkout. Prints milliseconds (least and median),
 * MiB of memory over what was resident before (Linux), and a digest of the bytes.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { OnnxModel } from 'onnx-autodiff'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '10' },
    engine: { type: 'string', default: 'packages/onnx-autodiff/dist/index.js' },
  },
})
const engine = (await import(pathToFileURL(values.engine).href)) as typeof import('onnx-autodiff')

/** 25 matrices of 4 MB, a product of each with the input. */
function initialisers(): OnnxModel {
  const places = Array.from({ length: 25 }, (_, i) => i)
  const square = { dtype: 'float32', shape: [1000, 1000] } as const
  return {
    graph: {
      name: 'initialisers',
      nodes: places.map((i) => ({
        op: 'MatMul',
        domain: '',
        name: '',
        inputs: ['x', `w${i}`],
        outputs: [`y${i}`],
        attributes: {},
      })),
      initializers: places.map((i) => ({
        name: `w${i}`,
        ...square,
        data: new Float32Array(1e6).fill(i),
      })),
      inputs: [{ name: 'x', ...square }],
      outputs: places.map((i) => ({ name: `y${i}`, ...square })),
    },
    opsets: { '': 21 },
    irVersion: 10,
    producer: 'bench',
    metadata: {},
  }
}

/** One Adam step of a perceptron of 62 layers. */
function step(): OnnxModel {
  const { adam, add, compile, decodeModel, gradients, input, matmul, mean, mul, relu, transpose } = engine
  const x = input('x', [8, 16])
  const weights = Array.from({ length: 62 }, (_, i) => input(`layer ${i}/weight`, [16, 16]))
  const biases = weights.map((_, i) => input(`layer ${i}/bias`, [16]))
  const output = weights.reduce((h, w, i) => relu(add(matmul(h, transpose(w)), biases[i])), x)
  const loss = mean(mul(output, output))
  const parameters = [...weights, ...biases]
  const { updates } = adam({ parameters, gradients: gradients(loss, parameters) }, { rate: 1e-3 })
  return decodeModel(compile({ inputs: [x], state: updates, outputs: { loss } }).model)
}

/** A figure of this process in MiB, of Linux. */
const resident = (what: 'VmHWM' | 'VmRSS'): number => {
  const line = new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1] ?? NaN) / 1024
}
const shown = (times: readonly number[]): string => {
  const sorted = times.toSorted((a, b) => a - b)
  return `${sorted[0].toFixed(1)} / ${sorted[sorted.length >> 1].toFixed(1)} ms`
}

const model = positionals[0] === 'step' ? step() : initialisers()
const before = resident('VmRSS')
const [encode, decode]: number[][] = [[], []]
let bytes: Uint8Array = new Uint8Array()
for (let round = 0; round < Number(values.rounds); round++) {
  const started = performance.now()
  bytes = engine.encodeModel(model)
  const encoded = performance.now()
  engine.decodeModel(bytes)
  encode.push(encoded - started)
  decode.push(performance.now() - encoded)
}
console.log(`${model.graph.nodes.length} nodes, ${(bytes.length / 1e6).toFixed(2)} MB`)
console.log(`encode ${shown(encode)}, decode ${shown(decode)}`)
console.log(`peak ${(resident('VmHWM') - before).toFixed(0)} MiB over ${before.toFixed(0)}`)
console.log(createHash('sha256').update(bytes).digest('hex').slice(0, 16))
