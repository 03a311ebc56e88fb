/**
 * Every primitive of the table: values from onnxruntime against the plain reference kernels, gradients and gradients of
 * gradients against central differences in double precision. A primitive without a case fails here.
 */
import { constant, erf, evaluate, validate } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { primitives as elementwise } from '../../src/graph/elementwise.js'
import { primitives as broadcast } from '../../src/graph/broadcast.js'
import { primitives as matmul } from '../../src/graph/matmul.js'
import { primitives as movement } from '../../src/graph/movement.js'
import { primitives as random } from '../../src/graph/random-uniform.js'
import { primitives as reduce } from '../../src/graph/reduce.js'
import { primitives as select } from '../../src/graph/select.js'
import { topologicalOrder } from '../../src/graph/walk.js'
import { primitives as map } from '../../src/spatial/map.js'
import { cases } from './cases.js'
import { gradientProblems, instantiate, valueProblems } from './primitive-checks.js'

const table = {
  ...elementwise,
  ...broadcast,
  ...movement,
  ...matmul,
  ...reduce,
  ...select,
  ...random,
  ...map,
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
    const used = topologicalOrder(outputs).filter(
      (node) => node.kind === 'primitive' && node.primitive === (table[name] as unknown),
    )
    expect(used.length, name).toBeGreaterThan(0)
  }
})

test('the recorded shapes and types are those of the rules', () => {
  validate(instances.flatMap((each) => [...each.outputs, ...each.gradients]))
})

test.each([{ contributed: true }, { contributed: false }])(
  'values: onnxruntime and reference ($contributed)',
  async (options) => expect(await valueProblems(instances, options)).toEqual([]),
)

test('gradients and their gradients: central differences', () => {
  expect(gradientProblems(instances)).toEqual([])
  // Seconds on an idle machine; minutes where many share it.
}, 600_000)

test('no primitive is used that the table does not list', () => {
  const used = topologicalOrder(instances.flatMap((each) => [...each.outputs, ...each.gradients])).flatMap(
    (node) => (node.kind === 'primitive' ? [node.primitive] : []),
  )
  const listed = new Set<unknown>(Object.values(table))
  expect([...new Set(used.filter((each) => !listed.has(each)).map(({ name }) => name))]).toEqual([])
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
