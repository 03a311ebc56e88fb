/** What one program may hold: several losses with parameters of their own, and micro-batches. */
import {
  adam,
  add,
  batchNorm,
  binaryCrossEntropy,
  compile,
  concat,
  constant,
  gradients,
  input,
  type Layer,
  leakyRelu,
  linear,
  meanSquaredError,
  mul,
  groupNorm,
  convolution,
  Parameters,
  type Program,
  Random,
  reshape,
  sequence,
  silu,
  sgd,
  sizeOf,
  stopGradient,
  sum,
  sumOverSlices,
  type NamedArray,
  type Tensor,
  transpose,
  type Update,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { difference } from '../graph/values.js'
import { floats, numbers, steps } from './steps.js'

const draws = (name: string, shape: readonly number[]): NamedArray =>
  floats(new Random(0, name).fillNormal(new Float32Array(sizeOf(shape))), shape)

const BATCH = 8

/** A generator [batch, 2] -> [batch, 3], a critic [batch, 3] -> [batch, 1], and both losses of a GAN. */
function gan(): { p: Parameters; noise: Tensor; real: Tensor; lossD: Tensor; lossG: Tensor } {
  const p = new Parameters()
  const network = (q: Parameters, inputs: number, outputs: number): Layer => {
    const layers = [
      linear(q.scope('first'), { inputs, outputs: 16 }),
      linear(q.scope('last'), { inputs: 16, outputs }),
    ]
    return sequence(layers[0], (x) => leakyRelu(x, 0.2), layers[1])
  }
  const generate = network(p.scope('generator'), 2, 3)
  const criticise = network(p.scope('critic'), 3, 1)
  const [noise, real] = [input('noise', [BATCH, 2]), input('real', [BATCH, 3])]
  const fake = generate(noise)
  const all = (value: number): Tensor => constant(new Float64Array(BATCH).fill(value), [BATCH, 1])
  const lossD = add(
    binaryCrossEntropy(criticise(real), all(1)),
    binaryCrossEntropy(criticise(stopGradient(fake)), all(0)),
  )
  const lossG = binaryCrossEntropy(criticise(fake), all(1))
  return { p, noise, real, lossD, lossG }
}

test('a GAN step with both losses in one program equals one program for each loss', async () => {
  const update = (prefix: 'generator' | 'critic') => {
    const { p, noise, real, lossD, lossG } = gan()
    const parameters = p.trained(`${prefix}.`)
    const loss = prefix === 'critic' ? lossD : lossG
    return {
      p,
      noise,
      real,
      loss,
      ...adam({ parameters, gradients: gradients(loss, parameters) }, { rate: 0.01, name: prefix }),
    }
  }
  const { p, noise, real, lossD, lossG } = gan()
  const own = (prefix: string, loss: Tensor) => {
    const parameters = p.trained(`${prefix}.`)
    return adam({ parameters, gradients: gradients(loss, parameters) }, { rate: 0.01, name: prefix })
  }
  const [critic, generator] = [own('critic', lossD), own('generator', lossG)]
  const together = compile({
    inputs: [noise, real],
    state: [...critic.updates, ...generator.updates],
    outputs: { lossD, lossG },
  })
  const initial = p.initialize(3)
  const data = { noise: draws('noise', noise.shape), real: draws('real', real.shape) }
  const [joint] = await steps(together, { ...initial, ...critic.initialState, ...generator.initialState }, [
    data,
  ])

  for (const prefix of ['critic', 'generator'] as const) {
    const alone = update(prefix)
    const others = alone.p.all().filter((tensor) => !alone.p.trained(`${prefix}.`).includes(tensor))
    const kept = others.map((variable): Update => ({ variable, next: variable }))
    const program = compile({
      inputs: [alone.noise, alone.real],
      state: [...alone.updates, ...kept],
      outputs: { loss: alone.loss },
    })
    const [{ state, outputs }] = await steps(program, { ...initial, ...alone.initialState }, [data])
    expect(numbers(outputs.loss)[0]).toBeCloseTo(
      numbers(joint.outputs[prefix === 'critic' ? 'lossD' : 'lossG'])[0],
      6,
    )
    const names = Object.keys(state).filter((name) => name.startsWith(prefix))
    expect(names.length).toBe(4 + 1 + 2 * 4)
    for (const name of names)
      expect(difference(numbers(joint.state[name]), numbers(state[name])), name).toBeLessThan(1e-6)
    // Neither loss moves the other's parameters.
    const moved = Object.keys(initial).filter(
      (name) => difference(numbers(initial[name]), numbers(state[name])) > 0,
    )
    expect(moved.every((name) => name.startsWith(prefix))).toBe(true)
  }
})

/** A small convolutional regression, its batch whole or in slices. */
function regression(slices: number): { p: Parameters; program: Program } {
  const [size, channels] = [6, 4]
  const p = new Parameters()
  const first = convolution(p.scope('first'), { inChannels: 2, outChannels: channels, kernel: 3, padding: 1 })
  const norm = groupNorm(p.scope('norm'), channels, 2)
  const last = convolution(p.scope('last'), { inChannels: channels, outChannels: 2, kernel: 3, padding: 1 })
  const apply = sequence(first, norm, silu, last)
  const image = input('image', [size, size, BATCH, 2])
  const target = input('target', [size, size, BATCH, 2])
  const parameters = p.trained()
  const lossAndGradients = (x: Tensor, y: Tensor): Tensor[] => {
    const loss = meanSquaredError(apply(x), y)
    return [loss, ...gradients(loss, parameters)]
  }
  const sliced = (x: Tensor): Tensor =>
    transpose(reshape(x, [size, size, slices, BATCH / slices, 2]), [2, 0, 1, 3, 4])
  const [loss, ...found] =
    slices === 1
      ? lossAndGradients(image, target)
      : sumOverSlices([sliced(image), sliced(target)], ([x, y]) => lossAndGradients(x, y)).map((total) =>
          mul(total, 1 / slices),
        )
  const { updates } = sgd({ parameters, gradients: found }, { rate: 0.1 })
  return { p, program: compile({ inputs: [image, target], state: updates, outputs: { loss } }) }
}

test('a step in micro-batches equals the step on the whole batch', async () => {
  const data = { image: draws('image', [6, 6, BATCH, 2]), target: draws('target', [6, 6, BATCH, 2]) }
  const whole = regression(1)
  const state = whole.p.initialize(1)
  const expected = await steps(whole.program, state, [data, data, data])
  expect(numbers(expected[2].outputs.loss)[0]).toBeLessThan(numbers(expected[0].outputs.loss)[0])
  for (const slices of [2, 4, 8]) {
    const found = await steps(regression(slices).program, state, [data, data, data])
    found.forEach((step, i) => {
      expect(difference(numbers(step.outputs.loss), numbers(expected[i].outputs.loss))).toBeLessThan(1e-5)
      for (const name in state) {
        expect(
          difference(numbers(step.state[name]), numbers(expected[i].state[name])),
          `${slices} slices, ${name}`,
        ).toBeLessThan(1e-5)
      }
    })
  }
})

test('what is computed in a slice does not leave the loop but as a result', () => {
  const p = new Parameters()
  const x = input('x', [2, 4, 3])
  const norm = batchNorm(p.scope('norm'), 3)
  const found = sumOverSlices([x], ([slice]) => {
    const y = norm(slice)
    return gradients(sum(mul(y, y)), p.trained())
  })
  const { updates } = sgd({ parameters: p.trained(), gradients: found }, { rate: 1 })
  expect(() => compile({ inputs: [x], state: [...updates, ...p.bufferUpdates()], outputs: {} })).toThrow(
    /got a tensor of one round of sumOverSlices outside of it, expected it among the results of the loop/,
  )
})

test('two optimisers in one program need names of their own, and say so', () => {
  const p = new Parameters()
  const [a, b] = ['a', 'b'].map((name) => p.get(name, [2], () => new Float32Array(2)))
  const loss = meanSquaredError(concat([a, b], 0), input('target', [4]))
  const of = (tensor: Tensor) =>
    adam({ parameters: [tensor], gradients: gradients(loss, [tensor]) }, { rate: 0.1 }).updates
  expect(() =>
    compile({ inputs: [input('target', [4])], state: [...of(a), ...of(b)], outputs: { loss } }),
  ).toThrow('compile (inputs): got the name "adam/step" twice, expected each once')
})
