/** Many steps in one run equal as many runs of one step, bit for bit. */
import {
  adam,
  compile,
  gradients,
  input,
  linear,
  meanSquaredError,
  openLocalSession,
  Parameters,
  Random,
  tanh,
  type Arrays,
  type NamedArray,
  type Program,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'

const STEPS = 7
const BATCH = 5

function trainable(manySteps: boolean): { program: Program; state: Arrays } {
  const p = new Parameters()
  const x = input('x', [BATCH, 3])
  const target = input('target', [BATCH, 2])
  const first = linear(p.scope('first'), { inputs: 3, outputs: 4 })
  const second = linear(p.scope('second'), { inputs: 4, outputs: 2 })
  const loss = meanSquaredError(second(tanh(first(x))), target)
  const { updates, initialState } = adam(
    { parameters: p.trained(), gradients: gradients(loss, p.trained()) },
    { rate: 0.01 },
  )
  const program = compile({ inputs: [x, target], state: updates, outputs: { loss } }, { manySteps })
  return { program, state: { ...p.initialize(0), ...initialState } }
}

const random = new Random(0, 'step loop')
const drawn = (count: number, columns: number): Float32Array =>
  random.fillNormal(new Float32Array(count * BATCH * columns))
const all = { x: drawn(STEPS, 3), target: drawn(STEPS, 2) }
const columns = { x: 3, target: 2 }

/** Inputs of steps `from` to `to - 1`. */
function inputsOf(from: number, to: number): Arrays {
  const part = (name: 'x' | 'target'): NamedArray => {
    const length = BATCH * columns[name]
    const shape = [BATCH, columns[name]]
    const data = all[name].slice(from * length, to * length)
    return { dtype: 'float32', shape, data }
  }
  return { x: part('x'), target: part('target') }
}

async function run(
  cuts: readonly number[],
  manySteps: boolean,
): Promise<{ losses: number[]; state: Arrays }> {
  const { program, state } = trainable(manySteps)
  const session = await openLocalSession(program, { state, threads: 1 })
  const losses: number[] = []
  for (const [i, to] of cuts.slice(1).entries()) {
    const draw = (step: number): Arrays => inputsOf(step, step + 1)
    for await (const outputs of session.advance({ from: cuts[i], to, draw }))
      losses.push(...outputs.map(({ loss }) => Number(loss.data[0])))
  }
  const result = { losses, state: await session.readState() }
  await session.close()
  return result
}

test('seven steps one by one, at once, and in runs of three, one and three', async () => {
  const single = await run([0, 1, 2, 3, 4, 5, 6, 7], false)
  expect(single.losses).toHaveLength(STEPS)
  for (const cuts of [
    [0, 7],
    [0, 3, 4, 7],
  ]) {
    const together = await run(cuts, true)
    expect(together.losses).toEqual(single.losses)
    expect(together.state).toEqual(single.state)
  }
})

test('the program says that its first extent is free, and that it takes many steps', () => {
  const { program } = trainable(true)
  expect(program.manySteps).toBe(true)
  expect(program.inputs.x.shape).toEqual([-1, BATCH, 3])
  expect(program.outputs.loss.shape).toEqual([-1])
})

test('without inputs there is nothing to count steps by', () => {
  const w = input('w', [])
  const compiled = () =>
    compile({ state: [{ variable: w, next: w }], outputs: { loss: w } }, { manySteps: true })
  expect(compiled).toThrow('compile (manySteps): got no inputs, expected at least one')
})
