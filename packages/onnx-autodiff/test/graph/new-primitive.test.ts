/** What it takes to add a primitive: one entry, and its cases. This one stands in no table, and everything works with it. */
import { input, mul, sigmoid, type Tensor } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { unaryForm } from '../../src/graph/ordinary-form.js'
import { apply1, checkFloat, type Primitive } from '../../src/graph/tensor.js'
import { onImage, worstDifference } from '../onnx/ordinary.js'
import { type Case, one } from './case.js'
import { gradientProblems, instantiate, valueProblems } from './primitive-checks.js'

/** log(1 + exp(x)). */
const softplusPrimitive: Primitive<null> = {
  name: 'softplus',
  shape: ([x]) => {
    checkFloat('softplus', x)
    return [{ shape: x.shape, dtype: 'float32' }]
  },
  emit: (emitter, [x]) => [emitter.node('Softplus', [x])],
  ordinary: unaryForm,
  gradient: ({ inputs: [x] }, [dy]) => [dy ? mul(dy, sigmoid(x)) : null],
  reference: ([x]) => [x.data.map((value) => Math.log1p(Math.exp(value)))],
}
const softplus = (x: Tensor): Tensor => apply1(softplusPrimitive, [x], null)

const cases: readonly Case[] = [one('a matrix', [3, 4], softplus), one('a scalar', [], softplus)]
const instances = cases.map((each, i) => instantiate('softplus', each, i))

test('a new primitive passes the checks of the table', async () => {
  expect(await valueProblems(instances)).toEqual([])
  expect(gradientProblems(instances)).toEqual([])
})

test('a wrong gradient rule is found', () => {
  const wrong = {
    ...softplusPrimitive,
    gradient: ((_, [dy]) => [dy ?? null]) satisfies Primitive<null>['gradient'],
  }
  const each = one('a matrix', [3, 4], (x) => apply1(wrong, [x], null))
  expect(gradientProblems([instantiate('wrong', each, 0)])).not.toEqual([])
})

test('it has an ordinary form, and complains as others do', async () => {
  expect(await worstDifference(onImage(softplus))).toBeLessThan(1e-5)
  expect(() => softplus(input('places', [2], 'int32'))).toThrow(
    'softplus (dtype): got int32, expected float32',
  )
})
