/** Trains a small network to tell two spirals apart, exports it, and checks its accuracy on new points. */
import { adam, crossEntropy, gradients, input, linear, Parameters, silu } from 'onnx-autodiff'
import { BATCH_MARKER, openSession, Random, sequence } from 'onnx-autodiff'

function network(p: Parameters) {
  const layer = (name: string, inputs: number, outputs: number) => linear(p.scope(name), { inputs, outputs })
  return sequence(layer('first', 2, 32), silu, layer('second', 32, 32), silu, layer('last', 32, 2))
}

/** Points [n, 2] on two spirals, and which of the two each is on. */
function draw(n: number, random: Random) {
  const [xy, spiral] = [new Float32Array(2 * n), new Int32Array(n).map(() => random.integer(2))]
  spiral.forEach((side, i) => {
    const radius = Math.sqrt(random.uniform())
    const angle = Math.PI * (3 * radius + side)
    xy.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i)
  })
  const points = { dtype: 'float32', shape: [n, 2], data: xy } as const
  return { points, labels: { dtype: 'int32', shape: [n], data: spiral } as const }
}

// One training step: forward, backward and update.
const p = new Parameters()
const [points, labels] = [input('points', [128, 2]), input('labels', [128], 'int32')]
const loss = crossEntropy(network(p)(points), labels)
const pairs = { parameters: p.trained(), gradients: gradients(loss, p.trained()) }
const { updates, initialState } = adam(pairs, { rate: 0.01 })
const step = { inputs: [points, labels], state: updates, outputs: { loss } }

const training = await openSession(step, { state: { ...p.initialize(0), ...initialState } })
const batches = new Random(0, 'batches')
const steps = { from: 0, to: 800, draw: () => draw(128, batches) }
for await (const run of training.advance(steps))
  if (run.some(({ loss }) => !Number.isFinite(loss.data[0]))) throw new Error('loss (spirals): got no number')

// The same model code makes an ordinary ONNX model, for any number of points.
const some = input('points', [BATCH_MARKER, 2])
const outputs = { logits: network(new Parameters('evaluate'))(some) }
const use = await openSession({ inputs: [some], outputs, parameters: await training.readState() })
const test = draw(1000, new Random(0, 'test'))
const { logits } = await use.run({ points: test.points })
await Promise.all([training.close(), use.close()])

const found = test.labels.data.map((_, i) => Number(logits.data[2 * i + 1] > logits.data[2 * i]))
export const accuracy = found.filter((side, i) => side === test.labels.data[i]).length / 1000
if (accuracy < 0.98) throw new Error(`accuracy (spirals): got ${accuracy}, expected at least 0.98`)
