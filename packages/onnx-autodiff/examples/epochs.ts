/** Trains a transformer block to say which of five numbers is the largest, and looks at how it does. */
import { accuracy, cosineDecay, crossEntropy, earlyStopping, input, linear, Parameters } from 'onnx-autodiff'
import {
  adamW,
  openSession,
  predictedClasses,
  Random,
  reshape,
  summarise,
  train,
  transformerBlock,
} from 'onnx-autodiff'
import type { Tensor } from 'onnx-autodiff'

const LENGTH = 5

/** Numbers [batch, 5] -> logits [batch, 5]. */
function network(p: Parameters) {
  const embed = linear(p.scope('embed'), { inputs: 1, outputs: 16 })
  const block = transformerBlock(p.scope('block'), { channels: 16, heads: 2, dropout: 0.05 })
  const score = linear(p.scope('score'), { inputs: 16, outputs: 1 })
  return (x: Tensor): Tensor => {
    const batch = x.shape[0]
    return reshape(score(block(embed(reshape(x, [batch, LENGTH, 1])))), [batch, LENGTH])
  }
}

function draw(count: number, name: string) {
  const x = new Random(0, name).fillUniform(new Float32Array(count * LENGTH))
  const rows = { dtype: 'float32', shape: [count, LENGTH], data: x } as const
  return { x: rows, labels: { dtype: 'int32', shape: [count], data: predictedClasses(rows) } as const }
}

const [data, validation, test] = [draw(500, 'training'), draw(100, 'validation'), draw(200, 'test')]
const { parameters, history } = await train(
  (p, { x, labels }) => ({ loss: crossEntropy(network(p)(x), labels) }),
  data,
  {
    epochs: 12,
    validation,
    optimiser: (pairs) => adamW(pairs, { rate: cosineDecay(0.01, 12 * 16) }),
    callbacks: [earlyStopping({ patience: 3 })],
  },
)

const p = new Parameters('evaluate')
const x = input('x', [200, LENGTH])
const logits = network(p)(x)
export const layers = summarise(logits, p).text
const state = p.all().map((variable) => ({ variable, next: variable }))
const use = await openSession({ inputs: [x], state, outputs: { logits } }, { state: parameters })
const found = predictedClasses((await use.run({ x: test.x })).logits)
await use.close()

export const right = accuracy(test.labels.data, found)
if (right < 0.9) throw new Error(`accuracy (epochs, ${history.length}): got ${right}, expected at least 0.9`)
