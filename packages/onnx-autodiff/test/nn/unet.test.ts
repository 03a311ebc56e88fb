/**
 * A whole training step of a small residual UNet against PyTorch: forward, every gradient, parameters after Adam, and
 * the losses of five steps, all by one compiled program.
 */
import {
  adam,
  compile,
  gradients,
  input,
  inputName,
  meanSquaredError,
  type NamedArray,
  openLocalSession,
  Parameters,
  type Step,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { difference } from '../graph/values.js'
import { array, cases, imageOrPlain, number, parameter, plain } from './reference.js'
import { unet } from './unet.js'

/** The largest difference in units of the largest expected value. */
function relative(got: ArrayLike<number>, expected: Float64Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return difference(
    Float64Array.from(got, (value) => value / scale),
    expected.map((value) => value / scale),
  )
}

test('a UNet training step equals PyTorch', async () => {
  const [[step], [gradientCase], [updated]] = ['unet_step', 'unet_step_gradients', 'unet_step_updated'].map(
    (name) => cases(`${name}.json`),
  )
  const p = new Parameters()
  const options = {
    width: number(step, 'width'),
    timeEmbedding: number(step, 'timeEmbedding'),
    groups: number(step, 'groups'),
  }
  const apply = unet(p, options)
  const data = Object.fromEntries(
    (['image', 'time', 'target'] as const).map((name) => [name, array(imageOrPlain(step.inputs[name]))]),
  )
  const image = input('image', data.image.shape)
  const time = input('time', data.time.shape)
  const target = input('target', data.target.shape)
  const prediction = apply(image, time)
  const loss = meanSquaredError(prediction, target)

  const parameters = p.trained()
  const names = parameters.map(inputName)
  const found = gradients(loss, parameters)
  const { updates, initialState } = adam(
    { parameters, gradients: found },
    { rate: number(step, 'learningRate'), epsilon: number(step, 'epsilon') },
  )
  const asOutputs = Object.fromEntries(names.map((name, i) => [`gradient ${name}`, found[i]]))
  const all: Step['outputs'] = { prediction, loss, ...asOutputs }
  const program = compile({
    inputs: [image, time, target],
    state: updates,
    outputs: all,
  })
  const weights = Object.fromEntries(
    names.map((name): [string, NamedArray] => [name, array(parameter(step.inputs[name]))]),
  )
  const session = await openLocalSession(program, { threads: 1, state: { ...weights, ...initialState } })

  const outputs = await session.run(data)
  const after = await session.readState()
  const losses = [(outputs.loss.data as Float32Array)[0]]
  while (losses.length < step.outputs.loss.data.length)
    losses.push(((await session.run(data)).loss.data as Float32Array)[0])
  await session.close()

  const errors = [
    [
      'prediction',
      relative(outputs.prediction.data as Float32Array, imageOrPlain(step.outputs.prediction).data),
    ],
    ['losses', relative(losses, plain(step.outputs.loss).data)],
    ...names.flatMap((name) => [
      [
        `gradient ${name}`,
        relative(
          outputs[`gradient ${name}`].data as Float32Array,
          parameter(gradientCase.gradients[name]).data,
        ),
      ],
      [`updated ${name}`, relative(after[name].data as Float32Array, parameter(updated.outputs[name]).data)],
    ]),
  ] as [string, number][]
  expect(Object.keys(gradientCase.gradients).sort()).toEqual([...names].sort())
  expect(errors.filter(([, error]) => !(error < 1e-4))).toEqual([])
})
