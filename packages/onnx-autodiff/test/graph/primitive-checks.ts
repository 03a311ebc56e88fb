/**
 * What is checked of every primitive that has cases: values from onnxruntime against the plain reference kernels, gradients
 * and gradients of gradients against central differences in double precision.
 */
import {
  type CompileOptions,
  evaluate,
  gradients,
  input,
  inputName,
  Random,
  type Tensor,
} from 'onnx-autodiff'
import { runInParts } from '../run.js'
import { type Case, caseInputs } from './case.js'
import { centralDifferences, difference, places, spread, weighted } from './values.js'

const random = new Random(11, 'primitives')

/** A case with its inputs, outputs and gradients, and values for every input. */
export interface Instance {
  readonly name: string
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** float32 inputs, and what is differentiated: sum(y * seed), then sum(gradient * seed) of it. */
  readonly targets: readonly Tensor[]
  readonly losses: readonly Tensor[]
  readonly gradients: readonly Tensor[]
}

export const feeds: Record<string, Float64Array> = {}

function feed(tensor: Tensor, values: 'positive' | readonly number[] | undefined, offset: number): Tensor {
  const list = typeof values === 'object' ? Float64Array.from(values) : spread(tensor.shape, random, offset)
  feeds[inputName(tensor)] = values === 'positive' ? list.map((x) => Math.fround(Math.abs(x) + 0.2)) : list
  return tensor
}

export function instantiate(primitive: string, each: Case, index: number): Instance {
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

/** Values of outputs and gradients that differ between onnxruntime and the reference, a line each. */
export async function valueProblems(
  instances: readonly Instance[],
  options: CompileOptions = {},
): Promise<string[]> {
  const rows = instances.flatMap((each) => [
    ...each.outputs.map((tensor, i) => ({ name: `${each.name}, output ${i}`, tensor })),
    ...each.gradients.map((tensor, i) => ({ name: `${each.name}, gradient ${i}`, tensor })),
  ])
  const tensors = rows.map(({ tensor }) => tensor)
  const expected = evaluate(tensors, feeds)
  const got = await runInParts(tensors, feeds, options)
  return rows.flatMap(({ name }, i) => {
    const apart = difference(got[i], expected[i])
    return apart <= 2e-5 ? [] : [`${name}: ${apart.toExponential(1)}`]
  })
}

/** Gradients that differ from central differences, a line each. */
export function gradientProblems(instances: readonly Instance[]): string[] {
  return instances.flatMap(({ name, targets, losses, gradients: symbolic }) => {
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
}
