/**
 * Every primitive of the table: values from onnxruntime against the plain reference kernels, gradients and gradients of
 * gradients against central differences in double precision. A primitive without a case fails here.
 */
import {
  constant,
  erf,
  evaluate,
  gradients,
  input,
  inputName,
  Random,
  type Tensor,
  validate,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { primitives as elementwise } from '../../src/graph/elementwise.js'
import { primitives as matmul } from '../../src/graph/matmul.js'
import { primitives as movement } from '../../src/graph/movement.js'
import { primitives as reduce } from '../../src/graph/reduce.js'
import { primitives as select } from '../../src/graph/select.js'
import { topologicalOrder } from '../../src/graph/walk.js'
import { primitives as map } from '../../src/spatial/map.js'
import { runInParts } from '../run.js'
import { type Case, caseInputs } from './case.js'
import { cases } from './cases.js'
import { centralDifferences, difference, places, spread, weighted } from './values.js'

const table = { ...elementwise, ...movement, ...matmul, ...reduce, ...select, ...map }
const random = new Random(11, 'primitives')

interface Instance {
  readonly name: string
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** float32 inputs, and what is differentiated: sum(y * seed), then sum(gradient * seed) of it. */
  readonly targets: readonly Tensor[]
  readonly losses: readonly Tensor[]
  readonly gradients: readonly Tensor[]
}

const feeds: Record<string, Float64Array> = {}

function feed(tensor: Tensor, values: 'positive' | readonly number[] | undefined, offset: number): Tensor {
  const list = typeof values === 'object' ? Float64Array.from(values) : spread(tensor.shape, random, offset)
  feeds[inputName(tensor)] = values === 'positive' ? list.map((x) => Math.fround(Math.abs(x) + 0.2)) : list
  return tensor
}

function instantiate(primitive: string, each: Case, index: number): Instance {
  const prefix = `${primitive} ${index}`
  const inputs = caseInputs(each, prefix)
  inputs.forEach((tensor, i) => feed(tensor, each.inputs[i].values, (2 * i) / 3))
  const built = each.build(inputs)
  const outputs = Array.isArray(built) ? (built as Tensor[]) : [built as Tensor]
  const instance = {
    name: `${primitive}: ${each.what}`,
    inputs,
    outputs,
    targets: [],
    losses: [],
    gradients: [],
  }
  if (each.withoutGradient) return instance
  const targets = inputs.filter(({ dtype }) => dtype === 'float32')
  const seedsFor = (tensors: readonly Tensor[], what: string): Tensor[] =>
    tensors.map(({ shape }, i) => feed(input(`${prefix} ${what} ${i}`, shape), undefined, 0.4))
  const seeds = seedsFor(outputs, 'seed')
  const first = weighted(outputs, seeds)
  const firstGradients = gradients(first, targets)
  // The second gradients flow to the seeds as well: a gradient is linear in what arrives at it.
  const second = weighted(firstGradients, seedsFor(targets, 'second seed'))
  const both = [...targets, ...seeds]
  return {
    ...instance,
    targets: both,
    losses: [first, second],
    gradients: [...firstGradients, ...gradients(second, both)],
  }
}

const instances = Object.entries(cases).flatMap(([primitive, list]) =>
  list.map((each, index) => instantiate(primitive, each, index)),
)

test('every primitive of the table has cases, and they use it', () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(table).sort())
  for (const name of Object.keys(table)) {
    const outputs = instances
      .filter((each) => each.name.startsWith(`${name}: `))
      .flatMap((each) => each.outputs)
    const used = topologicalOrder(outputs).filter((node) => node.primitive === (table[name] as unknown))
    expect(used.length, name).toBeGreaterThan(0)
  }
})

test('the recorded shapes and types are those of the rules', () => {
  validate(instances.flatMap((each) => [...each.outputs, ...each.gradients]))
})

test.each([{ contributed: true }, { contributed: false }])(
  'values: onnxruntime and reference ($contributed)',
  async (options) => {
    const rows = instances.flatMap((each) => [
      ...each.outputs.map((tensor, i) => ({ name: `${each.name}, output ${i}`, tensor })),
      ...each.gradients.map((tensor, i) => ({ name: `${each.name}, gradient ${i}`, tensor })),
    ])
    const tensors = rows.map(({ tensor }) => tensor)
    const expected = evaluate(tensors, feeds)
    const got = await runInParts(tensors, feeds, options)
    const wrong = rows.flatMap(({ name }, i) => {
      const apart = difference(got[i], expected[i])
      return apart <= 2e-5 ? [] : [`${name}: ${apart.toExponential(1)}`]
    })
    expect(wrong).toEqual([])
  },
)

test('gradients and their gradients: central differences', () => {
  const wrong = instances.flatMap(({ name, targets, losses, gradients: symbolic }) => {
    if (losses.length === 0) return []
    const [first, second] = losses
    const inputs = targets.slice(0, symbolic.length - targets.length)
    const rows = [
      ...inputs.map((target) => ({ loss: first, target })),
      ...targets.map((target) => ({ loss: second, target })),
    ]
    const values = evaluate(symbolic, feeds)
    return rows.flatMap(({ loss, target }, i) => {
      const at = places(values[i].length, i < inputs.length ? 8 : 3)
      const expected = centralDifferences(loss, inputName(target), feeds, at)
      const apart = difference(
        at.map((k) => values[i][k]),
        expected,
      )
      return apart <= 1e-6
        ? []
        : [
            `${name}, ${i < inputs.length ? 'first' : 'second'}, by ${inputName(target)}: ${apart.toExponential(1)}`,
          ]
    })
  })
  expect(wrong).toEqual([])
})

test('the reference kernel of erf: tabulated values (Abramowitz and Stegun, table 7.1, and mpmath)', () => {
  const values = {
    0: 0,
    0.5: 0.5204998778130465,
    1: 0.8427007929497149,
    2: 0.9953222650189527,
    2.6: 0.9997639655834707,
    3: 0.9999779095030014,
    4: 0.9999999845827421,
    5: 0.9999999999984626,
    9: 1,
  }
  for (const [x, expected] of Object.entries(values)) {
    const [got] = evaluate([erf(constant([Number(x), -Number(x)], [2]))])
    expect(Math.abs(got[0] - expected)).toBeLessThan(3e-15)
    expect(got[1]).toBeCloseTo(-got[0], 15)
  }
  expect(evaluate([erf(constant([Infinity, NaN], [2]))])[0]).toEqual(Float64Array.of(1, NaN))
})
