/**
 * Trains the small networks of `small-network.ts` through the engine: some eight times faster than in plain TypeScript
 * once a program is worth building.
 */
import {
  adam,
  add,
  type Arrays,
  gradients,
  input,
  logSoftmax,
  matmul,
  mul,
  type NamedArray,
  neg,
  openLocalSession,
  relu,
  type Step,
  sum,
  type Tensor,
} from 'onnx-autodiff'
import { featureMatrix } from '../numerics/matrix.js'
import { type Layer, type SmallTraining, withInputScale } from './small-network-training.js'

const array = (shape: readonly number[], data: Float32Array): NamedArray => ({
  dtype: 'float32',
  shape,
  data,
})

/** As `trainPlainly`, in float32. */
export async function trainByProgram(training: SmallTraining): Promise<Layer[]> {
  const { features, initial, inputScale, batchSize } = training
  const { program, initialState } = stepProgram(training, Math.min(batchSize, features.rows))
  // On the CPU and one thread wherever a job runs: products of 32 rows are too small to share or to copy elsewhere.
  const session = await openLocalSession(program, { threads: 1, state: initialState })
  try {
    const batches = batchesOf(training)
    const steps = training.epochs * Math.ceil(features.rows / batchSize)
    const draw = (): Arrays => inputsOf(batches.next().value ?? new Uint32Array(0), training)
    for await (const _ of session.advance({ from: 0, to: steps, draw }))
      await new Promise((resolve) => setImmediate(resolve))
    const state = await session.readState()
    return initial.map(({ weight: { rows, columns } }, l) => {
      const weight = featureMatrix(rows, columns, state[weightName(l)].data as Float32Array)
      const bias = state[biasName(l)].data as Float32Array
      return withInputScale({ weight, bias }, l === 0 ? inputScale : 1)
    })
  } finally {
    await session.close()
  }
}

const weightName = (layer: number): string => `layer ${layer}.weight`
const biasName = (layer: number): string => `layer ${layer}.bias`

/**
 * One step: `rows` [batch, columns], `targets` [batch, classes] and `shares` [batch], each row's part of the mean, 0 where a
 * batch is not full.
 */
function stepProgram({ initial, learningRate }: SmallTraining, batch: number) {
  const rows = input('rows', [batch, initial[0].weight.rows])
  const targets = input('targets', [batch, initial[initial.length - 1].bias.length])
  const shares = input('shares', [batch])
  const parameters: Tensor[] = []
  const initialState: Record<string, NamedArray> = { step: array([], new Float32Array(1)) }
  const keep = (name: string, shape: readonly number[], data: Float32Array): Tensor => {
    initialState[name] = array(shape, data)
    const variable = input(name, shape)
    parameters.push(variable)
    return variable
  }
  const logits = initial.reduce((x: Tensor, { weight, bias }, l) => {
    const w = keep(weightName(l), [weight.rows, weight.columns], weight.data)
    const b = keep(biasName(l), [bias.length], bias)
    return add(matmul(l === 0 ? x : relu(x), w), b)
  }, rows)
  const ofTarget = sum(mul(logSoftmax(logits), targets), [1])
  const loss = neg(sum(mul(ofTarget, shares)))
  const step = input('step', [])
  const now = add(step, 1)
  const optimised = adam(
    { parameters, gradients: gradients(loss, parameters) },
    { rate: learningRate, step: now },
  )
  const program: Step = {
    inputs: [rows, targets, shares],
    state: [{ variable: step, next: now }, ...optimised.updates],
    outputs: { loss },
  }
  return { program, initialState: { ...initialState, ...optimised.initialState } }
}

function* batchesOf({ epochs, batchSize, orderOf }: SmallTraining): Generator<Uint32Array, void> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = orderOf()
    for (let start = 0; start < order.length; start += batchSize)
      yield order.subarray(start, start + batchSize)
  }
}

function inputsOf(members: Uint32Array, { features, targets, inputScale, batchSize }: SmallTraining): Arrays {
  const { columns, data } = features
  const batch = Math.min(batchSize, features.rows)
  const rows = new Float32Array(batch * columns)
  const wanted = new Float32Array(batch * targets.columns)
  const shares = new Float32Array(batch)
  for (const [j, row] of members.entries()) {
    for (let k = 0; k < columns; k++) rows[j * columns + k] = inputScale * data[row * columns + k]
    wanted.set(targets.data.subarray(row * targets.columns, (row + 1) * targets.columns), j * targets.columns)
    shares[j] = 1 / members.length
  }
  return {
    rows: array([batch, columns], rows),
    targets: array([batch, targets.columns], wanted),
    shares: array([batch], shares),
  }
}
